#include "nts/ntp.h"
#include "tests/unit/nts/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

/* A header in the format of RFC 5905 figure 8. */
static const uint8_t wire[NTP_HEADER_LEN] = {0xe4, 0x02, 0x06, 0xe9, 0x00, 0x00,
    0x01, 0x02, 0x00, 0x00, 0x03, 0x04, 0x7f, 0x00, 0x00, 0x01, 0x11, 0x12,
    0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26,
    0x27, 0x28, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x41, 0x42,
    0x43, 0x44, 0x45, 0x46, 0x47, 0x48};

static void the_header_is_taken(void **state)
{
	struct reader r = reader_of(wire, sizeof(wire));
	struct ntp_header h;

	(void)state;
	assert_true(ntp_header_take(&r, &h));
	assert_true(reader_done(&r));
	assert_int_equal(h.leap, LEAP_UNKNOWN);
	assert_int_equal(h.version, NTP_VERSION);
	assert_int_equal(h.mode, NTP_MODE_SERVER);
	assert_int_equal(h.stratum, 2);
	assert_int_equal(h.poll, 6);
	assert_int_equal(h.precision, -23);
	assert_int_equal(h.root_delay, 0x0102);
	assert_int_equal(h.root_dispersion, 0x0304);
	assert_int_equal(h.reference_id, NTP_REFID(127, 0, 0, 1));
	assert_int_equal(h.reference, UINT64_C(0x1112131415161718));
	assert_int_equal(h.origin, UINT64_C(0x2122232425262728));
	assert_int_equal(h.receive, UINT64_C(0x3132333435363738));
	assert_int_equal(h.transmit, UINT64_C(0x4142434445464748));
}

static void a_header_survives_take_and_put(void **state)
{
	struct rng d = {3};

	(void)state;
	for (int i = 0; i < 200; i++) {
		uint8_t in[NTP_HEADER_LEN], out[NTP_HEADER_LEN];
		struct reader r = reader_of(in, sizeof(in));
		struct writer w = writer_of(out, sizeof(out));
		struct ntp_header h;

		rng_bytes(&d, in, sizeof(in));
		assert_true(ntp_header_take(&r, &h));
		ntp_header_put(&w, &h);
		assert_true(w.ok);
		assert_memory_equal(in, out, sizeof(in));
	}
}

static void a_short_header_is_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(wire); len++) {
		struct reader r = reader_of(wire, len);
		struct ntp_header h;

		assert_false(ntp_header_take(&r, &h));
	}
}

static void fields_are_taken_one_by_one(void **state)
{
	uint8_t bytes[16 + 20] = {1, 4, 0, 16, 0xaa};
	struct reader r = reader_of(bytes, sizeof(bytes));
	struct ntp_field f;

	(void)state;
	memcpy(bytes + 16, "\x02\x04\x00\x14", 4);
	assert_true(ntp_field_take(&r, bytes, &f));
	assert_int_equal(f.type, NTP_EF_UNIQUE_ID);
	assert_int_equal(f.offset, 0);
	assert_int_equal(f.body.left, 12);
	assert_int_equal(f.body.at[0], 0xaa);
	assert_true(ntp_field_take(&r, bytes, &f));
	assert_int_equal(f.type, NTP_EF_COOKIE);
	assert_int_equal(f.offset, 16);
	assert_int_equal(f.body.left, 16);
	assert_false(ntp_field_take(&r, bytes, &f));
	assert_true(reader_done(&r));
}

/* RFC 7822: a multiple of four, at least 16, and within the packet. */
static void a_field_of_a_wrong_length_is_malformed(void **state)
{
	(void)state;
	for (unsigned len = 0; len <= 40; len++) {
		uint8_t bytes[32] = {1, 4, 0, (uint8_t)len};
		struct reader r = reader_of(bytes, sizeof(bytes));
		struct ntp_field f;
		bool good = len >= 16 && len <= 32 && len % 4 == 0;

		assert_int_equal(ntp_field_take(&r, bytes, &f), good);
		assert_int_equal(r.ok, good);
	}
}

static void part_of_a_field_is_malformed(void **state)
{
	(void)state;
	for (size_t len = 1; len < 16; len++) {
		const uint8_t bytes[16] = {1, 4, 0, 16};
		struct reader r = reader_of(bytes, len);
		struct ntp_field f;

		assert_false(ntp_field_take(&r, bytes, &f));
		assert_false(r.ok);
	}
}

static void a_field_is_padded_with_zeros(void **state)
{
	(void)state;
	for (size_t body = 0; body <= 40; body++) {
		uint8_t bytes[64], zeros[64] = {0};
		struct writer w = writer_of(bytes, sizeof(bytes));
		size_t want = 4 + (body + 3) / 4 * 4, mark;

		memset(bytes, 0xee, sizeof(bytes));
		mark = ntp_field_begin(&w, NTP_EF_COOKIE);
		for (size_t i = 0; i < body; i++)
			put_u8(&w, 0x77);
		ntp_field_end(&w, mark, 28);
		want = want < 28 ? 28 : want;
		assert_true(w.ok);
		assert_int_equal(w.len, want);
		assert_int_equal(bytes[2] << 8 | bytes[3], want);
		assert_memory_equal(bytes + 4 + body, zeros, want - 4 - body);
	}
}

static void a_field_that_does_not_fit_fails_the_writer(void **state)
{
	(void)state;
	for (size_t room = 0; room < 28; room++) {
		uint8_t bytes[28];
		struct writer w = writer_of(bytes, room);
		size_t mark = ntp_field_begin(&w, NTP_EF_COOKIE);

		put_u8(&w, 1);
		ntp_field_end(&w, mark, 28);
		assert_false(w.ok);
	}
}

static struct wall at_s(int64_t s)
{
	return (struct wall){s * NS_PER_S};
}

#define ERA_1_S INT64_C(2085978496) /* 2036-02-07 06:28:16 UTC */

static void times_around_the_end_of_the_era_in_2036_are_converted(void **state)
{
	uint64_t last = UINT64_MAX, first = 0;

	(void)state;
	assert_int_equal(ntp_from_wall(at_s(ERA_1_S)), 0);
	assert_int_equal(ntp_from_wall(at_s(0)), NTP_UNIX_EPOCH << 32);
	/* A pivot in either era converts the times of both. */
	for (int64_t away = -20; away <= 20; away += 10) {
		struct wall pivot = at_s(ERA_1_S + away * 86400);

		assert_int_equal(
		    ntp_to_wall(first, pivot).ns, at_s(ERA_1_S).ns);
		assert_int_equal(ntp_to_wall(last, pivot).ns,
		    at_s(ERA_1_S).ns); /* rounded up by 0.23 ns */
		assert_int_equal(
		    ntp_to_wall(last - (UINT64_C(1) << 32) + 1, pivot).ns,
		    at_s(ERA_1_S - 1).ns);
	}
}

static void the_nearest_era_is_chosen(void **state)
{
	const int64_t half_s = INT64_C(1) << 31;
	struct wall pivot = at_s(1800000000);

	(void)state;
	for (int era = -1; era <= 1; era++) {
		struct wall p = at_s(1800000000 + era * 2 * half_s);
		struct wall early =
		    at_s(1800000000 + era * 2 * half_s - half_s);
		struct wall late =
		    at_s(1800000000 + era * 2 * half_s + half_s - 1);

		assert_int_equal(
		    ntp_to_wall(ntp_from_wall(early), p).ns, early.ns);
		assert_int_equal(
		    ntp_to_wall(ntp_from_wall(late), p).ns, late.ns);
	}
	/* One second more, and the other era is nearer. */
	assert_int_equal(
	    ntp_to_wall(ntp_from_wall(at_s(1800000000 + half_s)), pivot).ns,
	    at_s(1800000000 - half_s).ns);
}

static void a_nanosecond_survives_the_wire_format(void **state)
{
	struct rng d = {5};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		/* Pivots from 1970 to 2106, and times within 68 years. */
		struct wall pivot = {(int64_t)(rng_u64(&d) >> 1) %
				     (INT64_C(4300000000) * NS_PER_S)};
		int64_t away = (int64_t)(rng_u64(&d) >> 2) %
			       (INT64_C(2140000000) * NS_PER_S);
		struct wall t = {pivot.ns + (i % 2 ? away : -away)};

		assert_int_equal(ntp_to_wall(ntp_from_wall(t), pivot).ns, t.ns);
	}
}

static void a_wildly_wrong_clock_does_not_overflow(void **state)
{
	struct rng d = {6};
	const int64_t reach = (INT64_C(1) << 31) * NS_PER_S + 1;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint64_t stamp = rng_u64(&d);

		assert_true(ntp_to_wall(stamp, (struct wall){INT64_MAX}).ns >=
			    INT64_MAX - reach);
		assert_true(ntp_to_wall(stamp, (struct wall){INT64_MIN}).ns <=
			    INT64_MIN + reach);
	}
}

static void short_times_are_converted_to_nanoseconds(void **state)
{
	(void)state;
	assert_int_equal(ntp_short_to_ns(0), 0);
	assert_int_equal(ntp_short_to_ns(1), 15259);
	assert_int_equal(ntp_short_to_ns(0x00010000), NS_PER_S);
	assert_int_equal(ntp_short_to_ns(0x00008000), NS_PER_S / 2);
	assert_int_equal(ntp_short_to_ns(UINT32_MAX), INT64_C(65535999984741));
}

static void an_impossible_delay_is_known(void **state)
{
	const int64_t noise = 100 * NS_PER_US, step = NS_PER_MS;

	(void)state;
	assert_false(ntp_delay_impossible(1, 0));
	assert_false(ntp_delay_impossible(-noise, 0));
	assert_true(ntp_delay_impossible(-noise - 1, 0));
	assert_false(ntp_delay_impossible(-noise - 2 * step, step));
	assert_true(ntp_delay_impossible(-noise - 2 * step - 1, step));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_header_is_taken),
	    cmocka_unit_test(a_header_survives_take_and_put),
	    cmocka_unit_test(a_short_header_is_refused),
	    cmocka_unit_test(fields_are_taken_one_by_one),
	    cmocka_unit_test(a_field_of_a_wrong_length_is_malformed),
	    cmocka_unit_test(part_of_a_field_is_malformed),
	    cmocka_unit_test(a_field_is_padded_with_zeros),
	    cmocka_unit_test(a_field_that_does_not_fit_fails_the_writer),
	    cmocka_unit_test(
		times_around_the_end_of_the_era_in_2036_are_converted),
	    cmocka_unit_test(the_nearest_era_is_chosen),
	    cmocka_unit_test(a_nanosecond_survives_the_wire_format),
	    cmocka_unit_test(a_wildly_wrong_clock_does_not_overflow),
	    cmocka_unit_test(short_times_are_converted_to_nanoseconds),
	    cmocka_unit_test(an_impossible_delay_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
