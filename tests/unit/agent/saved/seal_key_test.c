/* The file of the key: made once, read again, replaced when others know it. */
#include "agent/saved/seal_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/log_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The linker prefers this function to that of the C library. */
static int sync_error; /* 0: none */

int fsync(int fd)
{
	(void)fd;
	errno = sync_error;
	return sync_error ? -1 : 0;
}

struct place {
	char dir[32], path[64], other[64];
	struct seal_key key, again;
	struct log_text log;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "%s", "seal-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/seal.key", p->dir);
	snprintf(p->other, sizeof(p->other), "%s/other", p->dir);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	rmdir(p->path);
	unlink(p->other);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static const char *take(struct place *p, bool make, struct seal_key *out)
{
	char why[SAVED_FOLDER_WHY_MAX] = "";

	log_text_begin(&p->log);
	seal_key_take(p->path, make, out, why);
	log_text_end(&p->log);
	/* One or the other. */
	assert_true(p->log.text[0] == '\0' || why[0] == '\0');
	if (why[0])
		snprintf(p->log.text, sizeof(p->log.text), "%s", why);
	return p->log.text;
}

static bool same(const struct place *p)
{
	return memcmp(p->key.bytes, p->again.bytes, SEAL_KEY_LEN) == 0;
}

static void it_is_made_once(void **state)
{
	static const struct seal_key zeros;
	struct place *p = *state;
	struct stat st;

	assert_string_equal(take(p, true, &p->key), "");
	assert_int_equal(p->key.there, 1);
	assert_memory_not_equal(p->key.bytes, zeros.bytes, SEAL_KEY_LEN);
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_string_equal(take(p, true, &p->again), "");
	assert_true(p->again.there == 1 && same(p));
	assert_string_equal(take(p, false, &p->again), "");
	assert_true(p->again.there == 1 && same(p));
}

static void nobody_makes_it_for_a_measurement(void **state)
{
	struct place *p = *state;

	assert_string_equal(take(p, false, &p->key), "");
	assert_int_equal(p->key.there, 0);
	assert_int_equal(access(p->path, F_OK), -1);
}

static void let_others_read(struct place *p)
{
	assert_int_equal(chmod(p->path, 0640), 0);
}

static void cut(struct place *p)
{
	assert_int_equal(truncate(p->path, 71), 0);
}

static void lengthen(struct place *p)
{
	assert_int_equal(truncate(p->path, 73), 0);
}

static void change_magic(struct place *p)
{
	int fd = open(p->path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "X", 1, 0), 1);
	close(fd);
}

static void add_a_name(struct place *p)
{
	assert_int_equal(link(p->path, p->other), 0);
}

static void make_a_link(struct place *p)
{
	assert_int_equal(rename(p->path, p->other), 0);
	assert_int_equal(symlink("other", p->path), 0);
}

/* Only root can give a file away. */
static void give_away(struct place *p)
{
	if (geteuid() == 0)
		assert_int_equal(lchown(p->path, 65534, 65534), 0);
	else
		let_others_read(p);
}

static void a_key_that_others_may_know_is_replaced(void **state)
{
	static void (*const changes[])(struct place *) = {let_others_read, cut,
	    lengthen, change_magic, add_a_name, make_a_link, give_away};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		take(p, true, &p->key);
		assert_int_equal(p->key.there, 1);
		changes[i](p);
		assert_string_equal(take(p, false, &p->again), "");
		assert_int_equal(p->again.there, 0);
		if (!strstr(take(p, true, &p->again),
			"/seal.key is not a key that only this user may read: "
			"a new one takes its place, and what was saved is not "
			"used\n"))
			fail_msg("row %zu: %s", i, p->log.text);
		assert_true(p->again.there == 1 && !same(p));
		assert_string_equal(take(p, true, &p->key), "");
		assert_true(same(p));
		unlink(p->other);
	}
}

/* Only the administrator can remove a directory. */
static void what_cannot_be_replaced_is_said_once(void **state)
{
	struct place *p = *state;
	const char *said;

	assert_int_equal(mkdir(p->path, 0700), 0);
	said = take(p, true, &p->key);
	assert_non_null(strstr(said,
	    "/seal.key is not a key that only this user may read, and no new "
	    "one can take its place (Is a directory); remove it"));
	assert_null(strstr(said, "takes its place"));
	assert_int_equal(p->key.there, 0);
	assert_int_equal(rmdir(p->path), 0);
}

static void a_socket_is_replaced(void **state)
{
	struct place *p = *state;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", p->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_non_null(
	    strstr(take(p, true, &p->key), "a new one takes its place"));
	assert_int_equal(p->key.there, 1);
	close(fd);
}

static void without_a_folder_there_is_no_key(void **state)
{
	struct place *p = *state;

	snprintf(p->path, sizeof(p->path), "%s/none/seal.key", p->dir);
	assert_non_null(strstr(take(p, true, &p->key),
	    "/none/seal.key: No such file or directory"));
	assert_int_equal(p->key.there, 0);
}

/* It may be there, so no new one takes its place. */
static void a_key_that_cannot_be_read_is_not_replaced(void **state)
{
	struct place *p = *state;

	take(p, true, &p->key);
	assert_int_equal(rename(p->path, p->other), 0);
	snprintf(p->path, sizeof(p->path), "%s/other/seal.key", p->dir);
	assert_non_null(
	    strstr(take(p, true, &p->again), "cannot read the key "));
	assert_non_null(
	    strstr(p->log.text, "/other/seal.key: Not a directory"));
	assert_int_equal(p->again.there, 0);
	assert_int_equal(access(p->other, F_OK), 0);
}

/* Something that cannot be removed stands in its place. */
static void a_key_that_cannot_be_replaced_is_no_key(void **state)
{
	struct place *p = *state;

	assert_int_equal(mkdir(p->path, 0700), 0);
	assert_non_null(strstr(take(p, true, &p->key),
	    "no new one can take its place (Is a directory); remove it"));
	assert_int_equal(p->key.there, 0);
}

static void a_full_or_read_only_disk_has_a_cure(void **state)
{
	struct place *p = *state;

	sync_error = ENOSPC;
	take(p, true, &p->key);
	sync_error = 0;
	assert_non_null(strstr(p->log.text,
	    "/seal.key: there is no space left; free some on that disk"));
	assert_int_equal(p->key.there, 0);
	sync_error = EROFS;
	take(p, true, &p->key);
	sync_error = 0;
	assert_non_null(strstr(p->log.text,
	    "/seal.key: the file system is read-only; mount it writable, set "
	    "ReadWritePaths= in the unit, or configure another path"));
	assert_int_equal(access(p->path, F_OK), -1);
}

static void it_lies_where_state_is_saved(void **state)
{
	struct config c;
	char path[FILE_PATH_MAX];

	(void)state;
	config_defaults(&c);
	seal_key_path(&c, path);
	assert_string_equal(path, "/var/lib/ntsagent/seal.key");
	strcpy(c.saved_keys, "/a/b/keys");
	seal_key_path(&c, path);
	assert_string_equal(path, "/a/b/seal.key");
	strcpy(c.saved_keys, "keys");
	seal_key_path(&c, path);
	assert_string_equal(path, "seal.key");
	c.saved_keys[0] = '\0';
	strcpy(c.driftfile, "/d/drift");
	seal_key_path(&c, path);
	assert_string_equal(path, "/d/seal.key");
	c.driftfile[0] = '\0';
	strcpy(c.goodtime_file, "/g/good");
	seal_key_path(&c, path);
	assert_string_equal(path, "/g/seal.key");
	c.goodtime_file[0] = '\0';
	seal_key_path(&c, path);
	assert_string_equal(path, "");
}

static void no_state_needs_no_key(void **state)
{
	struct place *p = *state;

	p->path[0] = '\0';
	assert_string_equal(take(p, true, &p->key), "");
	assert_int_equal(p->key.there, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(it_is_made_once),
	    TEST(nobody_makes_it_for_a_measurement),
	    TEST(a_key_that_others_may_know_is_replaced),
	    TEST(what_cannot_be_replaced_is_said_once),
	    TEST(a_socket_is_replaced),
	    TEST(without_a_folder_there_is_no_key),
	    TEST(a_key_that_cannot_be_read_is_not_replaced),
	    TEST(a_key_that_cannot_be_replaced_is_no_key),
	    TEST(a_full_or_read_only_disk_has_a_cure),
	    TEST(it_lies_where_state_is_saved),
	    TEST(no_state_needs_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
