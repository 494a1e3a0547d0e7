#include "agent/loop/changes.h"

#include "agent/engine/disturbance.h"
#include "agent/engine/sources.h"
#include "agent/host/clocks.h"
#include "base/log.h"
#include "resolver/certificate/trust.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

void changes_init(struct changes *c, struct mono now)
{
	network_init(&c->network, now);
	watch_init(&c->trust);
	c->alarm_fd = -1;
}

/* The files may have changed although their contents have not: a link was set
 * again, or a file was touched. */
static bool other_trust(struct changes *c)
{
	uint8_t before[TRUST_FINGERPRINT_LEN];

	memcpy(before, c->fingerprint, sizeof(before));
	return trust_fingerprint(c->trust_config, c->fingerprint) &&
	       memcmp(before, c->fingerprint, sizeof(before)) != 0;
}

static_assert(TRUST_READ_PATHS_MAX <= WATCH_PATHS_MAX, "all are watched");

bool changes_watch_trust(struct changes *c, const struct trust_config *trust)
{
	const char *places[TRUST_READ_PATHS_MAX];
	unsigned count = trust_read_paths(trust, places);
	int err = watch_open(&c->trust, places, count);

	if (err)
		log_info("changes of trusted certificates will not be noticed: "
			 "%s",
		    watch_error(err));
	c->trust_config = trust;
	return other_trust(c);
}

static void say_no_alarm(int err)
{
	log_info("small steps of the clock by other programs will not be "
		 "noticed (timerfd): %s",
	    strerror(err));
}

static void hear_alarm(struct changes *c)
{
	int rang = clocks_rearm(c->alarm_fd);

	c->clock_was_set |= rang == ALARM_RANG;
	if (rang >= 0)
		return;
	say_no_alarm(-rang);
	close(c->alarm_fd);
	c->alarm_fd = -1;
}

void changes_open(struct changes *c, const struct trust_config *trust)
{
	int err = network_open(&c->network);

	if (err)
		log_info("changes of the network will not be noticed: %s",
		    strerror(-err));
	(void)changes_watch_trust(c, trust);
	c->alarm_fd = clocks_open_alarm();
	if (c->alarm_fd < 0)
		say_no_alarm(-c->alarm_fd);
}

void changes_close(struct changes *c)
{
	network_close(&c->network);
	watch_close(&c->trust);
	if (c->alarm_fd >= 0)
		close(c->alarm_fd);
	c->alarm_fd = -1;
}

nfds_t changes_pollfds(const struct changes *c, struct pollfd fds[])
{
	const int all[CHANGES_FDS] = {c->network.fd,
	    watch_listens(&c->trust) ? c->trust.fd : -1, c->alarm_fd};
	nfds_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i] >= 0)
			fds[n++] = (struct pollfd){all[i], POLLIN, 0};
	return n;
}

bool changes_hear(struct changes *c, int fd, struct mono now)
{
	if (fd == c->network.fd)
		network_read(&c->network);
	else if (fd == c->trust.fd)
		watch_read(&c->trust, now);
	else if (fd == c->alarm_fd)
		hear_alarm(c);
	else
		return false;
	return true;
}

struct mono changes_deadline(const struct changes *c)
{
	return mono_earlier(
	    network_deadline(&c->network), watch_deadline(&c->trust));
}

bool changes_heed(struct changes *c, struct engine *e, struct clock_reading now)
{
	if (c->clock_was_set)
		engine_clock_was_set(e);
	c->clock_was_set = false;
	if (network_take(&c->network, now.mono)) {
		log_debug("addresses, routes or links have changed");
		engine_retry_early(e, RETRY_NETWORK, NULL, now);
	}
	if (!watch_take(&c->trust, now.mono))
		return false;
	log_debug("files of trusted certificates or revocation lists have "
		  "changed");
	engine_retry_early(e, RETRY_TRUST, NULL, now);
	if (!other_trust(c))
		return false;
	log_notice("the trusted certificates or revocation lists have changed: "
		   "new keys are exchanged within five minutes");
	engine_distrust(e, now);
	return true;
}
