#include "agent/link/resolver_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The engine's requests and the resolver's end of the link. */
struct scene {
	struct resolver_link q;
	int link[2];
	struct trust_config trust;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	int small = 16384;

	assert_non_null(s);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, s->link),
	    0);
	assert_int_equal(setsockopt(s->link[0], SOL_SOCKET, SO_SNDBUF, &small,
			     sizeof(small)),
	    0);
	resolver_link_init(&s->q, s->link[0]);
	s->trust.system_certs = true;
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	close(s->link[0]);
	close(s->link[1]);
	free(s);
	return 0;
}

static struct ke_request about(uint32_t source, uint32_t serial)
{
	return (struct ke_request){
	    .source = source,
	    .serial = serial,
	    .host = "a.example",
	    .ke_port = KE_PORT,
	    .timeout_ms = 1000,
	};
}

static void ask(struct scene *s, uint32_t source, uint32_t serial)
{
	struct ke_request r = about(source, serial);

	assert_true(resolver_link_ask(&s->q, &r));
}

/* Asks for sources 0, 1, ... until one has to wait; returns that one. */
static uint32_t fill(struct scene *s)
{
	uint32_t source = 0;

	while (s->q.count == 0)
		ask(s, source++, 1);
	assert_in_range(source, 2, SOURCES_MAX / 2);
	return source - 1;
}

static void hears(struct scene *s, uint32_t source, uint32_t serial)
{
	struct ke_request got;

	assert_int_equal(frame_receive_request(s->link[1], &got), 1);
	assert_int_equal(got.source, source);
	assert_int_equal(got.serial, serial);
}

static void hears_up_to(struct scene *s, uint32_t waiting)
{
	for (uint32_t i = 0; i < waiting; i++)
		hears(s, i, 1);
}

static void goes_out_at_once(void **state)
{
	struct scene *s = *state;

	ask(s, 7, 3);
	hears(s, 7, 3);
	assert_int_equal(resolver_link_events(&s->q), POLLIN);
}

static void waits_for_room_and_keeps_the_order(void **state)
{
	struct scene *s = *state;
	uint32_t first = fill(s);

	ask(s, first + 1, 1);
	assert_int_equal(resolver_link_events(&s->q), POLLIN | POLLOUT);
	hears(s, 0, 1);
	/* There is room now, but the others come first. */
	ask(s, first + 2, 1);
	for (uint32_t i = 1; i < first + 3; i++) {
		assert_true(resolver_link_send(&s->q, &s->trust));
		hears(s, i, 1);
	}
	assert_int_equal(resolver_link_events(&s->q), POLLIN);
}

static void only_the_newest_of_a_source_waits(void **state)
{
	struct scene *s = *state;
	uint32_t first = fill(s);

	for (uint32_t serial = 2; serial < 1000; serial++)
		ask(s, first, serial);
	assert_int_equal(s->q.count, 1);
	hears_up_to(s, first);
	assert_true(resolver_link_send(&s->q, &s->trust));
	hears(s, first, 999);
}

static void trust_goes_ahead_of_what_waits(void **state)
{
	struct scene *s = *state;
	struct trust_config got;
	uint32_t first = fill(s);

	assert_true(resolver_link_trust(&s->q, &s->trust));
	assert_true(s->q.trust_waits);
	/* Meanwhile a reload brings another one. */
	s->trust.path_count = 1;
	hears_up_to(s, first);
	assert_true(resolver_link_send(&s->q, &s->trust));
	assert_int_equal(recv(s->link[1], &got, sizeof(got), 0), sizeof(got));
	assert_int_equal(got.path_count, 1);
	assert_true(resolver_link_send(&s->q, &s->trust));
	hears(s, first, 1);
}

static void a_resolver_that_is_gone_is_told(void **state)
{
	struct scene *s = *state;
	struct ke_request r = about(0, 1);

	(void)fill(s);
	close(s->link[1]);
	assert_false(resolver_link_send(&s->q, &s->trust));
	assert_false(resolver_link_trust(&s->q, &s->trust));
	s->q.trust_waits = false;
	s->q.count = 0;
	assert_false(resolver_link_ask(&s->q, &r));
	s->link[1] = dup(s->link[0]);
}

static void without_a_process_all_wait(void **state)
{
	struct scene *s = *state;

	resolver_link_init(&s->q, -1);
	for (uint32_t i = 0; i < SOURCES_MAX; i++)
		ask(s, i, i);
	assert_true(resolver_link_trust(&s->q, &s->trust));
	assert_true(resolver_link_send(&s->q, &s->trust));
	assert_int_equal(s->q.count, SOURCES_MAX);
	assert_int_equal(s->q.waiting[5].serial, 5);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(goes_out_at_once),
	    TEST(waits_for_room_and_keeps_the_order),
	    TEST(only_the_newest_of_a_source_waits),
	    TEST(trust_goes_ahead_of_what_waits),
	    TEST(a_resolver_that_is_gone_is_told),
	    TEST(without_a_process_all_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
