#include "agent/tools/compare.h"

#include "agent/cmdmon/protocol/answer.h"

#include "tests/unit/agent/ctl/captured.h"
#include "tests/unit/agent/ctl/fake_agent.h"
#include "tests/unit/bound_udp.h"

#include <math.h>

static const struct {
	const char *text;
	double seconds; /* NAN: refused */
} durations[] = {
    {"10", 10},
    {"10s", 10},
    {"1.5m", 90},
    {"1h", 3600},
    {"24h", 86400},
    {"30d", 30 * 86400.0},
    {"9", NAN},
    {"31d", NAN},
    {"-1h", NAN},
    {"", NAN},
    {"h", NAN},
    {"1w", NAN},
    {"1hh", NAN},
    {"1h ", NAN},
    {"nan", NAN},
    {"inf", NAN},
    {"soon", NAN},
};

static void a_time_has_a_unit_and_limits(void **state)
{
	char why[COMPARE_ERROR_MAX];
	double seconds;

	(void)state;
	assert_true(compare_duration(NULL, &seconds, why));
	assert_true(seconds == 3600);
	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		why[0] = '\0';
		if (compare_duration(durations[i].text, &seconds, why) ==
		    isnan(durations[i].seconds))
			fail_msg("'%s'", durations[i].text);
		if (isnan(durations[i].seconds))
			assert_non_null(strstr(why, "--for has to be a time"));
		else
			assert_true(seconds == durations[i].seconds);
	}
}

/* A chronyd in a child with the two servers of the example status. Each reading
 * has a new measurement, 2 ms fast; the clock is right in its eyes. */
struct fake_chronyd {
	pid_t pid;
	char where[40];
};

static void answer_source(struct cmdmon_answer *a, unsigned index)
{
	static unsigned asked;
	const struct cmdmon_address addresses[] = {
	    {{10, 77, 3, 1}, CMDMON_IPV4},
	    {{0xfd, 0x77, 0, 3, [15] = 1}, CMDMON_IPV6}};

	a->reply = CMDMON_REPLY_SOURCE_DATA;
	a->source.address = addresses[index & 1];
	a->source.measured_s = 2e-3 + 1e-9 * asked++;
	a->source.adjusted_s = 2e-3;
	a->source.error_s = 3e-3;
}

static void serve_chronyd(int fd)
{
	for (;;) {
		uint8_t in[CMDMON_MESSAGE_MAX], out[CMDMON_MESSAGE_MAX];
		struct sockaddr_in peer;
		socklen_t len = sizeof(peer);
		struct cmdmon_request r;
		enum cmdmon_status status;
		struct cmdmon_answer a = {0};
		ssize_t n = recvfrom(
		    fd, in, sizeof(in), 0, (struct sockaddr *)&peer, &len);

		if (n < 0 || cmdmon_request_parse(in, (size_t)n, &r, &status) !=
				 CMDMON_ANSWER)
			_exit(1);
		a.command = r.command;
		a.sequence = r.sequence;
		a.source_count = 2;
		a.reply = CMDMON_REPLY_N_SOURCES;
		if (r.command == CMDMON_SOURCE_DATA)
			answer_source(&a, r.index);
		if (r.command == CMDMON_TRACKING) {
			a.reply = CMDMON_REPLY_TRACKING;
			a.tracking = (struct cmdmon_tracking){.stratum = 2,
			    .reference_time_ns = 1,
			    .root_dispersion_s = 1e-3};
		}
		n = (ssize_t)cmdmon_answer_write(&a, sizeof(out), out);
		sendto(fd, out, (size_t)n, 0, (struct sockaddr *)&peer, len);
	}
}

static void start_chronyd(struct fake_chronyd *c)
{
	uint16_t port;
	int fd = bound_udp(&port);

	snprintf(c->where, sizeof(c->where), "127.0.0.1:%u", port);
	c->pid = fork_for_test();
	if (c->pid == 0)
		serve_chronyd(fd);
	close(fd);
}

static void end_chronyd(struct fake_chronyd *c)
{
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
}

static struct captured compared(
    const char *chronyd, const char *socket, double seconds)
{
	struct view v = {.output = OUTPUT_JSON, .width = 80};
	struct captured s;

	captured_begin(&s);
	v.out = s.to_out;
	s.status = (int)compare_run(chronyd, seconds, socket, &v, s.to_errors);
	captured_end(&s);
	return s;
}

static double number_of(const struct captured *s, const char *key)
{
	json_t *o = json_loads(s->out, 0, NULL);
	double x;

	assert_non_null(o);
	x = json_number_value(json_object_get(o, key));
	json_decref(o);
	return x;
}

/* The caller frees it. */
static char *example_text(void)
{
	json_t *tree = example();
	char *text = json_dumps(tree, 0);

	json_decref(tree);
	return text;
}

/* The agent says that the clock is fast by what ntsctl tracking shows. */
static void each_estimate_is_held_against_the_measurements(void **state)
{
	char *json = example_text();
	const char *answers[] = {json};
	struct fake_chronyd c = {0};
	struct fake_agent a = {0};
	struct captured s;

	(void)state;
	start_chronyd(&c);
	agent_start(&a, answers, 1);
	s = compared(c.where, a.path, 1.5);
	assert_string_equal(s.errors, "");
	assert_int_equal(s.status, EXIT_OK);
	/* Two readings; the second has a measurement of each server. */
	assert_true(number_of(&s, "judged") == 2);
	assert_true(number_of(&s, "servers") == 2);
	/* chronyd missed 2 ms; the agent, which is 1250 ns slow, misses more.
	 */
	assert_true(fabs(number_of(&s, "chronyd_miss_ns") - 2000000) < 100);
	assert_true(fabs(number_of(&s, "agent_miss_ns") - 2001250) < 100);
	assert_true(number_of(&s, "agent_bound_ns") == 82400);
	assert_true(number_of(&s, "chronyd_bound_ns") == 1000000);
	captured_free(&s);
	agent_end(&a);
	end_chronyd(&c);
	free(json);
}

static void each_that_is_missing_is_named(void **state)
{
	char *json = example_text();
	const char *answers[] = {json};
	struct fake_chronyd c = {0};
	struct fake_agent a = {0};
	struct captured s;

	(void)state;
	start_chronyd(&c);
	agent_start(&a, answers, 1);
	s = compared(c.where, "/tmp/no-such-agent", 10);
	assert_int_equal(s.status, EXIT_NO_STATUS);
	assert_contains(s.errors, "ntsctl: ntsagentd is not running");
	assert_string_equal(s.out, "");
	captured_free(&s);
	end_chronyd(&c);
	s = compared(c.where, a.path, 10);
	assert_int_equal(s.status, EXIT_NO_STATUS);
	assert_contains(s.errors, "does not answer as chronyd does");
	captured_free(&s);
	s = compared("chrony.example", a.path, 10);
	assert_int_equal(s.status, EXIT_NO_STATUS);
	assert_contains(s.errors, "is not a numeric address");
	captured_free(&s);
	agent_end(&a);
	free(json);
}

static void an_agent_without_time_is_not_compared(void **state)
{
	json_t *tree = example();
	const char *answers[1];
	struct fake_chronyd c = {0};
	struct fake_agent a = {0};
	struct captured s;

	(void)state;
	set(json_object_get(tree, "clock"), "root_delay_ns", json_null());
	answers[0] = json_dumps(tree, 0);
	start_chronyd(&c);
	agent_start(&a, answers, 1);
	s = compared(c.where, a.path, 0.5);
	assert_int_equal(s.status, EXIT_NOT_SYNCHRONISED);
	assert_contains(s.errors, "there is nothing to compare");
	captured_free(&s);
	agent_end(&a);
	end_chronyd(&c);
	free((void *)(uintptr_t)answers[0]);
	json_decref(tree);
}

static void a_mistake_is_a_usage_error(void **state)
{
	struct options o = {.command = "compare", .duration = "soon"};
	struct view v = {.output = OUTPUT_TEXT, .width = 80};
	struct captured s;

	(void)state;
	captured_begin(&s);
	v.out = s.to_out;
	s.status = (int)compare_command(&o, &v, s.to_errors);
	captured_end(&s);
	assert_int_equal(s.status, EXIT_USAGE);
	assert_string_equal(s.errors,
	    "ntsctl: compare: --for has to be a time from 10s to 30d, such as "
	    "1h, not 'soon'; see: ntsctl help\n");
	captured_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_time_has_a_unit_and_limits),
	    cmocka_unit_test(each_estimate_is_held_against_the_measurements),
	    cmocka_unit_test(each_that_is_missing_is_named),
	    cmocka_unit_test(an_agent_without_time_is_not_compared),
	    cmocka_unit_test(a_mistake_is_a_usage_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
