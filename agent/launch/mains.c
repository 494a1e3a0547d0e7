#include "agent/launch/mains.h"

#include "agent/loop/engine_loop.h"
#include "base/log.h"
#include "clock/kernel/kernel.h"
#include "resolver/job.h"

#include <stdlib.h>
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
	return keeper_loop_run(c->loop);
}

static int run_engine(struct process_context *c, const struct start_engine *s)
{
	const struct run_options options = start_options_of(s);
	const struct engine_links links = {
	    .keeper_fd = c->fds[1],
	    .config_fd = c->fds[2],
	    .resolver_fd = c->fds[3],
	    .status_fd = c->fds[4],
	    .control_fd = c->fds[5],
	    .start =
		{
		    .clock = s->clock,
		    .earliest_ns = s->earliest_ns,
		    .freq_ppm = s->freq_ppm,
		    .freq_sd_ppm = s->freq_sd_ppm,
		},
	};

	say_ready(c);
	return engine_loop_run(&s->config, &options, &links);
}

int engine_process(struct process_context *c)
{
	struct start_engine *s = calloc(1, sizeof(*s));
	int status;

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
	say_ready(c);
	return resolver_main(c->fds[1], &trust, c->jobs);
}

int guard_process(struct process_context *c)
{
	const struct guard_fds fds = {.page = c->fds[1], .pipe = c->fds[2]};
	const struct clock_ops clock = kernel_clock();

	say_ready(c);
	return guard_main(&fds, &clock);
}

int loader_process(struct process_context *c)
{
	return loader_main(c->fds[0]);
}

int saver_process(struct process_context *c)
{
	return saver_main(c->fds[0]);
}

int job_process(struct process_context *c)
{
	return resolver_job_main(c->fds[0]);
}
