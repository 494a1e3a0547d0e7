/* Finding other daemons in a /proc of the test. */
#include "agent/host/rivals.h"

#include "base/log.h"
#include "tests/unit/agent/config/config_room.h"
#include "tests/unit/descriptors.h"

static void process(
    const struct config_room *r, const char *pid, const char *comm)
{
	char name[32];

	room_folder(r, pid);
	snprintf(name, sizeof(name), "%s/comm", pid);
	room_put_bytes(r, name, comm, strlen(comm));
}

static void those_that_steer_are_warned_of(void **state)
{
	struct config_room *r = *state;

	log_open(LOG_TO_STDERR, LOG_LEVEL_ERROR);
	assert_int_equal(rivals_warn(r->dir), 0);
	process(r, "1", "phc2sys\n");
	process(r, "77", "chronyd\n");
	process(r, "78", "systemd-timesyn\n");
	process(r, "79", "chronyd-helper\n");
	process(r, "80", "");
	process(r, "81", "vmtoolsd\n");
	process(r, "self", "chronyd\n");
	assert_int_equal(rivals_warn(r->dir), 3);
	assert_int_equal(rivals_warn("no/such/proc"), 0);
}

static void who_may_have_set_the_clock_is_named(void **state)
{
	struct config_room *r = *state;
	char text[RIVALS_TEXT_MAX];

	assert_false(rivals_find(r->dir, text));
	assert_false(rivals_find("no/such/proc", text));
	process(r, "80", "VBoxService\n");
	assert_true(rivals_find(r->dir, text));
	assert_non_null(strstr(text, "VBoxService (pid 80;"));
	process(r, "81", "ntpd\n");
	process(r, "82", "vmtoolsd\n");
	assert_true(rivals_find(r->dir, text));
	assert_non_null(strstr(text, "ntpd (pid 81;"));
}

/* Whichever of the two the folder lists first. */
static void a_program_that_steers_comes_first(void **state)
{
	static const char *const pids[][2] = {{"80", "81"}, {"81", "80"}};
	struct config_room *r = *state;
	char text[RIVALS_TEXT_MAX], steers[16], sets[16];

	room_folder(r, "80");
	room_folder(r, "81");
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		snprintf(steers, sizeof(steers), "%s/comm", pids[i][0]);
		snprintf(sets, sizeof(sets), "%s/comm", pids[i][1]);
		room_put_bytes(r, steers, "ntp-daemon\n", 11);
		room_put_bytes(r, sets, "vmtoolsd\n", 9);
		assert_true(rivals_find(r->dir, text));
		assert_non_null(strstr(text, "ntp-daemon"));
		assert_non_null(
		    strstr(text, "`systemctl disable --now ntpd-rs` ends it"));
	}
}

/* No number, or no process. */
static void other_folders_are_no_processes(void **state)
{
	struct config_room *r = *state;
	char text[RIVALS_TEXT_MAX];

	process(r, "0", "chronyd\n");
	process(r, "-5", "chronyd\n");
	process(r, "self", "chronyd\n");
	assert_false(rivals_find(r->dir, text));
	assert_int_equal(rivals_warn(r->dir), 0);
}

static void a_process_that_is_gone_has_no_name(void **state)
{
	struct config_room *r = *state;
	char comm[RIVALS_COMM_MAX] = "xx";
	int before = dup(0), after, saved;

	close(before);
	process(r, "95", "y");
	saved = input_free();
	rivals_comm(r->dir, 95, comm);
	after = dup(STDERR_FILENO);
	close(after);
	input_back(saved);
	assert_string_equal(comm, "y");
	assert_int_equal(after, STDIN_FILENO);
	rivals_comm(r->dir, 99, comm);
	assert_string_equal(comm, "");
	process(r, "98", "a name\n");
	rivals_comm(r->dir, 98, comm);
	assert_string_equal(comm, "a name");
	process(r, "96", "x");
	rivals_comm(r->dir, 96, comm);
	assert_string_equal(comm, "x");
	process(
	    r, "97", "a name that is much longer than any that Linux gives");
	rivals_comm(r->dir, 97, comm);
	assert_int_equal(strlen(comm), RIVALS_COMM_MAX - 1);
	/* It leaves no descriptor open. */
	after = dup(0);
	close(after);
	assert_int_equal(after, before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, room_make, room_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(those_that_steer_are_warned_of),
	    TEST(who_may_have_set_the_clock_is_named),
	    TEST(a_program_that_steers_comes_first),
	    TEST(other_folders_are_no_processes),
	    TEST(a_process_that_is_gone_has_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
