#include "tests/server/faults.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fault_row {
	const char *name;
	enum fault_value value;
	long default_value, lowest, highest;
	const char *help;
};

static const struct fault_row rows[FAULT_COUNT] = {
#define X(id, name, value, default_value, lowest, highest, help)               \
	[FAULT_##id] = {name, value, default_value, lowest, highest, help},
    FAULTS(X)
#undef X
};

bool fault_on(const struct faults *f, enum fault which)
{
	return f->set[which].on;
}

long fault_number(const struct faults *f, enum fault which)
{
	return f->set[which].number;
}

static bool find(const char *name, size_t len, enum fault *which)
{
	for (unsigned i = 0; i < FAULT_COUNT; i++) {
		if (strlen(rows[i].name) == len &&
		    memcmp(rows[i].name, name, len) == 0) {
			*which = (enum fault)i;
			return true;
		}
	}
	return false;
}

static bool read_number(
    const struct fault_row *row, const char *text, long *number)
{
	char *end;

	if (!text) {
		*number = row->default_value;
		return true;
	}
	errno = 0;
	*number = strtol(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' &&
	       *number >= row->lowest && *number <= row->highest;
}

/* `text` is the part behind '=', or NULL. */
static bool read_value(const struct fault_row *row, const char *text,
    struct fault_setting *s, char error[FAULT_ERROR_MAX])
{
	switch (row->value) {
	case NOTHING:
		if (!text)
			return true;
		snprintf(error, FAULT_ERROR_MAX, "fault %s takes no value",
		    row->name);
		return false;
	case NUMBER:
		if (read_number(row, text, &s->number))
			return true;
		snprintf(error, FAULT_ERROR_MAX,
		    "fault %s takes a number from %ld to %ld", row->name,
		    row->lowest, row->highest);
		return false;
	case TEXT:
		if (text && *text && strlen(text) < sizeof(s->text)) {
			memcpy(s->text, text, strlen(text) + 1);
			return true;
		}
		snprintf(error, FAULT_ERROR_MAX,
		    "fault %s takes a text of 1 to %d bytes", row->name,
		    FAULT_TEXT_MAX - 1);
		return false;
	}
	return false;
}

bool fault_switch_on(struct faults *f, const char *spec, struct mono now,
    char error[FAULT_ERROR_MAX])
{
	struct fault_setting s = {.on = true, .since = now};
	const char *equals = strchr(spec, '=');
	size_t len = equals ? (size_t)(equals - spec) : strlen(spec);
	enum fault which;

	if (!find(spec, len, &which)) {
		snprintf(error, FAULT_ERROR_MAX,
		    "there is no fault \"%.*s\"; --help lists them",
		    len < 100 ? (int)len : 100, spec);
		return false;
	}
	if (!read_value(&rows[which], equals ? equals + 1 : NULL, &s, error))
		return false;
	f->set[which] = s;
	return true;
}

/* Cuts blanks at both ends. */
static char *trimmed(char *line)
{
	size_t len;

	while (isspace((unsigned char)*line))
		line++;
	len = strlen(line);
	while (len > 0 && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	return line;
}

static bool read_lines(
    struct faults *f, FILE *file, struct mono now, char error[FAULT_ERROR_MAX])
{
	char line[FAULT_TEXT_MAX + 64];

	while (fgets(line, sizeof(line), file)) {
		const char *spec = trimmed(line);

		if (*spec == '\0' || *spec == '#')
			continue;
		if (!fault_switch_on(f, spec, now, error))
			return false;
	}
	return true;
}

bool faults_read(struct faults *f, const char *path, struct mono now,
    char error[FAULT_ERROR_MAX])
{
	FILE *file = fopen(path, "re");
	bool good;

	if (!file) {
		snprintf(
		    error, FAULT_ERROR_MAX, "%s: %s", path, strerror(errno));
		return false;
	}
	good = read_lines(f, file, now, error);
	fclose(file);
	return good;
}

static bool same(const struct fault_setting *a, const struct fault_setting *b)
{
	return a->on == b->on && a->number == b->number &&
	       strcmp(a->text, b->text) == 0;
}

void faults_replace(struct faults *f, const struct faults *wanted)
{
	for (unsigned i = 0; i < FAULT_COUNT; i++) {
		if (!same(&f->set[i], &wanted->set[i]))
			f->set[i] = wanted->set[i];
	}
}

static void help_row(FILE *out, const struct fault_row *row)
{
	static const char *const suffix[] = {
	    [NOTHING] = "",
	    [NUMBER] = "[=N]",
	    [TEXT] = "=TEXT",
	};
	int width = fprintf(out, "  %s%s", row->name, suffix[row->value]);

	fprintf(out, "%*s%s", width < 28 ? 28 - width : 1, "", row->help);
	if (row->value == NUMBER)
		fprintf(out, " (%ld)", row->default_value);
	fputc('\n', out);
}

void faults_help(FILE *out)
{
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		help_row(out, &rows[i]);
}
