/*
 * The keeper's sandbox with the real saver and loader, which inherit it and
 * enter their own. This program executes itself for each of them.
 */
#include "agent/launch/confine.h"

#include "agent/config/load.h"
#include "agent/host/clocks.h"
#include "agent/host/sandbox/sandbox.h"
#include "agent/launch/entry.h"
#include "agent/launch/processes.h"
#include "agent/launch/start.h"
#include "agent/saved/trouble.h"
#include "clock/kernel/drift_file.h"
#include "tests/unit/agent/saved/test_key.h"
#include "tests/unit/agent/launch/heard.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

struct confined {
	struct config *config;
	struct starter starter;
	enum log_level level;
};

/* Runs `act` as the keeper does, in a process of its own; its exit status. */
static int as_keeper(struct heard *h, int (*act)(struct confined *))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct confined k = {
		    .config = &h->room->config,
		    .level = LOG_LEVEL_INFO,
		    .starter =
			{
			    .program = child_open_program(),
			    .identity = {.uid = getuid(), .gid = getgid()},
			    .no_clock = true,
			    .sandbox = SANDBOX_ON,
			},
		};
		const struct process_context c = {
		    .profile = process_at(PROCESS_KEEPER)->sandbox,
		    .sandbox = SANDBOX_ON,
		    .program = k.starter.program,
		};
		char why[PRIVILEGES_TEXT_MAX];

		k.starter.log_level = &k.level;
		log_set_level(k.level);
		if (!privileges_drop(&k.starter.identity, false, why) ||
		    !confine_keeper(&c, k.config))
			_exit(9);
		_exit(act(&k));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static int save(struct confined *k)
{
	const struct child_starter starter = {start_helper, &k->starter};
	struct saver s = {.starter = &starter, .seal = &test_key};
	const struct keeper_message m = {
	    .kind = KEEPER_MESSAGE_SAVE,
	    .freq_ppm = 5.5,
	    .freq_sd_ppm = 0.25,
	};
	char text[SAVED_TROUBLE_MAX];
	int answer = SAVER_BROKEN;
	bool saved;

	if (saver_start(&s, k->config, &m) != 0)
		return 1;
	while (saver_at_work(&s))
		usleep(1000);
	if (!WIFEXITED(s.child.status))
		return 2;
	saved = saver_take_answer(&s, &answer) && answer == SAVER_DONE;
	saver_trouble(text, k->config, answer);
	if (!saved)
		log_warning("%s", text);
	/* At its end the keeper writes itself: it may what the saver may. */
	if (saved != (drift_file_save(k->config->driftfile, NULL, 7, 1) == 0))
		return 4;
	return saved ? 0 : 3;
}

static void the_saver_writes_the_drift(void **state)
{
	struct heard *h = *state;
	struct config *c = &h->room->config;
	double freq_ppm, sd_ppm;
	char why[SANDBOX_TEXT_MAX];

	if (sandbox_possible(why) != SANDBOX_ON)
		return;
	snprintf(c->driftfile, FILE_PATH_MAX, "%s/drift", h->room->dir);
	c->goodtime_file[0] = c->status_socket[0] = c->pidfile[0] = '\0';
	assert_int_equal(as_keeper(h, save), 0);
	assert_int_equal(
	    drift_file_load(c->driftfile, NULL, &freq_ppm, &sd_ppm), 0);
	assert_true(freq_ppm == 7);
	heard_nothing(h);
}

static int save_elsewhere(struct confined *k)
{
	strcpy(k->config->driftfile, "/var/tmp/elsewhere.drift");
	return save(k);
}

/* Not even the saver writes in a folder that the keeper did not have. */
static void it_writes_nowhere_else(void **state)
{
	struct heard *h = *state;
	struct config *c = &h->room->config;
	char why[SANDBOX_TEXT_MAX], missing[SANDBOX_TEXT_MAX];

	if (sandbox_possible(why) != SANDBOX_ON ||
	    (sandbox_missing(missing) > 0 && strcmp(missing, "Landlock") == 0))
		return;
	snprintf(c->driftfile, FILE_PATH_MAX, "%s/drift", h->room->dir);
	c->goodtime_file[0] = c->status_socket[0] = c->pidfile[0] = '\0';
	assert_int_equal(as_keeper(h, save_elsewhere), 3);
	heard_says(
	    h, "cannot write /var/tmp/elsewhere.drift: Permission denied");
}

static int load(struct confined *k)
{
	static struct reload_result result;
	const struct child_starter starter = {start_helper, &k->starter};
	struct loader r = {
	    .starter = &starter, .path = k->config->file, .loader_fd = -1};

	if (loader_start(&r, 7, NULL, clocks_mono()) != 0)
		return 1;
	while (!loader_collect(&r, clocks_mono(), &result))
		usleep(1000);
	return result.ok && result.config.source_count == 1 ? 0 : 2;
}

static void the_loader_reads_the_configuration(void **state)
{
	struct heard *h = *state;
	char why[SANDBOX_TEXT_MAX];

	if (sandbox_possible(why) != SANDBOX_ON)
		return;
	room_put(h->room, "a.conf", "[source a]\n");
	snprintf(
	    h->room->config.file, FILE_PATH_MAX, "%s/a.conf", h->room->dir);
	assert_int_equal(as_keeper(h, load), 0);
	heard_nothing(h);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, heard_make, heard_drop)

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
	    TEST(the_saver_writes_the_drift),
	    TEST(it_writes_nowhere_else),
	    TEST(the_loader_reads_the_configuration),
	};

	if (argc == 2 &&
	    strncmp(argv[1], CHILD_OPTION, strlen(CHILD_OPTION)) == 0)
		return entry_run(argv[1] + strlen(CHILD_OPTION));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
