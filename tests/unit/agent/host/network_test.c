#include "agent/host/network.h"

#include "tests/unit/agent/host/network_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/descriptors.h"

#include <errno.h>
#include <stdlib.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BYTES_MAX 512

/* If a test sets it, no socket gets an address. */
static bool no_bind;

int bind(int fd, const struct sockaddr *address, socklen_t len)
{
	if (no_bind) {
		errno = EACCES;
		return -1;
	}
	return (int)syscall(SYS_bind, fd, address, len);
}

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

/* Bytes of an address and of a route. */
enum {
	IFA_FLAGS_AT = 18,
	IFA_SCOPE_AT = 19,
	IFA_INDEX_AT = 20,
	IFA_FLAGS_ATTRIBUTE_AT = 68, /* in an address of IPv6 */
	RTM_DST_LEN_AT = 17,
	RTM_TABLE_AT = 20,
	RTM_TYPE_AT = 23,
	RTM_CLONED_AT = 25, /* bit 1 of it */
	RTM_DEAD_AT = 24,
	RTA_TYPE_AT = 38, /* of the gateway */
	RTA_GATEWAY_AT = 43,
	IFA_TYPE_AT = 26, /* of the first address */
	IFA_ADDRESS_AT = 31,
};

/* Like change(), after one byte of the message was replaced. */
static bool change_with(
    struct network *n, const char *hex, size_t at, uint8_t byte)
{
	uint32_t bytes[BYTES_MAX / 4];
	size_t len = bytes_of(hex, bytes);

	((uint8_t *)bytes)[at] = byte;
	n->changed = false;
	network_note(n, bytes, len);
	return n->changed;
}

/* Each row is for an agent that knows nothing, or only the unchanged message.
 */
static void one_byte_decides(void **state)
{
	static const struct {
		const char *hex;
		size_t at;
		uint8_t byte;
		bool knows, counts;
	} rows[] = {
	    {default_route, RTM_TYPE_AT, RTN_UNICAST, false, true},
	    {default_route, RTM_TYPE_AT, RTN_BLACKHOLE, false, true},
	    {default_route, RTM_TYPE_AT, RTN_LOCAL, false, false},
	    {default_route, RTM_TYPE_AT, RTN_BROADCAST, false, false},
	    {default_route, RTM_TYPE_AT, RTN_ANYCAST, false, false},
	    {default_route, RTM_TYPE_AT, RTN_MULTICAST, false, false},
	    {default_route, RTM_TABLE_AT, RT_TABLE_LOCAL, false, false},
	    {default_route, RTM_TABLE_AT, RT_TABLE_DEFAULT, false, true},
	    {default_route, RTM_CLONED_AT, 2, false, false},
	    {default_route, RTM_DEAD_AT, RTNH_F_DEAD, true, false},
	    {default_route, RTA_GATEWAY_AT, 77, true, true},
	    {default_route, RTM_DST_LEN_AT, 8, true, true},
	    {address_4, IFA_SCOPE_AT, RT_SCOPE_SITE, false, true},
	    {address_4, IFA_SCOPE_AT, RT_SCOPE_LINK, false, false},
	    {address_4, IFA_SCOPE_AT, RT_SCOPE_HOST, false, false},
	    {address_4, IFA_INDEX_AT, 9, true, true},
	    {address_4, IFA_FLAGS_AT, 0, true, false},
	    {address_ready, IFA_FLAGS_ATTRIBUTE_AT, IFA_F_DADFAILED, false,
		false},
	    /* The attribute is what counts. */
	    {address_tentative, IFA_FLAGS_ATTRIBUTE_AT, 0, false, true},
	    {address_tentative, IFA_FLAGS_AT, 0, false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct network *n = *state;

		network_init(n, at_s(0));
		if (rows[i].knows)
			assert_true(change(n, rows[i].hex));
		if (change_with(n, rows[i].hex, rows[i].at, rows[i].byte) !=
		    rows[i].counts)
			fail_msg("row %zu", i);
	}
}

/* Of two messages that differ in one attribute, the second is a change if the
 * attribute says where packets go. */
static void some_attributes_decide(void **state)
{
	static const struct {
		const char *hex;
		size_t type_at, byte_at;
		uint8_t type;
		bool counts;
	} rows[] = {
#define ROUTE default_route, RTA_TYPE_AT, RTA_GATEWAY_AT
#define ADDRESS address_4, IFA_TYPE_AT, IFA_ADDRESS_AT
	    {ROUTE, RTA_DST, true},
	    {ROUTE, RTA_OIF, true},
	    {ROUTE, RTA_GATEWAY, true},
	    {ROUTE, RTA_VIA, true},
	    {ROUTE, RTA_PRIORITY, true},
	    {ROUTE, RTA_TABLE, true},
	    {ROUTE, RTA_PREFSRC, true},
	    {ROUTE, RTA_MULTIPATH, true},
	    {ROUTE, RTA_METRICS, false},
	    {ROUTE, RTA_CACHEINFO, false},
	    {ROUTE, RTA_EXPIRES, false},
	    {ADDRESS, IFA_ADDRESS, true},
	    {ADDRESS, IFA_LOCAL, true},
	    {ADDRESS, IFA_LABEL, false},
	    {ADDRESS, IFA_CACHEINFO, false},
	};
	struct network *n = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t words[BYTES_MAX / 4];
		uint8_t *bytes = (uint8_t *)words;
		size_t len = bytes_of(rows[i].hex, words);

		network_init(n, at_s(0));
		bytes[rows[i].type_at] = rows[i].type;
		network_note(n, words, len);
		assert_true(n->changed);
		n->changed = false;
		bytes[rows[i].byte_at]++;
		network_note(n, words, len);
		if (n->changed != rows[i].counts)
			fail_msg("row %zu", i);
	}
}

/* A route to fe80::/10 or ff00::/8 leads to no server. */
static void link_local_routes_do_not_count(void **state)
{
	enum { FAMILY_AT = 16, DST_AT = 32 };
	/* Its destination has two bytes, fe80. */
	static const char route[] = "24000000180000060000000000000000"
				    "0a400000fe0200010000000006000100fe800000";
	static const struct {
		uint8_t family, bytes[2];
		bool counts;
	} rows[] = {
	    {AF_INET6, {0xfe, 0x80}, false},
	    {AF_INET6, {0xfe, 0xbf}, false},
	    {AF_INET6, {0xfe, 0x7f}, true},
	    {AF_INET6, {0xfd, 0x80}, true},
	    {AF_INET6, {0xff, 0x02}, false},
	    {AF_INET, {0xfe, 0x80}, true},
	};
	struct network *n = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t words[BYTES_MAX / 4];
		uint8_t *bytes = (uint8_t *)words;
		size_t len = bytes_of(route, words);

		n->changed = false;
		bytes[FAMILY_AT] = rows[i].family;
		memcpy(bytes + DST_AT, rows[i].bytes, 2);
		network_note(n, words, len);
		if (n->changed != rows[i].counts)
			fail_msg("row %zu", i);
	}
}

static void messages_may_be_short(void **state)
{
	static const char *const rows[] = {
	    /* An address and a route without an attribute. */
	    "18000000140000000000000000000000021800000300000000",
	    "1c00000018000006000000000000000002000000fe030001"
	    "00000000",
	    /* Flags that would say "tentative", but are cut. */
	    "200000001400000000000000000000000a40800004000000"
	    "07000800c0000000",
	};
	struct network *n = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(change(n, rows[i]));
}

/* The attributes behind an empty one are read, too. */
static void an_attribute_may_be_empty(void **state)
{
	static const char route[] =
	    "3000000018000006adc2036b3c6d000002000000fe0300010000000004000f00"
	    "08000500c00002010800040003000000";
	const size_t gateway_at = 39, link_at = 44;
	struct network *n = *state;

	assert_true(change(n, route));
	assert_false(change(n, route));
	assert_true(change_with(n, route, gateway_at, 9));
	assert_true(change_with(n, route, link_at, 9));
}

/* With a length that cannot be true, it is the last one and says nothing. */
static void an_attribute_of_impossible_length_ends_the_message(void **state)
{
	enum { LEN_AT = 36 }; /* of the gateway, which has 8 bytes */
	static const uint8_t lengths[] = {0, 1, 3, 17};
	struct network *n = *state;

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		uint32_t words[BYTES_MAX / 4];
		uint8_t *bytes = (uint8_t *)words;
		size_t len = bytes_of(default_route, words);

		network_init(n, at_s(0));
		bytes[LEN_AT] = lengths[i];
		network_note(n, words, len);
		assert_true(n->changed);
		n->changed = false;
		bytes[RTA_GATEWAY_AT]++;
		network_note(n, words, len);
		assert_false(n->changed);
	}
}

static void a_message_of_impossible_length_ends_the_datagram(void **state)
{
	static const struct {
		uint8_t len;
		bool counts;
	} rows[] = {{0, false}, {15, false}, {52, true}, {53, false}};
	struct network *n = *state;

	assert_int_equal(strlen(default_route) / 2, 52);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		network_init(n, at_s(0));
		if (change_with(n, default_route, 0, rows[i].len) !=
		    rows[i].counts)
			fail_msg("row %zu", i);
	}
}

static void an_agent_forgets_only_what_is_gone(void **state)
{
	struct network *n = *state;

	assert_true(change_with(n, address_4, IFA_INDEX_AT, 1));
	assert_true(change(n, default_route));
	assert_true(change_with(n, address_4, IFA_INDEX_AT, 2));
	assert_int_equal(n->fact_count, 3);
	assert_true(change(n, default_route_gone));
	assert_int_equal(n->fact_count, 2);
	/* The route is gone already, so no fact is removed. */
	assert_true(change(n, default_route_gone));
	assert_int_equal(n->fact_count, 2);
	assert_false(change_with(n, address_4, IFA_INDEX_AT, 1));
	assert_false(change_with(n, address_4, IFA_INDEX_AT, 2));
}

static void the_loopback_link_does_not_count(void **state)
{
	struct network *n = *state;
	const size_t flags_at = 24, type_at = 4;

	assert_false(change_with(n, link_running, flags_at, 0x4b));
	assert_int_equal(n->fact_count, 0);
	/* One that is removed, although it runs. */
	assert_true(change(n, link_running));
	assert_false(change_with(n, link_running, type_at, RTM_DELLINK));
	assert_true(change(n, link_running));
}

static void a_datagram_may_hold_several_messages(void **state)
{
	struct network *n = *state;
	uint32_t bytes[BYTES_MAX / 4];
	size_t len = bytes_of(loopback_address, bytes);

	len += bytes_of(default_route, bytes + len / 4);
	network_note(n, bytes, len);
	assert_true(n->changed);
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
	/* The ten oldest have gone, in their order, and no other. */
	bytes[5] = 10;
	network_note(n, bytes, len);
	assert_false(n->changed);
	bytes[5] = 9;
	network_note(n, bytes, len);
	assert_true(n->changed);
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

/* After a burst the agent waits for the next event of its budget. */
static void the_budget_fills_again(void **state)
{
	struct network *n = *state;
	struct mono now = at_s(0);

	for (unsigned i = 0; i < NETWORK_EVENTS_MAX; i++) {
		n->changed = true;
		now = network_deadline(n);
		assert_int_equal(now.ns, at_s(0).ns + i * NETWORK_APART_NS);
		assert_true(network_take(n, now));
		assert_int_equal(n->events, NETWORK_EVENTS_MAX - 1 - i);
	}
	n->changed = true;
	assert_int_equal(network_deadline(n).ns, at_s(0).ns + NETWORK_EVENT_NS);
	now = (struct mono){network_deadline(n).ns - 1};
	assert_false(network_take(n, now));
	assert_true(network_take(n, network_deadline(n)));
	/* Three events come in this time, and a half one counts later. */
	now = mono_after(at_s(0), 4 * NETWORK_EVENT_NS + NETWORK_EVENT_NS / 2);
	assert_false(network_take(n, now));
	assert_int_equal(n->events, 3);
	assert_int_equal(n->filled_at.ns, at_s(0).ns + 4 * NETWORK_EVENT_NS);
	assert_false(network_take(n, at_s(100000)));
	assert_int_equal(n->events, NETWORK_EVENTS_MAX);
}

/* When the budget is full again before the pause after an event is over, the
 * pause counts. */
static void the_pause_counts_after_the_last_event_of_the_budget(void **state)
{
	struct network *n = *state;
	struct mono last = {at_s(0).ns + NETWORK_EVENT_NS - NS_PER_MS};

	for (unsigned i = 0; i < NETWORK_EVENTS_MAX - 1; i++) {
		n->changed = true;
		assert_true(network_take(n, network_deadline(n)));
	}
	n->changed = true;
	assert_true(network_take(n, last));
	n->changed = true;
	assert_int_equal(network_deadline(n).ns, last.ns + NETWORK_APART_NS);
	assert_false(network_take(n, at_s(8)));
	assert_true(network_take(n, network_deadline(n)));
}

/* However much of it was left, the budget is never more than full. */
static void a_long_rest_fills_the_budget(void **state)
{
	struct network *n = *state;

	for (unsigned spent = 0; spent <= NETWORK_EVENTS_MAX; spent++) {
		network_init(n, at_s(0));
		n->events = NETWORK_EVENTS_MAX - spent;
		for (int64_t rest = 0; rest < 10; rest++) {
			unsigned due = n->events + (unsigned)rest;
			struct network later = *n;

			assert_false(network_take(
			    &later, mono_after(at_s(0), rest * 8 * NS_PER_S)));
			assert_int_equal(later.events,
			    due < NETWORK_EVENTS_MAX ? due
						     : NETWORK_EVENTS_MAX);
		}
	}
}

static void without_a_socket_there_is_no_descriptor(void **state)
{
	struct network *n = *state;
	struct rlimit before = descriptors_forbid();
	int err = network_open(n), open;

	descriptors_allow(before);
	assert_int_equal(err, -EMFILE);
	assert_int_equal(n->fd, -1);
	open = descriptors_open();
	no_bind = true;
	err = network_open(n);
	no_bind = false;
	assert_int_equal(err, -EACCES);
	assert_int_equal(n->fd, -1);
	assert_int_equal(descriptors_open(), open);
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

static void it_may_have_any_descriptor(void **state)
{
	struct network *n = *state;
	int saved = input_free(), err, fd;
	bool open;

	err = network_open(n);
	fd = n->fd;
	network_close(n);
	open = input_is_open();
	input_back(saved);
	assert_int_equal(err, 0);
	assert_int_equal(fd, STDIN_FILENO);
	assert_false(open);
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
	/* Of an earlier call. */
	errno = EINTR;
	network_read(n);
	assert_true(n->changed);
	network_close(n);
	close(pair[1]);
}

/* The other descriptors get their turn. */
static void a_flood_is_read_in_parts(void **state)
{
	struct network *n = *state;
	const unsigned at_once = 64;
	int pair[2];
	char left;

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	n->fd = pair[0];
	for (unsigned i = 0; i < at_once + 1; i++)
		assert_int_equal(send(pair[1], "x", 1, 0), 1);
	network_read(n);
	assert_int_equal(recv(pair[0], &left, 1, MSG_PEEK), 1);
	network_read(n);
	assert_int_equal(recv(pair[0], &left, 1, MSG_PEEK), -1);
	network_close(n);
	close(pair[1]);
}

/* The kernel drops reports when nobody reads them, and says so once. */
static void a_lost_report_may_have_been_a_change(void **state)
{
	struct sockaddr_nl from = {.nl_family = AF_NETLINK, .nl_groups = 1};
	struct network *n = *state;
	char bytes[1024] = {0};
	int other = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK), least = 0;

	n->fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	assert_true(n->fd >= 0 && other >= 0);
	assert_int_equal(
	    setsockopt(n->fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)), 0);
	assert_int_equal(
	    bind(n->fd, (const struct sockaddr *)&from, sizeof(from)), 0);
	for (unsigned i = 0; i < 16; i++)
		(void)!sendto(other, bytes, sizeof(bytes), MSG_DONTWAIT,
		    (const struct sockaddr *)&from, sizeof(from));
	network_read(n);
	assert_true(n->changed);
	/* It has read what was left, too. */
	assert_int_equal(recv(n->fd, bytes, 1, MSG_PEEK | MSG_DONTWAIT), -1);
	n->changed = false;
	network_read(n);
	assert_false(n->changed);
	network_close(n);
	close(other);
}

/* Any process can send to the socket; only the kernel has port 0. */
static void what_another_process_sends_is_dropped(void **state)
{
	struct sockaddr_nl to = {.nl_family = AF_NETLINK};
	socklen_t to_len = sizeof(to);
	struct network *n = *state;
	uint32_t bytes[BYTES_MAX / 4];
	size_t len = bytes_of(address_4, bytes);
	int other = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);

	n->fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	assert_true(n->fd >= 0 && other >= 0);
	assert_int_equal(
	    bind(n->fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(
	    getsockname(n->fd, (struct sockaddr *)&to, &to_len), 0);
	assert_int_equal(sendto(other, bytes, len, 0,
			     (const struct sockaddr *)&to, sizeof(to)),
	    len);
	assert_int_equal(recv(n->fd, bytes, len, MSG_PEEK | MSG_DONTWAIT), len);
	network_read(n);
	assert_int_equal(recv(n->fd, bytes, len, MSG_PEEK | MSG_DONTWAIT), -1);
	assert_false(n->changed);
	network_close(n);
	close(other);
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
	    TEST(one_byte_decides),
	    TEST(some_attributes_decide),
	    TEST(link_local_routes_do_not_count),
	    TEST(messages_may_be_short),
	    TEST(an_attribute_may_be_empty),
	    TEST(an_attribute_of_impossible_length_ends_the_message),
	    TEST(a_message_of_impossible_length_ends_the_datagram),
	    TEST(an_agent_forgets_only_what_is_gone),
	    TEST(the_loopback_link_does_not_count),
	    TEST(a_datagram_may_hold_several_messages),
	    TEST(cut_messages_are_harmless),
	    TEST(more_facts_than_room_push_out_old_ones),
	    TEST(changes_close_together_are_told_once),
	    TEST(changes_without_end_are_told_seldom),
	    TEST(the_budget_fills_again),
	    TEST(the_pause_counts_after_the_last_event_of_the_budget),
	    TEST(a_long_rest_fills_the_budget),
	    TEST(without_a_socket_there_is_no_descriptor),
	    TEST(the_kernel_lets_anybody_subscribe),
	    TEST(it_may_have_any_descriptor),
	    TEST(what_arrives_is_read),
	    TEST(a_flood_is_read_in_parts),
	    TEST(a_lost_report_may_have_been_a_change),
	    TEST(what_another_process_sends_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
