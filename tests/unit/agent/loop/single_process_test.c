#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/agent/loop/process.h"

#include "agent/host/clocks.h"
#include "agent/loop/signals.h"
#include "agent/loop/single_process.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* A clock in memory. */
struct fake_clock {
	double freq_ppm;
	unsigned changes;
};

static struct wall fake_now(void *self)
{
	(void)self;
	return (struct wall){NS_PER_S};
}

static int fake_look(void *self, struct kernel_found *found)
{
	const struct fake_clock *c = self;

	*found = (struct kernel_found){.freq_ppm = c->freq_ppm};
	return 0;
}

static int fake_set_freq(void *self, double freq_ppm, double *became_ppm)
{
	struct fake_clock *c = self;

	c->changes++;
	*became_ppm = c->freq_ppm = freq_ppm;
	return 0;
}

static int fake_step(void *self, int64_t step_ns)
{
	(void)self;
	(void)step_ns;
	return 0;
}

static int fake_set_status(void *self, const struct kernel_status *status)
{
	(void)self;
	(void)status;
	return 0;
}

struct stage {
	struct fake_clock clock;
	struct keeper keeper;
	struct process *process;
	int closed_fds[2]; /* -1: none */
};

static int setup(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));
	const struct clock_ops ops = {fake_now, fake_look, fake_set_freq,
	    fake_step, fake_set_status, NULL, NULL, &s->clock};
	const struct keeper_limits limits = {
	    .max_freq_ppm = 500, .max_slew_ppm = 1000, .start_steps = -1};
	struct keeper_report started;

	assert_non_null(s);
	assert_int_equal(
	    keeper_start(&s->keeper, &limits, &ops, NULL, &started), 0);
	s->clock.changes = 0;
	s->process = process_new(2, &s->keeper);
	s->closed_fds[0] = s->closed_fds[1] = -1;
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct stage *s = *state;

	for (unsigned i = 0; i < 2; i++)
		if (s->closed_fds[i] >= 0)
			close(s->closed_fds[i]);
	process_free(s->process);
	free(s);
	return 0;
}

static struct keeper_message command(uint32_t serial, double freq_ppm)
{
	return (struct keeper_message){
	    .kind = KEEPER_MESSAGE_COMMAND,
	    .serial = serial,
	    .command = {.freq_ppm = freq_ppm},
	};
}

/* The report waits until the event of the engine is over. */
static void a_command_is_carried_out_and_reported_later(void **state)
{
	struct stage *s = *state;
	struct engine_loop *p = s->process->loop;
	struct keeper_message m = command(3, 10);

	p->engine.order.pending = true;
	p->engine.order.serial = 3;
	p->engine.order.command = m.command;
	p->engine.ports.command(p, &m);
	assert_true(s->clock.freq_ppm == 10);
	assert_int_equal(p->report_count, 1);
	assert_true(p->engine.order.pending);
	single_process_keeper(p);
	assert_int_equal(p->report_count, 0);
	assert_false(p->engine.order.pending);
	assert_true(p->engine.good_freq_ppm == 10);
}

/* The engine's ledger has the frequency of the last one. */
static void reports_are_handed_over_in_order(void **state)
{
	struct stage *s = *state;
	struct engine_loop *p = s->process->loop;

	p->engine.order.pending = true;
	p->engine.order.serial = 2;
	for (uint32_t i = 1; i <= 3; i++) {
		struct keeper_message m = command(i, i);

		p->engine.order.command = m.command;
		single_process_command(p, &m);
		assert_int_equal(p->reports[i - 1].serial, i);
	}
	assert_int_equal(p->report_count, 3);
	single_process_keeper(p);
	assert_int_equal(p->report_count, 0);
	assert_false(p->engine.order.pending);
	assert_int_equal(p->engine.timescale.count, 4);
	for (unsigned i = 1; i <= 3; i++)
		assert_true(
		    llround(p->engine.timescale
				.change[(p->engine.timescale.first + i) %
					TIMESCALE_CHANGES]
				.freq *
			    1e6) == i);
}

static void no_command_is_carried_out_without_room_for_its_report(void **state)
{
	struct stage *s = *state;
	struct engine_loop *p = s->process->loop;

	for (uint32_t i = 1; i <= REPORTS_MAX + 1; i++) {
		struct keeper_message m = command(i, i);

		single_process_command(p, &m);
	}
	assert_int_equal(p->report_count, REPORTS_MAX);
	assert_int_equal(s->clock.changes, REPORTS_MAX);
	assert_true(s->clock.freq_ppm == REPORTS_MAX);
	/* There is no room for the end of a slew, either. */
	s->keeper.slewing = true;
	s->keeper.slew_end = (struct mono){0};
	single_process_keeper(p);
	assert_true(s->keeper.slewing);
	single_process_keeper(p);
	assert_false(s->keeper.slewing);
}

static void a_slew_ends_on_time(void **state)
{
	struct stage *s = *state;
	struct engine_loop *p = s->process->loop;
	struct keeper_message m = command(1, 10);

	m.command.slew_ns = 1000;
	m.command.slew_duration_ns = NS_PER_MS;
	p->engine.order.pending = true;
	p->engine.order.serial = 1;
	p->engine.order.command = m.command;
	single_process_command(p, &m);
	single_process_keeper(p);
	assert_true(p->engine.order.slewing);
	assert_true(s->clock.freq_ppm > 10);
	while (p->engine.order.slewing)
		single_process_keeper(p);
	assert_true(s->clock.freq_ppm == 10);
	assert_int_equal(p->report_count, 0);
}

/* As the keeper's process does: at its time, before a command, and before a
 * slew ends. */
static void another_program_is_found(void **state)
{
	struct stage *s = *state;
	struct engine_loop *p = s->process->loop;
	struct keeper_message m = command(1, 10);

	single_process_keeper(p);
	assert_int_equal(s->clock.changes, 0);
	assert_true(single_process_deadline(p).ns > clocks_mono().ns);
	assert_true(single_process_deadline(p).ns <=
		    mono_after(clocks_mono(), KEEPER_LOOK_NS).ns);
	s->clock.freq_ppm = 77;
	single_process_keeper(p);
	assert_true(s->clock.freq_ppm == 77);
	p->look_at = (struct mono){0};
	single_process_keeper(p);
	assert_true(s->clock.freq_ppm == 0);
	assert_non_null(strstr(p->engine.disturbed.text, "ran at +77.000 ppm"));
	s->clock.freq_ppm = 78;
	single_process_command(p, &m);
	assert_int_equal(p->report_count, 2);
	assert_int_equal(p->reports[0].verdict, KEEPER_FREQ_CHANGED);
	assert_true(p->reports[0].found_freq_ppm == 78);
	assert_int_equal(p->reports[1].serial, 1);
	single_process_keeper(p);
	s->clock.freq_ppm = 79;
	s->keeper.slewing = true;
	s->keeper.slew_end = (struct mono){0};
	assert_int_equal(single_process_deadline(p).ns, 0);
	single_process_keeper(p);
	assert_non_null(strstr(p->engine.disturbed.text, "ran at +79.000 ppm"));
	/* With --no-clock there is nothing to watch. */
	s->keeper.limits.no_clock = true;
	s->clock.freq_ppm = 80;
	p->look_at = (struct mono){0};
	single_process_keeper(p);
	assert_true(s->clock.freq_ppm == 80);
	assert_int_equal(single_process_deadline(p).ns, MONO_NEVER.ns);
}

static void a_save_writes_the_files(void **state)
{
	struct stage *s = *state;
	struct config *c = &s->process->config;
	struct keeper_message m = {
	    .kind = KEEPER_MESSAGE_SAVE, .serial = 1, .freq_ppm = 12.5};
	char folder[] = P_tmpdir "/ntsagent-single-XXXXXX";

	assert_non_null(mkdtemp(folder));
	snprintf(c->driftfile, sizeof(c->driftfile), "%s/drift", folder);
	c->goodtime_file[0] = '\0';
	single_process_command(s->process->loop, &m);
	assert_int_equal(access(c->driftfile, F_OK), 0);
	assert_int_equal(s->process->loop->report_count, 1);
	assert_int_equal(s->process->loop->reports[0].verdict, KEEPER_SAVED);
	assert_int_equal(s->process->loop->reports[0].sys_errno, 0);
	assert_int_equal(s->clock.changes, 0);
	unlink(c->driftfile);
	assert_int_equal(rmdir(folder), 0);
}

/* Binds TCP ports on which nothing listens, so a connection is refused. */
static void bind_closed_ports(struct stage *s)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	for (unsigned i = 0; i < 2; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		a.sin_port = 0;
		assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
		getsockname(fd, (struct sockaddr *)&a, &len);
		s->process->config.sources[i].ke_port = ntohs(a.sin_port);
		s->closed_fds[i] = fd;
	}
}

/* Lets two sources ask for keys, which nobody will give. */
static void ask_for_keys(struct stage *s)
{
	struct engine_loop *p = s->process->loop;
	struct clock_reading now = loop_now(p);

	bind_closed_ports(s);
	now.mono.ns += 2 * NS_PER_S;
	now.wall.ns += 2 * NS_PER_S;
	engine_on_timer(&p->engine, now);
	assert_int_equal(p->resolver.count, 2);
}

static void every_job_is_done_and_answered(void **state)
{
	struct stage *s = *state;
	struct engine_loop *p = s->process->loop;

	single_process_jobs(p);
	ask_for_keys(s);
	single_process_jobs(p);
	for (unsigned i = 0; i < 2; i++)
		assert_string_equal(p->engine.sources[i].failure, "connect");
	assert_int_equal(p->resolver.count, 0);
	assert_false(p->broken);
}

/* An end that was asked for does not wait for jobs. */
static void after_a_signal_no_job_is_done(void **state)
{
	struct stage *s = *state;
	struct engine_loop *p = s->process->loop;
	pid_t pid;
	int status;

	ask_for_keys(s);
	pid = fork();
	if (pid == 0) {
		signals_note_end();
		single_process_jobs(p);
		_exit(p->engine.sources[0].failure[0] != '\0' ||
		      p->engine.sources[1].failure[0] != '\0');
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_command_is_carried_out_and_reported_later),
	    TEST(reports_are_handed_over_in_order),
	    TEST(no_command_is_carried_out_without_room_for_its_report),
	    TEST(a_slew_ends_on_time),
	    TEST(another_program_is_found),
	    TEST(a_save_writes_the_files),
	    TEST(every_job_is_done_and_answered),
	    TEST(after_a_signal_no_job_is_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
