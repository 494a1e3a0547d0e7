/* What a SAVE writes, in this process and in one of its own. */
#include "agent/keeper/saver.h"
#include "agent/saved/trouble.h"

#include "agent/link/start_link.h"
#include "agent/saved/sealed_text.h"
#include "base/log.h"
#include "tests/unit/agent/config/config_room.h"
#include "tests/unit/agent/host/forked_child.h"
#include "tests/unit/agent/saved/test_key.h"
#include "tests/unit/descriptors.h"
#include "tests/unit/read_file.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define NOBODY 65534

static const struct keeper_message save = {
    .kind = KEEPER_MESSAGE_SAVE,
    .serial = 1,
    .freq_ppm = -3.5,
    .freq_sd_ppm = 0.5,
    .good_time_s = 1700000000,
};

static const struct config *config_of(struct config_room *r)
{
	log_open(LOG_TO_STDERR, LOG_LEVEL_ERROR);
	config_defaults(&r->config);
	snprintf(r->config.driftfile, FILE_PATH_MAX, "%s/drift", r->dir);
	snprintf(r->config.goodtime_file, FILE_PATH_MAX, "%s/good", r->dir);
	return &r->config;
}

static bool there(const struct config_room *r, const char *name)
{
	char path[128];

	return access(room_path(r, name, path), F_OK) == 0;
}

static void holds_the_save(const struct config_room *r)
{
	const struct sealed_text drift = {&test_key, DRIFT_KIND};
	const struct sealed_text time = {&test_key, GOOD_TIME_KIND};
	const struct file_seal drift_seal = sealed_text_of(&drift);
	const struct file_seal time_seal = sealed_text_of(&time);
	double freq, sd;
	int64_t good;

	assert_int_equal(
	    drift_file_load(r->config.driftfile, &drift_seal, &freq, &sd), 0);
	assert_true(freq == -3.5 && sd == 0.5);
	assert_int_equal(
	    last_good_time_load(r->config.goodtime_file, &time_seal, &good), 0);
	assert_int_equal(good, 1700000000);
}

static void both_files_are_written(void **state)
{
	struct config_room *r = *state;

	keeper_save(config_of(r), &test_key, &save);
	holds_the_save(r);
}

/* An unsealed file of ours would count for less than one of root. */
static void both_files_are_sealed(void **state)
{
	struct config_room *r = *state;
	char *text;

	keeper_save(config_of(r), &test_key, &save);
	text = read_file(r->config.driftfile);
	assert_non_null(strstr(text, "\nseal "));
	free(text);
	text = read_file(r->config.goodtime_file);
	assert_non_null(strstr(text, "\nseal "));
	free(text);
}

static void no_file_no_write(void **state)
{
	struct config_room *r = *state;

	(void)config_of(r);
	r->config.driftfile[0] = '\0';
	keeper_save(&r->config, &test_key, &save);
	assert_true(there(r, "good"));
	(void)config_of(r);
	unlink(r->config.goodtime_file);
	r->config.goodtime_file[0] = '\0';
	keeper_save(&r->config, &test_key, &save);
	assert_true(there(r, "drift"));
	assert_false(there(r, "good"));
}

/* time() lags behind the saver's clock by up to a tick. */
static time_t seconds_now(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
	return now.tv_sec;
}

static void a_good_time_is_never_ahead_of_the_clock(void **state)
{
	struct config_room *r = *state;
	struct keeper_message m = save;
	time_t began;

	m.good_time_s = seconds_now() + 100;
	keeper_save(config_of(r), &test_key, &m);
	assert_true(there(r, "drift"));
	assert_false(there(r, "good"));
	m.good_time_s = 0;
	keeper_save(config_of(r), &test_key, &m);
	assert_false(there(r, "good"));
	/* Not even by two seconds, if no second begins meanwhile. */
	do {
		unlink(r->config.goodtime_file);
		began = seconds_now();
		m.good_time_s = began + 2;
		keeper_save(config_of(r), &test_key, &m);
	} while (seconds_now() != began);
	assert_false(there(r, "good"));
	/* The second that has begun may be written. */
	m.good_time_s = seconds_now() + 1;
	keeper_save(config_of(r), &test_key, &m);
	assert_true(there(r, "good"));
}

static int64_t good_time_of(const struct config_room *r)
{
	const struct sealed_text text = {&test_key, GOOD_TIME_KIND};
	const struct file_seal seal = sealed_text_of(&text);
	int64_t good;

	assert_int_equal(
	    last_good_time_load(r->config.goodtime_file, &seal, &good), 0);
	return good;
}

static void put_good_time(const struct config_room *r, int64_t seconds)
{
	const struct sealed_text text = {&test_key, GOOD_TIME_KIND};
	const struct file_seal seal = sealed_text_of(&text);

	assert_int_equal(
	    last_good_time_save(r->config.goodtime_file, &seal, seconds), 0);
}

/* An engine that a server has taken over would let a later start take expired
 * keys. A time that has not come yet is from a clock that was wrong. */
static void a_good_time_does_not_go_back(void **state)
{
	struct config_room *r = *state;
	int64_t far = time(NULL) + 1000;

	(void)config_of(r);
	put_good_time(r, save.good_time_s + 1);
	keeper_save(&r->config, &test_key, &save);
	assert_int_equal(good_time_of(r), save.good_time_s + 1);
	put_good_time(r, save.good_time_s - 1);
	keeper_save(&r->config, &test_key, &save);
	assert_int_equal(good_time_of(r), save.good_time_s);
	put_good_time(r, far);
	keeper_save(&r->config, &test_key, &save);
	assert_int_equal(good_time_of(r), save.good_time_s);
}

/* What the saver's answer means. */
static void save_and_ask(
    const struct config_room *r, char text[SAVED_TROUBLE_MAX])
{
	saver_trouble(
	    text, &r->config, keeper_save(&r->config, &test_key, &save));
}

static void a_file_that_cannot_be_written_is_no_end(void **state)
{
	struct config_room *r = *state;
	char text[SAVED_TROUBLE_MAX];

	(void)config_of(r);
	save_and_ask(r, text);
	assert_string_equal(text, "");
	unlink(r->config.goodtime_file);
	strcpy(r->config.driftfile, "/nowhere/drift");
	save_and_ask(r, text);
	assert_non_null(strstr(text, "cannot write /nowhere/drift: No such"));
	assert_true(there(r, "good"));
	strcpy(r->config.goodtime_file, "/nowhere/good");
	save_and_ask(r, text);
	assert_non_null(strstr(text, "cannot write /nowhere/drift: No such"));
	r->config.driftfile[0] = '\0';
	save_and_ask(r, text);
	assert_non_null(strstr(text, "cannot write /nowhere/good: No such"));
}

/* The rules of the sandbox are for the folder that was there at the start. Root
 * needs no permission. */
static void a_denied_file_has_advice(void **state)
{
	const bool root = geteuid() == 0;
	struct config_room *r = *state;
	char text[SAVED_TROUBLE_MAX];

	(void)config_of(r);
	assert_int_equal(chmod(r->dir, 0), 0);
	if (root)
		assert_int_equal(seteuid(NOBODY), 0);
	save_and_ask(r, text);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(r->dir, 0700), 0);
	assert_non_null(strstr(text,
	    "/drift: Permission denied; see: sudo ntsagentd --check-config; if "
	    "that finds no error, the folder was made again: restart the "
	    "agent; or AppArmor or SELinux forbids it: sudo journalctl -g "
	    "denied"));
	strcpy(r->config.driftfile, "/nowhere/drift");
	save_and_ask(r, text);
	assert_null(strstr(text, "restart the agent"));
}

static void without_an_error_there_is_no_sentence(void **state)
{
	const struct saved_folder f = {.path = "/folder", .fd = -1};
	char text[SAVED_TROUBLE_MAX] = "of before";

	(void)state;
	saved_trouble(text, "write", &f, "keys", 0);
	assert_string_equal(text, "");
	saved_trouble(text, "write", &f, "keys", -ENOENT);
	assert_non_null(strstr(text, "cannot write /folder/keys: the folder"));
}

static void each_answer_is_a_sentence(void **state)
{
	struct config_room *r = *state;
	char text[SAVED_TROUBLE_MAX];

	(void)config_of(r);
	saver_trouble(text, &r->config, SAVER_DONE);
	assert_string_equal(text, "");
	saver_trouble(text, &r->config, SAVER_HANGS);
	assert_string_equal(text, "the disk has not taken what was saved last");
	saver_trouble(text, &r->config, SAVER_BROKEN);
	assert_string_equal(text, "the saver has failed: see the log");
	/* No errno becomes one of these. */
	assert_int_equal(saver_answer_of(-SAVER_HANGS, false), EIO);
	assert_int_equal(
	    saver_answer_of(-ENOSPC, true), ENOSPC | SAVER_GOOD_TIME);
	saver_trouble(text, &r->config, saver_answer_of(-ENOSPC, true));
	assert_non_null(strstr(text, "/good: there is no space left; free"));
	saver_trouble(text, &r->config, saver_answer_of(-EROFS, false));
	assert_non_null(strstr(text, "/drift: the file system is read-only; "));
}

static int saver_part(const char *name, int fd)
{
	return strcmp(name, "saver") == 0 ? saver_main(fd) : 9;
}

/* 0: it has not ended in time. */
static bool ends(struct saver *s)
{
	for (int i = 0; i < 2000; i++) {
		if (!saver_at_work(s))
			return true;
		usleep(2000);
	}
	return false;
}

static int waits_for_a_signal(const char *name, int fd)
{
	(void)name;
	(void)fd;
	pause();
	return 0;
}

static void the_saver_writes_in_a_process_of_its_own(void **state)
{
	struct config_room *r = *state;
	forked_main *part = saver_part;
	const struct child_starter starter = {forked_start, &part};
	struct saver s = {.starter = &starter, .seal = &test_key};
	int before = descriptors_open();

	assert_false(saver_at_work(&s));
	assert_int_equal(saver_start(&s, config_of(r), &save), 0);
	assert_int_equal(descriptors_open(), before);
	assert_true(ends(&s));
	assert_int_equal(s.child.status, 0);
	holds_the_save(r);
}

/* A file that cannot be written, and a saver that is killed. */
static void the_answer_of_the_saver_is_taken_once(void **state)
{
	struct config_room *r = *state;
	forked_main *part = saver_part;
	const struct child_starter starter = {forked_start, &part};
	struct saver s = {.starter = &starter, .seal = &test_key};
	int answer = -1;

	(void)config_of(r);
	strcpy(r->config.driftfile, "/nowhere/drift");
	assert_int_equal(saver_start(&s, &r->config, &save), 0);
	assert_true(ends(&s));
	assert_true(saver_take_answer(&s, &answer));
	assert_int_equal(answer, ENOENT);
	assert_false(saver_take_answer(&s, &answer));
	part = waits_for_a_signal;
	assert_int_equal(saver_start(&s, &r->config, &save), 0);
	assert_false(saver_take_answer(&s, &answer));
	children_signal(&s.child, 1, SIGKILL);
	assert_true(ends(&s));
	assert_true(saver_take_answer(&s, &answer));
	assert_int_equal(answer, SAVER_BROKEN);
}

static void one_saver_at_a_time(void **state)
{
	forked_main *part = waits_for_a_signal;
	const struct child_starter starter = {forked_start, &part};
	struct saver s = {.starter = &starter, .seal = &test_key};

	assert_int_equal(saver_start(&s, config_of(*state), &save), 0);
	assert_true(saver_at_work(&s));
	assert_int_equal(saver_start(&s, config_of(*state), &save), -EBUSY);
	children_signal(&s.child, 1, SIGKILL);
	assert_true(ends(&s));
}

static void a_saver_that_cannot_start_is_told(void **state)
{
	const struct child_starter starter = {
	    forked_start_fails, &(int){-ENOMEM}};
	struct saver s = {.starter = &starter, .seal = &test_key};
	int before = descriptors_open();

	assert_int_equal(saver_start(&s, config_of(*state), &save), -ENOMEM);
	assert_false(saver_at_work(&s));
	assert_int_equal(descriptors_open(), before);
}

/* It has ended before the order was sent. */
static int starts_with_a_dead_link(
    void *self, const char *name, const int link[2], struct child *child)
{
	assert_int_equal(shutdown(link[0], SHUT_RDWR), 0);
	return forked_start(self, name, link, child);
}

static void an_order_that_is_not_taken_is_told(void **state)
{
	forked_main *part = saver_part;
	const struct child_starter starter = {starts_with_a_dead_link, &part};
	struct config_room *r = *state;
	struct saver s = {.starter = &starter, .seal = &test_key};
	int before = descriptors_open();

	assert_int_equal(saver_start(&s, config_of(r), &save), -EPIPE);
	assert_int_equal(descriptors_open(), before);
	assert_true(ends(&s));
	assert_int_equal(WEXITSTATUS(s.child.status), SAVER_BROKEN);
	assert_false(there(r, "drift"));
}

static void without_descriptors_none_starts(void **state)
{
	const struct child_starter starter = {
	    forked_start_fails, &(int){-ENOMEM}};
	struct saver s = {.starter = &starter, .seal = &test_key};
	struct rlimit before;

	before = descriptors_forbid();
	assert_int_equal(saver_start(&s, config_of(*state), &save), -EMFILE);
	descriptors_allow(before);
}

/* What the saver's process makes of an order. */
static int status_of(const void *order, size_t len)
{
	int link[2], status;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
	assert_true(start_send(link[0], order, len));
	status = saver_main(link[1]);
	close(link[0]);
	close(link[1]);
	return status;
}

static void the_saver_judges_its_order(void **state)
{
	struct config_room *r = *state;
	struct save_order o = {.freq_sd_ppm = 1};

	(void)config_of(r);
	strcpy(o.driftfile, r->config.driftfile);
	assert_int_equal(status_of(&o, sizeof(o) - 1), SAVER_BROKEN);
	o.freq_sd_ppm = -1;
	assert_int_equal(status_of(&o, sizeof(o)), SAVER_BROKEN);
	assert_false(there(r, "drift"));
	o.freq_sd_ppm = 1;
	assert_int_equal(status_of(&o, sizeof(o) - 1), SAVER_BROKEN);
	assert_false(there(r, "drift"));
	assert_int_equal(status_of(&o, sizeof(o)), 0);
	assert_true(there(r, "drift"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, room_make, room_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(both_files_are_written),
	    TEST(both_files_are_sealed),
	    TEST(no_file_no_write),
	    TEST(a_good_time_is_never_ahead_of_the_clock),
	    TEST(a_good_time_does_not_go_back),
	    TEST(a_file_that_cannot_be_written_is_no_end),
	    TEST(a_denied_file_has_advice),
	    TEST(the_saver_writes_in_a_process_of_its_own),
	    TEST(the_answer_of_the_saver_is_taken_once),
	    cmocka_unit_test(without_an_error_there_is_no_sentence),
	    TEST(each_answer_is_a_sentence),
	    TEST(one_saver_at_a_time),
	    TEST(a_saver_that_cannot_start_is_told),
	    TEST(an_order_that_is_not_taken_is_told),
	    TEST(without_descriptors_none_starts),
	    TEST(the_saver_judges_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
