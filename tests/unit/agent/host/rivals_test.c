/* Finding other daemons in a /proc of the test. */
#include "agent/host/rivals.h"

#include "base/log.h"
#include "tests/unit/agent/config/config_room.h"
#include "tests/unit/descriptors.h"

#define ALL_USERS "         0          0 4294967295\n"
/* CAP_SYS_TIME is bit 25. */
#define WITH_SYS_TIME                                                          \
	"Name:\tx\nCapPrm:\t0000000000000000\n"                                \
	"CapEff:\t0000000002000000\n"
#define WITHOUT_SYS_TIME                                                       \
	"Name:\tx\nCapPrm:\t0000000002000000\n"                                \
	"CapEff:\tfffffffffdffffff\n"

static void put_file(const struct config_room *r, const char *pid,
    const char *file, const char *text)
{
	char name[32];

	snprintf(name, sizeof(name), "%s/%s", pid, file);
	room_put_bytes(r, name, text, strlen(text));
}

/* A process that may set the clock. */
static void process(
    const struct config_room *r, const char *pid, const char *comm)
{
	room_folder(r, pid);
	put_file(r, pid, "comm", comm);
	put_file(r, pid, "status", WITH_SYS_TIME);
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

/* The unit is that of the process, whatever a distribution calls it. */
static void the_unit_is_read_from_the_control_group(void **state)
{
	static const struct {
		const char *comm, *cgroup, *command;
	} rows[] = {
	    {"chronyd\n", "0::/system.slice/chrony.service\n",
		"`systemctl disable --now chrony`"},
	    {"chronyd\n", "0::/system.slice/chronyd.service\n",
		"`systemctl disable --now chronyd`"},
	    {"ntpd\n", "0::/system.slice/openntpd.service\n",
		"`systemctl disable --now openntpd`"},
	    {"ntpd\n",
		"12:pids:/x.service\n1:name=systemd:/system.slice/"
		"system-ntp.slice/ntp@a-b.service\n",
		"`systemctl disable --now ntp@a-b`"},
	    /* No unit, no such file, a name that is none. */
	    {"chronyd\n", "0::/user.slice/session-1.scope\n",
		"`systemctl disable --now chronyd`"},
	    {"ntp-daemon\n", "", "`systemctl disable --now ntpd-rs`"},
	    {"ntpd\n", "0::/a`reboot`.service\n",
		"`systemctl disable --now ntpd`"},
	    {"ntpd\n", "0::/.service\n", "`systemctl disable --now ntpd`"},
	    /* Some have a command of their own. */
	    {"vmtoolsd\n", "0::/system.slice/open-vm-tools.service\n",
		"`vmware-toolbox-cmd timesync disable`"},
	    {"connmand\n", "0::/system.slice/connman.service\n",
		"`connmanctl clock timeupdates manual`"},
	    {"qemu-ga\n", "0::/system.slice/qemu-guest-agent.service\n",
		"`systemctl disable --now qemu-guest-agent`"},
	    {"google_guest_ag\n", "", "google-guest-agent"},
	    {"clockbound\n", "", "clockbound"},
	    {"htpdate\n", "", "htpdate"},
	    {"ptpd\n", "", "ptpd"},
	    {"ptpd2\n", "", "ptpd2"},
	    {"statime\n", "0::/system.slice/statime.service\n", "statime"},
	    {"sptp\n", "", "sptp"},
	};
	struct config_room *r = *state;

	process(r, "7", "");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[RIVALS_TEXT_MAX] = "";

		put_file(r, "7", "comm", rows[i].comm);
		put_file(r, "7", "cgroup", rows[i].cgroup);
		if (!rivals_find(r->dir, text) ||
		    !strstr(text, rows[i].command))
			fail_msg("row %zu: %s", i, text);
	}
}

/* chronyd -x and a daemon in a container have no right to set the clock. */
static void without_the_capability_it_is_no_rival(void **state)
{
	static const struct {
		const char *status;
		unsigned rivals;
	} rows[] = {
	    {"Name:\tchronyd\nCapPrm:\t0000000002000000\n"
	     "CapEff:\t0000000000000000\n",
		0},
	    {"Name:\tchronyd\nCapEff:\t0000000001000400\n", 0},
	    {"Name:\tchronyd\nCapEff:\t0000000002000400\n", 1},
	    {"Name:\tchronyd\nCapEff:\t000001ffffffffff\n", 1},
	    {"Name:\tchronyd\n", 0},
	    {"", 0},
	};
	struct config_room *r = *state;
	char text[RIVALS_TEXT_MAX];

	log_open(LOG_TO_STDERR, LOG_LEVEL_ERROR);
	process(r, "7", "chronyd\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put_file(r, "7", "status", rows[i].status);
		if (rivals_warn(r->dir) != rows[i].rivals ||
		    rivals_find(r->dir, text) != (rows[i].rivals > 0))
			fail_msg("row %zu", i);
	}
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
	char text[RIVALS_TEXT_MAX];

	process(r, "80", "");
	process(r, "81", "");
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		put_file(r, pids[i][0], "comm", "ntp-daemon\n");
		put_file(r, pids[i][1], "comm", "vmtoolsd\n");
		assert_true(rivals_find(r->dir, text));
		assert_non_null(strstr(text, "ntp-daemon"));
		assert_non_null(
		    strstr(text, "`systemctl disable --now ntpd-rs` ends it"));
	}
}

/* Every user can call a process "chronyd". */
static void a_name_without_the_right_is_no_rival(void **state)
{
	struct config_room *r = *state;
	char text[RIVALS_TEXT_MAX];

	log_open(LOG_TO_STDERR, LOG_LEVEL_ERROR);
	process(r, "80", "chronyd\n");
	put_file(r, "80", "status", WITHOUT_SYS_TIME);
	process(r, "81", "ntpd\n");
	put_file(r, "81", "status", "");
	assert_false(rivals_find(r->dir, text));
	assert_int_equal(rivals_warn(r->dir), 0);
	put_file(r, "80", "status", WITH_SYS_TIME);
	assert_int_equal(rivals_warn(r->dir), 1);
}

/* In a user namespace of its own, every user has that right. */
static void rights_in_another_namespace_do_not_count(void **state)
{
	struct config_room *r = *state;
	char text[RIVALS_TEXT_MAX];

	process(r, "80", "chronyd\n");
	put_file(r, "80", "uid_map", ALL_USERS);
	room_folder(r, "self");
	put_file(r, "self", "uid_map", ALL_USERS);
	assert_true(rivals_find(r->dir, text));
	put_file(r, "80", "uid_map", "         0       1000          1\n");
	assert_false(rivals_find(r->dir, text));
}

static void a_zombie_does_not_run(void **state)
{
	static const struct {
		const char *stat;
		bool runs;
	} rows[] = {
	    {"80 (ntsagentd) S 1 80", true},
	    {"80 (ntsagentd) R 1 80", true},
	    {"80 (ntsagentd) Z 1 80", false},
	    {"80 (ntsagentd) X 1 80", false},
	    {"80 (a) Z b) S 1 80", true},
	    {"80 (a) S b) Z 1 80", false},
	    {"", false},
	};
	struct config_room *r = *state;

	room_folder(r, "80");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put_file(r, "80", "stat", rows[i].stat);
		if (rivals_runs(r->dir, 80) != rows[i].runs)
			fail_msg("\"%s\"", rows[i].stat);
	}
	assert_false(rivals_runs(r->dir, 81));
	assert_true(rivals_runs("/proc", (long)getpid()));
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
	    TEST(the_unit_is_read_from_the_control_group),
	    TEST(without_the_capability_it_is_no_rival),
	    TEST(who_may_have_set_the_clock_is_named),
	    TEST(a_program_that_steers_comes_first),
	    TEST(a_name_without_the_right_is_no_rival),
	    TEST(rights_in_another_namespace_do_not_count),
	    TEST(a_zombie_does_not_run),
	    TEST(other_folders_are_no_processes),
	    TEST(a_process_that_is_gone_has_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
