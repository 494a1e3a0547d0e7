/* The files of a start: which are made, which are missing, which go again. */
#include "agent/launch/files.h"

#include "agent/history/format.h"
#include "agent/query/control_socket.h"
#include "tests/unit/agent/launch/heard.h"
#include "tests/unit/descriptors.h"

#include <sys/stat.h>

#define NOBODY 65534

struct place {
	struct heard *heard;
	struct config *config;
	struct run_options run;
	struct identity identity;
	struct launch_files files;
};

/* All files in the folder of the test, nothing of which is there. */
static struct place place_of(void **state)
{
	struct heard *h = *state;
	struct config *c = &h->room->config;
	const char *dir = h->room->dir;

	snprintf(c->status_socket, FILE_PATH_MAX, "%s/run/status", dir);
	snprintf(c->pidfile, FILE_PATH_MAX, "%s/run/pid", dir);
	snprintf(c->driftfile, FILE_PATH_MAX, "%s/lib/drift", dir);
	snprintf(c->goodtime_file, FILE_PATH_MAX, "%s/good/time", dir);
	snprintf(c->saved_keys, FILE_PATH_MAX, "%s/saved/keys", dir);
	return (struct place){
	    .heard = h,
	    .config = c,
	    /* A lock on the machine's clock is not for tests. */
	    .run = {.no_clock = true},
	    .identity = {.uid = geteuid(), .gid = getegid()},
	    .files = {.status_fd = -1, .control_fd = -1, .history_fd = -1},
	};
}

static bool opens(struct place *p)
{
	return launch_files_open(&p->files, p->config, &p->run, &p->identity);
}

static bool there(const struct place *p, const char *name)
{
	char path[128];
	struct stat st;

	return lstat(room_path(p->heard->room, name, path), &st) == 0;
}

static void all_are_made_and_removed(void **state)
{
	struct place p = place_of(state);

	assert_true(opens(&p));
	assert_true(there(&p, "run/status") && there(&p, "run/pid"));
	assert_true(there(&p, "lib") && there(&p, "good"));
	assert_true(there(&p, "saved/keys"));
	assert_true(p.files.status_fd >= 0 && p.files.control_fd >= 0);
	heard_nothing(p.heard);
	launch_files_close(&p.files);
	assert_int_equal(p.files.status_fd, -1);
	assert_int_equal(p.files.control_fd, -1);
	launch_files_remove(&p.files, p.config);
	assert_false(there(&p, "run/status") || there(&p, "run/pid"));
}

/* Only who starts the agent can read it, and it stays for the next start. */
static void the_key_of_the_seals_is_made(void **state)
{
	struct place p = place_of(state);
	struct seal_key first;
	struct stat st;
	char path[128];

	assert_true(opens(&p));
	first = p.files.seal;
	assert_int_equal(first.there, 1);
	assert_int_equal(
	    stat(room_path(p.heard->room, "saved/seal.key", path), &st), 0);
	assert_true(st.st_uid == geteuid() && (st.st_mode & 07777) == 0600);
	launch_files_close(&p.files);
	launch_files_remove(&p.files, p.config);
	assert_true(there(&p, "saved/seal.key"));
	p.files.seal = (struct seal_key){.there = 0};
	p.run.print_only = true;
	assert_true(opens(&p));
	assert_memory_equal(&p.files.seal, &first, sizeof(first));
}

/* Removing takes the control socket, too: the folder is empty. */
static void the_folder_is_empty_afterwards(void **state)
{
	struct place p = place_of(state);
	char path[128];

	assert_true(opens(&p));
	launch_files_close(&p.files);
	launch_files_remove(&p.files, p.config);
	assert_int_equal(rmdir(room_path(p.heard->room, "run", path)), 0);
}

static void what_others_made_stays(void **state)
{
	struct place p = place_of(state);

	room_folder(p.heard->room, "run");
	room_put(p.heard->room, "run/status", "x");
	room_put(p.heard->room, "run/pid", "1\n");
	launch_files_remove(&p.files, p.config);
	assert_true(there(&p, "run/status") && there(&p, "run/pid"));
}

static void nothing_is_made_where_nothing_is_configured(void **state)
{
	struct place p = place_of(state);

	p.config->status_socket[0] = p.config->pidfile[0] = '\0';
	p.config->driftfile[0] = p.config->goodtime_file[0] = '\0';
	p.config->saved_keys[0] = '\0';
	assert_true(opens(&p));
	assert_false(there(&p, "run") || there(&p, "lib"));
	assert_false(p.files.status_bound || p.files.control_bound ||
		     p.files.pid_written);
	heard_nothing(p.heard);
}

static void print_only_makes_nothing(void **state)
{
	struct place p = place_of(state);

	p.run.print_only = true;
	assert_true(opens(&p));
	assert_false(there(&p, "run") || there(&p, "saved"));
}

static void one_process_takes_no_orders(void **state)
{
	struct place p = place_of(state);

	p.run.single_process = true;
	assert_true(opens(&p));
	assert_true(p.files.status_bound);
	assert_false(p.files.control_bound);
	assert_int_equal(p.files.control_fd, -1);
}

/* One process uses saved keys only where a configuration names them. */
static void one_process_leaves_the_machines_keys_alone(void **state)
{
	struct place p = place_of(state);

	p.run.single_process = true;
	assert_true(opens(&p));
	assert_true(p.config->saved_keys[0] != '\0');
	launch_files_close(&p.files);
	launch_files_remove(&p.files, p.config);
	strcpy(p.config->saved_keys, CONFIG_SAVED_KEYS);
	assert_true(opens(&p));
	assert_string_equal(p.config->saved_keys, "");
}

static void another_agent_stops_the_start(void **state)
{
	struct place p = place_of(state), other = place_of(state);

	assert_true(opens(&other));
	assert_false(opens(&p));
	heard_says(p.heard, "another ntsagentd is running");
	assert_false(p.files.status_bound || p.files.pid_written);
	launch_files_remove(&p.files, p.config);
	assert_true(there(&p, "run/status"));
}

/* What is in the way of the status socket. */
static void without_status_it_depends_on_root(void **state)
{
	struct place p = place_of(state);

	room_folder(p.heard->room, "run");
	room_put(p.heard->room, "run/status", "x");
	assert_true(opens(&p));
	heard_says(p.heard, "not a socket");
	assert_false(p.files.status_bound || p.files.control_bound);
	launch_files_remove(&p.files, p.config);
	/* Started as root, it must not run without being seen. */
	p.identity.change = true;
	assert_false(opens(&p));
	assert_true(there(&p, "run/status"));
}

/* Its clock has to be right nevertheless. */
static void a_shortage_does_not_stop_the_start(void **state)
{
	struct place p = place_of(state);
	struct rlimit before;
	bool goes_on;

	room_folder(p.heard->room, "run");
	p.identity.change = p.run.single_process = true;
	before = descriptors_forbid();
	goes_on = opens(&p);
	descriptors_allow(before);
	assert_true(goes_on);
	assert_false(p.files.status_bound || p.files.control_bound ||
		     p.files.history_made || p.files.pid_written);
	assert_int_equal(p.files.status_fd, -1);
	heard_says(p.heard,
	    "ntsctl has no status to show, but the agent goes on: cannot make "
	    "the socket ");
	heard_says(p.heard,
	    "Too many open files; allow more open files (ulimit -n, "
	    "LimitNOFILE), and restart the agent");
	heard_says(p.heard,
	    "there is no pid file, but the agent goes on: cannot write the "
	    "pid file ");
}

/* Opens with this limit of open files. */
static bool opens_with(struct place *p, rlim_t descriptors)
{
	struct rlimit before = descriptors_forbid(), few = before;
	bool opened;

	few.rlim_cur = descriptors;
	descriptors_allow(few);
	opened = opens(p);
	descriptors_allow(before);
	return opened;
}

static void few_descriptors_leave_no_room_for_a_status(void **state)
{
	struct place p = place_of(state);

	p.config->source_count = 3;
	p.identity.change = true;
	assert_true(opens_with(&p, 31 + 3));
	assert_true(p.files.status_bound);
	launch_files_close(&p.files);
	launch_files_remove(&p.files, p.config);
	heard_nothing(p.heard);
	p.files.status_bound = false;
	assert_true(opens_with(&p, 31 + 3 - 1));
	assert_false(p.files.status_bound || there(&p, "run/status"));
	heard_says(p.heard,
	    "ntsctl has no status to show, but the agent goes on: it may open "
	    "too few files; allow more (ulimit -n, LimitNOFILE), and restart "
	    "the agent");
	launch_files_remove(&p.files, p.config);
	assert_true(opens_with(&p, 24));
	launch_files_remove(&p.files, p.config);
	assert_false(opens_with(&p, 23));
	heard_says(p.heard,
	    "the agent may open 23 files, and needs at least 24: allow more "
	    "(ulimit -n, LimitNOFILE)");
}

static void a_pid_file_that_cannot_be_written_stops_the_start(void **state)
{
	struct place p = place_of(state);

	strcpy(p.config->pidfile, "/nowhere/at/all");
	assert_false(opens(&p));
	heard_says(p.heard, "/nowhere/at/all: No such file");
	assert_false(p.files.control_bound);
}

static void folders_that_cannot_be_made_are_told(void **state)
{
	struct place p = place_of(state);

	strcpy(p.config->driftfile, "/nowhere/at/all");
	strcpy(p.config->goodtime_file, "/nowhere/at/once");
	strcpy(p.config->saved_keys, "/nowhere/at/all");
	assert_true(opens(&p));
	heard_says(p.heard, "cannot make the directory /nowhere/at");
	assert_null(strstr(strstr(p.heard->text, "/nowhere/at") + 1,
	    "cannot make the directory"));
	assert_non_null(
	    strstr(p.files.not_saved, "cannot make the directory /nowhere"));
	assert_string_equal(p.config->saved_keys, "");
}

static void a_control_socket_that_cannot_be_made_is_told(void **state)
{
	struct place p = place_of(state);
	char control[CONTROL_PATH_MAX];

	control_socket_path(p.config->status_socket, control);
	room_folder(p.heard->room, "run");
	assert_int_equal(mkdir(control, 0700), 0);
	assert_true(opens(&p));
	assert_true(p.files.status_bound);
	assert_false(p.files.control_bound);
	heard_says(p.heard, "ntsctl cannot give orders: ");
	launch_files_remove(&p.files, p.config);
	assert_int_equal(rmdir(control), 0);
}

static void a_history_that_cannot_be_made_is_told(void **state)
{
	struct place p = place_of(state);
	char history[HISTORY_PATH_MAX];

	history_path(p.config->status_socket, history);
	room_folder(p.heard->room, "run");
	assert_int_equal(mkdir(history, 0700), 0);
	assert_true(opens(&p));
	assert_true(p.files.status_bound && p.files.control_bound);
	assert_false(p.files.history_made);
	assert_int_equal(p.files.history_fd, -1);
	heard_says(p.heard, "no history is kept: ");
	launch_files_remove(&p.files, p.config);
	assert_int_equal(rmdir(history), 0);
}

/* Some more than there are sources, and never more than there can be. */
static void the_history_has_places_for_a_reload(void **state)
{
	static const struct {
		unsigned sources, places;
	} rows[] = {{0, 4}, {3, 7}, {62, 64}, {64, 64}};
	struct place p = place_of(state);
	char history[HISTORY_PATH_MAX];
	struct stat st;

	history_path(p.config->status_socket, history);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		p.config->source_count = rows[i].sources;
		assert_true(opens(&p));
		assert_int_equal(stat(history, &st), 0);
		assert_int_equal(st.st_size, history_size(rows[i].places));
		assert_int_equal(st.st_mode & 07777, 0644);
		launch_files_close(&p.files);
		assert_int_equal(p.files.history_fd, -1);
		launch_files_remove(&p.files, p.config);
		assert_int_equal(stat(history, &st), -1);
	}
}

/* Root: the agent's user owns what the agent later writes. It must not be able
 * to give orders, or to read the key. */
static void the_agents_user_owns_them(void **state)
{
	struct place p = place_of(state);
	char control[CONTROL_PATH_MAX], path[128];
	struct stat st;

	if (geteuid() != 0)
		skip();
	p.identity =
	    (struct identity){.change = true, .uid = NOBODY, .gid = NOBODY};
	assert_true(opens(&p));
	control_socket_path(p.config->status_socket, control);
	assert_int_equal(stat(control, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	history_path(p.config->status_socket, control);
	assert_int_equal(stat(control, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(
	    stat(room_path(p.heard->room, "saved/seal.key", path), &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(p.config->saved_keys, &st), 0);
	assert_true(st.st_uid == NOBODY && st.st_gid == NOBODY);
	heard_nothing(p.heard);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, heard_make, heard_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(all_are_made_and_removed),
	    TEST(the_key_of_the_seals_is_made),
	    TEST(the_folder_is_empty_afterwards),
	    TEST(what_others_made_stays),
	    TEST(nothing_is_made_where_nothing_is_configured),
	    TEST(print_only_makes_nothing),
	    TEST(one_process_takes_no_orders),
	    TEST(one_process_leaves_the_machines_keys_alone),
	    TEST(another_agent_stops_the_start),
	    TEST(without_status_it_depends_on_root),
	    TEST(a_shortage_does_not_stop_the_start),
	    TEST(few_descriptors_leave_no_room_for_a_status),
	    TEST(a_pid_file_that_cannot_be_written_stops_the_start),
	    TEST(folders_that_cannot_be_made_are_told),
	    TEST(a_control_socket_that_cannot_be_made_is_told),
	    TEST(a_history_that_cannot_be_made_is_told),
	    TEST(the_history_has_places_for_a_reload),
	    TEST(the_agents_user_owns_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
