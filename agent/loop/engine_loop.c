#include "agent/loop/engine_loop.h"

#include "agent/engine/adopt.h"
#include "agent/keeper/saver.h"
#include "agent/link/config_link.h"
#include "agent/loop/changes.h"
#include "agent/loop/udp.h"
#include "agent/query/control_socket.h"
#include "agent/engine/engine.h"
#include "agent/saved/keyring.h"
#include "agent/query/status_socket.h"
#include "agent/loop/sample_file.h"
#include "agent/query/orders.h"
#include "agent/link/resolver_link.h"
#include "agent/host/clocks.h"
#include "agent/host/rivals.h"
#include "agent/query/status.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/* keeper (two), resolver, signals, changes, both sockets and their clients, one
 * UDP socket a source */
#define FDS_MAX                                                                \
	(6 + CHANGES_FDS + STATUS_CLIENTS_MAX + CONTROL_CLIENTS_MAX +          \
	    SOURCES_MAX)
#define REPORTS_MAX 8

static volatile sig_atomic_t end_asked;

/* Each source has a job of its own, however long another one hangs. */
static_assert(RESOLVER_JOBS_MAX >= SOURCES_MAX, "RESOLVER_JOBS_MAX");

/* Everything around the engine. */
struct engine_loop {
	struct engine engine;
	struct udp udp;
	/* Whence the last requests left; family 0: there was no way. */
	struct endpoint from[SOURCES_MAX];
	struct status_socket observer;
	struct control control;
	unsigned long step_client; /* waits for its step; 0: nobody */
	struct changes changes;
	struct keyring keyring;
	struct sample_file recall;
	struct resolver_link questions;
	const struct config *config;
	struct config *own_config;   /* `config` after a reload, else NULL */
	unsigned long reload_client; /* waits for a reload; 0: nobody */
	uint32_t reload_serial;
	struct reload_result reload;
	const struct engine_links *links;
	int signal_fd; /* -1: by handler */
	bool broken;   /* a link is gone */
	/* --single-process: what the ports were asked, done after the event.
	 */
	unsigned report_count;
	struct keeper_report reports[REPORTS_MAX];
	char rival[RIVALS_TEXT_MAX];
	/* Frames are too large for a stack that should stay small. */
	struct ke_answer answer;
	struct datagram datagram;
};

static void on_signal(int number)
{
	(void)number;
	end_asked = 1;
}

/* With a process of its own the engine gets signals as a descriptor, so that
 * none is lost between a look and poll(2). The simulator has no signalfd; its
 * poll(2) returns EINTR. Returns the descriptor, or -1. */
static int catch_signals(const struct engine_links *links)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t ends;

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	if (links->keeper)
		return -1;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	return signalfd(-1, &ends, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ns_of_timespec(&ts);
}

/* A simulator has its own two clocks. */
static struct clock_reading reading_now(const struct engine_loop *p)
{
	return clocks_read(p->links->keeper == NULL);
}

/* The ports. */

static int port_send(void *self, unsigned slot, const struct endpoint *to,
    const uint8_t *bytes, size_t len)
{
	struct engine_loop *p = self;
	int err = udp_send(&p->udp, slot, to, bytes, len);

	/* For port_rerouted, which a simulator has no use for. */
	if (!p->links->keeper && !udp_local(&p->udp, slot, &p->from[slot]))
		p->from[slot] = (struct endpoint){0};
	return err;
}

static bool port_rerouted(void *self, unsigned slot, const struct endpoint *to)
{
	struct engine_loop *p = self;
	struct endpoint before = p->from[slot], now;

	p->from[slot] = (struct endpoint){0};
	if (!udp_route(to, &now))
		return false;
	p->from[slot] = now;
	return !endpoint_same_host(&before, &now);
}

static void port_close(void *self, unsigned slot)
{
	struct engine_loop *p = self;

	udp_close(&p->udp, slot);
}

static void port_ask(void *self, const struct ke_request *request)
{
	struct engine_loop *p = self;

	if (!resolver_link_ask(&p->questions, request))
		p->broken = true;
}

static void direct_command(
    struct engine_loop *p, const struct keeper_message *m)
{
	if (m->kind == KEEPER_MESSAGE_SAVE)
		keeper_save(p->config, m);
	else if (p->report_count < REPORTS_MAX)
		keeper_apply(p->links->keeper, &m->command, m->serial,
		    (struct mono){read_clock(CLOCK_MONOTONIC)},
		    &p->reports[p->report_count++]);
}

static void port_command(void *self, const struct keeper_message *m)
{
	struct engine_loop *p = self;

	if (p->links->keeper)
		direct_command(p, m);
	else if (keeper_send_message(p->links->keeper_fd, m) != 1)
		p->broken = true;
}

static void port_random(void *self, void *out, size_t len)
{
	(void)self;
	/* Up to 256 bytes are given whole or not at all (getrandom(2)); a
	 * kernel without randomness is no place to do NTS in. */
	if (getrandom(out, len, 0) != (ssize_t)len)
		abort();
}

static void port_save_keys(void *self, unsigned slot, struct saved_keys *keys)
{
	struct engine_loop *p = self;
	const struct source_config *source = p->engine.sources[slot].config;

	if (keys)
		keyring_save(&p->keyring, source, keys);
	else
		keyring_forget(&p->keyring, source);
}

static const char *port_rival(void *self)
{
	struct engine_loop *p = self;

	if (p->links->keeper || !rivals_find("/proc", p->rival))
		return NULL;
	return p->rival;
}

static void port_save_samples(void *self)
{
	struct engine_loop *p = self;

	sample_file_save(&p->recall, &p->engine);
}

/* What --single-process left to do. */

/* All jobs first, then all answers: a request that went out between two jobs
 * would have its answer stamped only when the second one is done. */
static void run_jobs(struct engine_loop *p)
{
	struct ke_answer *answers;
	unsigned count = p->questions.count;

	if (count == 0)
		return;
	answers = calloc(count, sizeof(*answers));
	if (!answers) {
		p->broken = true;
		return;
	}
	for (unsigned i = 0; i < count && !end_asked; i++)
		resolver_job(
		    &p->questions.waiting[i], &p->config->trust, &answers[i]);
	p->questions.count = 0;
	for (unsigned i = 0; i < count && !end_asked; i++)
		engine_on_keys(&p->engine, &answers[i], reading_now(p));
	explicit_bzero(answers, count * sizeof(*answers));
	free(answers);
}

static void run_keeper(struct engine_loop *p)
{
	struct mono now = {read_clock(CLOCK_MONOTONIC)};

	if (p->report_count < REPORTS_MAX &&
	    keeper_tick(p->links->keeper, now, &p->reports[p->report_count]))
		p->report_count++;
	while (p->report_count > 0) {
		struct keeper_report report = p->reports[0];

		p->report_count--;
		memmove(&p->reports[0], &p->reports[1],
		    p->report_count * sizeof(report));
		engine_on_report(&p->engine, &report, reading_now(p));
	}
}

/* What poll(2) found. */

static void hear_keeper(struct engine_loop *p)
{
	struct keeper_report report;
	int got;

	while ((got = keeper_receive_report(p->links->keeper_fd, &report)) == 1)
		engine_on_report(&p->engine, &report, reading_now(p));
	if (got < 0)
		p->broken = true;
}

static void hear_resolver(struct engine_loop *p)
{
	int got;

	while ((got = frame_receive_answer(
		    p->links->resolver_fd, &p->answer)) == 1)
		engine_on_keys(&p->engine, &p->answer, reading_now(p));
	explicit_bzero(&p->answer, sizeof(p->answer));
	if (got < 0 || !resolver_link_send(&p->questions, &p->config->trust))
		p->broken = true;
}

static void hear_udp(struct engine_loop *p, unsigned slot, short revents)
{
	if (udp_ready(&p->udp, slot, revents, &p->datagram))
		engine_on_datagram(&p->engine, &p->datagram, reading_now(p));
}

static void hear_status(struct engine_loop *p, const struct pollfd *fd)
{
	struct clock_reading now;
	size_t client;

	if (fd->fd != p->observer.listen_fd) {
		status_socket_writable(&p->observer, fd->fd);
		return;
	}
	now = reading_now(p);
	if (status_socket_accept(&p->observer, now.mono, &client))
		status_socket_answer(
		    &p->observer, client, status_json(&p->engine, now));
}

/* Keys must not come to lie in a swap file. */
static void keep_in_memory(const void *secrets, size_t size)
{
	if (mlock(secrets, size) != 0)
		log_debug("keys may be swapped out: %s", strerror(errno));
}

static void keep_sources_in_memory(const struct engine *e)
{
	keep_in_memory(e->sources, e->source_count * sizeof(*e->sources));
}

/* One at a time: whoever comes second may have changed the file since. */
static void ask_for_reload(
    struct engine_loop *p, unsigned long client, struct mono now)
{
	struct reload_request q = {.serial = p->reload_serial + 1};
	const char *why = NULL;

	if (p->links->config_fd < 0)
		why = "this agent ends when the clock is set (-q)";
	else if (p->reload_client != 0)
		why = "another reload is under way: again, please";
	if (why) {
		control_answer(&p->control, client, false, why, now);
		return;
	}
	p->reload_client = client;
	p->reload_serial = q.serial;
	if (reload_send_request(p->links->config_fd, &q) != 1)
		p->broken = true;
}

static void answer_reload(
    struct engine_loop *p, const char *first, const char *more)
{
	const struct reload_result *r = &p->reload;
	char text[CONTROL_TEXT_MAX];

	if (p->reload_client == 0 || r->serial != p->reload_serial)
		return;
	snprintf(text, sizeof(text), "%s%s%s", first, *more ? "\n" : "", more);
	control_answer(&p->control, p->reload_client, r->ok != 0, text,
	    reading_now(p).mono);
	p->reload_client = 0;
}

/* The resolver first: its jobs for what begins now go by the new rules. */
static void tell_resolver(struct engine_loop *p, const struct config *fresh)
{
	if (adopt_changes_trust(p->config, fresh) &&
	    !resolver_link_trust(&p->questions, &fresh->trust))
		p->broken = true;
}

/* Files of sources that are gone go, too. */
static void renew_keyring(struct engine_loop *p)
{
	uint8_t before[SAVED_KEYS_BINDING_LEN];

	if (p->keyring.folder.fd < 0)
		return;
	memcpy(before, p->keyring.binding, sizeof(before));
	keyring_close(&p->keyring);
	keyring_open(&p->keyring, p->config);
	if (p->keyring.folder.fd < 0)
		p->engine.ports.save_keys = NULL;
	if (memcmp(before, p->keyring.binding, sizeof(before)) == 0)
		return;
	for (unsigned i = 0; i < p->engine.source_count; i++)
		cookie_reserve_bar(&p->engine.sources[i]);
}

static void take_config(struct engine_loop *p)
{
	struct config *fresh = malloc(sizeof(*fresh));
	char text[ADOPT_TEXT_MAX];

	if (!fresh) {
		p->broken = true;
		return;
	}
	*fresh = p->reload.config;
	tell_resolver(p, fresh);
	if (!engine_adopt(&p->engine, fresh, reading_now(p), text)) {
		free(fresh);
		p->broken = true;
		return;
	}
	free(p->own_config);
	p->config = p->own_config = fresh;
	log_set_level(fresh->log_level);
	log_notice("%s", text);
	keep_sources_in_memory(&p->engine);
	renew_keyring(p);
	if (changes_watch_trust(&p->changes, &p->config->trust))
		engine_distrust(&p->engine, reading_now(p));
	answer_reload(p, text, p->reload.text);
}

static void hear_config(struct engine_loop *p)
{
	int got = reload_receive_result(p->links->config_fd, &p->reload);

	if (got < 0)
		p->broken = true;
	else if (got == 1 && p->reload.ok)
		take_config(p);
	else if (got == 1)
		answer_reload(
		    p, p->reload.text, "the old configuration stays in force");
}

static void obey(struct engine_loop *p, unsigned long client, const char *line)
{
	struct clock_reading now = reading_now(p);
	char text[ORDER_TEXT_MAX];
	enum order_outcome outcome = order_run(&p->engine, line, now, text);

	if (outcome == ORDER_STEPS)
		p->step_client = client;
	else if (outcome == ORDER_RELOADS)
		ask_for_reload(p, client, now.mono);
	else
		control_answer(
		    &p->control, client, outcome == ORDER_DONE, text, now.mono);
}

static void hear_control(struct engine_loop *p, int fd)
{
	char line[CONTROL_LINE_MAX];
	unsigned long client =
	    control_ready(&p->control, fd, reading_now(p).mono, line);

	if (client != 0)
		obey(p, client, line);
}

static void answer_step(struct engine_loop *p, struct mono now)
{
	enum order_outcome outcome;
	char text[ORDER_TEXT_MAX];

	if (order_step_outcome(&p->engine, &outcome, text))
		control_answer(&p->control, p->step_client,
		    outcome == ORDER_DONE, text, now);
}

/* Milliseconds, rounded up: a deadline must be over when poll returns. */
static int wait_ms(const struct engine_loop *p, struct mono now)
{
	struct mono next = mono_earlier(
	    engine_deadline(&p->engine), status_socket_deadline(&p->observer));
	int64_t ms;

	/* An answer of the last jobs has led to others. */
	if (p->links->resolver_fd < 0 && p->questions.count > 0)
		return 0;
	next = mono_earlier(next, control_deadline(&p->control));
	next = mono_earlier(next, changes_deadline(&p->changes));
	if (p->links->keeper)
		next = mono_earlier(next, keeper_deadline(p->links->keeper));
	if (next.ns == MONO_NEVER.ns)
		return -1;
	ms = (next.ns - now.ns + NS_PER_MS - 1) / NS_PER_MS;
	return ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* The order of the groups in the poll set, which is the order of serving: the
 * ledger must know of a change before a sample is put on it. */
struct poll_set {
	struct pollfd fds[FDS_MAX];
	unsigned slots[SOURCES_MAX];
	nfds_t links, status, control, all; /* ends of the groups */
};

static void fill(const struct engine_loop *p, struct poll_set *set)
{
	nfds_t n = 0;

	if (p->links->keeper_fd >= 0)
		set->fds[n++] = (struct pollfd){p->links->keeper_fd, POLLIN, 0};
	if (p->links->resolver_fd >= 0)
		set->fds[n++] = (struct pollfd){p->links->resolver_fd,
		    resolver_link_events(&p->questions), 0};
	if (p->links->config_fd >= 0)
		set->fds[n++] = (struct pollfd){p->links->config_fd, POLLIN, 0};
	if (p->signal_fd >= 0)
		set->fds[n++] = (struct pollfd){p->signal_fd, POLLIN, 0};
	n += changes_pollfds(&p->changes, &set->fds[n]);
	set->links = n;
	n += status_socket_pollfds(&p->observer, &set->fds[n]);
	set->status = n;
	n += control_pollfds(&p->control, &set->fds[n]);
	set->control = n;
	n += udp_pollfds(&p->udp, &set->fds[n], set->slots);
	set->all = n;
}

static void serve(struct engine_loop *p, const struct poll_set *set)
{
	for (nfds_t i = 0; i < set->links; i++) {
		if (!set->fds[i].revents)
			continue;
		if (set->fds[i].fd == p->links->keeper_fd)
			hear_keeper(p);
		else if (set->fds[i].fd == p->links->config_fd)
			hear_config(p);
		else if (set->fds[i].fd == p->signal_fd)
			end_asked = 1;
		else if (!changes_hear(
			     &p->changes, set->fds[i].fd, reading_now(p).mono))
			hear_resolver(p);
	}
	for (nfds_t i = set->control; i < set->all; i++)
		if (set->fds[i].revents)
			hear_udp(p, set->slots[i - set->control],
			    set->fds[i].revents);
	for (nfds_t i = set->links; i < set->status; i++)
		if (set->fds[i].revents)
			hear_status(p, &set->fds[i]);
	for (nfds_t i = set->status; i < set->control; i++)
		if (set->fds[i].revents)
			hear_control(p, set->fds[i].fd);
}

static void turn(struct engine_loop *p)
{
	struct poll_set set;
	struct clock_reading now = reading_now(p);
	int ready;

	fill(p, &set);
	ready = poll(set.fds, set.all, wait_ms(p, now.mono));
	if (ready < 0 && errno != EINTR) {
		log_error("poll failed: %s", strerror(errno));
		p->broken = true;
	}
	/* Reports first here too. */
	if (p->links->keeper)
		run_keeper(p);
	if (ready > 0)
		serve(p, &set);
	now = reading_now(p);
	if (changes_heed(&p->changes, &p->engine, now))
		renew_keyring(p);
	engine_on_timer(&p->engine, now);
	status_socket_expire(&p->observer, now.mono);
	answer_step(p, now.mono);
	control_expire(&p->control, now.mono);
	if (p->links->keeper)
		run_keeper(p);
	if (p->links->resolver_fd < 0)
		run_jobs(p);
}

static int exit_status(const struct engine_loop *p)
{
	if (p->broken || p->engine.end == ENGINE_STUCK) {
		log_debug("another process of the agent is gone");
		return 1;
	}
	if (p->engine.end == ENGINE_TIMEOUT) {
		log_error("the clock could not be set in time");
		return 1;
	}
	return 0;
}

/* A simulator has none. */
static void open_changes(struct engine_loop *p)
{
	changes_init(&p->changes, reading_now(p).mono);
	if (!p->links->keeper)
		changes_open(&p->changes, &p->config->trust);
}

/* -Q may run beside the agent, whose cookies it must not spend. */
static void open_keyring(struct engine_loop *p)
{
	struct engine *e = &p->engine;
	struct clock_reading now = reading_now(p);
	unsigned left;

	p->keyring.folder.fd = -1;
	if (e->options->print_only)
		return;
	keyring_open(&p->keyring, p->config);
	if (p->keyring.folder.fd < 0)
		return;
	e->ports.save_keys = port_save_keys;
	e->ports.save_samples = port_save_samples;
	for (unsigned i = 0; i < e->source_count; i++)
		if (keyring_take(&p->keyring, e->sources[i].config, now.wall,
			&e->saved, &left))
			engine_on_saved(e, i, &e->saved, left, now);
	explicit_bzero(&e->saved, sizeof(e->saved));
	sample_file_open(&p->recall, &p->keyring.folder, e);
}

int engine_loop_run(const struct config *config,
    const struct run_options *options, const struct engine_links *links)
{
	struct engine_loop *p = calloc(1, sizeof(*p));
	struct engine_ports ports = {
	    .self = p,
	    .send = port_send,
	    .close = port_close,
	    .ask = port_ask,
	    .command = port_command,
	    .random = port_random,
	    .rival = port_rival,
	    .rerouted = port_rerouted,
	};
	int status = 1;

	if (p)
		p->links = links;
	if (!p || !engine_init(&p->engine, config, options, &links->start,
		      &ports, reading_now(p))) {
		log_error("out of memory");
		free(p);
		return 1;
	}
	p->config = config;
	resolver_link_init(&p->questions, links->resolver_fd);
	p->signal_fd = catch_signals(links);
	udp_init(&p->udp);
	status_socket_init(&p->observer, links->status_fd);
	control_init(&p->control, links->control_fd);
	open_changes(p);
	keep_in_memory(p, sizeof(*p));
	keep_sources_in_memory(&p->engine);
	open_keyring(p);
	while (!end_asked && !p->broken && p->engine.end == ENGINE_RUNS)
		turn(p);
	status = exit_status(p);
	engine_free(&p->engine, reading_now(p));
	sample_file_close(&p->recall);
	keyring_close(&p->keyring);
	status_socket_end(&p->observer);
	control_end(&p->control);
	changes_close(&p->changes);
	udp_end(&p->udp);
	free(p->own_config);
	explicit_bzero(p, sizeof(*p));
	free(p);
	return status;
}
