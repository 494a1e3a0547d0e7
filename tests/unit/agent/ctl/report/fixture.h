/*
 * What the tests of ntsctl share: the snapshot of the contract, changed as a
 * test needs it, the text of a report, and an agent that answers what it is
 * told to. The tests run from the top of the tree.
 */
#ifndef TESTS_UNIT_AGENT_CTL_REPORT_FIXTURE_H
#define TESTS_UNIT_AGENT_CTL_REPORT_FIXTURE_H

#include "agent/ctl/report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define HERE "tests/unit/agent/ctl/"

static inline char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	struct stat about;
	char *text;
	size_t size;

	if (file == NULL || fstat(fileno(file), &about) != 0)
		fail_msg("cannot open %s: run from the top of the tree", path);
	size = (size_t)about.st_size;
	text = malloc(size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, size, file), size);
	text[size] = '\0';
	fclose(file);
	return text;
}

/* The contract's snapshot as a tree, to be changed. */
static inline json_t *example(void)
{
	json_t *tree = json_load_file(HERE "snapshot.json", 0, NULL);

	assert_non_null(tree);
	return tree;
}

static inline json_t *example_source(json_t *tree, size_t i)
{
	json_t *source = json_array_get(json_object_get(tree, "sources"), i);

	assert_non_null(source);
	return source;
}

/* Sets a member that is there already; takes over `value`. */
static inline void set(json_t *object, const char *key, json_t *value)
{
	assert_non_null(value);
	assert_non_null(json_object_get(object, key));
	assert_int_equal(json_object_set_new(object, key, value), 0);
}

static inline void set_text(json_t *object, const char *key, const char *text)
{
	set(object, key, json_string(text));
}

static inline void set_int(json_t *object, const char *key, int64_t n)
{
	set(object, key, json_integer(n));
}

/* Releases the tree. */
static inline struct snapshot snapshot_of(json_t *tree)
{
	char *json = json_dumps(tree, 0), why[SNAPSHOT_ERROR_MAX] = "";
	struct snapshot s;

	assert_non_null(json);
	if (!snapshot_parse(&s, json, strlen(json), why))
		fail_msg("not parsed: %s", why);
	free(json);
	json_decref(tree);
	return s;
}

/* What the report prints; to be freed. */
static inline char *report_text(report_fn *report, const struct snapshot *s,
    struct view view, enum exit_status expected)
{
	char *text = NULL;
	size_t size = 0;

	view.out = open_memstream(&text, &size);
	assert_non_null(view.out);
	assert_int_equal(report(s, &view), expected);
	fclose(view.out);
	return text;
}

/* The same for a changed tree, which is released. */
static inline char *report_of(report_fn *report, json_t *tree, struct view view,
    enum exit_status expected)
{
	struct snapshot s = snapshot_of(tree);
	char *text = report_text(report, &s, view, expected);

	snapshot_free(&s);
	return text;
}

static inline void assert_report(
    report_fn *report, json_t *tree, struct view view, const char *expected)
{
	char *text = report_of(report, tree, view, EXIT_OK);

	assert_string_equal(text, expected);
	free(text);
}

static inline void assert_contains(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("'%s' is not in:\n%s", part, text);
}

/* Line `n` (from 0) of `text`, to be freed. */
static inline char *line_of(const char *text, unsigned n)
{
	while (n-- > 0) {
		text = strchr(text, '\n');
		assert_non_null(text);
		text++;
	}
	return strndup(text, strcspn(text, "\n"));
}

/* The report of the contract's snapshot as each of these views shows it is
 * what the file in expected/ holds. */
struct golden {
	const char *file;
	struct view view;
};

static inline void assert_golden(
    report_fn *report, const struct golden *golden, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char path[128];
		char *expected, *text;

		snprintf(
		    path, sizeof(path), HERE "expected/%s", golden[i].file);
		expected = read_file(path);
		text = report_of(report, example(), golden[i].view, EXIT_OK);
		assert_string_equal(text, expected);
		free(text);
		free(expected);
	}
}

/* An agent: answers connections with one text after the other, the last one
 * again and again. */
struct fake_agent {
	char folder[32], path[64];
	pid_t pid;
};

static inline int listen_at(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static inline void write_whole(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static inline void make_folder(struct fake_agent *a)
{
	snprintf(a->folder, sizeof(a->folder), "/tmp/ntsctl-test-XXXXXX");
	assert_non_null(mkdtemp(a->folder));
	snprintf(a->path, sizeof(a->path), "%s/status.sock", a->folder);
}

static inline void agent_start(
    struct fake_agent *a, const char *const *answers, size_t count)
{
	int fd;

	make_folder(a);
	fd = listen_at(a->path);
	a->pid = fork();
	assert_true(a->pid >= 0);
	for (size_t i = 0; a->pid == 0; i += i + 1 < count) {
		int peer = accept(fd, NULL, NULL);

		write_whole(peer, answers[i], strlen(answers[i]));
		close(peer);
	}
	close(fd);
}

static inline void agent_end(struct fake_agent *a)
{
	if (a->pid > 0) {
		kill(a->pid, SIGKILL);
		waitpid(a->pid, NULL, 0);
	}
	unlink(a->path);
	rmdir(a->folder);
}

#endif
