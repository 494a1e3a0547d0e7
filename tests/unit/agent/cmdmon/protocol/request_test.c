#include "agent/cmdmon/protocol/request.h"

#include "agent/cmdmon/protocol/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* The length that chronyc 4.8 pads each request to, and the shorter one that
 * version 4.3 uses. */
static const struct {
	uint16_t command;
	size_t least, written;
} commands[] = {
    {CMDMON_N_SOURCES, 32, 32},
    {CMDMON_SOURCE_DATA, 76, 76},
    {CMDMON_TRACKING, 104, 104},
    {CMDMON_SOURCESTATS, 84, 84},
    {CMDMON_ACTIVITY, 48, 48},
    {CMDMON_NTP_DATA, 152, 172},
    {CMDMON_NTP_SOURCE_NAME, 284, 284},
    {CMDMON_AUTH_DATA, 52, 52},
    {CMDMON_SELECT_DATA, 76, 76},
};

static enum cmdmon_status status;
static struct cmdmon_request parsed;

static enum cmdmon_verdict judge(const uint8_t *bytes, size_t len)
{
	return cmdmon_request_parse(bytes, len, &parsed, &status);
}

static size_t write_request(uint16_t command, uint8_t out[CMDMON_MESSAGE_MAX])
{
	const struct cmdmon_request r = {
	    .command = command,
	    .sequence = 0x01020304,
	    .index = 7,
	    .address = {.bytes = {10, 1, 2, 3}, .family = CMDMON_IPV4},
	};

	memset(out, 0xee, CMDMON_MESSAGE_MAX);
	return cmdmon_request_write(&r, out);
}

/* The bytes that chronyc 4.3 sends for `tracking` and a source by its index. */
static void requests_have_the_bytes_of_chronyc(void **state)
{
	static const uint8_t tracking[CMDMON_TRACKING_LEN] = {
	    6, 1, 0, 0, 0, 33, 0, 0, 1, 2, 3, 4};
	static const uint8_t source[CMDMON_SOURCE_DATA_LEN] = {6, 1, 0, 0, 0,
	    15, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
	static const uint8_t auth[CMDMON_AUTH_DATA_LEN] = {6, 1, 0, 0, 0, 67, 0,
	    0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 10, 1, 2, 3, [37] = 1};
	uint8_t out[CMDMON_MESSAGE_MAX];

	(void)state;
	assert_int_equal(write_request(CMDMON_TRACKING, out), sizeof(tracking));
	assert_memory_equal(out, tracking, sizeof(tracking));
	assert_int_equal(
	    write_request(CMDMON_SOURCE_DATA, out), sizeof(source));
	assert_memory_equal(out, source, sizeof(source));
	assert_int_equal(write_request(CMDMON_AUTH_DATA, out), sizeof(auth));
	assert_memory_equal(out, auth, sizeof(auth));
}

static void each_request_is_read_as_it_was_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		uint8_t out[CMDMON_MESSAGE_MAX];
		size_t len = write_request(commands[i].command, out);

		assert_int_equal(len, commands[i].written);
		assert_int_equal(judge(out, len), CMDMON_ANSWER);
		assert_int_equal(parsed.command, commands[i].command);
		assert_int_equal(parsed.sequence, 0x01020304);
		assert_int_equal(parsed.length, len);
		assert_true(parsed.index == 0 || parsed.index == 7);
	}
}

static void a_request_that_is_not_padded_is_told_so(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		uint8_t out[CMDMON_MESSAGE_MAX];

		write_request(commands[i].command, out);
		assert_int_equal(judge(out, commands[i].least), CMDMON_ANSWER);
		assert_int_equal(
		    judge(out, commands[i].least - 1), CMDMON_REFUSE);
		assert_int_equal(status, CMDMON_BAD_LENGTH);
	}
}

static void what_is_shorter_than_any_answer_is_ignored(void **state)
{
	uint8_t out[CMDMON_MESSAGE_MAX];

	(void)state;
	write_request(CMDMON_TRACKING, out);
	for (size_t len = 0; len < CMDMON_ANSWER_HEADER_LEN; len++)
		assert_int_equal(judge(out, len), CMDMON_IGNORE);
	assert_int_equal(judge(out, CMDMON_ANSWER_HEADER_LEN), CMDMON_REFUSE);
}

static void what_is_no_request_is_ignored(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} changes[] = {{0, 4}, {0, 0}, {1, 2}, {1, 0}, {2, 1}, {3, 1}};
	uint8_t out[CMDMON_MESSAGE_MAX + 1] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		size_t len = write_request(CMDMON_TRACKING, out);

		out[changes[i].at] = changes[i].byte;
		assert_int_equal(judge(out, len), CMDMON_IGNORE);
	}
	write_request(CMDMON_TRACKING, out);
	assert_int_equal(judge(out, CMDMON_MESSAGE_MAX), CMDMON_ANSWER);
	assert_int_equal(judge(out, sizeof(out)), CMDMON_IGNORE);
}

static void another_version_is_told_ours(void **state)
{
	uint8_t out[CMDMON_MESSAGE_MAX];

	(void)state;
	for (unsigned version = 5; version < 256; version++) {
		size_t len = write_request(CMDMON_TRACKING, out);

		out[0] = (uint8_t)version;
		if (version == CMDMON_VERSION)
			continue;
		assert_int_equal(judge(out, len), CMDMON_REFUSE);
		assert_int_equal(status, CMDMON_BAD_VERSION);
	}
}

/* All but the nine commands: what chrony has dropped or never had is invalid,
 * and what gives orders is not authorised. */
static void everything_else_is_refused(void **state)
{
	static const struct {
		uint16_t command;
		enum cmdmon_status status;
	} some[] = {
	    {0, CMDMON_INVALID},
	    {10, CMDMON_INVALID},
	    {12, CMDMON_INVALID},
	    {75, CMDMON_INVALID},
	    {65535, CMDMON_INVALID},
	    {1, CMDMON_NOT_AUTHORISED},	 /* online */
	    {43, CMDMON_NOT_AUTHORISED}, /* makestep */
	    {54, CMDMON_NOT_AUTHORISED}, /* serverstats */
	    {62, CMDMON_NOT_AUTHORISED}, /* shutdown */
	    {74, CMDMON_NOT_AUTHORISED},
	    {35, CMDMON_NO_RTC},
	    {51, CMDMON_NOT_ENABLED},
	    /* Its low byte alone would be an invalid number. */
	    {256 + 33, CMDMON_INVALID},
	};
	unsigned answered = 0;
	uint8_t out[CMDMON_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(some); i++) {
		write_request(some[i].command, out);
		assert_int_equal(judge(out, 400), CMDMON_REFUSE);
		assert_int_equal(status, some[i].status);
	}
	for (unsigned command = 0; command <= UINT16_MAX; command++) {
		out[4] = (uint8_t)(command >> 8);
		out[5] = (uint8_t)command;
		answered += judge(out, 400) == CMDMON_ANSWER;
	}
	assert_int_equal(answered, ARRAY_LEN(commands));
}

/* Two writings of one address are equal after the parser. */
static void bytes_that_an_address_does_not_need_are_dropped(void **state)
{
	static const struct {
		uint16_t family, becomes;
		uint8_t fifth;
	} families[] = {
	    {CMDMON_UNSPECIFIED, CMDMON_UNSPECIFIED, 0},
	    {CMDMON_IPV4, CMDMON_IPV4, 0},
	    {CMDMON_IPV6, CMDMON_IPV6, 0xaa},
	    {CMDMON_ID, CMDMON_ID, 0},
	    {4, CMDMON_UNSPECIFIED, 0},
	    {0x0201, CMDMON_UNSPECIFIED, 0},
	};
	uint8_t out[CMDMON_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		size_t len = write_request(CMDMON_AUTH_DATA, out);

		memset(out + CMDMON_REQUEST_HEADER_LEN, 0xaa, 16);
		out[36] = (uint8_t)(families[i].family >> 8);
		out[37] = (uint8_t)families[i].family;
		out[38] = out[39] = 0xbb;
		assert_int_equal(judge(out, len), CMDMON_ANSWER);
		assert_int_equal(parsed.address.family, families[i].becomes);
		assert_int_equal(parsed.address.bytes[4], families[i].fifth);
		assert_int_equal(parsed.address.bytes[0],
		    families[i].becomes == CMDMON_UNSPECIFIED ? 0 : 0xaa);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_have_the_bytes_of_chronyc),
	    cmocka_unit_test(each_request_is_read_as_it_was_written),
	    cmocka_unit_test(a_request_that_is_not_padded_is_told_so),
	    cmocka_unit_test(what_is_shorter_than_any_answer_is_ignored),
	    cmocka_unit_test(what_is_no_request_is_ignored),
	    cmocka_unit_test(another_version_is_told_ours),
	    cmocka_unit_test(everything_else_is_refused),
	    cmocka_unit_test(bytes_that_an_address_does_not_need_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
