/* The keyring on a real folder: what may be used is taken off it, and what may
 * not is out of the way. */
#include "agent/saved/keyring.h"

#include "tests/unit/agent/saved/saved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define NOW ((struct wall){SAVED_NOW_S * NS_PER_S})

struct ring {
	char dir[32];
	struct config config;
	struct keyring keyring;
	struct saved_keys keys, got;
	unsigned left;
};

static const struct source_config *source(const struct ring *r)
{
	return &r->config.sources[0];
}

static int setup(void **state)
{
	struct ring *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	snprintf(r->dir, sizeof(r->dir), "%s", "keyring-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	config_defaults(&r->config);
	r->config.trust.system_certs = false;
	snprintf(
	    r->config.saved_keys, sizeof(r->config.saved_keys), "%s", r->dir);
	r->config.sources[0] = saved_source("office");
	r->config.source_count = 1;
	r->keys = saved_keys_of(source(r), 0);
	keyring_open(&r->keyring, &r->config);
	assert_true(r->keyring.folder.fd >= 0);
	*state = r;
	return 0;
}

static bool all(const void *self, const char *name)
{
	(void)self;
	(void)name;
	return true;
}

static int teardown(void **state)
{
	struct ring *r = *state;

	saved_folder_sweep(&r->keyring.folder, all, NULL);
	keyring_close(&r->keyring);
	assert_int_equal(rmdir(r->dir), 0);
	free(r);
	return 0;
}

static void save(struct ring *r)
{
	keyring_save(&r->keyring, source(r), &r->keys);
	assert_false(r->keyring.troubled);
}

static bool take(struct ring *r)
{
	return keyring_take(&r->keyring, source(r), NOW, &r->got, &r->left);
}

static void open_again(struct ring *r)
{
	keyring_close(&r->keyring);
	keyring_open(&r->keyring, &r->config);
	assert_true(r->keyring.folder.fd >= 0);
}

static bool there(const struct ring *r, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	return access(path, F_OK) == 0;
}

static void assert_wiped(const struct saved_keys *k)
{
	static const struct saved_keys none;

	assert_memory_equal(k, &none, sizeof(none));
}

/* The number of a cookie, counted from 1. */
static unsigned cookie(const struct saved_keys *k, unsigned i)
{
	return k->answer.cookies[i].bytes[0];
}

static void what_is_taken_is_on_disk_no_more(void **state)
{
	struct ring *r = *state;

	assert_false(take(r));
	save(r);
	open_again(r);
	assert_true(take(r));
	assert_int_equal(r->got.answer.cookie_count, 4);
	assert_int_equal(cookie(&r->got, 0), 1);
	assert_int_equal(r->left, 4);
	assert_true(take(r));
	assert_int_equal(cookie(&r->got, 0), 5);
	assert_int_equal(r->left, 2);
	assert_true(take(r));
	assert_int_equal(cookie(&r->got, 0), 7);
	assert_true(take(r));
	assert_int_equal(cookie(&r->got, 0), 8);
	assert_int_equal(r->left, 0);
	assert_false(there(r, "office.ntskeys"));
	assert_false(take(r));
	assert_wiped(&r->got);
}

/* The rest cannot be written, but the file can be removed: none is left. */
static void cookies_that_cannot_be_written_back_are_dropped(void **state)
{
	struct ring *r = *state;
	char path[128];

	save(r);
	snprintf(path, sizeof(path), "%s/office.ntskeys.new", r->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(take(r));
	assert_int_equal(r->left, 0);
	assert_false(there(r, "office.ntskeys"));
	assert_int_equal(rmdir(path), 0);
}

static void a_failed_write_is_noted_and_over_with_the_next(void **state)
{
	struct ring *r = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/office.ntskeys.new", r->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	keyring_save(&r->keyring, source(r), &r->keys);
	assert_true(r->keyring.troubled);
	assert_int_equal(rmdir(path), 0);
	save(r);
	assert_true(take(r));
}

static void spoil(const struct ring *r, long at)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/office.ntskeys", r->dir);
	f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	assert_true(fputc('X', f) != EOF);
	assert_int_equal(fclose(f), 0);
}

static void a_damaged_file_is_set_aside(void **state)
{
	struct ring *r = *state;

	save(r);
	spoil(r, 300);
	assert_false(take(r));
	assert_wiped(&r->got);
	assert_false(there(r, "office.ntskeys"));
	assert_true(there(r, "office.ntskeys.bad"));
}

static void a_file_for_others_to_read_is_set_aside(void **state)
{
	struct ring *r = *state;
	char path[128];

	save(r);
	snprintf(path, sizeof(path), "%s/office.ntskeys", r->dir);
	assert_int_equal(chmod(path, 0644), 0);
	assert_false(take(r));
	assert_true(there(r, "office.ntskeys.bad"));
}

static void another_hosts_file_is_set_aside(void **state)
{
	struct ring *r = *state;

	save(r);
	snprintf(r->config.sources[0].host, sizeof(r->config.sources[0].host),
	    "other.example.net");
	assert_false(take(r));
	assert_true(there(r, "office.ntskeys.bad"));
}

static void old_keys_are_removed(void **state)
{
	struct ring *r = *state;

	r->keys.saved_s -= SAVED_KEYS_AGE_MAX_S + 1;
	save(r);
	assert_false(take(r));
	assert_false(there(r, "office.ntskeys"));
	assert_false(there(r, "office.ntskeys.bad"));
}

/* An administrator who trusts others now must not be served by keys that came
 * from those he trusted before. */
static void another_trust_removes_the_keys(void **state)
{
	struct ring *r = *state;

	save(r);
	r->config.trust.path_count = 1;
	snprintf(r->config.trust.paths[0], FILE_PATH_MAX, "%s", "DESIGN.md");
	open_again(r);
	assert_false(take(r));
	assert_false(there(r, "office.ntskeys"));
}

static void what_a_source_left_behind_goes(void **state)
{
	struct ring *r = *state;

	save(r);
	snprintf(r->config.sources[0].name, sizeof(r->config.sources[0].name),
	    "attic");
	save(r);
	assert_true(there(r, "office.ntskeys"));
	open_again(r);
	assert_false(there(r, "office.ntskeys"));
	assert_true(there(r, "attic.ntskeys"));
}

static void forgotten_keys_are_gone(void **state)
{
	struct ring *r = *state;

	save(r);
	keyring_forget(&r->keyring, source(r));
	assert_false(there(r, "office.ntskeys"));
	assert_false(take(r));
}

static void without_a_folder_nothing_is_done(void **state)
{
	struct ring *r = *state;
	struct keyring none;

	save(r);
	r->config.saved_keys[0] = '\0';
	keyring_open(&none, &r->config);
	assert_int_equal(none.folder.fd, -1);
	assert_false(keyring_take(&none, source(r), NOW, &r->got, &r->left));
	keyring_save(&none, source(r), &r->keys);
	keyring_forget(&none, source(r));
	keyring_close(&none);
	assert_true(there(r, "office.ntskeys"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(what_is_taken_is_on_disk_no_more),
	    TEST(cookies_that_cannot_be_written_back_are_dropped),
	    TEST(a_failed_write_is_noted_and_over_with_the_next),
	    TEST(a_damaged_file_is_set_aside),
	    TEST(a_file_for_others_to_read_is_set_aside),
	    TEST(another_hosts_file_is_set_aside),
	    TEST(old_keys_are_removed),
	    TEST(another_trust_removes_the_keys),
	    TEST(what_a_source_left_behind_goes),
	    TEST(forgotten_keys_are_gone),
	    TEST(without_a_folder_nothing_is_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
