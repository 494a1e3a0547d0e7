/* What a process learns when it starts. */
#include "agent/link/start_link.h"

#include "tests/unit/agent/config/config_room.h"

#include <math.h>
#include <pthread.h>
#include <sys/socket.h>

static struct start_head good_head(void)
{
	struct start_head h = start_head_of(2);

	h.parent = 17;
	h.log_level = LOG_LEVEL_INFO;
	return h;
}

static void a_head_is_judged(void **state)
{
	const struct start_head good = good_head();
	struct start_head bad[10];

	(void)state;
	assert_true(start_head_is_ours(&good));
	assert_true(start_head_valid(&good));
	assert_int_equal(good.process, 2);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		bad[i] = good;
	bad[0].parent = 0;
	bad[1].parent = -1;
	bad[2].change_user = 2;
	bad[3].no_clock = 2;
	bad[4].log_target = LOG_TO_SYSLOG + 1;
	bad[5].log_level = LOG_LEVEL_ERROR - 1;
	bad[6].log_level = LOG_LEVEL_DEBUG + 1;
	bad[7].binds = BINDING_NEEDS_ALL + 1;
	bad[8].version[0] ^= 1;
	bad[9].sandbox = START_SANDBOX_ON + 1;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (start_head_valid(&bad[i]))
			fail_msg("head %zu was taken", i);
}

static void the_largest_values_of_a_head_are_good(void **state)
{
	struct start_head h = good_head();

	(void)state;
	h.change_user = h.no_clock = 1;
	h.log_target = LOG_TO_SYSLOG;
	h.sandbox = START_SANDBOX_ON;
	h.log_level = LOG_LEVEL_DEBUG;
	h.parent = 1;
	assert_true(start_head_valid(&h));
	h.log_level = LOG_LEVEL_ERROR;
	assert_true(start_head_valid(&h));
}

static void another_version_is_noticed(void **state)
{
	struct start_head h = good_head();

	(void)state;
	strcat(h.version, "1");
	assert_false(start_head_is_ours(&h));
	memset(h.version, '0', sizeof(h.version));
	assert_false(start_head_is_ours(&h));
}

static struct start_engine *good_start(struct config_room *r)
{
	struct start_engine *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	room_accepts(r, "[source a]\n");
	s->config = r->config;
	s->freq_sd_ppm = 100;
	return s;
}

static void refuses(struct start_engine *s, const char *what)
{
	if (start_engine_valid(s))
		fail_msg("%s was taken", what);
}

/* Sets a member, sees the refusal, and puts the member back. */
#define REFUSES(member, value)                                                 \
	do {                                                                   \
		struct start_engine *was = calloc(1, sizeof(*was));            \
		*was = *s;                                                     \
		s->member = (value);                                           \
		refuses(s, #member " = " #value);                              \
		*s = *was;                                                     \
		free(was);                                                     \
	} while (0)

static void the_start_of_an_engine_is_judged(void **state)
{
	struct start_engine *s = good_start(*state);

	assert_true(start_engine_valid(s));
	REFUSES(clock.at.ns, -1);
	REFUSES(clock.step_ns, 1);
	REFUSES(clock.freq_ppm, NAN);
	REFUSES(earliest_ns, -1);
	REFUSES(freq_ppm, INFINITY);
	REFUSES(freq_sd_ppm, NAN);
	REFUSES(freq_sd_ppm, -1);
	REFUSES(timeout_s, -1);
	REFUSES(max_bound_ns, -1);
	REFUSES(once, 2);
	REFUSES(print_only, 2);
	REFUSES(no_clock, 2);
	REFUSES(own_orders, 2);
	REFUSES(config.source_count, 0);
	REFUSES(seal.there, 2);
	memset(s->no_clock_reason, 'r', sizeof(s->no_clock_reason));
	refuses(s, "a reason without end");
	free(s);
}

static void options_arrive(void **state)
{
	struct start_engine *s = good_start(*state);
	const struct run_options sent[] = {
	    {.no_clock = true, .no_clock_reason = "why not", .timeout_s = 7},
	    {.once = true, .timeout_s = 1, .max_bound_ns = 5},
	    {.print_only = true, .no_clock = true, .no_clock_reason = "-Q"},
	};

	for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
		struct run_options got;

		start_put_options(s, &sent[i]);
		assert_true(start_engine_valid(s));
		got = start_options_of(s);
		assert_int_equal(got.no_clock, sent[i].no_clock);
		assert_int_equal(got.once, sent[i].once);
		assert_int_equal(got.print_only, sent[i].print_only);
		assert_int_equal(got.timeout_s, sent[i].timeout_s);
		assert_int_equal(got.max_bound_ns, sent[i].max_bound_ns);
		if (sent[i].no_clock)
			assert_string_equal(
			    got.no_clock_reason, sent[i].no_clock_reason);
		else
			assert_null(got.no_clock_reason);
	}
	free(s);
}

static void *send_late(void *link)
{
	const int *fd = link;

	usleep(20000);
	assert_true(start_send(*fd, "abc", 3));
	return NULL;
}

/* It waits for its message, however late that comes. */
static void a_message_is_waited_for(void **state)
{
	pthread_t sender;
	char got[4] = "";
	int link[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
	assert_int_equal(pthread_create(&sender, NULL, send_late, &link[0]), 0);
	assert_true(start_receive(link[1], got, 3));
	assert_string_equal(got, "abc");
	assert_int_equal(pthread_join(sender, NULL), 0);
	assert_true(start_send(link[0], "abcd", 4));
	assert_false(start_receive(link[1], got, 3));
	close(link[0]);
	assert_false(start_receive(link[1], got, 3));
	assert_false(start_send(link[1], "abc", 3));
	close(link[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, room_make, room_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_head_is_judged),
	    cmocka_unit_test(the_largest_values_of_a_head_are_good),
	    cmocka_unit_test(another_version_is_noticed),
	    TEST(the_start_of_an_engine_is_judged),
	    TEST(options_arrive),
	    cmocka_unit_test(a_message_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
