#include "agent/launch/mains.h"

#include "agent/host/notify.h"
#include "agent/launch/background.h"
#include "agent/launch/confine.h"
#include "agent/logger/logger.h"
#include "agent/loop/engine_loop.h"
#include "agent/saved/trouble.h"
#include "base/log.h"
#include "clock/kernel/kernel.h"
#include "resolver/job.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Tells the keeper that this process has dropped its rights and has what it
 * needs. When that fails, the keeper is gone, and the links will end. */
static void say_ready(struct process_context *c)
{
	if (!start_send(c->fds[0], "", 1))
		log_debug("cannot report to the keeper");
	close(c->fds[0]);
}

static int bad_request(void)
{
	log_error("the request to start is not understood");
	return 1;
}

int keeper_process(struct process_context *c)
{
	if (!confine_keeper(c, c->loop->config))
		return 1;
	/* Not before the sandbox is on: without it there may be no agent. */
	notify_manager("READY=1\nSTATUS=waiting for the first answers");
	background_report(c->launcher_fd);
	return keeper_loop_run(c->loop);
}

static int run_engine(struct process_context *c, struct start_engine *s)
{
	char sandbox[CONFINE_TEXT_MAX];
	struct run_options options = start_options_of(s);
	int status;
	struct engine_links links = {
	    .own_orders = s->own_orders != 0,
	    .not_saved = s->not_saved,
	    .keeper_fd = c->fds[1],
	    .config_fd = c->fds[2],
	    .resolver_fd = c->fds[3],
	    .status_fd = c->fds[4],
	    .control_fd = c->fds[5],
	    .history_fd = c->fds[6],
	    .log_fd = c->fds[7],
	    .start =
		{
		    .clock = s->clock,
		    .earliest_ns = s->earliest_ns,
		    .freq_ppm = s->freq_ppm,
		    .freq_sd_ppm = s->freq_sd_ppm,
		},
	};

	confine_text(c->sandbox, sandbox);
	options.sandbox = sandbox;
	if (!confine_engine(c, &s->config))
		return 1;
	(void)mlock(&links.seal, sizeof(links.seal));
	links.seal = s->seal;
	explicit_bzero(&s->seal, sizeof(s->seal));
	say_ready(c);
	status = engine_loop_run(&s->config, &options, &links);
	explicit_bzero(&links.seal, sizeof(links.seal));
	return status;
}

int engine_process(struct process_context *c)
{
	struct start_engine *s = calloc(1, sizeof(*s));
	int status;

	if (s)
		(void)mlock(&s->seal, sizeof(s->seal));
	if (s && start_receive(c->fds[0], s, sizeof(*s)) &&
	    start_engine_valid(s))
		status = run_engine(c, s);
	else
		status = bad_request();
	free(s);
	return status;
}

int resolver_process(struct process_context *c)
{
	struct trust_config trust;

	if (!start_receive(c->fds[0], &trust, sizeof(trust)) ||
	    !trust_config_valid(&trust))
		return bad_request();
	/* Not earlier: until then it may say why it ends. */
	if (!child_follow_pipe(c->fds[3], SIGKILL)) {
		log_debug("the keeper is gone");
		return 1;
	}
	if (!confine_resolver(c))
		return 1;
	say_ready(c);
	return resolver_main(c->fds[1], &trust, c->jobs);
}

int guard_process(struct process_context *c)
{
	const struct guard_fds fds = {.page = c->fds[1], .pipe = c->fds[2]};
	const struct clock_ops clock = kernel_clock();

	if (!confine(c))
		return 1;
	say_ready(c);
	return guard_main(&fds, &clock);
}

int loader_process(struct process_context *c)
{
	return confine(c) ? loader_main(c->fds[0]) : 1;
}

int saver_process(struct process_context *c)
{
	return confine_saver(c) ? saver_main(c->fds[0]) : SAVER_BROKEN;
}

int logger_process(struct process_context *c)
{
	return confine_logger(c) ? logger_main(c->fds[0]) : 1;
}

int job_process(struct process_context *c)
{
	const struct job_box box = {confine_job, c};

	return resolver_job_main(c->fds[0], &box);
}
