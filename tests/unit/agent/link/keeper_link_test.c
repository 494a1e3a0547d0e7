/* What engine, keeper and saver send to each other, good and bad. */
#include "agent/link/keeper_link.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define COMMAND KEEPER_MESSAGE_COMMAND
#define SAVE KEEPER_MESSAGE_SAVE

static const struct keeper_message command = {
    .kind = COMMAND,
    .serial = 5,
    .command = {.freq_ppm = -7, .slew_ns = 1, .slew_duration_ns = 1},
};

static const struct keeper_message save = {
    .kind = SAVE,
    .serial = 6,
    .freq_ppm = -3.5,
    .freq_sd_ppm = 0.5,
    .good_time_s = 1700000000,
};

/* clang-format off */
/* A message that breaks one rule, sent with `len` bytes; a bool of a command is
 * set by its byte. */
static const struct bad {
	const char *what;
	size_t len;
	struct keeper_message m;
	size_t bool_offset;
} bads[] = {
#define WHOLE sizeof(struct keeper_message)
#define OF(member) offsetof(struct keeper_message, command.member)
	{"short", WHOLE - 1, {.kind = COMMAND, .serial = 1}, 0},
	{"long", WHOLE + 8, {.kind = COMMAND, .serial = 1}, 0},
	{"one byte", 1, {.kind = COMMAND, .serial = 1}, 0},
	{"kind 0", WHOLE, {.kind = 0, .serial = 1}, 0},
	{"kind 4", WHOLE, {.kind = 4, .serial = 1}, 0},
	{"alive 0", WHOLE, {.kind = KEEPER_MESSAGE_ALIVE}, 0},
	{"serial 0", WHOLE, {.kind = COMMAND}, 0},
	{"synchronised", WHOLE, {.kind = COMMAND, .serial = 1}, OF(synchronised)},
	{"bootstrap", WHOLE, {.kind = COMMAND, .serial = 1}, OF(bootstrap)},
	{"pause", WHOLE, {.kind = COMMAND, .serial = 1}, OF(pause)},
	{"nan", WHOLE, {.kind = SAVE, .serial = 1, .freq_ppm = NAN}, 0},
	{"freq", WHOLE, {.kind = SAVE, .serial = 1, .freq_ppm = 1e6}, 0},
	{"sd", WHOLE, {.kind = SAVE, .serial = 1, .freq_sd_ppm = -1}, 0},
	{"inf", WHOLE, {.kind = SAVE, .serial = 1, .freq_sd_ppm = INFINITY}, 0},
	{"time", WHOLE, {.kind = SAVE, .serial = 1, .good_time_s = -1}, 0},
};
/* clang-format on */

static void make_bad(const struct bad *b, unsigned char *out)
{
	memset(out, 0, sizeof(b->m) + 8);
	memcpy(out, &b->m, sizeof(b->m));
	if (b->bool_offset)
		out[b->bool_offset] = 2;
}

static void bad_messages_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
		unsigned char bytes[sizeof(struct keeper_message) + 8];
		struct keeper_message out;
		int link[2];

		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
		make_bad(&bads[i], bytes);
		assert_int_equal(keeper_receive_message(link[0], &out), 0);
		assert_int_equal(
		    send(link[1], bytes, bads[i].len, 0), bads[i].len);
		if (keeper_receive_message(link[0], &out) != -1)
			fail_msg("taken: %s", bads[i].what);
		close(link[1]);
		assert_int_equal(keeper_receive_message(link[0], &out), -1);
		close(link[0]);
	}
}

static void good_messages_arrive(void **state)
{
	struct keeper_message in = save, out;
	int link[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
	assert_int_equal(keeper_send_message(link[1], &in), 1);
	assert_int_equal(keeper_receive_message(link[0], &out), 1);
	assert_true(out.freq_ppm == in.freq_ppm && out.serial == in.serial);
	/* The keeper judges a command's numbers, even not-a-number. */
	in = command;
	in.command.freq_ppm = NAN;
	in.command.synchronised = true;
	assert_int_equal(keeper_send_message(link[1], &in), 1);
	assert_int_equal(keeper_receive_message(link[0], &out), 1);
	assert_true(out.command.synchronised && isnan(out.command.freq_ppm));
	close(link[0]);
	close(link[1]);
}

/* A full link blocks nobody; a closed one is an error, and no signal. */
static void a_link_may_be_full_or_closed(void **state)
{
	int link[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
	while (keeper_send_message(link[1], &command) == 1)
		;
	assert_int_equal(keeper_send_message(link[1], &command), 0);
	close(link[0]);
	assert_int_equal(keeper_send_message(link[1], &command), -1);
	close(link[1]);
}

static void reports_are_judged(void **state)
{
	static const struct keeper_report good = {.verdict = KEEPER_KERNEL,
	    .sys_errno = EPERM,
	    .change_count = 1,
	    .leap = LEAP_DELETE,
	    .changes = {{.at = {5}, .freq_ppm = 3}}};
	static const struct keeper_report far = {.change_count = 2,
	    .changes = {{.at = {5}, .step_ns = (INT64_C(1) << 62) - 6},
		{.at = {5}, .step_ns = -5}}};
	struct keeper_report bad[14], out;
	int link[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		bad[i] = good;
	bad[0].verdict = KEEPER_VERDICT_COUNT;
	bad[1].sys_errno = -1;
	bad[2].change_count = CLOCK_CHANGES_MAX + 1;
	bad[3].changes[0].freq_ppm = NAN;
	bad[4].changes[0].freq_ppm = -1e9;
	bad[5].changes[0].at.ns = -1;
	bad[6].found_freq_ppm = INFINITY;
	bad[7].changes[0].freq_ppm = 2e5;
	bad[8].changes[0].at.ns = INT64_C(1) << 62;
	bad[9].changes[0].step_ns = -6;
	bad[10].changes[0].step_ns = INT64_MIN;
	bad[11].changes[0].step_ns = INT64_MAX;
	bad[12].changes[0].step_ns = (INT64_C(1) << 62) - 5;
	bad[13].leap = LEAP_DELETE + 1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
	assert_int_equal(keeper_send_report(link[1], &good), 1);
	assert_int_equal(keeper_receive_report(link[0], &out), 1);
	assert_memory_equal(&good, &out, sizeof(out));
	assert_int_equal(keeper_send_report(link[1], &far), 1);
	assert_int_equal(keeper_receive_report(link[0], &out), 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(keeper_send_report(link[1], &bad[i]), 1);
		if (keeper_receive_report(link[0], &out) != -1)
			fail_msg("report %zu was taken", i);
	}
	close(link[0]);
	close(link[1]);
}

/* Next to a report, which has another length. */
static void a_question_arrives_with_its_serial(void **state)
{
	static const struct keeper_report report = {.serial = 8};
	static const struct keeper_message alive = {
	    .kind = KEEPER_MESSAGE_ALIVE, .serial = 77};
	struct keeper_report out;
	struct keeper_message answer;
	int link[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
	assert_int_equal(keeper_send_question(link[1], 77), 1);
	assert_int_equal(keeper_send_report(link[1], &report), 1);
	memset(&out, 0xff, sizeof(out));
	assert_int_equal(keeper_receive_report(link[0], &out), KEEPER_ASKS);
	assert_int_equal(out.serial, 77);
	assert_int_equal(out.change_count, 0);
	assert_int_equal(keeper_receive_report(link[0], &out), 1);
	assert_int_equal(out.serial, 8);
	assert_int_equal(keeper_send_message(link[0], &alive), 1);
	assert_int_equal(keeper_receive_message(link[1], &answer), 1);
	assert_int_equal(answer.kind, KEEPER_MESSAGE_ALIVE);
	assert_int_equal(answer.serial, 77);
	assert_int_equal(keeper_send_question(link[1], 0), 1);
	assert_int_equal(keeper_receive_report(link[0], &out), -1);
	/* Neither a report nor a question. */
	assert_int_equal(send(link[1], &report, 8, 0), 8);
	assert_int_equal(keeper_receive_report(link[0], &out), -1);
	close(link[0]);
	close(link[1]);
}

static void orders_to_save_are_judged(void **state)
{
	static const struct save_order good = {.driftfile = "/d",
	    .goodtime_file = "/g",
	    .freq_ppm = -3,
	    .freq_sd_ppm = 0,
	    .good_time_s = 0};
	struct save_order bad[7];

	(void)state;
	assert_true(save_order_valid(&good));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		bad[i] = good;
	memset(bad[0].driftfile, 'd', sizeof(bad[0].driftfile));
	memset(bad[1].goodtime_file, 'g', sizeof(bad[1].goodtime_file));
	bad[2].freq_ppm = NAN;
	bad[3].freq_sd_ppm = INFINITY;
	bad[4].freq_sd_ppm = -0.1;
	bad[5].good_time_s = -1;
	bad[6].seal.there = 2;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (save_order_valid(&bad[i]))
			fail_msg("order %zu was taken", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bad_messages_are_refused),
	    cmocka_unit_test(good_messages_arrive),
	    cmocka_unit_test(a_link_may_be_full_or_closed),
	    cmocka_unit_test(reports_are_judged),
	    cmocka_unit_test(a_question_arrives_with_its_serial),
	    cmocka_unit_test(orders_to_save_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
