#include "agent/keeper/keeper_loop.h"

#include "agent/config/exit_status.h"
#include "agent/host/clocks.h"
#include "agent/host/notify.h"
#include "agent/keeper/keeper_log.h"
#include "agent/keeper/ration.h"
#include "agent/keeper/watchdog.h"
#include "agent/saved/trouble.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long the children may take to end before they are killed. */
#define TIMEOUT_NS (2 * NS_PER_S)
/* How long the first child to end may be collected after another one. */
#define LINK_LOST_NS (NS_PER_S / 2)
/* How long an engine that is done (-q, -Q) may take from the end of its links
 * to its own end, on a machine with too much work. */
#define DONE_NS (20 * NS_PER_S)
/* How often to check whether the saver has ended. */
#define LOOK_US 5000
#define CAUSE_MAX 200
/* An engine that a server has taken over, or a loop of kill(1), gets so many
 * within this time. */
#define SAVES_MOST 4
#define SAVES_NS (60 * NS_PER_S)
#define RELOADS_MOST 16
#define RELOADS_NS (10 * NS_PER_S)

struct keeper_limits keeper_limits_of(
    const struct config *config, bool no_clock)
{
	return (struct keeper_limits){
	    .no_clock = no_clock,
	    .max_freq_ppm = config->max_freq_ppm,
	    .max_slew_ppm = config->steering.max_slew_ppm,
	    .refuse_step_ns = config->steering.refuse_threshold_ns,
	    .start_steps = config->steering.makestep_updates,
	    .bootstrap = config->bootstrap != BOOTSTRAP_OFF,
	};
}

/* The loop. */

struct loop {
	struct keeper_loop *p;
	struct mono look_at;	      /* when to look for other programs */
	struct reload_result *result; /* of a reload; too large for the stack */
	struct keeper_log log;
	struct watchdog watchdog;
	struct keeper_message save;
	struct ration saves, reloads; /* a process each, and lines in the log */
	int signal;		      /* SIGTERM or SIGINT, if `asked` */
	uint32_t reload_asked;	      /* the engine's serial; 0: none */
	bool asked;		      /* that signal came */
	bool ending;		      /* no more commands are carried out */
	bool link_lost; /* the engine's end is closed, or its message is bad */
	bool kernel_refused;
	bool engine_hangs;
	bool save_waits; /* `save` waits for the end of a slew, or its ration */
	bool disk_said;	 /* the engine knows that the present saver hangs */
	bool synchronised; /* as of the last command */
	bool hangup;	   /* SIGHUP came */
	bool only_dropped; /* the reload asked for sources.d alone */
	bool result_waits; /* the engine has not read the one before */
	bool child_ended;  /* SIGCHLD came, or may have come before the loop */
};

static void answer(struct loop *l, const struct keeper_report *r)
{
	/* An engine that does not read its reports counts as dead. */
	if (!l->link_lost && keeper_send_report(l->p->engine_fd, r) != 1)
		l->link_lost = true;
}

/* For `systemctl status`. */
static void tell_manager(struct loop *l, bool synchronised)
{
	if (synchronised != l->synchronised)
		notify_manager(synchronised ? "STATUS=synchronised"
					    : "STATUS=not synchronised");
	l->synchronised = synchronised;
}

static void refused(struct loop *l, const struct keeper_report *r)
{
	log_error("the kernel refuses to %s: %s",
	    l->p->keeper->slewing ? "end a slew" : "set the frequency",
	    strerror(r->sys_errno));
	l->kernel_refused = true;
}

/* Has anybody else touched the clock? A keeper that was stopped, or had no
 * processor, was overtaken by the guard. */
static bool is_touched(struct loop *l, struct keeper_report *report)
{
	struct keeper *k = l->p->keeper;

	if (!guard_intervened(&l->p->guard))
		return keeper_look(k, report);
	keeper_overtaken(k, report);
	guard_note(&l->p->guard, k);
	return true;
}

static void look(struct loop *l)
{
	struct keeper_report report;
	bool touched;

	/* With --no-clock there is nothing to watch. */
	l->look_at = l->p->keeper->limits.no_clock
			 ? MONO_NEVER
			 : mono_after(clocks_mono(), KEEPER_LOOK_NS);
	touched = is_touched(l, &report);
	keeper_log_look(&l->log, l->p->keeper, clocks_mono());
	if (!touched)
		return;
	if (report.verdict == KEEPER_KERNEL)
		refused(l, &report);
	answer(l, &report);
}

static void command(struct loop *l, const struct keeper_message *m)
{
	struct keeper_report report;

	look(l);
	/* With --no-clock there is nothing that a guard would have to end. */
	if (!l->p->keeper->limits.no_clock)
		guard_alert(&l->p->guard, clocks_mono());
	keeper_apply(
	    l->p->keeper, &m->command, m->serial, clocks_mono(), &report);
	guard_note(&l->p->guard, l->p->keeper);
	keeper_log_answer(&l->log, &m->command, &report, clocks_mono());
	answer(l, &report);
	/* The engine's word counts for nothing if the clock did not obey it. */
	if (report.verdict == KEEPER_OK || report.verdict == KEEPER_NO_CLOCK)
		tell_manager(l, m->command.synchronised);
}

/* The end of a slew sets the frequency: look first, or another program's change
 * would not be logged. */
static void tick(struct loop *l)
{
	struct keeper_report report;

	if (mono_due(keeper_deadline(l->p->keeper), clocks_mono()))
		look(l);
	if (!keeper_tick(l->p->keeper, clocks_mono(), &report))
		return;
	guard_note(&l->p->guard, l->p->keeper);
	if (report.verdict == KEEPER_KERNEL)
		refused(l, &report);
	answer(l, &report);
}

/* The engine logs what is wrong. */
static void pass_saver(struct loop *l, int said)
{
	const struct keeper *k = l->p->keeper;
	const struct keeper_report report = {
	    .verdict = KEEPER_SAVED,
	    .sys_errno = said,
	    .steps = k->steps,
	    .refused = k->refused,
	};

	answer(l, &report);
}

/* Never during a slew: to start a process takes time. */
static void save_if_idle(struct loop *l)
{
	struct keeper_loop *p = l->p;
	struct mono now = clocks_mono();
	bool at_work = saver_at_work(&p->saver);
	int err, said;

	if (saver_take_answer(&p->saver, &said))
		pass_saver(l, said);
	if (at_work || !l->save_waits || l->ending || p->keeper->slewing ||
	    !mono_due(ration_next(&l->saves), now))
		return;
	l->save_waits = l->disk_said = false;
	ration_use(&l->saves, now);
	err = saver_start(&p->saver, p->config, &l->save);
	if (!err)
		return;
	log_warning("cannot start the saver: %s", strerror(-err));
	pass_saver(l, SAVER_BROKEN);
}

/* At the end the keeper writes itself, since no process waits for an answer any
 * more; but it does not wait longer for a disk that blocks. */
static void save_at_the_end(struct loop *l)
{
	struct mono until = mono_after(clocks_mono(), TIMEOUT_NS);
	struct keeper_loop *p = l->p;
	char why[SAVED_TROUBLE_MAX];
	int said = SAVER_DONE;

	while (saver_at_work(&p->saver) && !mono_due(until, clocks_mono()))
		usleep(LOOK_US);
	if (saver_at_work(&p->saver))
		said = SAVER_HANGS;
	else if (saver_take_answer(&p->saver, &said) && said != SAVER_DONE)
		l->save_waits = false;
	else if (l->save_waits && !p->keeper->slewing)
		said = keeper_save(p->config, p->saver.seal, &l->save);
	saver_trouble(why, p->config, said);
	if (why[0])
		log_warning("%s", why);
}

/* An engine sends one SAVE in an hour. A flood of it must not fill the log. */
static void take_save(struct loop *l, const struct keeper_message *m)
{
	l->save = *m;
	l->save_waits = true;
	if (l->disk_said || !saver_at_work(&l->p->saver))
		return;
	l->disk_said = true;
	pass_saver(l, SAVER_HANGS);
}

/* One answer to a question is passed on, however many the engine sends. */
static void hear_alive(struct loop *l, uint32_t serial)
{
	if (watchdog_heard(&l->watchdog, serial))
		notify_manager("WATCHDOG=1");
}

/* A link that is full has an engine behind it that does not read. */
static void watch_engine(struct loop *l)
{
	switch (watchdog_tick(&l->watchdog, clocks_mono())) {
	case WATCHDOG_ASK:
		l->link_lost |= keeper_send_question(
				    l->p->engine_fd, l->watchdog.serial) < 0;
		break;
	case WATCHDOG_HANGS:
		l->engine_hangs = true;
		break;
	case WATCHDOG_WAIT:
		break;
	}
}

/* Takes one message, so that slews end on time however much the engine sends.
 * True: there was one. */
static bool hear_engine(struct loop *l)
{
	struct keeper_message m;
	int got = keeper_receive_message(l->p->engine_fd, &m);

	if (got < 0)
		l->link_lost = true;
	if (got != 1)
		return false;
	if (m.kind == KEEPER_MESSAGE_SAVE)
		take_save(l, &m);
	else if (m.kind == KEEPER_MESSAGE_ALIVE)
		hear_alive(l, m.serial);
	else if (!l->ending)
		command(l, &m);
	return true;
}

/* Takes what the engine sent before it ended. */
static void drain(struct loop *l)
{
	while (!l->link_lost && hear_engine(l))
		continue;
}

static void hear_signals(struct loop *l)
{
	struct signalfd_siginfo info;

	while (read(l->p->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		l->hangup |= info.ssi_signo == SIGHUP;
		l->child_ended |= info.ssi_signo == SIGCHLD;
		if (info.ssi_signo != SIGTERM && info.ssi_signo != SIGINT)
			continue;
		l->asked = true;
		l->signal = (int)info.ssi_signo;
	}
}

/* Reload. */

static void hear_request(struct loop *l)
{
	struct reload_request q;
	int got = reload_receive_request(l->p->config_fd, &q);

	if (got == 1) {
		/* A request for all files that still waits is not made less. */
		l->only_dropped = q.only_dropped != 0 &&
				  (l->reload_asked == 0 || l->only_dropped);
		l->reload_asked = q.serial;
	} else if (got < 0) {
		l->link_lost = true;
	}
}

static void log_lines(enum log_level level, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		log_line(level, "%.*s", (int)len, text);
		text += len + (text[len] != '\0');
	}
}

/* A result is large: two may not fit into the link, and SIGHUP can come faster
 * than the engine adopts a configuration. */
static void pass_on(struct loop *l)
{
	int sent = reload_send_result(l->p->config_fd, l->result);

	l->result_waits = sent == 0;
	l->link_lost |= sent < 0;
}

/* The keeper changes its limits before the engine reads the message, so that
 * it does not judge the engine's next command by the old ones. */
static void take_config(struct loop *l)
{
	struct keeper_loop *p = l->p;
	struct config *fresh = &l->result->config;
	struct keeper_limits limits =
	    keeper_limits_of(fresh, p->keeper->limits.no_clock);

	limits.earliest_ns = p->keeper->limits.earliest_ns;
	if (p->debug)
		fresh->log_level = LOG_LEVEL_DEBUG;
	loader_keep(p->config, fresh, l->result->text);
	p->keeper->limits = limits;
	log_set_level(fresh->log_level);
	*p->config = *fresh;
}

static void end_reload(struct loop *l)
{
	if (!loader_collect(&l->p->reload, clocks_mono(), l->result))
		return;
	if (l->result->ok)
		take_config(l);
	pass_on(l);
	log_lines(l->result->ok ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
	    l->result->text);
	if (!l->result->ok)
		log_error("the configuration was not read again: the old one "
			  "stays in force");
	notify_manager("READY=1");
}

static void refuse_reload(struct loop *l, uint32_t serial, int err)
{
	*l->result = (struct reload_result){.serial = serial};
	snprintf(l->result->text, sizeof(l->result->text),
	    "cannot read the configuration: %s", strerror(-err));
	log_error("%s", l->result->text);
	pass_on(l);
}

/* One reload at a time; a request during it leads to another one after it. A
 * signal asks for all files. */
static void reload_if_asked(struct loop *l)
{
	uint32_t serial = l->reload_asked;
	struct mono now = clocks_mono();
	int err;

	if (l->p->config_fd < 0 || l->result_waits || (!serial && !l->hangup) ||
	    !mono_due(ration_next(&l->reloads), now))
		return;
	err = loader_start(&l->p->reload, serial,
	    l->only_dropped && !l->hangup ? l->p->config : NULL, now);
	if (err == -EBUSY)
		return;
	ration_use(&l->reloads, now);
	l->reload_asked = 0;
	l->only_dropped = l->hangup = false;
	if (err)
		refuse_reload(l, serial, err);
	else
		notify_reloading();
}

/* Sleeps until something happens or `until` comes, with the resolution of a
 * nanosecond: a slew that ends a millisecond late errs by up to max-slew times
 * a millisecond. */
static void wait_for(struct loop *l, struct mono until)
{
	struct pollfd fds[4] = {
	    {.fd = l->p->signal_fd, .events = POLLIN},
	    {.fd = l->link_lost ? -1 : l->p->engine_fd, .events = POLLIN},
	    {.fd = l->link_lost ? -1 : l->p->config_fd,
		.events = (short)(l->result_waits ? POLLIN | POLLOUT : POLLIN)},
	    {.fd = l->p->reload.loader_fd, .events = POLLIN},
	};

	/* When time is up, or a signal interrupts it, no event is set. */
	(void)clocks_poll(fds, ARRAY_LEN(fds), until);
	if (fds[0].revents)
		hear_signals(l);
	if (fds[1].revents)
		hear_engine(l);
	if (fds[2].revents & POLLOUT)
		pass_on(l);
	if (fds[2].revents)
		hear_request(l);
}

/* When something may be done that waits for its ration. */
static struct mono ration_deadline(const struct loop *l)
{
	const struct mono now = clocks_mono();

	return mono_earlier(ration_wait(&l->saves, l->save_waits, now),
	    ration_wait(&l->reloads, l->reload_asked || l->hangup, now));
}

static void turn(struct loop *l, struct mono until)
{
	until = mono_earlier(until, loader_deadline(&l->p->reload));
	until = mono_earlier(until, l->look_at);
	until = mono_earlier(until, ration_deadline(l));
	wait_for(l, mono_earlier(until, keeper_deadline(l->p->keeper)));
	tick(l);
	if (mono_due(l->look_at, clocks_mono()))
		look(l);
	save_if_idle(l);
	end_reload(l);
}

/* It exits when the engine does; the engine says that it is gone. */
static void reap_logger(struct child *logger)
{
	char how[CHILD_TEXT_MAX];

	if (logger->pid == 0 || !children_reap(logger, 1) ||
	    (WIFEXITED(logger->status) && WEXITSTATUS(logger->status) == 0))
		return;
	child_end_text(logger, how);
	log_error("%s; the agent goes on", how);
}

/* True: a child has ended without which the agent cannot go on. */
static bool reap(struct loop *l)
{
	bool ended = l->child_ended;

	l->child_ended = false;
	if (!ended)
		return false;
	if (children_reap(l->p->children, KEEPER_CHILDREN))
		return true;
	reap_logger(&l->p->logger);
	return false;
}

/* Runs until there is a reason to end. */
static void run(struct loop *l)
{
	while (!l->asked && !l->link_lost && !l->kernel_refused &&
	       !l->engine_hangs) {
		turn(l, watchdog_deadline(&l->watchdog));
		watch_engine(l);
		reload_if_asked(l);
		if (reap(l))
			break;
	}
}

/* Runs the loop until the first `count` children have ended or time is up. */
static void wait_for_all(struct loop *l, unsigned count)
{
	struct child *children = l->p->children;
	struct mono until = mono_after(clocks_mono(), TIMEOUT_NS);

	while (!children_all_ended(children, count) &&
	       !mono_due(until, clocks_mono())) {
		turn(l, until);
		children_reap(children, count);
	}
}

static bool engine_is_done(const struct keeper_loop *p)
{
	const struct child *engine = &p->children[0];

	return p->engine_may_end && engine->ended && WIFEXITED(engine->status);
}

/* The processes end when one is missing, and may be collected in any order. A
 * signal is a cause; a process that exits may be a consequence, until engine
 * and resolver have both ended. With -q and -Q it is a consequence of the
 * engine's end. */
static bool cause_is_known(const struct keeper_loop *p)
{
	const struct child *blamed =
	    children_to_blame(p->children, KEEPER_CHILDREN);

	return engine_is_done(p) ||
	       (blamed &&
		   (WIFSIGNALED(blamed->status) ||
		       children_all_ended(p->children, KEEPER_CHILDREN - 1)));
}

/* Runs the loop until it is known which child has ended first. */
static void wait_for_cause(struct loop *l)
{
	struct keeper_loop *p = l->p;
	bool may_be_done = p->engine_may_end && !l->kernel_refused;
	struct mono until =
	    mono_after(clocks_mono(), may_be_done ? DONE_NS : LINK_LOST_NS);

	while (!cause_is_known(p) && !mono_due(until, clocks_mono())) {
		turn(l, until);
		children_reap(p->children, KEEPER_CHILDREN);
	}
}

/* The end. */

/* Writes why the agent ends, for the log; returns its exit status. */
static int judge(const struct loop *l, char cause[CAUSE_MAX])
{
	const struct keeper_loop *p = l->p;
	const struct child *blamed =
	    children_to_blame(p->children, KEEPER_CHILDREN);

	if (engine_is_done(p) && WEXITSTATUS(p->children[0].status) == 0) {
		snprintf(cause, CAUSE_MAX, "done");
		return EXIT_WORK_DONE;
	}
	if (l->asked) {
		snprintf(cause, CAUSE_MAX, "ended by %s",
		    l->signal == SIGINT ? "SIGINT" : "SIGTERM");
		return p->engine_may_end ? EXIT_FAILED : EXIT_WORK_DONE;
	}
	if (engine_is_done(p)) {
		snprintf(cause, CAUSE_MAX, "not done");
		return WEXITSTATUS(p->children[0].status);
	}
	if (l->engine_hangs)
		snprintf(cause, CAUSE_MAX,
		    "the engine hangs: it has not answered for %g s",
		    (double)watchdog_patience_ns(&l->watchdog) /
			(double)NS_PER_S);
	else if (l->kernel_refused)
		snprintf(cause, CAUSE_MAX, "the kernel does not obey");
	else if (blamed)
		child_end_text(blamed, cause);
	else
		snprintf(cause, CAUSE_MAX,
		    "the engine does not keep to the protocol of the keeper");
	return EXIT_FAILED;
}

/* Ends the first `count` children with SIGTERM, then with SIGKILL. */
static void stop_children(struct loop *l, unsigned count)
{
	struct child *children = l->p->children;

	children_signal(children, count, SIGTERM);
	wait_for_all(l, count);
	if (l->p->resolver_pipe >= 0)
		close(l->p->resolver_pipe);
	l->p->resolver_pipe = -1;
	children_signal(children, count, SIGKILL);
	wait_for_all(l, count);
}

static void log_end(const struct loop *l, const char *cause, int status)
{
	const struct keeper *k = l->p->keeper;
	enum log_level level = status == 0 ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR;

	if (k->limits.no_clock)
		log_line(level, "%s; the clock was left alone", cause);
	else
		log_line(level, "%s; clock left at %+.3f ppm, %s", cause,
		    k->became_ppm,
		    k->slewing ? "A SLEW IS STILL RUNNING" : "no slew running");
}

static int run_and_end(struct loop *l)
{
	struct keeper_loop *p = l->p;
	char cause[CAUSE_MAX];
	int status;

	guard_survive(p->guard.alive_fd);
	guard_note(&p->guard, p->keeper);
	run(l);
	/* End the slew before anything else can fail. */
	l->ending = true;
	keeper_stop(p->keeper, clocks_mono());
	guard_note(&p->guard, p->keeper);
	loader_stop(&p->reload);
	notify_manager("STOPPING=1");
	if (!l->asked && !l->engine_hangs)
		wait_for_cause(l);
	status = judge(l, cause);
	stop_children(l, KEEPER_CHILDREN - 1);
	drain(l);
	save_at_the_end(l);
	log_end(l, cause, status);
	guard_release(&p->guard);
	stop_children(l, KEEPER_CHILDREN);
	return status;
}

int keeper_loop_run(struct keeper_loop *p)
{
	struct loop l = {
	    .p = p,
	    .result = calloc(1, sizeof(*l.result)),
	    .child_ended = true,
	    .watchdog = watchdog_of(p->watchdog_ns, clocks_mono()),
	    .saves = {.most = SAVES_MOST, .period_ns = SAVES_NS},
	    .reloads = {.most = RELOADS_MOST, .period_ns = RELOADS_NS},
	};
	int status;

	if (!l.result) {
		log_error("out of memory");
		children_signal(p->children, KEEPER_CHILDREN - 1, SIGTERM);
		return 1;
	}
	status = run_and_end(&l);
	free(l.result);
	return status;
}
