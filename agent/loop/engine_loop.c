#include "agent/loop/engine_loop.h"

#include "agent/config/exit_status.h"
#include "agent/engine/saving.h"
#include "agent/loop/ports.h"
#include "agent/loop/reload.h"
#include "agent/loop/signals.h"
#include "agent/loop/single_process.h"
#include "agent/loop/state.h"
#include "agent/query/orders.h"
#include "agent/query/status.h"
#include "agent/host/clocks.h"
#include "agent/host/wait_limit.h"
#include "base/log.h"
#include "resolver/job.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* keeper (two), resolver, signals, logger, changes, both sockets and their
 * clients, one UDP socket a source */
#define FDS_MAX                                                                \
	(7 + CHANGES_FDS + STATUS_CLIENTS_MAX + CONTROL_CLIENTS_MAX +          \
	    SOURCES_MAX)

/* The most that are read from one source in a turn. */
#define DATAGRAMS_MAX 64

/* Each source has a job of its own, however long another one hangs. */
static_assert(RESOLVER_JOBS_MAX >= SOURCES_MAX, "RESOLVER_JOBS_MAX");

/* What poll(2) found. */

/* The status is not right any more, and the history looks at the engine. */
static void note_event(struct engine_loop *p)
{
	status_socket_change(&p->status);
	p->history.look_due = true;
}

/* A full link: the keeper asks again. */
static void say_alive(struct engine_loop *p, uint32_t serial)
{
	const struct keeper_message alive = {
	    .kind = KEEPER_MESSAGE_ALIVE, .serial = serial};

	if (keeper_send_message(p->links->keeper_fd, &alive) < 0)
		p->broken = true;
}

/* `alone`: no other descriptor is ready, so that poll(2) may say whether there
 * is another report. */
static void hear_keeper(struct engine_loop *p, bool alone)
{
	struct keeper_report report;
	int got;

	do {
		got = keeper_receive_report(p->links->keeper_fd, &report);
		if (got == 1)
			engine_on_report(&p->engine, &report, loop_now(p));
		else if (got == KEEPER_ASKS)
			say_alive(p, report.serial);
	} while (got > 0 && !alone);
	if (got < 0)
		p->broken = true;
}

static void hear_resolver(struct engine_loop *p)
{
	int got;

	while ((got = frame_receive_answer(
		    p->links->resolver_fd, &p->answer)) == 1)
		engine_on_keys(&p->engine, &p->answer, loop_now(p));
	explicit_bzero(&p->answer, sizeof(p->answer));
	if (got < 0 || !resolver_link_send(&p->resolver, &p->config->trust))
		p->broken = true;
}

/* A flood of forged answers must not fill the queue before the true answer
 * comes, and a turn of the loop for each of them would be slow. The true one
 * closes the socket, and so ends this. */
static void hear_udp(struct engine_loop *p, unsigned slot, short revents)
{
	const unsigned most = p->links->keeper ? 1 : DATAGRAMS_MAX;
	bool more = udp_ready(&p->udp, slot, revents, &p->datagram);

	note_event(p);
	for (unsigned n = 1; more; n++) {
		engine_on_datagram(&p->engine, &p->datagram, loop_now(p));
		more = n < most && !engine_awaits_keeper(&p->engine) &&
		       udp_next(&p->udp, slot, &p->datagram);
	}
}

static void hear_status(struct engine_loop *p, const struct pollfd *fd)
{
	struct clock_reading now = loop_now(p);
	size_t client;

	if (fd->fd != p->status.listen_fd)
		status_socket_writable(&p->status, fd->fd);
	else if (status_socket_accept(&p->status, now.mono, &client) &&
		 !status_socket_answer_again(&p->status, client, now.mono))
		status_socket_answer(
		    &p->status, client, status_json(&p->engine, now), now.mono);
}

static void obey(struct engine_loop *p, unsigned long client, const char *line)
{
	struct clock_reading now = loop_now(p);
	char text[ORDER_TEXT_MAX];
	enum order_outcome outcome = order_run(&p->engine, line, now, text);

	if (outcome == ORDER_STEPS)
		p->step_client = client;
	else if (outcome == ORDER_RELOADS || outcome == ORDER_RELOADS_SOURCES)
		reload_order(
		    p, client, outcome == ORDER_RELOADS_SOURCES, now.mono);
	else
		control_socket_answer(
		    &p->control, client, outcome == ORDER_DONE, text, now.mono);
}

static void hear_control(struct engine_loop *p, int fd)
{
	char line[CONTROL_LINE_MAX];
	unsigned long client =
	    control_socket_ready(&p->control, fd, loop_now(p).mono, line);

	/* The client of an order must not see the status before it. */
	note_event(p);
	if (client != 0)
		obey(p, client, line);
}

static void answer_step(struct engine_loop *p, struct mono now)
{
	enum order_outcome outcome;
	char text[ORDER_TEXT_MAX];

	if (order_step_outcome(&p->engine, &outcome, text))
		control_socket_answer(&p->control, p->step_client,
		    outcome == ORDER_DONE, text, now);
}

/* The order of the groups in the poll set is the order of serving: the ledger
 * must know of a change before a sample is put on it. So answers of servers
 * wait in their sockets, with the kernel's stamps, until the keeper has
 * answered. */
struct poll_set {
	struct pollfd fds[FDS_MAX];
	unsigned slots[SOURCES_MAX];
	nfds_t links, status, control, all; /* ends of the groups */
};

static void add_fd(struct poll_set *set, nfds_t *n, int fd, short events)
{
	if (fd >= 0)
		set->fds[(*n)++] = (struct pollfd){fd, events, 0};
}

static void fill(const struct engine_loop *p, struct poll_set *set)
{
	nfds_t n = 0;

	add_fd(set, &n, p->links->keeper_fd, POLLIN);
	add_fd(
	    set, &n, p->links->resolver_fd, resolver_link_events(&p->resolver));
	add_fd(set, &n, p->links->config_fd, POLLIN);
	add_fd(set, &n, p->signal_fd, POLLIN);
	if (!p->log_gone)
		add_fd(set, &n, p->links->log_fd, POLLIN);
	n += changes_pollfds(&p->changes, &set->fds[n]);
	set->links = n;
	n += status_socket_pollfds(&p->status, &set->fds[n]);
	set->status = n;
	n += control_socket_pollfds(&p->control, &set->fds[n]);
	set->control = n;
	if (!engine_awaits_keeper(&p->engine))
		n += udp_pollfds(&p->udp, &set->fds[n], set->slots);
	set->all = n;
}

static void serve_link(struct engine_loop *p, int fd, bool alone)
{
	note_event(p);
	if (fd == p->links->keeper_fd)
		hear_keeper(p, alone);
	else if (fd == p->links->config_fd)
		reload_hear(p);
	else if (fd == p->signal_fd)
		signals_note_end();
	else if (fd == p->links->log_fd)
		ports_hear_logger(p);
	else if (!changes_hear(&p->changes, fd, loop_now(p).mono))
		hear_resolver(p);
}

/* What is done for users is paid for in time of the processor: so its share is
 * bounded on a slow machine, too. A simulator has no such clock. */
static void serve_status(struct engine_loop *p, const struct poll_set *set)
{
	int64_t began_ns = 0;

	for (nfds_t i = set->links; i < set->status; i++) {
		if (!set->fds[i].revents)
			continue;
		if (!p->links->keeper && began_ns == 0) {
			began_ns = clocks_ns(CLOCK_PROCESS_CPUTIME_ID);
			wait_limit_begin();
		}
		hear_status(p, &set->fds[i]);
	}
	if (began_ns == 0)
		return;
	wait_limit_end();
	status_socket_worked(&p->status,
	    clocks_ns(CLOCK_PROCESS_CPUTIME_ID) - began_ns, loop_now(p).mono);
}

static void expire_status(struct engine_loop *p, struct mono now)
{
	bool limited = !p->links->keeper &&
		       mono_due(status_socket_deadline(&p->status), now);

	if (limited)
		wait_limit_begin();
	status_socket_expire(&p->status, now);
	if (limited)
		wait_limit_end();
}

static void serve(struct engine_loop *p, const struct poll_set *set, int ready)
{
	for (nfds_t i = 0; i < set->links; i++)
		if (set->fds[i].revents)
			serve_link(p, set->fds[i].fd, ready == 1);
	for (nfds_t i = set->control; i < set->all; i++)
		if (set->fds[i].revents && !engine_awaits_keeper(&p->engine))
			hear_udp(p, set->slots[i - set->control],
			    set->fds[i].revents);
	serve_status(p, set);
	for (nfds_t i = set->status; i < set->control; i++)
		if (set->fds[i].revents)
			hear_control(p, set->fds[i].fd);
}

/* Milliseconds, rounded up: a deadline must be over when poll(2) returns. The
 * engine saves the clock every hour, so there is always one. */
static int wait_ms(const struct engine_loop *p, struct clock_reading at)
{
	struct mono now = at.mono;
	struct mono next = mono_earlier(
	    engine_deadline(&p->engine), status_socket_deadline(&p->status));
	int64_t ms;

	/* An answer of the last jobs has led to more jobs. */
	if (p->links->resolver_fd < 0 && p->resolver.count > 0)
		return 0;
	next = mono_earlier(next, control_socket_deadline(&p->control));
	next = mono_earlier(next, changes_deadline(&p->changes));
	next = mono_earlier(next, history_file_deadline(&p->history, at));
	if (p->links->keeper)
		next = mono_earlier(next, single_process_deadline(p));
	ms = (next.ns - now.ns + NS_PER_MS - 1) / NS_PER_MS;
	return ms < 0 ? 0 : (int)ms;
}

static void turn(struct engine_loop *p)
{
	struct poll_set set;
	struct clock_reading now = loop_now(p);
	int ready;

	fill(p, &set);
	ready = poll(set.fds, set.all, wait_ms(p, now));
	udp_note_wake(&p->udp);
	if (ready < 0 && errno != EINTR) {
		log_error("poll failed: %s", strerror(errno));
		p->broken = true;
	}
	history_file_wake(&p->history, &p->engine, loop_now(p));
	/* As in serve(): reports first. */
	if (p->links->keeper)
		single_process_keeper(p);
	if (ready > 0)
		serve(p, &set, ready);
	now = loop_now(p);
	if (changes_heed(&p->changes, &p->engine, now))
		reload_keyring(p);
	engine_on_timer(&p->engine, now);
	/* That a request was sent is no news. */
	p->history.look_due |= engine_take_noticed(&p->engine);
	expire_status(p, now.mono);
	answer_step(p, now.mono);
	control_socket_expire(&p->control, now.mono);
	if (p->links->keeper)
		single_process_keeper(p);
	if (p->links->resolver_fd < 0)
		single_process_jobs(p);
	history_file_turn(&p->history, &p->engine, loop_now(p));
}

/* Start and end. */

/* A simulator has no changes to watch. */
static void open_changes(struct engine_loop *p)
{
	changes_init(&p->changes, loop_now(p).mono);
	if (p->links->keeper)
		return;
	changes_open(&p->changes, &p->config->trust);
	engine_set_granularity(&p->engine, clocks_granularity_ns());
}

/* -Q may run next to the agent, whose cookies it must not spend. */
static void open_keyring(struct engine_loop *p)
{
	struct engine *e = &p->engine;
	struct clock_reading now = loop_now(p);
	bool marked;
	unsigned left;

	p->keyring.folder.fd = -1;
	if (e->options->print_only)
		return;
	ports_open_keyring(p);
	if (p->keyring.folder.fd < 0)
		return;
	ports_save_too(p, true);
	marked = keyring_refuse_marked(&p->keyring);
	if (marked)
		engine_saving_found_mark(e);
	for (unsigned i = 0; !marked && i < e->source_count; i++)
		if (keyring_take(&p->keyring, e->sources[i].config, now.wall,
			&p->saved, &left))
			engine_on_saved(e, i, &p->saved, left, now);
		else
			engine_on_known_address(
			    e, i, &p->saved.answer.facts.peer);
	explicit_bzero(&p->saved, sizeof(p->saved));
	sample_file_open(&p->samples, &p->keyring.folder, e);
}

static void open_all(struct engine_loop *p)
{
	resolver_link_init(&p->resolver, p->links->resolver_fd);
	p->signal_fd = signals_catch(!p->links->keeper);
	udp_init(&p->udp);
	if (!p->links->keeper)
		udp_keep_sockets(&p->udp);
	status_socket_init(&p->status, p->links->status_fd, loop_now(p).mono);
	control_socket_init(
	    &p->control, p->links->control_fd, p->links->own_orders);
	open_changes(p);
	if (mlock(p, sizeof(*p)) != 0)
		log_debug("keys may be swapped out: %s", strerror(errno));
	reload_lock_memory(p->engine.sources, p->engine.source_count);
	open_keyring(p);
	history_file_open(
	    &p->history, p->links->history_fd, p->samples.folder, &p->engine);
	ports_log_too(p);
}

static void close_all(struct engine_loop *p)
{
	history_file_close(&p->history);
	sample_file_close(&p->samples);
	keyring_close(&p->keyring);
	wait_limit_begin();
	status_socket_end(&p->status);
	wait_limit_end();
	control_socket_end(&p->control);
	changes_close(&p->changes);
	udp_end(&p->udp);
	if (p->signal_fd >= 0)
		close(p->signal_fd);
	free(p->own_config);
}

/* A script that gets no offset must not take it for one. */
static bool print_measured(const struct engine *e)
{
	if (!e->options->print_only || e->end != ENGINE_DONE)
		return true;
	printf("%+.9f s +- %.9f s (positive: the local clock is fast)\n",
	    s_of_ns(-e->measured_offset_ns), s_of_ns(e->measured_bound_ns));
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	log_error("cannot write the offset: %s", strerror(errno));
	return false;
}

/* With -q and -Q a signal comes before the work is done. */
static bool ends_by_itself(const struct engine_loop *p)
{
	return p->engine.options->once || p->engine.options->print_only;
}

static int exit_status(const struct engine_loop *p)
{
	if (p->broken || p->engine.end == ENGINE_STUCK) {
		log_debug("another process of the agent is gone");
		return EXIT_FAILED;
	}
	if (p->engine.end == ENGINE_DONE)
		return EXIT_WORK_DONE;
	/* A signal, or the engine has said why. */
	return ends_by_itself(p) || p->engine.end != ENGINE_RUNS
		   ? EXIT_FAILED
		   : EXIT_WORK_DONE;
}

int engine_loop_run(const struct config *config,
    const struct run_options *options, const struct engine_links *links)
{
	struct engine_loop *p = calloc(1, sizeof(*p));
	struct engine_ports ports = ports_of(p);
	int status;

	if (!ports_have_random()) {
		free(p);
		return EXIT_FAILED;
	}
	if (p)
		p->links = links;
	if (!p || !engine_init(&p->engine, config, options, &links->start,
		      &ports, loop_now(p))) {
		log_error("out of memory");
		free(p);
		return 1;
	}
	p->config = config;
	open_all(p);
	while (
	    !signals_end_asked() && !p->broken && p->engine.end == ENGINE_RUNS)
		turn(p);
	status = print_measured(&p->engine) ? exit_status(p) : EXIT_FAILED;
	history_file_end(&p->history, loop_now(p));
	engine_saving_result(&p->engine, UNSAVED_HISTORY, p->history.trouble);
	engine_free(&p->engine, loop_now(p));
	close_all(p);
	explicit_bzero(p, sizeof(*p));
	free(p);
	return status;
}
