#include "agent/keeper/loader.h"

#include "agent/link/start_link.h"
#include "tests/unit/agent/config/config_room.h"
#include "tests/unit/agent/host/forked_child.h"
#include "tests/unit/descriptors.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define GOOD "[source a]\nhost = 192.0.2.1\n[source b]\n"

static struct reload_result *read_it(const struct config_room *r)
{
	struct reload_result *result = calloc(1, sizeof(*result));

	assert_non_null(result);
	loader_read(r->path, NULL, result);
	return result;
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

static void what_is_good_is_read(void **state)
{
	struct config_room *r = *state;
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
	struct config_room *r = *state;
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
	loader_read(r->path, NULL, got);
	assert_int_equal(got->ok, 0);
	assert_says(got->text, r->path);
	/* If a file is missing, no hint about rights is given. */
	assert_null(strstr(got->text, "the user that"));
	free(got);
}

/* Returns 0 if the error text says which user must be able to read the file. */
static int read_as_nobody(const struct config_room *r)
{
	struct reload_result *got;

	if (chdir("/") != 0 || setgid(65534) != 0 || setuid(65534) != 0)
		return 1;
	got = read_it(r);
	return got->ok || !strstr(got->text,
			      "\nthe user that the agent runs as has to be "
			      "able to read it: "
			      "sudo ntsagentd --check-config has the command");
}

static void a_file_without_rights_is_explained(void **state)
{
	struct config_room *r = *state;
	int status;
	pid_t pid;

	if (getuid() != 0)
		skip();
	room_put_bytes(r, "main.conf", GOOD, strlen(GOOD));
	assert_int_equal(chmod(r->dir, 0755), 0);
	assert_int_equal(chmod(r->path, 0600), 0);
	pid = fork();
	if (pid == 0)
		_exit(read_as_nobody(r));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static struct mono now_s(int64_t s)
{
	return (struct mono){(1000 + s) * NS_PER_S};
}

static int loader_part(const char *name, int fd)
{
	assert_string_equal(name, "loader");
	return loader_main(fd);
}

static struct loader loader_of(const struct config_room *r)
{
	static forked_main *part = loader_part;
	static const struct child_starter starter = {forked_start, &part};

	return (struct loader){
	    .starter = &starter, .path = r->path, .loader_fd = -1};
}

static void wait_for(const struct loader *l)
{
	struct pollfd p = {.fd = l->loader_fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 5000), 1);
}

/* Returns 0 if the order to read again is refused, and the text says why. */
static int reload_as_nobody(const struct config_room *r, bool used)
{
	static struct reload_result out;
	struct loader l = loader_of(r);

	l.in_force = &r->config;
	if (chdir("/") != 0 || setgid(65534) != 0 || setuid(65534) != 0)
		return 1;
	if (loader_start(&l, 5, NULL, now_s(0)) != 0)
		return 2;
	wait_for(&l);
	if (!loader_collect(&l, now_s(0), &out))
		return 3;
	if (!used)
		return out.ok && strstr(out.text, "x.conf: cannot read") ? 0
									 : 4;
	return !out.ok && strstr(out.text, "/sources.d/x.conf has sources") &&
		       strstr(out.text, "chmod 644")
		   ? 0
		   : 5;
}

/* Root has read it at the start. One that was never used is only left out. */
static void a_reload_does_not_lose_a_file_that_only_root_may_read(void **state)
{
	struct config_room *r = *state;
	char path[128];
	int status;

	if (getuid() != 0)
		skip();
	assert_int_equal(chmod(r->dir, 0755), 0);
	room_put_bytes(r, "main.conf", GOOD, strlen(GOOD));
	room_folder(r, "sources.d");
	for (int used = 0; used <= 1; used++) {
		pid_t pid;

		if (used == 0)
			room_accepts(r, GOOD);
		room_put(r, "sources.d/x.conf", "[source x]\n");
		room_path(r, "sources.d/x.conf", path);
		assert_int_equal(chmod(path, 0600), 0);
		if (used == 1)
			room_accepts(r, GOOD);
		pid = fork();
		if (pid == 0)
			_exit(reload_as_nobody(r, used));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static void too_many_errors_end_with_a_whole_line(void **state)
{
	struct config_room *r = *state;
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
	fresh->log_tracking = true;
	fresh->log_banner = 5;
	fresh->max_freq_ppm = 17;
	loader_keep(old, fresh, text);
	assert_string_equal(text,
	    "user in [agent] has changed: that needs a restart\n"
	    "driftfile in [clock] has changed: that needs a restart\n"
	    "target in [log] has changed: that needs a restart\n"
	    "tracking in [log] has changed: that needs a restart\n"
	    "logbanner in [log] has changed: that needs a restart");
	assert_false(fresh->log_tracking);
	assert_string_equal(fresh->user, old->user);
	assert_string_equal(fresh->driftfile, old->driftfile);
	assert_int_equal(fresh->log_target, old->log_target);
	assert_true(fresh->max_freq_ppm == 17);
	free(old);
}

static void a_full_text_takes_no_more(void **state)
{
	struct config *old = calloc(2, sizeof(*old)), *fresh = old + 1;
	struct {
		char text[RELOAD_TEXT_MAX], behind[256];
	} room;

	(void)state;
	assert_non_null(old);
	config_defaults(old);
	*fresh = *old;
	memset(&room, 'x', sizeof(room));
	room.text[RELOAD_TEXT_MAX - 10] = '\0';
	room.behind[sizeof(room.behind) - 1] = '\0';
	strcpy(fresh->user, "other");
	loader_keep(old, fresh, room.text);
	assert_int_equal(strlen(room.text), RELOAD_TEXT_MAX - 1);
	assert_int_equal(strspn(room.behind, "x"), sizeof(room.behind) - 1);
	assert_string_equal(fresh->user, old->user);
	free(old);
}

/* What the loader's process makes of an order. */
static int status_of(const void *order, size_t len)
{
	int link[2], status;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
	assert_true(start_send(link[0], order, len));
	status = loader_main(link[1]);
	close(link[0]);
	close(link[1]);
	return status;
}

static void the_loader_judges_its_order(void **state)
{
	struct config_room *r = *state;
	struct load_order o = {.serial = 3};

	room_put_bytes(r, "main.conf", GOOD, strlen(GOOD));
	assert_int_equal(status_of(&o, sizeof(o)), 1);
	snprintf(o.path, sizeof(o.path), "%s", r->path);
	assert_int_equal(status_of(&o, sizeof(o) - 1), 1);
	assert_int_equal(status_of(&o, sizeof(o)), 0);
	memset(o.path, 'x', sizeof(o.path));
	assert_int_equal(status_of(&o, sizeof(o)), 1);
}

static void a_result_that_nobody_takes_is_a_failure(void **state)
{
	struct config_room *r = *state;
	struct load_order o = {.serial = 3};
	int link[2];

	room_put_bytes(r, "main.conf", GOOD, strlen(GOOD));
	snprintf(o.path, sizeof(o.path), "%s", r->path);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
	assert_true(start_send(link[0], &o, sizeof(o)));
	assert_int_equal(shutdown(link[1], SHUT_WR), 0);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(loader_main(link[1]), 1);
	close(link[0]);
	close(link[1]);
}

/* The main file may be in any state. */
static void the_loader_may_read_dropped_sources_alone(void **state)
{
	struct config_room *r = *state;
	struct loader l = loader_of(r);
	struct reload_result *out = calloc(1, sizeof(*out));

	assert_non_null(out);
	room_accepts(r, "[source m]\n");
	room_put(r, "main.conf", "[broken");
	room_folder(r, "sources.d");
	room_put(r, "sources.d/x.conf", "[source x]\n");
	room_put(r, "sources.d/y.conf", "[source y]\nfoo = 1\n");
	assert_int_equal(loader_start(&l, 5, &r->config, now_s(0)), 0);
	wait_for(&l);
	assert_true(loader_collect(&l, now_s(0), out));
	assert_int_equal(out->ok, 1);
	assert_int_equal(out->config.source_count, 2);
	assert_string_equal(out->config.sources[0].name, "m");
	assert_string_equal(out->config.sources[1].name, "x");
	assert_non_null(strstr(out->text, "y.conf:2: unknown key"));
	assert_non_null(strstr(out->text, "of this file are not used"));
	free(out);
}

enum { AS_IT_WAS = 0, TAKEN = 1, REFUSED = 2 };

/* What the judge makes of a result as a user who may not read everything. */
static int judges_as_anybody(const struct config *old, bool ok)
{
	struct reload_result *out = calloc(1, sizeof(*out));
	pid_t pid = fork();
	int status;

	assert_non_null(out);
	assert_true(pid >= 0);
	if (pid == 0) {
		if (getuid() == 0 && setresuid(65534, 65534, 65534) != 0)
			_exit(99);
		out->ok = ok;
		loader_judge_access(old, out);
		_exit((out->ok ? 1 : 0) + (out->text[0] ? 2 : 0));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	free(out);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A file of sources.d that nobody may read any more must not take its sources
 * away. One that is gone may. The main file is judged by who reads it. */
static void a_source_whose_file_cannot_be_read_is_kept(void **state)
{
	struct config_room *r = *state;
	struct config *old = calloc(1, sizeof(*old));
	char path[128];

	assert_non_null(old);
	assert_int_equal(chmod(r->dir, 0755), 0);
	room_put(r, "x.conf", "[source x]\n");
	room_path(r, "x.conf", path);
	old->source_count = 2;
	snprintf(
	    old->sources[0].file, sizeof(old->sources[0].file), "/dev/null");
	snprintf(
	    old->sources[1].file, sizeof(old->sources[1].file), "%s", path);
	old->sources[0].dropped = old->sources[1].dropped = true;
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(judges_as_anybody(old, true), TAKEN);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(judges_as_anybody(old, true), REFUSED);
	assert_int_equal(judges_as_anybody(old, false), AS_IT_WAS);
	old->sources[1].dropped = false;
	assert_int_equal(judges_as_anybody(old, true), TAKEN);
	old->sources[1].dropped = true;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(judges_as_anybody(old, true), TAKEN);
	free(old);
}

static void the_loader_reads_in_a_process_of_its_own(void **state)
{
	struct config_room *r = *state;
	struct loader l = loader_of(r);
	struct reload_result *out = calloc(1, sizeof(*out));
	int before = descriptors_open();

	assert_non_null(out);
	room_put_bytes(r, "main.conf", GOOD, strlen(GOOD));
	assert_false(loader_collect(&l, now_s(0), out));
	assert_int_equal(loader_start(&l, 5, NULL, now_s(0)), 0);
	assert_int_equal(loader_start(&l, 6, NULL, now_s(0)), -EBUSY);
	wait_for(&l);
	assert_true(loader_collect(&l, now_s(0), out));
	if (!out->ok)
		fail_msg("%s", out->text);
	assert_int_equal(out->serial, 5);
	assert_int_equal(out->config.source_count, 2);
	assert_int_equal(l.loader_fd, -1);
	assert_int_equal(waitpid(l.loader.pid, NULL, WNOHANG), -1);
	assert_int_equal(descriptors_open(), before);
	free(out);
}

/* The sandbox of a process cannot be widened. */
static void what_the_sandbox_forbids_needs_a_restart(void **state)
{
	static const struct {
		const char *line, *keys;
		unsigned need;
	} cases[] = {
	    {"bind-address = 127.0.0.1", "bind-address or source-port was",
		BINDING_NEEDS_BIND},
	    {"source-port = 1123", "bind-address or source-port was",
		BINDING_NEEDS_BIND},
	    {"bind-device = lo", "bind-device was", BINDING_NEEDS_DEVICE},
	    {"dscp = 46", "dscp was", BINDING_NEEDS_DSCP},
	};
	struct reload_result *out = calloc(1, sizeof(*out));
	struct config_room *r = *state;
	struct loader l = loader_of(r);
	char text[128];

	assert_non_null(out);
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		bool allowed = i % 2 == 1;
		unsigned need = cases[i / 2].need;

		snprintf(
		    text, sizeof(text), "[source a]\n%s\n", cases[i / 2].line);
		room_put_bytes(r, "main.conf", text, strlen(text));
		l.binds = allowed ? need : BINDING_NEEDS_ALL & ~need;
		assert_int_equal(loader_start(&l, 7, NULL, now_s(0)), 0);
		wait_for(&l);
		assert_true(loader_collect(&l, now_s(0), out));
		assert_int_equal(out->ok, allowed);
		assert_int_equal(out->serial, 7);
		if (!allowed) {
			assert_says(out->text, cases[i / 2].keys);
			assert_says(out->text, "needs a restart");
		}
	}
	free(out);
}

/* Its file is a pipe that nobody writes to. */
static void a_loader_that_hangs_is_given_up(void **state)
{
	struct config_room *r = *state;
	struct loader l = loader_of(r);
	struct reload_result *out = calloc(1, sizeof(*out));

	assert_non_null(out);
	assert_int_equal(mkfifo(r->path, 0600), 0);
	assert_int_equal(loader_start(&l, 1, NULL, now_s(0)), 0);
	assert_int_equal(
	    loader_deadline(&l).ns, now_s(0).ns + RELOAD_TIMEOUT_NS);
	assert_false(loader_collect(&l, now_s(1), out));
	assert_true(loader_collect(&l, loader_deadline(&l), out));
	assert_says(out->text, "too long");
	assert_int_equal(out->ok, 0);
	assert_int_equal(loader_deadline(&l).ns, MONO_NEVER.ns);
	assert_int_equal(waitpid(l.loader.pid, NULL, WNOHANG), -1);
	free(out);
}

static void a_loader_that_dies_is_told(void **state)
{
	struct config_room *r = *state;
	struct loader l = loader_of(r);
	struct reload_result *out = calloc(1, sizeof(*out));

	assert_non_null(out);
	assert_int_equal(mkfifo(r->path, 0600), 0);
	assert_int_equal(loader_start(&l, 1, NULL, now_s(0)), 0);
	kill(l.loader.pid, SIGKILL);
	wait_for(&l);
	assert_true(loader_collect(&l, now_s(0), out));
	assert_int_equal(out->ok, 0);
	assert_says(out->text, "has failed");
	free(out);
}

/* Another part of the process has collected it. */
static void a_loader_that_is_collected_is_no_wait(void **state)
{
	struct config_room *r = *state;
	struct loader l = loader_of(r);

	assert_int_equal(mkfifo(r->path, 0600), 0);
	assert_int_equal(loader_start(&l, 1, NULL, now_s(0)), 0);
	kill(l.loader.pid, SIGKILL);
	assert_int_equal(waitpid(l.loader.pid, NULL, 0), l.loader.pid);
	loader_stop(&l);
	assert_int_equal(l.loader_fd, -1);
}

static void without_descriptors_none_starts(void **state)
{
	struct loader l = loader_of(*state);
	struct rlimit before;

	before = descriptors_forbid();
	assert_int_equal(loader_start(&l, 1, NULL, now_s(0)), -EMFILE);
	descriptors_allow(before);
	assert_int_equal(l.loader_fd, -1);
}

static void a_loader_that_cannot_start_is_told(void **state)
{
	const struct child_starter starter = {
	    forked_start_fails, &(int){-EAGAIN}};
	struct loader l = loader_of(*state);
	int before = descriptors_open();

	l.starter = &starter;
	assert_int_equal(loader_start(&l, 1, NULL, now_s(0)), -EAGAIN);
	assert_int_equal(l.loader_fd, -1);
	assert_int_equal(loader_deadline(&l).ns, MONO_NEVER.ns);
	assert_int_equal(descriptors_open(), before);
}

static int starts_with_a_dead_link(
    void *self, const char *name, const int link[2], struct child *child)
{
	assert_int_equal(shutdown(link[0], SHUT_RDWR), 0);
	return forked_start(self, name, link, child);
}

/* Its process is ended and collected. */
static void an_order_that_is_not_taken_is_told(void **state)
{
	static forked_main *part = loader_part;
	const struct child_starter starter = {starts_with_a_dead_link, &part};
	struct loader l = loader_of(*state);
	int before = descriptors_open();

	l.starter = &starter;
	assert_int_equal(loader_start(&l, 1, NULL, now_s(0)), -EPIPE);
	assert_int_equal(l.loader_fd, -1);
	assert_int_equal(waitpid(l.loader.pid, NULL, WNOHANG), -1);
	assert_int_equal(descriptors_open(), before);
	/* The next one may start. */
	l = loader_of(*state);
	assert_int_equal(loader_start(&l, 2, NULL, now_s(0)), 0);
	loader_stop(&l);
	assert_int_equal(descriptors_open(), before);
}

/* As when the parent of the agent has closed standard input. */
static void the_link_may_have_any_number(void **state)
{
	struct config_room *r = *state;
	struct loader l = loader_of(r);
	struct reload_result *out = calloc(1, sizeof(*out));
	int saved, number, again;
	struct mono deadline;
	bool collected;

	assert_non_null(out);
	room_put_bytes(r, "main.conf", GOOD, strlen(GOOD));
	saved = input_free();
	again = loader_start(&l, 5, NULL, now_s(0));
	number = l.loader_fd;
	again |= loader_start(&l, 6, NULL, now_s(0));
	deadline = loader_deadline(&l);
	wait_for(&l);
	collected = loader_collect(&l, now_s(0), out);
	again |= input_is_open();
	input_back(saved);
	assert_int_equal(number, STDIN_FILENO);
	assert_int_equal(again, -EBUSY);
	assert_int_equal(deadline.ns, now_s(0).ns + RELOAD_TIMEOUT_NS);
	assert_true(collected && out->ok);
	assert_int_equal(out->serial, 5);
	assert_int_equal(waitpid(l.loader.pid, NULL, WNOHANG), -1);
	free(out);
}

static void a_loader_that_does_not_run_is_not_stopped(void **state)
{
	struct loader l = loader_of(*state);

	/* kill(2) with 0 would reach the whole process group. */
	loader_stop(&l);
	assert_int_equal(l.loader_fd, -1);
	assert_int_equal(loader_deadline(&l).ns, MONO_NEVER.ns);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, room_make, room_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_good_is_read),
	    TEST(what_is_wrong_is_told_by_line),
	    TEST(a_file_without_rights_is_explained),
	    TEST(too_many_errors_end_with_a_whole_line),
	    TEST(what_needs_a_restart_stays_and_is_told),
	    TEST(a_full_text_takes_no_more),
	    TEST(a_reload_does_not_lose_a_file_that_only_root_may_read),
	    TEST(the_loader_reads_in_a_process_of_its_own),
	    TEST(the_loader_may_read_dropped_sources_alone),
	    TEST(a_source_whose_file_cannot_be_read_is_kept),
	    TEST(what_the_sandbox_forbids_needs_a_restart),
	    TEST(a_loader_that_hangs_is_given_up),
	    TEST(a_loader_that_dies_is_told),
	    TEST(a_loader_that_is_collected_is_no_wait),
	    TEST(a_loader_that_cannot_start_is_told),
	    TEST(without_descriptors_none_starts),
	    TEST(the_loader_judges_its_order),
	    TEST(a_result_that_nobody_takes_is_a_failure),
	    TEST(an_order_that_is_not_taken_is_told),
	    TEST(a_loader_that_does_not_run_is_not_stopped),
	    TEST(the_link_may_have_any_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
