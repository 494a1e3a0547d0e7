#include "resolver/dns_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define HEADER "\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00"
#define QUESTION "\x01x\x00\x00\x10\x00\x01"
#define FIRST "\xc0\x0c\x00\x10\x00\x03\x00\x00\x00\x3c\x00\x02hi"
#define SECOND "\x02yz\x00\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x00"

static const char message[] = HEADER QUESTION FIRST SECOND;

static struct dns_message message_of(const char *bytes, size_t len)
{
	return dns_message_of((const uint8_t *)bytes, len);
}

static void the_answers_come_one_by_one(void **state)
{
	struct dns_message m = message_of(message, sizeof(message) - 1);
	struct dns_record r;

	(void)state;
	assert_int_equal(m.flags, 0x8180);
	assert_ptr_equal(m.base, message);
	assert_true(dns_message_next(&m, &r));
	assert_int_equal(r.type, 16);
	assert_int_equal(r.class, 3);
	assert_int_equal(r.data.left, 2);
	assert_memory_equal(r.data.at, "hi", 2);
	assert_true(dns_message_next(&m, &r));
	assert_int_equal(r.type, 5);
	assert_int_equal(r.class, 1);
	assert_int_equal(r.data.left, 0);
	assert_false(dns_message_next(&m, &r));
	assert_true(reader_done(&m.rest));
}

static void a_message_that_is_cut_is_broken(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(message) - 1; len++) {
		struct dns_message m = message_of(message, len);
		struct dns_record r;
		unsigned whole = 0;

		while (dns_message_next(&m, &r))
			whole++;
		assert_int_equal(
		    whole, len >= sizeof(HEADER QUESTION FIRST) - 1 ? 1 : 0);
		assert_false(m.rest.ok);
	}
}

/* RFC 1035 section 4.1.4: two kinds of labels have no meaning. */
static void a_label_of_an_unknown_kind_is_broken(void **state)
{
	static const uint8_t kinds[] = {0x40, 0x80};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds); i++) {
		uint8_t bytes[512] =
		    "\x12\x34\x81\x80\x00\x00\x00\x01\x00\x00\x00\x00";
		struct dns_message m = dns_message_of(bytes, sizeof(bytes));
		struct dns_record r;

		/* Of zeros, a record with an empty name. */
		assert_true(dns_message_next(&m, &r));
		bytes[12] = kinds[i];
		m = dns_message_of(bytes, sizeof(bytes));
		assert_false(dns_message_next(&m, &r));
		assert_false(m.rest.ok);
	}
}

static bool answers(const char *bytes, size_t len)
{
	static const char query[] =
	    "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" QUESTION;

	return dns_message_answers((const uint8_t *)bytes, len,
	    (const uint8_t *)query, sizeof(query) - 1);
}

static void an_answer_has_the_number_and_the_question_of_its_query(void **state)
{
	char bytes[sizeof(message)];

	(void)state;
	assert_true(answers(message, sizeof(message) - 1));
	for (size_t len = 0; len < sizeof(message) - 1; len++)
		assert_int_equal(
		    answers(message, len), len >= sizeof(HEADER QUESTION) - 1);
	/* Number, count of questions, and each byte of the question. */
	for (size_t i = 0; i < sizeof(HEADER QUESTION) - 1; i++) {
		memcpy(bytes, message, sizeof(bytes));
		bytes[i] ^= 0x01;
		assert_int_equal(answers(bytes, sizeof(bytes) - 1),
		    i == 2 || i == 3 || (i >= 6 && i < 12));
	}
	/* RFC 1035 section 2.3.3 */
	memcpy(bytes, message, sizeof(bytes));
	bytes[13] = 'X';
	assert_true(answers(bytes, sizeof(bytes) - 1));
}

static void a_query_with_two_questions_has_no_answer(void **state)
{
	static const char two[] =
	    "\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00" QUESTION
		QUESTION;

	(void)state;
	assert_false(dns_message_answers((const uint8_t *)two, sizeof(two) - 1,
	    (const uint8_t *)two, sizeof(two) - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		an_answer_has_the_number_and_the_question_of_its_query),
	    cmocka_unit_test(a_query_with_two_questions_has_no_answer),
	    cmocka_unit_test(the_answers_come_one_by_one),
	    cmocka_unit_test(a_message_that_is_cut_is_broken),
	    cmocka_unit_test(a_label_of_an_unknown_kind_is_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
