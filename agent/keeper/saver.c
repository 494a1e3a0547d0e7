#include "agent/keeper/saver.h"

#include "base/log.h"

#include <errno.h>
#include <unistd.h>

static int save(const struct identity *identity, const struct config *config,
    const struct keeper_message *m)
{
	char why[PRIVILEGES_TEXT_MAX];

	if (!privileges_drop(identity, false, why)) {
		log_warning("cannot save the drift: %s", why);
		return 1;
	}
	keeper_save(config, m);
	return 0;
}

int saver_start(struct saver *s, const struct identity *identity,
    const struct config *config, const struct keeper_message *m)
{
	pid_t parent = getpid();
	int forked;

	if (saver_at_work(s))
		return -EBUSY;
	forked = child_fork(&s->child, "saver");
	if (forked == 0) {
		/* Above all the pipe whose end tells the guard that the keeper
		 * is gone. */
		close_range(STDERR_FILENO + 1, ~0U, 0);
		_exit(child_follow(parent) ? save(identity, config, m) : 1);
	}
	s->at_work = forked > 0;
	return forked > 0 ? 0 : forked;
}

bool saver_at_work(struct saver *s)
{
	if (s->at_work && children_reap(&s->child, 1))
		s->at_work = false;
	return s->at_work;
}
