#include "agent/keeper/saver.h"

#include "agent/host/clocks.h"
#include "agent/link/start_link.h"
#include "agent/saved/sealed_text.h"
#include "agent/saved/trouble.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct save_order order_of(const struct config *config,
    const struct seal_key *seal, const struct keeper_message *m)
{
	struct save_order o = {
	    .seal = *seal,
	    .freq_ppm = m->freq_ppm,
	    .freq_sd_ppm = m->freq_sd_ppm,
	    .good_time_s = m->good_time_s,
	};

	snprintf(o.driftfile, sizeof(o.driftfile), "%s", config->driftfile);
	snprintf(o.goodtime_file, sizeof(o.goodtime_file), "%s",
	    config->goodtime_file);
	return o;
}

static int save_drift(const struct save_order *o)
{
	const struct sealed_text text = {&o->seal, DRIFT_KIND};
	const struct file_seal seal = sealed_text_of(&text);

	return drift_file_save(
	    o->driftfile, &seal, o->freq_ppm, o->freq_sd_ppm);
}

static int save_good_time(const struct save_order *o)
{
	const struct sealed_text text = {&o->seal, GOOD_TIME_KIND};
	const struct file_seal seal = sealed_text_of(&text);

	return last_good_time_save(o->goodtime_file, &seal, o->good_time_s);
}

/* Does the file have a later time, which has passed, too? Only an engine that a
 * server has taken over goes back: it wants a later start to take old keys. */
static bool goes_back(const struct save_order *o, int64_t now_s)
{
	const struct sealed_text text = {&o->seal, GOOD_TIME_KIND};
	const struct file_seal seal = sealed_text_of(&text);
	int64_t was_s;

	return last_good_time_load(o->goodtime_file, &seal, &was_s) == 0 &&
	       was_s > o->good_time_s && was_s <= now_s;
}

/* Returns an enum saver_answer about the first file that cannot be written. */
static int carry_out(const struct save_order *o)
{
	int64_t now_s = clocks_read(false).wall.ns / NS_PER_S + 1;
	int drift = 0, good_time = 0;

	if (o->driftfile[0])
		drift = save_drift(o);
	/* A good time ahead of the clock would keep later starts from taking
	 * the right time. */
	if (o->goodtime_file[0] && o->good_time_s != 0 &&
	    o->good_time_s <= now_s && !goes_back(o, now_s))
		good_time = save_good_time(o);
	return drift ? saver_answer_of(drift, false)
		     : saver_answer_of(good_time, true);
}

int keeper_save(const struct config *config, const struct seal_key *seal,
    const struct keeper_message *m)
{
	struct save_order o = order_of(config, seal, m);
	int answer = carry_out(&o);

	explicit_bzero(&o, sizeof(o));
	return answer;
}

int saver_main(int fd)
{
	struct save_order o = {.freq_ppm = 0};
	int answer;

	(void)mlock(&o.seal, sizeof(o.seal));
	if (!start_receive(fd, &o, sizeof(o)) || !save_order_valid(&o))
		return SAVER_BROKEN;
	answer = carry_out(&o);
	explicit_bzero(&o, sizeof(o));
	return answer;
}

int saver_start(struct saver *s, const struct config *config,
    const struct keeper_message *m)
{
	struct save_order o;
	int link[2], err;

	if (saver_at_work(s))
		return -EBUSY;
	err = child_link(link);
	if (err)
		return err;
	err = s->starter->start(s->starter->self, "saver", link, &s->child);
	s->at_work = err == 0;
	/* It reads the order from the closed link. */
	o = order_of(config, s->seal, m);
	if (!err && !start_send(link[0], &o, sizeof(o)))
		err = -EPIPE;
	explicit_bzero(&o, sizeof(o));
	close(link[0]);
	close(link[1]);
	return err;
}

bool saver_at_work(struct saver *s)
{
	if (s->at_work && children_reap(&s->child, 1)) {
		s->at_work = false;
		s->answered = true;
	}
	return s->at_work;
}

bool saver_take_answer(struct saver *s, int *answer)
{
	bool fresh = s->answered;

	s->answered = false;
	if (fresh)
		*answer = WIFEXITED(s->child.status)
			      ? WEXITSTATUS(s->child.status)
			      : SAVER_BROKEN;
	return fresh;
}
