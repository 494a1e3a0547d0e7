#include "agent/logger/logger.h"

#include "agent/link/start_link.h"
#include "agent/logger/lines.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Three lines of at most LINE_TEXT_MAX bytes, and a line. */
#define WRITE_MAX (4 * (LINE_TEXT_MAX + 1))

void logger_init(struct logger *l, const struct log_order *order)
{
	*l = (struct logger){.order = *order};
	for (unsigned i = 0; i < LOG_FILES; i++)
		l->files[i].fd = -1;
}

/* A new file begins with a banner. */
void logger_close(struct logger *l)
{
	for (unsigned i = 0; i < LOG_FILES; i++) {
		if (l->files[i].fd >= 0)
			close(l->files[i].fd);
		l->files[i].fd = -1;
		l->files[i].lines = 0;
	}
}

/* Landlock knows the folder by its inode. */
static const char replaced[] =
    "; if its folder was made again while the agent ran, restart the agent";

/* One line when it begins, and one when it is over. */
static void lose(struct logger *l, enum log_kind kind, int err)
{
	if (l->files[kind].lost++ > 0)
		return;
	log_warning("cannot write %s/%s: %s: its lines are lost until this is "
		    "over%s",
	    l->order.folder, lines_file(kind), strerror(err),
	    err == EACCES || err == ENOENT ? replaced : "");
}

static void succeed(struct logger *l, enum log_kind kind)
{
	if (l->files[kind].lost > 0)
		log_notice("%s/%s is written again; %llu line%s lost",
		    l->order.folder, lines_file(kind),
		    (unsigned long long)l->files[kind].lost,
		    l->files[kind].lost == 1 ? " is" : "s are");
	l->files[kind].lost = 0;
}

/* Never through a link: the folder belongs to the agent's user. Everybody may
 * read a file that we create, whatever the umask is; one that a rotation has
 * made keeps its mode. */
static int open_file(struct logger *l, enum log_kind kind)
{
	static const int flags =
	    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	char path[FILE_PATH_MAX + 32];
	int *fd = &l->files[kind].fd;

	if (*fd >= 0)
		return 0;
	snprintf(
	    path, sizeof(path), "%s/%s", l->order.folder, lines_file(kind));
	*fd = open(path, flags | O_EXCL, 0644);
	if (*fd >= 0 && fchmod(*fd, 0644) != 0)
		log_debug("%s keeps its mode: %s", path, strerror(errno));
	if (*fd < 0 && errno == EEXIST)
		*fd = open(path, flags, 0644);
	return *fd < 0 ? errno : 0;
}

static void put_banner(const char *banner, char out[WRITE_MAX])
{
	char rule[LINE_TEXT_MAX];
	size_t len = strlen(banner);

	memset(rule, '=', len);
	rule[len] = '\0';
	snprintf(out, WRITE_MAX, "%s\n%s\n%s\n", rule, banner, rule);
}

/* One write for a line, with its banner: no reader sees a half of it. */
static int write_text(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t n = write(fd, text, len);

	if (n < 0)
		return errno;
	if ((size_t)n == len)
		return 0;
	/* The disk is full: the part of the line goes, if it can. */
	if (lseek(fd, 0, SEEK_END) >= n &&
	    ftruncate(fd, lseek(fd, 0, SEEK_END) - n) != 0)
		log_debug("a part of a line stays: %s", strerror(errno));
	return ENOSPC;
}

static void write_record(struct logger *l, const struct log_record *r)
{
	const enum log_kind kind = (enum log_kind)r->kind;
	struct log_file *f = &l->files[kind];
	char line[LINE_TEXT_MAX], text[WRITE_MAX] = "";
	size_t len;
	int err = open_file(l, kind);

	if (!err) {
		if (l->order.banner > 0 && f->lines % l->order.banner == 0)
			put_banner(lines_banner(kind), text);
		lines_write(r, line);
		len = strlen(text);
		snprintf(text + len, sizeof(text) - len, "%s\n", line);
		err = write_text(f->fd, text);
	}
	f->error = err;
	if (err) {
		lose(l, kind, err);
		return;
	}
	f->lines++;
	succeed(l, kind);
}

void logger_take(struct logger *l, const struct log_record *r)
{
	if (r->kind == LOG_CYCLE)
		logger_close(l);
	else
		write_record(l, r);
}

int logger_error(const struct logger *l)
{
	int error = 0;

	for (unsigned i = 0; i < LOG_FILES && !error; i++)
		error = l->files[i].error;
	return error;
}

int logger_main(int fd)
{
	struct log_order order;
	struct log_record record;
	struct logger l;
	int told = 0;

	if (!start_receive(fd, &order, sizeof(order)) ||
	    !log_order_valid(&order))
		return 1;
	logger_init(&l, &order);
	while (log_receive(fd, &record) == 1) {
		logger_take(&l, &record);
		if (logger_error(&l) != told)
			log_tell(fd, told = logger_error(&l));
	}
	logger_close(&l);
	return 0;
}
