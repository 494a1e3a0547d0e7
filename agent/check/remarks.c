#include "agent/check/remarks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool remarks_begin(struct remarks *r)
{
	int fd = memfd_create("remarks", MFD_CLOEXEC);

	*r = (struct remarks){0};
	if (fd < 0)
		return false;
	r->file = fdopen(fd, "w+");
	if (!r->file)
		close(fd);
	return r->file != NULL;
}

enum remark_kind remark_kind(const char *line, const char **words)
{
	static const char error[] = "error: ", warning[] = "warning: ";
	static const char note[] = "note: ";

	*words = line;
	if (strncmp(line, warning, strlen(warning)) == 0) {
		*words += strlen(warning);
		return REMARK_WARNING;
	}
	if (strncmp(line, note, strlen(note)) == 0) {
		*words += strlen(note);
		return REMARK_NOTE;
	}
	if (strncmp(line, "  ", 2) == 0) {
		*words += 2;
		return REMARK_DETAIL;
	}
	/* The reader of the configuration begins with the file instead. */
	if (strncmp(line, error, strlen(error)) == 0)
		*words += strlen(error);
	return REMARK_ERROR;
}

/* Reads all that was written, and ends it with a NUL. NULL: out of memory, or
 * the file cannot be read. The caller frees it. */
static char *read_all(FILE *file)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t len;

	if (fflush(file) != 0 || fseek(file, 0, SEEK_SET) != 0)
		return NULL;
	len = getdelim(&text, &size, '\0', file);
	if (len >= 0)
		return text;
	free(text);
	return ferror(file) ? NULL : strdup("");
}

static unsigned count_lines(const char *text)
{
	unsigned count = 1;

	while ((text = strchr(text, '\n')) != NULL) {
		text++;
		count++;
	}
	return count;
}

static void add(struct remarks *r, const char *line)
{
	const char *words;
	enum remark_kind kind = remark_kind(line, &words);

	r->lines[r->count++] = line;
	r->errors += kind == REMARK_ERROR;
	r->warnings += kind == REMARK_WARNING;
}

bool remarks_read(struct remarks *r)
{
	char *rest = NULL;

	r->text = read_all(r->file);
	if (!r->text)
		return false;
	r->lines = calloc(count_lines(r->text), sizeof(*r->lines));
	if (!r->lines)
		return false;
	for (char *line = strtok_r(r->text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		add(r, line);
	return true;
}

void remarks_end(struct remarks *r)
{
	free(r->lines);
	free(r->text);
	if (r->file)
		fclose(r->file);
	*r = (struct remarks){0};
}

const char *remarks_worst(const struct remarks *r)
{
	enum remark_kind wanted = r->errors > 0 ? REMARK_ERROR : REMARK_WARNING;
	const char *words;

	for (unsigned i = 0; i < r->count; i++)
		if (remark_kind(r->lines[i], &words) == wanted)
			return words;
	return "";
}
