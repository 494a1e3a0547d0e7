/* SRV records: the parser, the order, and the sentences. */
#include "resolver/service.h"

#include "nts/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>

#define NAME "\6_ntske\4_tcp\7example\3net"
/* The place of that name in a message. */
#define AT_QUESTION 0xc00c

struct message {
	uint8_t bytes[4096];
	struct writer w;
};

/* What the DNS server answers to service_lookup(). */
static struct {
	struct message message;
	int error; /* h_errno; 0: the message */
	char asked[512];
	unsigned sent; /* without validation */
	bool needs_do; /* a query without DO is an error */
} dns;

/* Replaces the function of the C library. */
int res_nquery(res_state state, const char *name, int class, int type,
    unsigned char *answer, int size)
{
	snprintf(dns.asked, sizeof(dns.asked), "%s", name);
	assert_int_equal(class, ns_c_in);
	assert_int_equal(type, ns_t_srv);
	assert_true((int)dns.message.w.len <= size);
	if (dns.error) {
		state->res_h_errno = dns.error;
		return -1;
	}
	memcpy(answer, dns.message.bytes, dns.message.w.len);
	return (int)dns.message.w.len;
}

/* Replaces the function of the C library: a query with the bit CD, and after an
 * error with DO, too. */
int res_nsend(res_state state, const unsigned char *query, int size,
    unsigned char *answer, int room)
{
	(void)state;
	dns.sent++;
	assert_true(size > 28);
	assert_int_equal(query[3] & 0x10, 0x10);
	assert_int_equal(query[11], dns.sent == 2);
	if (dns.sent == 2)
		assert_int_equal(query[size - 4], 0x80);
	assert_true((int)dns.message.w.len <= room);
	memcpy(answer, dns.message.bytes, dns.message.w.len);
	answer[0] = query[0];
	answer[1] = query[1];
	if (dns.needs_do && dns.sent == 1)
		answer[3] |= ns_r_servfail;
	return (int)dns.message.w.len;
}

static void begin(struct message *m, unsigned answers)
{
	m->w = writer_of(m->bytes, sizeof(m->bytes));
	put_u32(&m->w, 0x12348180);
	put_u16(&m->w, 1);
	put_u16(&m->w, (uint16_t)answers);
	put_u32(&m->w, 0);
	put_bytes(&m->w, NAME, sizeof(NAME));
	put_u16(&m->w, ns_t_srv);
	put_u16(&m->w, ns_c_in);
}

/* `target` is a name of DNS, with its lengths. */
static void put_record(struct message *m, unsigned type, unsigned priority,
    unsigned weight, unsigned port, const char *target, size_t len)
{
	put_u16(&m->w, AT_QUESTION);
	put_u16(&m->w, (uint16_t)type);
	put_u16(&m->w, ns_c_in);
	put_u32(&m->w, 60);
	put_u16(&m->w, (uint16_t)(6 + len));
	put_u16(&m->w, (uint16_t)priority);
	put_u16(&m->w, (uint16_t)weight);
	put_u16(&m->w, (uint16_t)port);
	put_bytes(&m->w, target, len);
}

#define SRV(m, priority, weight, port, target)                                 \
	put_record(m, ns_t_srv, priority, weight, port, target, sizeof(target))

static bool parse(const struct message *m, struct service *out)
{
	bool absent;

	return service_parse(m->bytes, m->w.len, out, &absent);
}

static void records_are_taken(void **state)
{
	struct message m;
	struct service s;

	(void)state;
	begin(&m, 3);
	SRV(&m, 1, 2, 4460, "\1a\7example\3net");
	put_record(&m, ns_t_txt, 9, 9, 9, "\1x", 3);
	/* A name may go on in the question. */
	put_record(&m, ns_t_srv, 3, 4, 65535, "\1b\xc0\x18", 4);
	assert_true(parse(&m, &s));
	assert_int_equal(s.count, 2);
	assert_string_equal(s.at[0].target, "a.example.net");
	assert_int_equal(s.at[0].priority, 1);
	assert_int_equal(s.at[0].weight, 2);
	assert_int_equal(s.at[0].port, 4460);
	assert_string_equal(s.at[1].target, "b.example.net");
	assert_int_equal(s.at[1].port, 65535);
}

static void records_of_no_use_are_left_out(void **state)
{
	struct message m;
	struct service s;
	size_t class_at;

	(void)state;
	begin(&m, 8);
	SRV(&m, 1, 2, 0, "\1a");
	SRV(&m, 1, 2, 5, "");
	class_at = m.w.len + 5;
	SRV(&m, 1, 2, 6, "\1c");
	m.bytes[class_at] = 3; /* CHAOS */
	SRV(&m, 1, 2, 1, "\3a b");
	SRV(&m, 1, 2, 1, "\2a\x1b");
	put_record(&m, ns_t_srv, 1, 2, 1, "", 0);
	/* A name that does not end in the record. */
	put_record(&m, ns_t_srv, 1, 2, 1, "\1a", 2);
	SRV(&m, 1, 2, 7, "\1z");
	assert_true(parse(&m, &s));
	assert_int_equal(s.count, 1);
	assert_string_equal(s.at[0].target, "z");
}

static void a_domain_may_have_no_service(void **state)
{
	struct message m;
	struct service s;
	bool absent;

	(void)state;
	begin(&m, 1);
	SRV(&m, 0, 0, 0, "");
	assert_false(service_parse(m.bytes, m.w.len, &s, &absent));
	assert_true(absent);
	begin(&m, 0);
	assert_false(service_parse(m.bytes, m.w.len, &s, &absent));
	assert_false(absent);
	/* Another record says that it has one. */
	begin(&m, 2);
	SRV(&m, 0, 0, 0, "");
	SRV(&m, 0, 0, 4460, "\1a");
	assert_true(service_parse(m.bytes, m.w.len, &s, &absent));
	assert_false(absent);
	/* Too short for a port and a name. */
	begin(&m, 1);
	SRV(&m, 0, 0, 0, "");
	m.bytes[m.w.len - 8] -= 2;
	assert_false(service_parse(m.bytes, m.w.len, &s, &absent));
	assert_false(absent);
}

/* Every part of a good message fails or has fewer records, and none crashes. */
static void a_message_that_is_cut_is_refused(void **state)
{
	struct message m;
	struct service s;
	bool absent;

	(void)state;
	begin(&m, 1);
	SRV(&m, 1, 2, 4460, "\1a\7example\3net");
	for (size_t len = 0; len < m.w.len; len++)
		assert_false(service_parse(m.bytes, len, &s, &absent));
	assert_true(service_parse(m.bytes, m.w.len, &s, &absent));
}

static void only_so_many_records_fit(void **state)
{
	struct message m;
	struct service s;

	(void)state;
	begin(&m, SERVICE_MAX + 2);
	for (unsigned i = 0; i < SERVICE_MAX + 2; i++)
		SRV(&m, i, 0, 1 + i, "\1a");
	assert_true(parse(&m, &s));
	assert_int_equal(s.count, SERVICE_MAX);
	assert_int_equal(s.at[SERVICE_MAX - 1].port, SERVICE_MAX);
}

static struct service three(void)
{
	return (struct service){
	    3, {{20, 0, 1, "late"}, {10, 1, 2, "light"}, {10, 3, 3, "heavy"}}};
}

/* RFC 2782: with the weights 1 and 3, the second comes first three times of
 * four; the number is from 0 to 4, and 0 belongs to the first. */
static void priorities_come_before_weights(void **state)
{
	static const struct {
		uint32_t random;
		const char *first, *second;
	} rows[] = {{0, "light", "heavy"}, {1, "light", "heavy"},
	    {2, "heavy", "light"}, {3, "heavy", "light"}, {4, "heavy", "light"},
	    {5, "light", "heavy"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t random[SERVICE_MAX] = {rows[i].random};
		struct service s = three();

		service_order(&s, random);
		assert_string_equal(s.at[0].target, rows[i].first);
		assert_string_equal(s.at[1].target, rows[i].second);
		assert_string_equal(s.at[2].target, "late");
	}
}

static void each_of_many_may_be_the_first(void **state)
{
	static const char *const first[] = {"a", "a", "b", "b", "c"};

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		uint32_t random[SERVICE_MAX] = {i};
		struct service s = {
		    3, {{1, 1, 1, "a"}, {1, 2, 2, "b"}, {1, 1, 3, "c"}}};

		service_order(&s, random);
		assert_string_equal(s.at[0].target, first[i]);
	}
}

static void a_weight_of_zero_has_a_small_chance(void **state)
{
	uint32_t random[SERVICE_MAX] = {0};
	struct service s = {2, {{1, 9, 1, "heavy"}, {1, 0, 2, "none"}}};

	(void)state;
	service_order(&s, random);
	assert_string_equal(s.at[0].target, "none");
	random[0] = 1;
	service_order(&s, random);
	assert_string_equal(s.at[0].target, "heavy");
	s = (struct service){2, {{1, 0, 1, "a"}, {1, 0, 2, "b"}}};
	service_order(&s, random);
	assert_string_equal(s.at[0].target, "a");
}

static void says(const char *expected)
{
	char text[512];
	struct sentence why = sentence_to(text, sizeof(text));
	struct service s;

	assert_false(service_lookup("example.net", false, &s, &why));
	assert_int_equal(s.count, 0);
	if (!strstr(text, expected))
		fail_msg("%s", text);
}

static void a_lookup_says_why_it_fails(void **state)
{
	(void)state;
	dns.error = TRY_AGAIN;
	says("no DNS server answered for the SRV records of "
	     "_ntske._tcp.example.net");
	dns.error = HOST_NOT_FOUND;
	says("_ntske._tcp.example.net has no SRV records in DNS");
	dns.error = NO_DATA;
	says("_ntske._tcp.example.net has no SRV records in DNS");
	dns.error = NO_RECOVERY;
	says("the DNS server failed or refused");
	dns.error = 0;
	begin(&dns.message, 1);
	SRV(&dns.message, 0, 0, 0, "");
	says("says in DNS that it has no key server");
	begin(&dns.message, 1);
	SRV(&dns.message, 0, 0, 9, "\1 ");
	says("has no usable SRV record");
}

static void a_lookup_brings_the_records_in_order(void **state)
{
	char text[512];
	struct sentence why = sentence_to(text, sizeof(text));
	struct service s;

	(void)state;
	dns.error = 0;
	begin(&dns.message, 2);
	SRV(&dns.message, 2, 0, 4461, "\1b");
	SRV(&dns.message, 1, 0, 4460, "\1a");
	assert_true(service_lookup("example.net", false, &s, &why));
	assert_string_equal(dns.asked, "_ntske._tcp.example.net");
	assert_int_equal(s.count, 2);
	assert_string_equal(s.at[0].target, "a");
	assert_string_equal(s.at[1].target, "b");
}

/* A server that validates with a wrong clock refuses a signed domain. A domain
 * without records needs no second question. */
static void a_failed_lookup_is_repeated_without_validation(void **state)
{
	static const struct {
		int error;
		bool unsure, needs_do;
		unsigned sent;
	} rows[] = {
	    {TRY_AGAIN, false, false, 0},
	    {TRY_AGAIN, true, false, 1},
	    {NO_RECOVERY, true, false, 1},
	    {NO_RECOVERY, true, true, 2},
	    {NO_DATA, true, false, 0},
	    {HOST_NOT_FOUND, true, false, 0},
	};
	char text[512];
	struct service s;

	(void)state;
	begin(&dns.message, 1);
	SRV(&dns.message, 1, 0, 4460, "\1a");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sentence why = sentence_to(text, sizeof(text));

		dns.error = rows[i].error;
		dns.sent = 0;
		dns.needs_do = rows[i].needs_do;
		assert_int_equal(
		    service_lookup("example.net", rows[i].unsure, &s, &why),
		    rows[i].sent > 0);
		assert_int_equal(dns.sent, rows[i].sent);
		assert_int_equal(s.count, rows[i].sent > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_are_taken),
	    cmocka_unit_test(records_of_no_use_are_left_out),
	    cmocka_unit_test(a_domain_may_have_no_service),
	    cmocka_unit_test(a_message_that_is_cut_is_refused),
	    cmocka_unit_test(only_so_many_records_fit),
	    cmocka_unit_test(priorities_come_before_weights),
	    cmocka_unit_test(each_of_many_may_be_the_first),
	    cmocka_unit_test(a_weight_of_zero_has_a_small_chance),
	    cmocka_unit_test(a_lookup_says_why_it_fails),
	    cmocka_unit_test(a_lookup_brings_the_records_in_order),
	    cmocka_unit_test(a_failed_lookup_is_repeated_without_validation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
