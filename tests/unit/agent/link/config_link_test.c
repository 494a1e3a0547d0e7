/* The messages of a reload. */
#include "agent/link/config_link.h"

#include "tests/unit/agent/config/config_room.h"

#include <sys/socket.h>

struct link_scene {
	struct config_room *room;
	int link[2];
	struct reload_result sent, got;
};

static int make(void **state)
{
	struct link_scene *s = calloc(1, sizeof(*s));
	void *room;

	assert_non_null(s);
	assert_int_equal(room_make(&room), 0);
	s->room = room;
	room_accepts(s->room, "[source a]\n[source b]\n");
	s->sent = (struct reload_result){.serial = 3, .ok = 1};
	s->sent.config = s->room->config;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, s->link), 0);
	*state = s;
	return 0;
}

static int drop(void **state)
{
	struct link_scene *s = *state;
	void *room = s->room;

	close(s->link[0]);
	close(s->link[1]);
	free(s);
	return room_drop(&room);
}

/* What the receiver makes of `sent`. */
static int passes(struct link_scene *s)
{
	assert_int_equal(reload_send_result(s->link[0], &s->sent), 1);
	return reload_receive_result(s->link[1], &s->got);
}

static void a_result_arrives_whole(void **state)
{
	struct link_scene *s = *state;

	assert_int_equal(reload_receive_result(s->link[1], &s->got), 0);
	assert_int_equal(passes(s), 1);
	assert_memory_equal(&s->got, &s->sent, sizeof(s->sent));
}

static void a_result_is_judged(void **state)
{
	struct link_scene *s = *state;

	s->sent.config.max_freq_ppm = 100001;
	assert_int_equal(passes(s), -1);
	/* With errors in the file there is no configuration to judge. */
	s->sent.ok = 0;
	assert_int_equal(passes(s), 1);
	s->sent.ok = 2;
	assert_int_equal(passes(s), -1);
	s->sent.ok = 0;
	memset(s->sent.text, 't', sizeof(s->sent.text));
	assert_int_equal(passes(s), -1);
}

static void a_request_has_a_serial(void **state)
{
	struct link_scene *s = *state;
	struct reload_request q = {0}, got;

	assert_int_equal(reload_receive_request(s->link[1], &got), 0);
	assert_int_equal(reload_send_request(s->link[0], &q), 1);
	assert_int_equal(reload_receive_request(s->link[1], &got), -1);
	q.serial = 7;
	assert_int_equal(reload_send_request(s->link[0], &q), 1);
	assert_int_equal(reload_receive_request(s->link[1], &got), 1);
	assert_int_equal(got.serial, 7);
	q.only_dropped = 2;
	assert_int_equal(reload_send_request(s->link[0], &q), 1);
	assert_int_equal(reload_receive_request(s->link[1], &got), -1);
	/* A message of another length is none. */
	assert_int_equal(reload_send_request(s->link[0], &q), 1);
	assert_int_equal(reload_receive_result(s->link[1], &s->got), -1);
	assert_int_equal(shutdown(s->link[0], SHUT_WR), 0);
	assert_int_equal(reload_receive_request(s->link[1], &got), -1);
}

static void an_order_to_load_names_a_file(void **state)
{
	struct link_scene *s = *state;
	struct load_order o = {.path = "/a"};

	assert_true(load_order_valid(&o));
	o.only_dropped = 1;
	assert_false(load_order_valid(&o));
	o.base = s->sent.config;
	assert_true(load_order_valid(&o));
	o.only_dropped = 2;
	assert_false(load_order_valid(&o));
	o.only_dropped = 0;
	o.path[0] = '\0';
	assert_false(load_order_valid(&o));
	memset(o.path, 'a', sizeof(o.path));
	assert_false(load_order_valid(&o));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_result_arrives_whole),
	    TEST(a_result_is_judged),
	    TEST(a_request_has_a_serial),
	    TEST(an_order_to_load_names_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
