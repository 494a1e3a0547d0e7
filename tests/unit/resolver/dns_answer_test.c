#include "resolver/dns_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

/* An answer of a server for www.example.com: an alias, two addresses of each
 * kind, and a signature; names by pointers. */
#define HEADER(flags, answers)                                                 \
	"\x12\x34" flags "\x00\x01\x00" answers "\x00\x00\x00\x00"
#define QUESTION                                                               \
	"\x03www\x07"                                                          \
	"example\x03"                                                          \
	"com\x00\x00\x01\x00\x01"
#define ALIAS "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x06\x03web\xc0\x10"
#define OF(type, class, len) "\xc0\x2d" type class "\x00\x00\x00\x3c\x00" len
#define IN "\x00\x01"
#define A1 OF("\x00\x01", IN, "\x04") "\xc0\x00\x02\x01"
#define A2 OF("\x00\x01", IN, "\x04") "\xc0\x00\x02\x02"
#define AAAA1                                                                  \
	OF("\x00\x1c", IN, "\x10")                                             \
	"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
#define SIGNATURE OF("\x00\x2e", IN, "\x04") "\x00\x01\x08\x03"
#define GOOD_FLAGS "\x81\x90"

static bool read_it(const char *bytes, size_t len, struct names *n)
{
	*n = (struct names){0};
	return dns_answer_read((const uint8_t *)bytes, len, 4460, 32, n);
}

#define READ(bytes, n) read_it(bytes, sizeof(bytes) - 1, n)

static void an_answer_has_its_addresses(void **state)
{
	static const char answer[] =
	    HEADER(GOOD_FLAGS, "\x05") QUESTION ALIAS A1 SIGNATURE A2 AAAA1;
	char text[ENDPOINT_TEXT_MAX];
	struct names n;

	(void)state;
	assert_true(READ(answer, &n));
	assert_int_equal(n.count, 3);
	assert_string_equal(
	    endpoint_text(&n.at[0], true, text), "192.0.2.1:4460");
	assert_string_equal(
	    endpoint_text(&n.at[1], true, text), "192.0.2.2:4460");
	assert_string_equal(
	    endpoint_text(&n.at[2], true, text), "[2001:db8::1]:4460");
}

static void an_address_comes_once_and_up_to_the_limit(void **state)
{
	static const char answer[] =
	    HEADER(GOOD_FLAGS, "\x04") QUESTION A1 A1 A2 AAAA1;
	struct names n = {0};

	(void)state;
	assert_true(READ(answer, &n));
	assert_int_equal(n.count, 3);
	n.count = 0;
	assert_true(dns_answer_read(
	    (const uint8_t *)answer, sizeof(answer) - 1, 4460, 1, &n));
	assert_int_equal(n.count, 2);
	/* Another answer adds to them. */
	assert_true(dns_answer_read(
	    (const uint8_t *)answer, sizeof(answer) - 1, 4460, 2, &n));
	assert_int_equal(n.count, 3);
	assert_int_equal(n.at[1].family, 6);
}

static void other_records_are_no_address(void **state)
{
	struct names n;

	(void)state;
	/* Class CHAOS; an A record of three bytes, of five; none at all. */
	assert_true(READ(HEADER(GOOD_FLAGS, "\x01")
			     QUESTION OF("\x00\x01", "\x00\x03", "\x04") "abcd",
	    &n));
	assert_int_equal(n.count, 0);
	assert_true(READ(HEADER(GOOD_FLAGS, "\x01")
			     QUESTION OF("\x00\x01", IN, "\x03") "abc",
	    &n));
	assert_int_equal(n.count, 0);
	assert_true(READ(HEADER(GOOD_FLAGS, "\x01")
			     QUESTION OF("\x00\x01", IN, "\x05") "abcde",
	    &n));
	assert_int_equal(n.count, 0);
	assert_true(READ(HEADER(GOOD_FLAGS, "\x00") QUESTION, &n));
	assert_int_equal(n.count, 0);
}

static void what_is_no_good_answer_is_refused(void **state)
{
	struct names n;

	(void)state;
	/* A query, SERVFAIL, NXDOMAIN, a label of an unknown kind. */
	assert_false(READ(HEADER("\x01\x10", "\x01") QUESTION A1, &n));
	assert_false(READ(HEADER("\x81\x82", "\x01") QUESTION A1, &n));
	assert_false(READ(HEADER("\x81\x83", "\x01") QUESTION A1, &n));
	assert_false(READ(HEADER(GOOD_FLAGS, "\x01") QUESTION
	    "\x40x\x00\x00\x01\x00\x01\x00\x00\x00"
	    "\x01\x00\x04\xc0\x00\x02\x01",
	    &n));
	assert_int_equal(n.count, 0);
}

static void every_prefix_is_refused(void **state)
{
	static const char answer[] =
	    HEADER(GOOD_FLAGS, "\x05") QUESTION ALIAS A1 SIGNATURE A2 AAAA1;
	struct names n;

	(void)state;
	for (size_t len = 0; len < sizeof(answer) - 1; len++) {
		assert_false(read_it(answer, len, &n));
		assert_int_equal(n.count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_answer_has_its_addresses),
	    cmocka_unit_test(an_address_comes_once_and_up_to_the_limit),
	    cmocka_unit_test(other_records_are_no_address),
	    cmocka_unit_test(what_is_no_good_answer_is_refused),
	    cmocka_unit_test(every_prefix_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
