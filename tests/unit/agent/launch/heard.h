/* A folder with a configuration, and what the log says meanwhile. */
#ifndef TESTS_UNIT_AGENT_LAUNCH_HEARD_H
#define TESTS_UNIT_AGENT_LAUNCH_HEARD_H

#include "base/log.h"
#include "tests/unit/agent/config/config_room.h"

#include <fcntl.h>

struct heard {
	struct config_room *room;
	char log[96];
	int standard_error; /* where it led before */
	char text[8192];
};

static inline int heard_make(void **state)
{
	struct heard *h = calloc(1, sizeof(*h));
	void *room;
	int fd;

	assert_non_null(h);
	assert_int_equal(room_make(&room), 0);
	h->room = room;
	config_defaults(&h->room->config);
	snprintf(h->log, sizeof(h->log), "%s/log", h->room->dir);
	h->standard_error = dup(STDERR_FILENO);
	fd = open(h->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	close(fd);
	log_open(LOG_TO_STDERR, LOG_LEVEL_DEBUG);
	*state = h;
	return 0;
}

static inline int heard_drop(void **state)
{
	struct heard *h = *state;
	void *room = h->room;

	dup2(h->standard_error, STDERR_FILENO);
	close(h->standard_error);
	free(h);
	return room_drop(&room);
}

/* All that was logged so far. */
static inline const char *heard_text(struct heard *h)
{
	FILE *f = fopen(h->log, "re");
	size_t len;

	assert_non_null(f);
	len = fread(h->text, 1, sizeof(h->text) - 1, f);
	h->text[len] = '\0';
	fclose(f);
	return h->text;
}

static inline void heard_says(struct heard *h, const char *words)
{
	if (strstr(heard_text(h), words))
		return;
	dprintf(h->standard_error, "\"%s\" is not in: %s", words, h->text);
	fail();
}

static inline void heard_nothing(struct heard *h)
{
	assert_string_equal(heard_text(h), "");
}

#endif
