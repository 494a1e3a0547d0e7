#include "agent/keeper/loader.h"

#include "tests/unit/agent/config/config_room.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define GOOD "[source a]\nhost = 192.0.2.1\n[source b]\n"

static struct reload_result *read_it(const struct room *r)
{
	struct reload_result *result = calloc(1, sizeof(*result));

	assert_non_null(result);
	loader_read(r->path, result);
	return result;
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

static void what_is_good_is_read(void **state)
{
	struct room *r = *state;
	struct reload_result *got;

	room_put_bytes(r, "main.conf", GOOD, strlen(GOOD));
	got = read_it(r);
	assert_int_equal(got->ok, 1);
	assert_string_equal(got->text, "");
	assert_int_equal(got->config.source_count, 2);
	assert_string_equal(got->config.sources[0].host, "192.0.2.1");
	free(got);
}

static void what_is_wrong_is_told_by_line(void **state)
{
	struct room *r = *state;
	struct reload_result *got;
	char place[96];

	room_put_bytes(
	    r, "main.conf", GOOD "maxpol = 6\n", strlen(GOOD "maxpol = 6\n"));
	got = read_it(r);
	assert_int_equal(got->ok, 0);
	snprintf(place, sizeof(place), "%s:4:", r->path);
	assert_says(got->text, place);
	assert_says(got->text, "maxpoll");
	assert_true(got->text[strlen(got->text) - 1] != '\n');
	unlink(r->path);
	loader_read(r->path, got);
	assert_int_equal(got->ok, 0);
	assert_says(got->text, r->path);
	free(got);
}

static void too_many_errors_end_with_a_whole_line(void **state)
{
	struct room *r = *state;
	struct reload_result *got;
	FILE *f = fopen(r->path, "we");
	const char *last;

	assert_non_null(f);
	fputs(GOOD, f);
	for (int i = 0; i < 300; i++)
		fprintf(f, "nonsense%03d = 1\n", i);
	fclose(f);
	got = read_it(r);
	assert_int_equal(got->ok, 0);
	assert_true(strlen(got->text) > RELOAD_TEXT_MAX / 2);
	last = strrchr(got->text, '\n');
	assert_non_null(last);
	assert_says(last, r->path);
	free(got);
}

static void what_needs_a_restart_stays_and_is_told(void **state)
{
	struct config *old = calloc(2, sizeof(*old)), *fresh = old + 1;
	char text[RELOAD_TEXT_MAX] = "";

	(void)state;
	assert_non_null(old);
	config_defaults(old);
	*fresh = *old;
	loader_keep(old, fresh, text);
	assert_string_equal(text, "");
	strcpy(fresh->user, "other");
	strcpy(fresh->driftfile, "/elsewhere");
	fresh->log_target =
	    old->log_target == LOG_TO_SYSLOG ? LOG_TO_STDERR : LOG_TO_SYSLOG;
	fresh->max_freq_ppm = 17;
	loader_keep(old, fresh, text);
	assert_string_equal(text,
	    "user in [agent] has changed: that needs a restart\n"
	    "driftfile in [clock] has changed: that needs a restart\n"
	    "target in [log] has changed: that needs a restart");
	assert_string_equal(fresh->user, old->user);
	assert_string_equal(fresh->driftfile, old->driftfile);
	assert_int_equal(fresh->log_target, old->log_target);
	assert_true(fresh->max_freq_ppm == 17);
	free(old);
}

/* Neither a wrong length nor what no configuration can be gets through. */
static void bad_messages_are_refused(void **state)
{
	struct room *r = *state;
	struct reload_result *got, *out = calloc(1, sizeof(*out));
	struct reload_request q = {0};
	int link[2];

	room_put_bytes(r, "main.conf", GOOD, strlen(GOOD));
	got = read_it(r);
	assert_non_null(out);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, link), 0);
	assert_int_equal(reload_receive_result(link[1], out), 0);
	assert_int_equal(reload_send_result(link[0], got), 1);
	assert_int_equal(reload_receive_result(link[1], out), 1);
	assert_memory_equal(out, got, sizeof(*got));
	got->config.source_count = SOURCES_MAX + 1;
	assert_int_equal(reload_send_result(link[0], got), 1);
	assert_int_equal(reload_receive_result(link[1], out), -1);
	got->config.source_count = 2;
	memset(got->config.sources[1].host, 'a', HOST_MAX);
	assert_int_equal(reload_send_result(link[0], got), 1);
	assert_int_equal(reload_receive_result(link[1], out), -1);
	assert_int_equal(reload_send_request(link[0], &q), 1);
	assert_int_equal(reload_receive_request(link[1], &q), -1);
	q.serial = 7;
	assert_int_equal(reload_send_request(link[0], &q), 1);
	assert_int_equal(reload_receive_result(link[1], out), -1);
	close(link[0]);
	assert_int_equal(reload_receive_request(link[1], &q), -1);
	close(link[1]);
	free(got);
	free(out);
}

static struct mono now_s(int64_t s)
{
	return (struct mono){(1000 + s) * NS_PER_S};
}

static void wait_for(const struct loader *l)
{
	struct pollfd p = {.fd = l->loader_fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 5000), 1);
}

static void the_loader_reads_in_a_process_of_its_own(void **state)
{
	struct room *r = *state;
	struct identity self = {false, geteuid(), getegid()};
	struct loader l = {.path = r->path, .identity = &self, .loader_fd = -1};
	struct reload_result *out = calloc(1, sizeof(*out));

	assert_non_null(out);
	room_put_bytes(r, "main.conf", GOOD, strlen(GOOD));
	assert_false(loader_collect(&l, now_s(0), out));
	assert_int_equal(loader_start(&l, 5, now_s(0)), 0);
	assert_int_equal(loader_start(&l, 6, now_s(0)), -EBUSY);
	wait_for(&l);
	assert_true(loader_collect(&l, now_s(0), out));
	if (!out->ok)
		fail_msg("%s", out->text);
	assert_int_equal(out->serial, 5);
	assert_int_equal(out->config.source_count, 2);
	assert_int_equal(l.loader_fd, -1);
	assert_int_equal(waitpid(l.loader.pid, NULL, WNOHANG), -1);
	free(out);
}

/* Stopped, as by a file system that does not answer. */
static void a_loader_that_hangs_is_given_up(void **state)
{
	struct room *r = *state;
	struct identity self = {false, geteuid(), getegid()};
	struct loader l = {.path = r->path, .identity = &self, .loader_fd = -1};
	struct reload_result *out = calloc(1, sizeof(*out));

	assert_non_null(out);
	assert_int_equal(loader_start(&l, 1, now_s(0)), 0);
	kill(l.loader.pid, SIGSTOP);
	assert_int_equal(
	    loader_deadline(&l).ns, now_s(0).ns + RELOAD_TIMEOUT_NS);
	/* It may have been quicker than the signal. */
	if (!loader_collect(&l, now_s(1), out)) {
		assert_true(loader_collect(&l, loader_deadline(&l), out));
		assert_says(out->text, "too long");
	}
	assert_int_equal(out->ok, 0);
	assert_int_equal(loader_deadline(&l).ns, MONO_NEVER.ns);
	assert_int_equal(waitpid(l.loader.pid, NULL, WNOHANG), -1);
	free(out);
}

static void a_loader_that_dies_is_told(void **state)
{
	struct room *r = *state;
	struct identity self = {false, geteuid(), getegid()};
	struct loader l = {.path = r->path, .identity = &self, .loader_fd = -1};
	struct reload_result *out = calloc(1, sizeof(*out));

	assert_non_null(out);
	assert_int_equal(loader_start(&l, 1, now_s(0)), 0);
	kill(l.loader.pid, SIGKILL);
	wait_for(&l);
	assert_true(loader_collect(&l, now_s(0), out));
	assert_int_equal(out->ok, 0);
	assert_true(out->text[0] != '\0');
	free(out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, room_make, room_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_good_is_read),
	    TEST(what_is_wrong_is_told_by_line),
	    TEST(too_many_errors_end_with_a_whole_line),
	    TEST(what_needs_a_restart_stays_and_is_told),
	    TEST(bad_messages_are_refused),
	    TEST(the_loader_reads_in_a_process_of_its_own),
	    TEST(a_loader_that_hangs_is_given_up),
	    TEST(a_loader_that_dies_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
