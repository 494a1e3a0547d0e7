/* A folder with a configuration, and the messages about it. */
#ifndef TESTS_UNIT_AGENT_CONFIG_CONFIG_ROOM_H
#define TESTS_UNIT_AGENT_CONFIG_CONFIG_ROOM_H

#include "agent/config/load.h"
#include "agent/launch/config_check.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct config_room {
	char dir[32];  /* absolute */
	char path[64]; /* of the main file */
	struct config config;
	unsigned errors;
	char said[131072];
};

static inline int room_make(void **state)
{
	struct config_room *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	snprintf(r->dir, sizeof(r->dir), "/tmp/config-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/main.conf", r->dir);
	*state = r;
	return 0;
}

static inline int room_remove(
    const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int room_drop(void **state)
{
	struct config_room *r = *state;
	int result = nftw(r->dir, room_remove, 8, FTW_DEPTH | FTW_PHYS);

	free(r);
	return result;
}

static inline const char *room_path(
    const struct config_room *r, const char *name, char out[128])
{
	snprintf(out, 128, "%s/%s", r->dir, name);
	return out;
}

static inline void room_folder(const struct config_room *r, const char *name)
{
	char path[128];

	assert_int_equal(mkdir(room_path(r, name, path), 0755), 0);
}

static inline void room_put_bytes(const struct config_room *r, const char *name,
    const void *bytes, size_t len)
{
	char path[128];
	FILE *f = fopen(room_path(r, name, path), "we");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline void room_put(
    const struct config_room *r, const char *name, const char *text)
{
	room_put_bytes(r, name, text, strlen(text));
}

/* A file, because a child process may write to it, too. */
static inline FILE *room_listen(void)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	return f;
}

static inline void room_hear(struct config_room *r, FILE *f)
{
	size_t len;

	assert_int_equal(fseek(f, 0, SEEK_SET), 0);
	len = fread(r->said, 1, sizeof(r->said) - 1, f);
	r->said[len] = '\0';
	assert_int_equal(fclose(f), 0);
}

static inline void room_load_path(struct config_room *r, const char *path)
{
	FILE *f = room_listen();

	r->errors = config_load(path, &r->config, f);
	room_hear(r, f);
}

static inline void room_load(struct config_room *r, const char *text)
{
	room_put(r, "main.conf", text);
	room_load_path(r, r->path);
}

static inline void room_check(struct config_room *r)
{
	FILE *f = room_listen();

	r->errors = config_check_files(&r->config, f);
	room_hear(r, f);
}

/* `text` must be good. */
static inline void room_accepts(struct config_room *r, const char *text)
{
	room_load(r, text);
	if (r->errors != 0)
		fail_msg("%s", r->said);
	assert_string_equal(r->said, "");
}

/* `text` must have one error, with the message "PATH:`expected`". */
static inline void room_refuses(
    struct config_room *r, const char *text, const char *expected)
{
	char whole[1024];

	room_load(r, text);
	snprintf(whole, sizeof(whole), "%s:%s\n", r->path, expected);
	assert_string_equal(r->said, whole);
	assert_int_equal(r->errors, 1);
}

#endif
