#include "agent/ctl/history/read.h"

#include "agent/ctl/print/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The agent writes for microseconds, a few times a minute. */
#define TRIES 100
#define TRY_NS 2000000

static void clean(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (size_t i = 0; text[i] != '\0'; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			text[i] = '?';
}

const char *history_judge(struct history_file *f, size_t len)
{
	struct history_head *h = &f->head;

	if (len < sizeof(*f) ||
	    memcmp(h->magic, HISTORY_MAGIC, HISTORY_MAGIC_LEN) != 0)
		return "is not a history of ntsagentd";
	if (h->version != HISTORY_VERSION)
		return "is of another version of ntsagentd: update ntsctl, or "
		       "restart the agent";
	if (h->sources > SOURCES_MAX || h->size != history_size(h->sources) ||
	    len != h->size)
		return "is damaged: restart the agent";
	/* The number of a cell counts from 1, and must leave room for more. */
	if (h->cell == 0 || h->cell > UINT32_MAX)
		return "is damaged: restart the agent";
	for (unsigned i = 0; i < HISTORY_STAGES; i++)
		clean(h->stages[i], sizeof(h->stages[i]));
	for (unsigned i = 0; i < HISTORY_EVENTS; i++) {
		clean(f->events[i].source, sizeof(f->events[i].source));
		clean(f->events[i].text, sizeof(f->events[i].text));
	}
	for (unsigned i = 0; i < h->sources; i++)
		clean(f->sources[i].name, sizeof(f->sources[i].name));
	return NULL;
}

static bool read_whole(int fd, void *out, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n =
		    pread(fd, (char *)out + len, size - len, (off_t)len);

		if (n <= 0)
			return false;
		len += (size_t)n;
	}
	return true;
}

/* The agent that was killed in the middle of a write leaves an odd number: then
 * the last try counts. */
static bool read_state(int fd, struct history_file *f, size_t size)
{
	const struct timespec wait = {.tv_nsec = TRY_NS};
	struct history_head after;

	for (int i = 0; i < TRIES; i++) {
		if (i > 0)
			nanosleep(&wait, NULL);
		if (!read_whole(fd, f, size) ||
		    !read_whole(fd, &after, sizeof(after)))
			return false;
		if (f->head.sequence == after.sequence &&
		    after.sequence % 2 == 0)
			break;
	}
	return true;
}

static struct history_file *fail(
    char why[static HISTORY_ERROR_MAX], const char *fmt, ...) PRINTF_LIKE(2, 3);
static struct history_file *fail(
    char why[static HISTORY_ERROR_MAX], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, HISTORY_ERROR_MAX, fmt, args);
	va_end(args);
	return NULL;
}

static struct history_file *read_open(
    int fd, const char *path, char why[static HISTORY_ERROR_MAX])
{
	struct history_file *f;
	const char *wrong;
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (size_t)st.st_size < sizeof(*f) ||
	    (size_t)st.st_size > history_size(SOURCES_MAX))
		return fail(why, "%s is not a history of ntsagentd", path);
	f = malloc((size_t)st.st_size);
	if (!f)
		return fail(why, "no memory is left for the history");
	if (!read_state(fd, f, (size_t)st.st_size))
		wrong = "cannot be read whole: try again";
	else
		wrong = history_judge(f, (size_t)st.st_size);
	if (!wrong)
		return f;
	free(f);
	return fail(why, "%s %s", path, wrong);
}

struct history_file *history_read(
    const char *status_socket, char why[static HISTORY_ERROR_MAX])
{
	char path[HISTORY_PATH_MAX];
	struct history_file *f;
	int fd;

	history_path(status_socket, path);
	fd = open(
	    path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return fail(why,
		    "there is no history in %s: ntsagentd is not running, or "
		    "its log says why it keeps none; see: systemctl status "
		    "ntsagent",
		    path);
	if (fd < 0)
		return fail(why, "cannot read the history %s: %s", path,
		    strerror(errno));
	f = read_open(fd, path, why);
	close(fd);
	return f;
}

int history_find(const struct history_file *f, const char *name)
{
	for (unsigned i = 0; name[0] && i < f->head.sources; i++)
		if (strcmp(f->sources[i].name, name) == 0)
			return (int)i;
	return -1;
}

bool history_belongs(const char *name, const char *wanted)
{
	size_t len = strlen(wanted);

	return len > 0 && strncmp(name, wanted, len) == 0 &&
	       (name[len] == '\0' || name[len] == '#');
}

void history_names(const struct history_file *f, char *out, size_t size)
{
	out[0] = '\0';
	for (unsigned i = 0; i < f->head.sources; i++)
		if (f->sources[i].name[0] != '\0')
			text_append(out, size, "%s%s", out[0] ? ", " : "",
			    f->sources[i].name);
}

void history_complain_source(
    const struct history_file *f, const char *name, FILE *errors)
{
	char names[HISTORY_NAMES_MAX];

	history_names(f, names, sizeof(names));
	fprintf(errors,
	    "ntsctl: there is no source '%.60s' in the history; there are: "
	    "%s\n",
	    name, names);
}
