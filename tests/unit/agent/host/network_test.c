#include "agent/host/network.h"

#include "tests/unit/agent/host/network_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BYTES_MAX 512

static struct mono at_s(int64_t s)
{
	return (struct mono){(1000 + s) * NS_PER_S};
}

static int setup(void **state)
{
	struct network *n = calloc(1, sizeof(*n));

	assert_non_null(n);
	network_init(n, at_s(0));
	*state = n;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static unsigned digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static size_t bytes_of(const char *hex, uint32_t out[BYTES_MAX / 4])
{
	uint8_t *bytes = (uint8_t *)out;
	size_t len = strlen(hex) / 2;

	assert_true(len <= BYTES_MAX);
	for (size_t i = 0; i < len; i++)
		bytes[i] =
		    (uint8_t)(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
	return len;
}

/* True: the message was a change. */
static bool change(struct network *n, const char *hex)
{
	uint32_t bytes[BYTES_MAX / 4];
	size_t len = bytes_of(hex, bytes);

	n->changed = false;
	network_note(n, bytes, len);
	return n->changed;
}

static void a_new_address_is_a_change_once(void **state)
{
	struct network *n = *state;

	assert_true(change(n, address_4));
	assert_false(change(n, address_4));
	assert_false(change(n, address_4_prolonged));
}

static void an_address_counts_when_it_may_be_used(void **state)
{
	struct network *n = *state;

	assert_false(change(n, address_tentative));
	assert_true(change(n, address_ready));
	assert_true(change(n, address_6_gone));
	assert_true(change(n, address_ready));
}

static void a_route_counts_when_it_comes_and_goes(void **state)
{
	struct network *n = *state;

	assert_true(change(n, default_route));
	assert_false(change(n, default_route));
	assert_true(change(n, default_route_gone));
	assert_true(change(n, default_route));
}

static void what_leads_nowhere_is_no_change(void **state)
{
	struct network *n = *state;

	assert_false(change(n, loopback_address));
	assert_false(change(n, local_route));
	assert_false(change(n, link_local_route));
}

static void a_link_counts_when_it_comes_up(void **state)
{
	struct network *n = *state;

	assert_false(change(n, link_down));
	assert_true(change(n, link_running));
	assert_false(change(n, link_running));
	assert_false(change(n, link_down));
	assert_true(change(n, link_running));
}

/* However a message is cut, nothing is read beyond its end. */
static void cut_messages_are_harmless(void **state)
{
	const char *const all[] = {address_4, address_ready, default_route,
	    link_running, default_route_gone};
	struct network *n = *state;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		uint32_t whole[BYTES_MAX / 4];
		size_t len = bytes_of(all[i], whole);

		for (size_t cut = 0; cut <= len; cut++) {
			/* A sanitizer knows where this memory ends. */
			uint32_t *part = malloc(cut + 4);

			assert_non_null(part);
			memcpy(part, whole, cut);
			if (cut >= 4)
				part[0] = (uint32_t)cut;
			network_note(n, part, cut);
			free(part);
		}
	}
}

static void more_facts_than_room_push_out_old_ones(void **state)
{
	struct network *n = *state;
	uint32_t bytes[BYTES_MAX / 4];
	size_t len = bytes_of(address_4, bytes);

	for (uint32_t i = 0; i < NETWORK_FACTS_MAX + 10; i++) {
		bytes[5] = i; /* ifa_index */
		n->changed = false;
		network_note(n, bytes, len);
		assert_true(n->changed);
	}
	assert_int_equal(n->fact_count, NETWORK_FACTS_MAX);
	bytes[5] = NETWORK_FACTS_MAX + 9;
	n->changed = false;
	network_note(n, bytes, len);
	assert_false(n->changed);
}

static void changes_close_together_are_told_once(void **state)
{
	struct network *n = *state;

	assert_int_equal(network_deadline(n).ns, MONO_NEVER.ns);
	n->changed = true;
	assert_true(network_take(n, at_s(0)));
	assert_false(network_take(n, at_s(0)));
	n->changed = true;
	assert_false(network_take(n, at_s(0)));
	assert_int_equal(network_deadline(n).ns, at_s(0).ns + NETWORK_APART_NS);
	assert_true(network_take(n, at_s(1)));
}

/* Routes that change all the time. */
static void changes_without_end_are_told_seldom(void **state)
{
	struct network *n = *state;
	unsigned told = 0;

	for (int64_t ms = 0; ms < 80000; ms += 100) {
		n->changed = true;
		told +=
		    network_take(n, (struct mono){at_s(0).ns + ms * NS_PER_MS});
	}
	assert_in_range(told, 16, 18);
}

/* The real socket: opening and closing it. */
static void the_kernel_lets_anybody_subscribe(void **state)
{
	struct network *n = *state;

	assert_int_equal(network_open(n), 0);
	assert_true(n->fd >= 0);
	network_read(n);
	network_close(n);
	assert_int_equal(n->fd, -1);
}

/* A datagram that arrives at the descriptor is taken. */
static void what_arrives_is_read(void **state)
{
	struct network *n = *state;
	uint32_t bytes[BYTES_MAX / 4];
	size_t len = bytes_of(address_4, bytes);
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	n->fd = pair[0];
	network_read(n);
	assert_false(n->changed);
	assert_int_equal(send(pair[1], bytes, len, 0), len);
	network_read(n);
	assert_true(n->changed);
	network_close(n);
	close(pair[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_new_address_is_a_change_once),
	    TEST(an_address_counts_when_it_may_be_used),
	    TEST(a_route_counts_when_it_comes_and_goes),
	    TEST(what_leads_nowhere_is_no_change),
	    TEST(a_link_counts_when_it_comes_up),
	    TEST(cut_messages_are_harmless),
	    TEST(more_facts_than_room_push_out_old_ones),
	    TEST(changes_close_together_are_told_once),
	    TEST(changes_without_end_are_told_seldom),
	    TEST(the_kernel_lets_anybody_subscribe),
	    TEST(what_arrives_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
