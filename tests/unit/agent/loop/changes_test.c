/* Watches a real folder, and tells a small world what has changed. */
#include "agent/loop/changes.h"

#include "agent/host/clocks.h"
#include "tests/unit/agent/engine/world.h"

#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/log_text.h"
#include "tests/unit/descriptors.h"

#include <stdio.h>
#include <stdlib.h>

struct room {
	char folder[64], file[96];
	struct trust_config trust;
	struct changes changes;
	struct world *world;
};

static void write_file(const struct room *r, const char *text)
{
	FILE *f = fopen(r->file, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	struct room *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	strcpy(r->folder, P_tmpdir "/ntsagent-changes-XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	snprintf(r->file, sizeof(r->file), "%s/ca.pem", r->folder);
	r->trust.path_count = 1;
	snprintf(r->trust.paths[0], sizeof(r->trust.paths[0]), "%s", r->file);
	write_file(r, "one");
	r->world = world_running(1, 100 * NS_PER_S);
	changes_init(&r->changes, world_reading(r->world).mono);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct room *r = *state;

	changes_close(&r->changes);
	world_end(r->world);
	unlink(r->file);
	assert_int_equal(rmdir(r->folder), 0);
	free(r);
	return 0;
}

static struct mono now(const struct room *r)
{
	return world_reading(r->world).mono;
}

/* Returns true if `fd` is among the descriptors to wait for. */
static bool waits_for(const struct room *r, int fd)
{
	struct pollfd fds[CHANGES_FDS];
	nfds_t n = changes_pollfds(&r->changes, fds);

	for (nfds_t i = 0; i < n; i++)
		if (fds[i].fd == fd && fds[i].events == POLLIN)
			return true;
	return false;
}

static bool readable(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, 0) == 1;
}

static bool heed(struct room *r)
{
	return changes_heed(
	    &r->changes, &r->world->engine, world_reading(r->world));
}

/* Lets the small world pass the time until the change is due. */
static bool heed_when_due(struct room *r)
{
	assert_true(changes_hear(&r->changes, r->changes.trust.fd, now(r)));
	assert_false(heed(r));
	assert_int_equal(
	    changes_deadline(&r->changes).ns - now(r).ns, WATCH_SETTLE_NS);
	world_run(r->world, 2 * WATCH_SETTLE_NS);
	return heed(r);
}

static void without_descriptors_nothing_is_noticed(void **state)
{
	struct room *r = *state;
	struct pollfd fds[CHANGES_FDS];

	assert_int_equal(changes_pollfds(&r->changes, fds), 0);
	assert_int_equal(changes_deadline(&r->changes).ns, MONO_NEVER.ns);
	assert_int_equal(r->changes.alarm_fd, -1);
	assert_false(changes_hear(&r->changes, 1000, now(r)));
	assert_false(heed(r));
}

static void only_what_cannot_be_watched_is_logged(void **state)
{
	static struct log_text log;
	struct room *r = *state;
	struct rlimit before;

	log_text_begin(&log);
	changes_open(&r->changes, &r->trust);
	assert_string_equal(log_text_end(&log), "");
	changes_close(&r->changes);
	log_text_begin(&log);
	before = descriptors_forbid();
	changes_open(&r->changes, &r->trust);
	descriptors_allow(before);
	log_text_end(&log);
	assert_non_null(strstr(log.text,
	    "changes of the network will not be noticed: Too many open files"));
	assert_non_null(strstr(log.text,
	    "changes of trusted certificates will not be noticed: the limit"));
}

static void three_descriptors_are_open_until_the_end(void **state)
{
	struct room *r = *state;
	struct changes *c = &r->changes;
	struct pollfd fds[CHANGES_FDS];
	int alarm_fd;

	changes_open(c, &r->trust);
	assert_int_equal(changes_pollfds(c, fds), CHANGES_FDS);
	assert_true(waits_for(r, c->network.fd));
	assert_true(waits_for(r, c->trust.fd));
	assert_true(waits_for(r, c->alarm_fd));
	assert_int_equal(changes_deadline(c).ns, MONO_NEVER.ns);
	assert_ptr_equal(c->trust_config, &r->trust);
	alarm_fd = c->alarm_fd;
	changes_close(c);
	assert_int_equal(changes_pollfds(c, fds), 0);
	assert_int_equal(c->alarm_fd, -1);
	/* The number is free: nobody has it open. */
	assert_int_equal(close(alarm_fd), -1);
}

/* A daemon may start without a standard input. */
static void descriptor_0_is_as_good_as_any(void **state)
{
	struct room *r = *state;
	struct changes *c = &r->changes;
	struct pollfd fds[CHANGES_FDS];
	int saved = input_free();

	changes_open(c, &r->trust);
	assert_int_equal(c->network.fd, 0);
	assert_int_equal(changes_pollfds(c, fds), CHANGES_FDS);
	network_close(&c->network);
	close(c->alarm_fd);
	c->alarm_fd = clocks_open_alarm();
	assert_int_equal(c->alarm_fd, 0);
	assert_true(waits_for(r, 0));
	changes_close(c);
	assert_false(input_is_open());
	input_back(saved);
}

static void an_alarm_is_set_again(void **state)
{
	const struct itimerspec soon = {.it_value = {.tv_nsec = 1}};
	struct room *r = *state;
	struct itimerspec set;

	changes_open(&r->changes, &r->trust);
	assert_int_equal(timerfd_settime(r->changes.alarm_fd, TFD_TIMER_ABSTIME,
			     &soon, NULL),
	    0);
	assert_true(readable(r->changes.alarm_fd));
	assert_true(changes_hear(&r->changes, r->changes.alarm_fd, now(r)));
	assert_false(readable(r->changes.alarm_fd));
	timerfd_gettime(r->changes.alarm_fd, &set);
	assert_true(set.it_value.tv_sec > 0);
	assert_false(heed(r));
}

/* A descriptor that is no timer cannot be set again. */
static void an_alarm_that_cannot_be_set_is_reported_and_closed(void **state)
{
	struct room *r = *state;
	struct changes *c = &r->changes;
	struct pollfd fds[CHANGES_FDS];
	struct log_text log;

	changes_open(c, &r->trust);
	close(c->alarm_fd);
	c->alarm_fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	log_text_begin(&log);
	assert_true(changes_hear(c, c->alarm_fd, now(r)));
	assert_non_null(strstr(
	    log_text_end(&log), "by other programs will not be noticed"));
	assert_int_equal(c->alarm_fd, -1);
	assert_int_equal(changes_pollfds(c, fds), CHANGES_FDS - 1);
	assert_false(heed(r));
}

static void a_folder_with_other_files_is_left_alone_for_a_while(void **state)
{
	struct room *r = *state;
	char other[128];
	FILE *f;

	changes_open(&r->changes, &r->trust);
	snprintf(other, sizeof(other), "%s/other", r->folder);
	f = fopen(other, "we");
	assert_non_null(f);
	fclose(f);
	unlink(other);
	assert_true(changes_hear(&r->changes, r->changes.trust.fd, now(r)));
	assert_false(waits_for(r, r->changes.trust.fd));
	assert_int_equal(
	    changes_deadline(&r->changes).ns - now(r).ns, WATCH_DEAF_NS);
	world_run(r->world, 2 * WATCH_DEAF_NS);
	assert_false(heed(r));
	assert_true(waits_for(r, r->changes.trust.fd));
}

static void other_certificates_need_new_keys(void **state)
{
	struct room *r = *state;
	unsigned asks = r->world->asks;

	changes_open(&r->changes, &r->trust);
	write_file(r, "two");
	assert_true(readable(r->changes.trust.fd));
	assert_true(heed_when_due(r));
	world_run(r->world, 300 * NS_PER_S);
	assert_int_equal(r->world->asks, asks + 1);
	/* The next change is compared with this one. */
	write_file(r, "one");
	assert_true(heed_when_due(r));
}

static void a_file_that_is_written_again_changes_no_trust(void **state)
{
	struct room *r = *state;
	unsigned asks = r->world->asks;

	changes_open(&r->changes, &r->trust);
	write_file(r, "one");
	assert_false(heed_when_due(r));
	world_run(r->world, 300 * NS_PER_S);
	assert_int_equal(r->world->asks, asks);
}

static void other_paths_are_compared_with_those_before(void **state)
{
	struct room *r = *state;
	struct trust_config none = {.path_count = 0};

	changes_open(&r->changes, &r->trust);
	assert_false(changes_watch_trust(&r->changes, &r->trust));
	assert_true(changes_watch_trust(&r->changes, &none));
	assert_ptr_equal(r->changes.trust_config, &none);
	assert_true(changes_watch_trust(&r->changes, &r->trust));
}

/* A source that waits after a failure asks within a second. */
static void start_waiting(struct room *r)
{
	world_end(r->world);
	r->world = world_new(1, 0, 0);
	r->world->keys_fail[0] = true;
	world_start(r->world);
	world_run(r->world, 3600 * NS_PER_S);
	changes_init(&r->changes, now(r));
	changes_open(&r->changes, &r->trust);
	r->world->asks = 0;
}

static void new_certificates_end_the_wait_of_a_source(void **state)
{
	struct room *r = *state;

	start_waiting(r);
	world_run(r->world, 2 * NS_PER_S);
	assert_int_equal(r->world->asks, 0);
	write_file(r, "one");
	assert_false(heed_when_due(r));
	world_run(r->world, 2 * NS_PER_S);
	assert_int_equal(r->world->asks, 1);
}

/* The kernel reports a route; `n` makes the route another one. */
static void report_route(int fd, uint32_t n)
{
	const struct {
		struct nlmsghdr head;
		struct rtmsg route;
	} m = {
	    .head = {.nlmsg_len = sizeof(m), .nlmsg_type = RTM_NEWROUTE},
	    .route = {.rtm_family = AF_INET,
		.rtm_type = RTN_UNICAST,
		.rtm_dst_len = (uint8_t)n},
	};

	assert_int_equal(send(fd, &m, sizeof(m), 0), sizeof(m));
}

static void a_new_route_ends_the_wait_of_a_source(void **state)
{
	struct room *r = *state;
	int fds[2];

	start_waiting(r);
	r->world->fail_stage = KE_STAGE_CONNECT;
	world_run(r->world, 3600 * NS_PER_S);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	close(r->changes.network.fd);
	r->changes.network.fd = fds[0];
	report_route(fds[1], 24);
	r->world->asks = 0;
	assert_true(changes_hear(&r->changes, fds[0], now(r)));
	assert_false(readable(fds[0]));
	assert_true(changes_deadline(&r->changes).ns <= now(r).ns);
	assert_false(heed(r));
	assert_int_equal(changes_deadline(&r->changes).ns, MONO_NEVER.ns);
	world_run(r->world, 2 * NS_PER_S);
	assert_int_equal(r->world->asks, 1);
	close(fds[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(without_descriptors_nothing_is_noticed),
	    TEST(only_what_cannot_be_watched_is_logged),
	    TEST(three_descriptors_are_open_until_the_end),
	    TEST(descriptor_0_is_as_good_as_any),
	    TEST(an_alarm_is_set_again),
	    TEST(an_alarm_that_cannot_be_set_is_reported_and_closed),
	    TEST(a_folder_with_other_files_is_left_alone_for_a_while),
	    TEST(other_certificates_need_new_keys),
	    TEST(a_file_that_is_written_again_changes_no_trust),
	    TEST(other_paths_are_compared_with_those_before),
	    TEST(new_certificates_end_the_wait_of_a_source),
	    TEST(a_new_route_ends_the_wait_of_a_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
