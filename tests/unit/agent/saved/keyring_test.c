/* The keyring on a real folder. */
#include "agent/saved/keyring.h"

#include "agent/saved/sealed_file.h"
#include "nts/digest.h"
#include "resolver/certificate/trust.h"
#include "tests/unit/agent/saved/saved.h"
#include "tests/unit/agent/saved/test_key.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/agent/saved/made_folder.h"
#include "tests/unit/descriptors.h"
#include "tests/unit/log_text.h"

struct ring {
	char dir[32];
	struct config config;
	struct keyring keyring;
	struct saved_keys keys, got;
	unsigned left;
	int64_t now_s;
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
	r->now_s = SAVED_NOW_S;
	keyring_open(&r->keyring, &r->config, &test_key);
	assert_true(r->keyring.folder.fd >= 0);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct ring *r = *state;

	sweep_all(&r->keyring.folder);
	keyring_close(&r->keyring);
	assert_int_equal(rmdir(r->dir), 0);
	free(r);
	return 0;
}

static void save(struct ring *r)
{
	keyring_save(&r->keyring, source(r), &r->keys);
	assert_string_equal(r->keyring.trouble, "");
}

static bool take(struct ring *r)
{
	return keyring_take(&r->keyring, source(r),
	    (struct wall){r->now_s * NS_PER_S}, &r->got, &r->left);
}

static void open_again(struct ring *r)
{
	keyring_close(&r->keyring);
	keyring_open(&r->keyring, &r->config, &test_key);
	assert_true(r->keyring.folder.fd >= 0);
}

/* An empty folder, and keys that may be used. */
static void reset(struct ring *r)
{
	sweep_all(&r->keyring.folder);
	r->config.sources[0] = saved_source("office");
	r->keys = saved_keys_of(source(r), 0);
	r->now_s = SAVED_NOW_S;
	open_again(r);
}

static void drop(const struct ring *r, const char *name)
{
	assert_int_equal(unlinkat(r->keyring.folder.fd, name, 0), 0);
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

/* The number of the i-th cookie, from 1. */
static unsigned cookie(const struct saved_keys *k, unsigned i)
{
	return k->answer.cookies[i].bytes[0];
}

/* A first start is no trouble. */
static void keys_that_were_never_saved_have_no_line(void **state)
{
	struct ring *r = *state;
	struct log_text log;

	log_text_begin(&log);
	assert_false(take(r));
	assert_string_equal(log_text_end(&log), "");
	assert_false(there(r, "office.ntskeys.bad"));
}

/* RFC 8915 5.7/18 */
static void taken_cookies_are_no_longer_on_the_disk(void **state)
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

/* The rest cannot be written, so the file is removed. */
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

static const char *file_of(const struct ring *r)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/office.ntskeys", r->dir);
	return path;
}

static void put(const struct ring *r, const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
}

static void a_failed_write_is_a_trouble_until_the_next_one(void **state)
{
	struct ring *r = *state;
	char path[128], expected[256];

	snprintf(path, sizeof(path), "%s/office.ntskeys.new", r->dir);
	snprintf(expected, sizeof(expected),
	    "cannot write %s/office.ntskeys: Is a directory", r->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	keyring_save(&r->keyring, source(r), &r->keys);
	assert_string_equal(r->keyring.trouble, expected);
	keyring_save(&r->keyring, source(r), &r->keys);
	assert_string_equal(r->keyring.trouble, expected);
	assert_int_equal(rmdir(path), 0);
	save(r);
	assert_true(take(r));
}

/* A folder with the name of the file. */
static void a_file_that_cannot_be_used_is_reported(void **state)
{
	struct ring *r = *state;
	struct log_text log;

	assert_int_equal(mkdir(file_of(r), 0700), 0);
	keyring_forget(&r->keyring, source(r));
	assert_non_null(strstr(r->keyring.trouble, "cannot remove keyring-"));
	put(r, "office.ntskeys.bad");
	log_text_begin(&log);
	assert_false(take(r));
	assert_non_null(strstr(log_text_end(&log),
	    " is not a file that only the agent's user may read, and cannot be "
	    "renamed: Not a directory\n"));
	assert_int_equal(rmdir(file_of(r)), 0);
}

/* What happens to the file of keys that may not be used. */
/* LOCATED: removed, but it tells where the server is. */
enum fate { TAKEN, ASIDE, REMOVED, LOCATED };

static void overwrite(const struct ring *r, long at, int byte)
{
	FILE *f = fopen(file_of(r), "r+");

	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	assert_true(fputc(byte, f) != EOF);
	assert_int_equal(fclose(f), 0);
}

/* What may happen between saving and taking. */

static void nothing(struct ring *r)
{
	(void)r;
}

static void a_flipped_byte(struct ring *r)
{
	FILE *f = fopen(file_of(r), "r");

	assert_non_null(f);
	assert_int_equal(fseek(f, 300, SEEK_SET), 0);
	overwrite(r, 300, fgetc(f) ^ 1);
	assert_int_equal(fclose(f), 0);
}

static void a_cut_file(struct ring *r)
{
	assert_int_equal(truncate(file_of(r), 200), 0);
}

static void an_empty_file(struct ring *r)
{
	assert_int_equal(truncate(file_of(r), 0), 0);
}

static void a_file_that_is_too_long(struct ring *r)
{
	assert_int_equal(
	    truncate(file_of(r), SAVED_KEYS_BYTES_MAX + SEAL_EXTRA + 1), 0);
}

/* What the seal is around. */
static size_t plain_file(const struct ring *r, uint8_t *bytes)
{
	size_t len;

	assert_int_equal(sealed_file_read(&r->keyring.folder, "office.ntskeys",
			     (struct seal_label){"keys", "office.ntskeys"},
			     bytes, SAVED_KEYS_BYTES_MAX, &len),
	    0);
	return len;
}

static void seal_again(const struct ring *r, const uint8_t *bytes, size_t len)
{
	assert_int_equal(
	    sealed_file_replace(&r->keyring.folder, "office.ntskeys",
		(struct seal_label){"keys", "office.ntskeys"}, bytes, len),
	    0);
}

/* The version is the second byte after the eight of the magic. */
static void another_version(struct ring *r)
{
	static uint8_t bytes[SAVED_KEYS_BYTES_MAX];
	size_t len = plain_file(r, bytes);

	bytes[9]++;
	assert_true(
	    digest_of(bytes, len - DIGEST_LEN, bytes + len - DIGEST_LEN));
	seal_again(r, bytes, len);
}

static void damage_under_the_seal(struct ring *r)
{
	static uint8_t bytes[SAVED_KEYS_BYTES_MAX];
	size_t len = plain_file(r, bytes);

	bytes[100] ^= 1;
	seal_again(r, bytes, len);
}

/* Also what somebody forges who knows the format, but not the key. */
static void an_older_version(struct ring *r)
{
	static uint8_t bytes[SAVED_KEYS_BYTES_MAX];
	size_t len = plain_file(r, bytes);

	assert_int_equal(saved_folder_replace(
			     &r->keyring.folder, "office.ntskeys", bytes, len),
	    0);
}

static void another_key(struct ring *r)
{
	static uint8_t bytes[SAVED_KEYS_BYTES_MAX];
	const struct seal_key forged = {.there = 1, .bytes = {9}};
	size_t len = plain_file(r, bytes);

	r->keyring.folder.seal = &forged;
	seal_again(r, bytes, len);
	r->keyring.folder.seal = &test_key;
}

static void a_seal_of_another_version(struct ring *r)
{
	overwrite(r, 9, 2);
}

static void a_file_that_others_may_read(struct ring *r)
{
	assert_int_equal(chmod(file_of(r), 0644), 0);
}

static void a_second_name(struct ring *r)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/second", r->dir);
	assert_int_equal(link(file_of(r), path), 0);
}

static void a_symbolic_link(struct ring *r)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/target", r->dir);
	assert_int_equal(rename(file_of(r), path), 0);
	assert_int_equal(symlink("target", file_of(r)), 0);
}

static void another_host(struct ring *r)
{
	strcpy(r->config.sources[0].host, "other.example.net");
}

/* Somebody renamed the file of another source. */
static void the_file_of_another_source(struct ring *r)
{
	r->config.sources[0] = saved_source("attic");
	r->keys = saved_keys_of(source(r), 0);
	save(r);
	r->config.sources[0] = saved_source("office");
	assert_int_equal(renameat(r->keyring.folder.fd, "attic.ntskeys",
			     r->keyring.folder.fd, "office.ntskeys"),
	    0);
}

static void another_binding(struct ring *r)
{
	r->keyring.binding[0] ^= 1;
}

static void a_week(struct ring *r)
{
	r->now_s += SAVED_KEYS_AGE_MAX_S;
}

static void a_week_and_a_second(struct ring *r)
{
	r->now_s += SAVED_KEYS_AGE_MAX_S + 1;
}

static void a_clock_of_1970(struct ring *r)
{
	r->now_s = 0;
}

static void the_last_second_of_the_certificate(struct ring *r)
{
	r->keys.answer.facts.not_after = SAVED_NOW_S;
	save(r);
}

static void the_end_of_the_certificate(struct ring *r)
{
	r->keys.answer.facts.not_after = SAVED_NOW_S - 1;
	save(r);
}

/* clang-format off */
static const struct {
	void (*what)(struct ring *r);
	enum fate fate;
	const char *logged; /* after the path of the file */
} rules[] = {
	{nothing, TAKEN, NULL},
	{a_flipped_byte, ASIDE, " has a broken seal: it was changed, moved or copied, or seal.key is another one: "},
	{a_cut_file, ASIDE, " has a broken seal: it was changed, moved or copied, or seal.key is another one: "},
	{an_empty_file, REMOVED, " has no seal: an older version saved it, or somebody else put it there: "},
	{an_older_version, REMOVED, " has no seal: an older version saved it, or somebody else put it there: "},
	{another_key, ASIDE, " has a broken seal: it was changed, moved or copied, or seal.key is another one: "},
	{a_seal_of_another_version, REMOVED, " was sealed by another version of ntsagentd: "},
	{damage_under_the_seal, ASIDE, " is damaged: "},
	{another_version, ASIDE, " was written by another version of ntsagentd: "},
	{a_file_that_is_too_long, ASIDE, " is not a file that only the agent's user may read: "},
	{a_file_that_others_may_read, ASIDE, " is not a file that only the agent's user may read: "},
	{a_second_name, ASIDE, " is not a file that only the agent's user may read: "},
	{a_symbolic_link, ASIDE, " is not a file that only the agent's user may read: "},
	{another_host, ASIDE, " belongs to another source (name, host, ntsport, port or family differ): "},
	{the_file_of_another_source, ASIDE, " has a broken seal: it was changed, moved or copied, or seal.key is another one: "},
	{another_binding, LOCATED, " was made on another machine, or when other certificates were trusted or other ciphers offered: "},
	{a_week, TAKEN, NULL},
	{a_week_and_a_second, LOCATED, " is more than seven days old: "},
	{a_clock_of_1970, TAKEN, NULL},
	{the_last_second_of_the_certificate, TAKEN, NULL},
	{the_end_of_the_certificate, LOCATED, " has keys from a server whose certificate has expired: "},
};
/* clang-format on */

static void check_log(const struct ring *r, size_t i, const char *text)
{
	char expected[400];

	if (rules[i].fate == TAKEN) {
		assert_string_equal(text, "");
		return;
	}
	snprintf(expected, sizeof(expected), "%s%s%s\n", file_of(r),
	    rules[i].logged,
	    rules[i].fate == ASIDE
		? "set aside as office.ntskeys.bad, fetching new keys"
		: "removed, fetching new keys");
	if (!strstr(text, expected))
		fail_msg("row %zu: %s", i, text);
}

/* Then clears the address. */
static void assert_located(struct ring *r, bool wanted)
{
	struct endpoint *e = &r->got.answer.facts.peer;

	if (wanted)
		assert_true(endpoint_same_host(e, &r->keys.answer.facts.peer));
	else
		assert_int_equal(e->family, 0);
	*e = (struct endpoint){0};
}

static void each_rule_of_saved_keys(void **state)
{
	struct ring *r = *state;
	struct log_text log;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		bool taken;

		reset(r);
		save(r);
		rules[i].what(r);
		log_text_begin(&log);
		taken = take(r);
		check_log(r, i, log_text_end(&log));
		if (taken != (rules[i].fate == TAKEN) ||
		    there(r, "office.ntskeys") != taken ||
		    there(r, "office.ntskeys.bad") != (rules[i].fate == ASIDE))
			fail_msg("row %zu", i);
		if (!taken) {
			assert_located(r, rules[i].fate == LOCATED);
			assert_wiped(&r->got);
		}
		assert_int_equal(taken ? r->left : 4, 4);
	}
}

/* Keys from a server that is perhaps no longer trusted. */
static void keys_of_another_trust_are_removed(void **state)
{
	struct ring *r = *state;

	save(r);
	r->config.trust.path_count = 1;
	snprintf(r->config.trust.paths[0], FILE_PATH_MAX, "%s", "DESIGN.md");
	open_again(r);
	assert_false(take(r));
	assert_false(there(r, "office.ntskeys"));
}

/* keyring_open removes keys of sources that are not configured. */
static void only_files_of_other_sources_are_swept(void **state)
{
	static const struct {
		const char *name;
		bool stays;
	} rows[] = {
	    {"office.ntskeys", true},
	    {"office.ntskeys.bad", true},
	    {"office.ntskeys.new", false},
	    {"attic.ntskeys", false},
	    {"attic.ntskeys.new", false},
	    {"attic.ntskeys.bad", true},
	    {"office2.ntskeys", false},
	    {"Office.ntskeys", false},
	    {"second%2Fsource.ntskeys", true},
	    {"samples.ntsclock", true},
	    {"samples.ntsclock.new", true},
	    {"office.ntskey", true},
	    {"ntskeys", true},
	    {".hidden.ntskeys", true},
	};
	struct ring *r = *state;

	r->config.sources[1] = saved_source("second/source");
	r->config.source_count = 2;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		put(r, rows[i].name);
	open_again(r);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (there(r, rows[i].name) != rows[i].stays)
			fail_msg("%s", rows[i].name);
	drop(r, ".hidden.ntskeys");
}

/* The digest of the trust and of the machine's identity. */
static void keys_are_bound_to_the_machine(void **state)
{
	struct ring *r = *state;
	uint8_t both[TRUST_FINGERPRINT_LEN + 64], binding[DIGEST_LEN];
	FILE *f = fopen("/etc/machine-id", "r");
	size_t len = 0;

	if (f) {
		len = fread(both + TRUST_FINGERPRINT_LEN, 1, 64, f);
		fclose(f);
	}
	assert_true(trust_fingerprint(&r->config.trust, both));
	assert_true(digest_of(both, TRUST_FINGERPRINT_LEN + len, binding));
	assert_memory_equal(r->keyring.binding, binding, sizeof(binding));
}

static void closed_keyrings_have_no_secret(void **state)
{
	static const uint8_t none[SAVED_KEYS_BYTES_MAX];
	struct ring *r = *state;

	save(r);
	assert_true(take(r));
	assert_memory_equal(r->keyring.bytes, none, sizeof(none));
	assert_wiped(&r->keyring.rest);
	memset(r->keyring.bytes, 1, sizeof(none));
	memset(&r->keyring.rest, 1, sizeof(r->keyring.rest));
	keyring_close(&r->keyring);
	assert_int_equal(r->keyring.folder.fd, -1);
	assert_memory_equal(r->keyring.bytes, none, sizeof(none));
	assert_wiped(&r->keyring.rest);
	keyring_open(&r->keyring, &r->config, &test_key);
}

static void a_folder_in_use_is_reported(void **state)
{
	struct ring *r = *state;
	struct keyring other;

	keyring_open(&other, &r->config, &test_key);
	assert_non_null(
	    strstr(other.trouble, " is in use by another ntsagentd"));
	assert_int_equal(other.folder.fd, -1);
}

static void forgotten_keys_are_removed(void **state)
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
	struct log_text log;

	save(r);
	r->config.saved_keys[0] = '\0';
	log_text_begin(&log);
	keyring_open(&none, &r->config, &test_key);
	assert_int_equal(none.folder.fd, -1);
	assert_false(keyring_take(&none, source(r),
	    (struct wall){r->now_s * NS_PER_S}, &r->got, &r->left));
	keyring_save(&none, source(r), &r->keys);
	keyring_forget(&none, source(r));
	keyring_close(&none);
	assert_string_equal(log_text_end(&log), "");
	assert_string_equal(none.trouble, "");
	assert_true(there(r, "office.ntskeys"));
}

static void a_mark_of_a_crash_removes_the_saved_keys(void **state)
{
	struct ring *r = *state;
	struct log_text log;
	char expected[256], text[256] = "";
	size_t len;

	save(r);
	assert_false(keyring_refuse_marked(&r->keyring));
	keyring_mark_crash(&r->keyring, true);
	assert_int_equal(saved_folder_read(&r->keyring.folder, "job-crashed",
			     text, sizeof(text) - 1, &len),
	    0);
	assert_string_equal(text,
	    "A job of a key exchange has crashed. ntsagentd does not use saved "
	    "keys at its next start, and removes this file later.\n");
	assert_int_equal(len, strlen(text));
	assert_true(there(r, "office.ntskeys"));
	open_again(r);
	snprintf(expected, sizeof(expected),
	    "a job of a key exchange crashed in an earlier run, perhaps "
	    "because of an attack: the saved keys in %s are not used and were "
	    "removed, fetching new keys",
	    r->dir);
	log_text_begin(&log);
	assert_true(keyring_refuse_marked(&r->keyring));
	assert_non_null(strstr(log_text_end(&log), expected));
	assert_false(there(r, "office.ntskeys"));
	/* It stays until it is removed. */
	assert_true(there(r, "job-crashed"));
	keyring_mark_crash(&r->keyring, false);
	assert_false(there(r, "job-crashed"));
	assert_false(keyring_refuse_marked(&r->keyring));
}

/* What a job left in its place is a mark, too. */
static void a_mark_that_cannot_be_read_counts(void **state)
{
	struct ring *r = *state;

	save(r);
	assert_int_equal(
	    symlinkat("/nowhere", r->keyring.folder.fd, "job-crashed"), 0);
	assert_true(keyring_refuse_marked(&r->keyring));
	assert_false(there(r, "office.ntskeys"));
}

/* Who has no key neither writes nor reads. */
static void without_a_key_nothing_is_done(void **state)
{
	const struct seal_key none = {.there = 0};
	struct ring *r = *state;
	struct log_text log;

	save(r);
	keyring_close(&r->keyring);
	log_text_begin(&log);
	keyring_open(&r->keyring, &r->config, &none);
	assert_int_equal(r->keyring.folder.fd, -1);
	assert_false(take(r));
	assert_string_equal(log_text_end(&log), "");
	assert_true(there(r, "office.ntskeys"));
	open_again(r);
}

/* Keys, names and hosts cannot be read from the disk. */
static void the_file_shows_no_secret(void **state)
{
	static uint8_t bytes[SAVED_KEYS_BYTES_MAX + SEAL_EXTRA];
	const struct ring *r = *state;
	const struct ke_answer *a = &r->keys.answer;
	size_t len;

	save(*state);
	assert_int_equal(saved_folder_read(&r->keyring.folder, "office.ntskeys",
			     bytes, sizeof(bytes), &len),
	    0);
	assert_null(memmem(bytes, len, a->keys.c2s, 32));
	assert_null(memmem(bytes, len, a->cookies[7].bytes, 32));
	assert_null(memmem(bytes, len, "ntp.example.net", 15));
}

static void no_descriptor_is_left_open(void **state)
{
	struct ring *r = *state;
	int before = descriptors_open();

	save(r);
	assert_true(take(r));
	open_again(r);
	assert_int_equal(descriptors_open(), before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(keys_that_were_never_saved_have_no_line),
	    TEST(taken_cookies_are_no_longer_on_the_disk),
	    TEST(cookies_that_cannot_be_written_back_are_dropped),
	    TEST(a_failed_write_is_a_trouble_until_the_next_one),
	    TEST(a_file_that_cannot_be_used_is_reported),
	    TEST(each_rule_of_saved_keys),
	    TEST(keys_of_another_trust_are_removed),
	    TEST(only_files_of_other_sources_are_swept),
	    TEST(keys_are_bound_to_the_machine),
	    TEST(closed_keyrings_have_no_secret),
	    TEST(a_folder_in_use_is_reported),
	    TEST(forgotten_keys_are_removed),
	    TEST(without_a_folder_nothing_is_done),
	    TEST(no_descriptor_is_left_open),
	    TEST(without_a_key_nothing_is_done),
	    TEST(the_file_shows_no_secret),
	    TEST(a_mark_of_a_crash_removes_the_saved_keys),
	    TEST(a_mark_that_cannot_be_read_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
