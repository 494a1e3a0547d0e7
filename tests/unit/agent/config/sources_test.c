/* Pools, and the files of sources.d. */
#include "tests/unit/agent/config/config_room.h"

#include <sys/resource.h>

/* A sanitizer has much memory of its own. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static void a_pool_becomes_its_sources(void **state)
{
	struct config_room *r = *state;
	const struct source_config *s = r->config.sources;

	room_accepts(r,
	    "[source a]\n[pool p]\nsources = 2\nhost = h\nnoselect = yes\n"
	    "[pool q.example]\nsrv = yes\n[source b]\n");
	assert_int_equal(r->config.source_count, 8);
	assert_string_equal(s[0].name, "a");
	assert_int_equal(s[0].member, 0);
	assert_string_equal(s[1].name, "p#1");
	assert_int_equal(s[1].member, 1);
	assert_string_equal(s[2].name, "p#2");
	assert_int_equal(s[2].member, 2);
	assert_string_equal(s[2].host, "h");
	assert_true(s[1].options.noselect && s[2].options.noselect);
	assert_string_equal(s[3].name, "q.example#1");
	assert_string_equal(s[3].host, "q.example");
	assert_string_equal(s[6].name, "q.example#4");
	assert_true(s[6].srv && !s[2].srv);
	assert_string_equal(s[7].name, "b");
}

static void a_name_is_that_of_a_source_or_of_its_pool(void **state)
{
	struct config_room *r = *state;
	const struct source_config *s = r->config.sources;

	room_accepts(
	    r, "[pool p]\nsources = 2\n[pool pp]\nsources = 1\n[source a]\n");
	assert_true(config_source_is(&s[0], "p"));
	assert_true(config_source_is(&s[1], "p"));
	assert_true(config_source_is(&s[1], "p#2"));
	assert_false(config_source_is(&s[1], "p#1"));
	assert_false(config_source_is(&s[2], "p"));
	assert_true(config_source_is(&s[3], "a"));
	assert_true(config_same_pool(&s[0], &s[1]));
	assert_false(config_same_pool(&s[1], &s[2]));
	assert_false(config_same_pool(&s[3], &s[3]));
}

static void a_bad_pool_is_refused(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
	    {"[source a]\n[pool a]\n",
		"2: [source a] is already defined at %s:1"},
	    {"[pool a]\n[source a]\n",
		"2: [pool a] is already defined at %s:1"},
	    {"[pool a]\nsources = 60\n[pool b]\nsources = 5\n",
		"3: [pool b]: more than 64 sources"},
	    {"[source a]\nsources = 2\n",
		"2: sources does not belong in [source] but in [pool NAME]"},
	    {"[pool a b]\n",
		"1: [pool a b]: expected a name of 1 to 60 letters, digits, "
		"'-', '.', '_', ':' or '%%'"},
	    {"[pool a]\nminpol = 3\n",
		"2: unknown key \"minpol\" in [pool]; did you mean "
		"\"minpoll\" in [source NAME]?"},
	    {"[pools a]\n", "1: unknown section [pools a]; did you mean "
			    "[pool NAME]?"},
	};
	struct config_room *r = *state;
	char expected[512];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(expected, sizeof(expected), rows[i].expected, r->path);
#pragma GCC diagnostic pop
		room_refuses(r, rows[i].text, expected);
	}
}

/* In the order of their names, with what [agent] says for all. */
static void dropped_sources_come_last(void **state)
{
	struct config_room *r = *state;
	const struct source_config *s = r->config.sources;

	room_folder(r, "sources.d");
	room_put(r, "sources.d/b.conf", "[source b]\ndscp = 2\n");
	room_put(r, "sources.d/a.conf", "[pool p]\nsources = 2\n");
	room_put(r, "sources.d/c.sources", "[source no]\n");
	room_accepts(r, "[agent]\ndscp = 7\n[source m]\n");
	assert_int_equal(r->config.source_count, 4);
	assert_string_equal(s[0].name, "m");
	assert_string_equal(s[1].name, "p#1");
	assert_string_equal(s[2].name, "p#2");
	assert_string_equal(s[3].name, "b");
	assert_true(!s[0].dropped && s[1].dropped && s[3].dropped);
	assert_int_equal(s[2].binding.dscp, 7);
	assert_int_equal(s[3].binding.dscp, 2);
	assert_int_equal(r->config.binding.dscp, 7);
}

/* The message about the file x.conf; the sources of the others are there. */
static void is_left_out(struct config_room *r, const char *expected)
{
	char whole[512];

	room_load(r, "[source m]\n");
	assert_int_equal(r->errors, 0);
	snprintf(whole, sizeof(whole),
	    "warning: %s/sources.d/x.conf%s; the sources of this file are not "
	    "used\n",
	    r->dir, expected);
	assert_string_equal(r->said, whole);
	assert_int_equal(r->config.source_count, 3);
	assert_string_equal(r->config.sources[0].name, "m");
	assert_string_equal(r->config.sources[1].name, "a");
	assert_string_equal(r->config.sources[2].name, "z");
}

static void costs_one_file(
    struct config_room *r, const char *text, const char *expected)
{
	room_put(r, "sources.d/x.conf", text);
	is_left_out(r, expected);
}

static void a_bad_file_costs_only_its_own_sources(void **state)
{
	struct config_room *r = *state;
	char already[128];

	snprintf(already, sizeof(already),
	    ":2: [source a] is already defined at %s/sources.d/a.conf:1",
	    r->dir);

	room_folder(r, "sources.d");
	room_put(r, "sources.d/a.conf", "[source a]\n");
	room_put(r, "sources.d/z.conf", "[source z]\n");
	costs_one_file(r, "[source x]\nnoselect = 7\nprefer = 8\n",
	    ":2: noselect = 7: expected yes or no");
	costs_one_file(r, "[source y]\n[source a]\n", already);
}

static void a_bad_file_may_be_wrong_in_many_ways(void **state)
{
	struct config_room *r = *state;

	room_folder(r, "sources.d");
	room_put(r, "sources.d/a.conf", "[source a]\n");
	room_put(r, "sources.d/z.conf", "[source z]\n");
	costs_one_file(r, "[source x]\n[clock]\nmakestep = no\n",
	    ":2: [clock] does not belong in a file of sources.d, which has "
	    "only [source NAME] and [pool NAME]");
	costs_one_file(r, "[source x]\nipv4 = no\nipv6 = no\n",
	    ":1: [source x]: ipv4 = no and ipv6 = no: no address is left");
	costs_one_file(r, "[pool x]\nsources = 63\n",
	    ":1: [pool x]: more than 64 sources");
	costs_one_file(r, "[sorce x]\n",
	    ":1: unknown section [sorce x]; did you mean [source NAME]?");
}

/* Nobody writes into the pipe: a reader would wait for ever. */
static void what_is_no_file_is_left_out(void **state)
{
	struct config_room *r = *state;
	char path[128];

	room_folder(r, "sources.d");
	room_put(r, "sources.d/a.conf", "[source a]\n");
	room_put(r, "sources.d/z.conf", "[source z]\n");
	room_path(r, "sources.d/x.conf", path);
	assert_int_equal(symlink("missing", path), 0);
	is_left_out(r, ": cannot read: No such file or directory");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	is_left_out(r, ": cannot read: Is a directory");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	alarm(10);
	is_left_out(r, ": cannot read: it is a named pipe, not a file");
	alarm(0);
}

/* They would take all memory, of the agent that starts and of each reload. */
static void what_has_no_end_is_left_out(void **state)
{
	const struct rlimit memory = {256 << 20, RLIM_INFINITY};
	struct config_room *r = *state;
	struct rlimit before;
	char path[128];

	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	if (!SANITIZED)
		assert_int_equal(setrlimit(RLIMIT_AS, &memory), 0);
	room_folder(r, "sources.d");
	room_put(r, "sources.d/a.conf", "[source a]\n");
	room_put(r, "sources.d/z.conf", "[source z]\n");
	room_path(r, "sources.d/x.conf", path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	is_left_out(r, ": cannot read: it is not a regular file");
	assert_int_equal(unlink(path), 0);
	room_put(r, "sources.d/x.conf", "[source x]\n");
	assert_int_equal(truncate(path, 1 << 16), 0);
	is_left_out(r,
	    ":2: the line holds a NUL byte; save the file as plain text in "
	    "UTF-8");
	assert_int_equal(truncate(path, (1 << 16) + 1), 0);
	is_left_out(r, ": cannot read: it is larger than 64 KiB");
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
}

/* Another user may write there: root must not show what a file of its own has.
 */
static void a_link_to_a_secret_is_left_out(void **state)
{
	struct config_room *r = *state;
	char path[128], secret[128];

	room_folder(r, "sources.d");
	room_put(r, "sources.d/a.conf", "[source a]\n");
	room_put(r, "sources.d/z.conf", "[source z]\n");
	room_put(r, "secret", "root:hash\n");
	room_path(r, "secret", secret);
	room_path(r, "sources.d/x.conf", path);
	assert_int_equal(symlink("../secret", path), 0);
	assert_int_equal(chmod(secret, 0640), 0);
	is_left_out(r,
	    ": cannot read: it is a link to a file that not everybody may "
	    "read");
	assert_null(strstr(r->said, "hash"));
	room_put(r, "secret", "[source x]\n");
	assert_int_equal(chmod(secret, 0644), 0);
	room_load(r, "[agent]\nuser = u\n");
	assert_int_equal(r->config.source_count, 3);
	/* A file in the folder may be for the agent alone. */
	assert_int_equal(unlink(path), 0);
	room_put(r, "sources.d/x.conf", "[source x]\n");
	assert_int_equal(chmod(path, 0600), 0);
	room_load(r, "[agent]\nuser = u\n");
	assert_int_equal(r->config.source_count, 3);
}

/* Another user may write there. Terminals that take UTF-8 know control
 * characters above ASCII, and characters that reorder a line. */
static void its_words_do_not_control_a_terminal(void **state)
{
	struct config_room *r = *state;

	room_folder(r, "sources.d");
	room_put(r, "sources.d/x\x1b[2J\n\x9b.conf",
	    "[source x]\n\xc2\x9b"
	    "31m\xe2\x80\xae = 1\n");
	room_put(r, "sources.d/a.conf", "[source a]\n");
	room_load(r, "[agent]\nuser = u\n");
	assert_int_equal(r->errors, 0);
	assert_non_null(strstr(r->said, "sources.d/x?[2J??.conf:2: "));
	assert_non_null(strstr(r->said, "\"??31m???\""));
	for (const char *c = r->said; c[0] && c[1]; c++)
		assert_in_range(*c, 0x20, 0x7e);
}

/* As systemd masks a unit. */
static void a_link_to_the_null_device_is_no_source(void **state)
{
	struct config_room *r = *state;
	char path[128];

	room_folder(r, "sources.d");
	room_put(r, "sources.d/a.conf", "[source a]\n");
	room_path(r, "sources.d/x.conf", path);
	assert_int_equal(symlink("/dev/null", path), 0);
	room_load(r, "[agent]\nuser = u\n");
	assert_int_equal(r->errors, 0);
	assert_string_equal(r->said, "");
	assert_int_equal(r->config.source_count, 1);
}

static void a_host_that_cannot_exist_costs_its_file(void **state)
{
	struct config_room *r = *state;

	room_folder(r, "sources.d");
	room_put(r, "sources.d/a.conf", "[source a]\n");
	room_put(r, "sources.d/z.conf", "[source z]\n");
	costs_one_file(r, "[source x]\n\n[source y]\nhost = 192.0.2.300\n",
	    ":3: [source y]: no such host can exist: 192.0.2.300 (an IPv4 "
	    "address has four numbers from 0 to 255)");
	costs_one_file(r, "[source a..example]\n",
	    ":1: [source a..example]: no such host can exist: a..example (a "
	    "part of a host name has 1 to 63 characters)");
	costs_one_file(r, "[pool p]\nhost = fe80::g\n",
	    ":1: [pool p]: no such host can exist: fe80::g (this is no IPv6 "
	    "address)");
}

static unsigned lines_of(const char *text)
{
	unsigned count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

/* A log does not fill with them; --check-config names all. */
static void many_unused_files_are_few_lines_of_a_log(void **state)
{
	struct config_room *r = *state;
	struct config again;
	char name[32], said[4096] = "";
	FILE *out;

	room_folder(r, "sources.d");
	for (int i = 0; i < UNUSED_FILES_SHOWN + 60; i++) {
		snprintf(name, sizeof(name), "sources.d/%d.conf", 10 + i);
		room_put(r, name, "[source x]\nb = 1\n");
	}
	room_load(r, "[source m]\n");
	assert_int_equal(lines_of(r->said), UNUSED_FILES_SHOWN + 60);
	for (int sources_alone = 0; sources_alone < 2; sources_alone++) {
		out = fmemopen(said, sizeof(said), "w");
		assert_non_null(out);
		if (sources_alone)
			assert_int_equal(config_load_sources(r->config.file,
					     &r->config, &again, out),
			    0);
		else
			assert_int_equal(
			    config_load_for_log(r->config.file, &again, out),
			    0);
		assert_int_equal(fclose(out), 0);
		assert_int_equal(lines_of(said), UNUSED_FILES_SHOWN + 1);
		assert_non_null(strstr(said,
		    "warning: and 60 more files of sources.d are not used: "
		    "ntsagentd --check-config names each\n"));
		assert_int_equal(
		    again.unused_file_count, UNUSED_FILES_SHOWN + 60);
	}
}

/* The status takes neither foreign bytes nor any number of lines. */
static void the_first_unused_files_are_kept(void **state)
{
	struct config_room *r = *state;
	char name[32];

	room_folder(r, "sources.d");
	for (int i = 0; i < UNUSED_FILES_SHOWN + 2; i++) {
		snprintf(name, sizeof(name), "sources.d/%d.conf", i);
		room_put(r, name, "[source x]\nb\xfc = 1\n");
	}
	room_load(r, "[source m]\n");
	assert_int_equal(r->config.unused_file_count, UNUSED_FILES_SHOWN + 2);
	assert_non_null(strstr(r->config.unused_files[0], "/0.conf:2: "));
	assert_non_null(
	    strstr(r->config.unused_files[UNUSED_FILES_SHOWN - 1], "3.conf"));
	assert_non_null(strstr(r->config.unused_files[0], "\"b?\""));
	assert_non_null(strstr(r->said, "\"b?\""));
}

/* A file that is left out is no source, and hides no other error. */
static void a_missing_source_is_still_an_error(void **state)
{
	struct config_room *r = *state;

	room_folder(r, "sources.d");
	room_put(r, "sources.d/x.conf", "[source x]\nfoo = 1\n");
	room_load(r, "[agent]\nuser = u\n");
	assert_int_equal(r->errors, 1);
	assert_non_null(strstr(r->said, "no source: add a section"));
	assert_non_null(strstr(r->said, "or correct sources.d\n"));
}

static void load_dropped(struct config_room *r, const struct config *base)
{
	FILE *f = room_listen();

	r->errors = config_load_sources(r->path, base, &r->config, f);
	room_hear(r, f);
}

/* The other files may be in any state. */
static void sources_are_read_alone(void **state)
{
	struct config_room *r = *state;
	struct config *base = calloc(1, sizeof(*base));
	const struct source_config *s = r->config.sources;

	assert_non_null(base);
	room_folder(r, "sources.d");
	room_put(r, "sources.d/a.conf", "[source a]\n");
	room_accepts(
	    r, "[agent]\ndscp = 7\n[pool p]\nsources = 2\n[source m]\n");
	*base = r->config;
	room_put(r, "main.conf", "[broken\n");
	room_put(r, "sources.d/a.conf", "[source b]\n[pool q]\nsources = 1\n");
	load_dropped(r, base);
	assert_int_equal(r->errors, 0);
	assert_string_equal(r->said, "");
	assert_int_equal(r->config.source_count, 5);
	assert_string_equal(s[0].name, "p#1");
	assert_string_equal(s[1].name, "p#2");
	assert_string_equal(s[2].name, "m");
	assert_string_equal(s[3].name, "b");
	assert_string_equal(s[4].name, "q#1");
	assert_int_equal(s[3].binding.dscp, 7);
	free(base);
}

static void too_few_sources_are_an_error_of_such_a_reading(void **state)
{
	struct config_room *r = *state;
	struct config *base = calloc(1, sizeof(*base));

	assert_non_null(base);
	room_folder(r, "sources.d");
	room_put(r, "sources.d/a.conf", "[source a]\n");
	room_accepts(r, "[agent]\nuser = u\n");
	*base = r->config;
	room_put(r, "sources.d/a.conf", "");
	load_dropped(r, base);
	assert_int_equal(r->errors, 1);
	assert_non_null(strstr(r->said, ": no source: add a section"));
	free(base);
}

#define ROOM(test) cmocka_unit_test_setup_teardown(test, room_make, room_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ROOM(a_pool_becomes_its_sources),
	    ROOM(a_name_is_that_of_a_source_or_of_its_pool),
	    ROOM(a_bad_pool_is_refused),
	    ROOM(dropped_sources_come_last),
	    ROOM(a_bad_file_costs_only_its_own_sources),
	    ROOM(a_bad_file_may_be_wrong_in_many_ways),
	    ROOM(what_is_no_file_is_left_out),
	    ROOM(what_has_no_end_is_left_out),
	    ROOM(a_link_to_a_secret_is_left_out),
	    ROOM(its_words_do_not_control_a_terminal),
	    ROOM(a_link_to_the_null_device_is_no_source),
	    ROOM(a_host_that_cannot_exist_costs_its_file),
	    ROOM(the_first_unused_files_are_kept),
	    ROOM(many_unused_files_are_few_lines_of_a_log),
	    ROOM(a_missing_source_is_still_an_error),
	    ROOM(sources_are_read_alone),
	    ROOM(too_few_sources_are_an_error_of_such_a_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
