#include "agent/host/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that is written in place counts when it is closed. */
#define CHANGES                                                                \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE |            \
	    IN_DELETE | IN_ATTRIB | IN_ONLYDIR)
#define LINKS_MAX 40 /* path_resolution(7) */
#define READ_MAX 4096
/* Afterwards the other descriptors are served. */
#define READS_MAX 16

void watch_init(struct watch *w)
{
	*w = (struct watch){.fd = -1, .deaf_until = MONO_NEVER};
}

void watch_close(struct watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w->names);
	watch_init(w);
}

static void add_name(struct watch *w, const char *directory, const char *name)
{
	struct watched_name *n = &w->names[w->name_count];
	int wd;

	if (w->name_count == WATCH_NAMES_MAX)
		return;
	wd = inotify_add_watch(w->fd, directory, CHANGES);
	if (wd < 0) {
		w->full |= errno == ENOSPC;
		return;
	}
	n->wd = wd;
	snprintf(n->name, sizeof(n->name), "%s", name);
	w->name_count++;
}

/* A walk along a path: the part behind it and the part before it. */
struct walk {
	char done[PATH_MAX]; /* an existing directory, "" for the root */
	char left[PATH_MAX];
	unsigned links;
};

/* Puts the target of a link in the place of its name. False: the walk ends. */
static bool follow(struct walk *k, const char *path, const char *rest)
{
	char target[PATH_MAX], whole[2 * PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target) - 1);

	if (len < 0 || ++k->links > LINKS_MAX)
		return false;
	target[len] = '\0';
	snprintf(whole, sizeof(whole), "%s%s", target, rest);
	if (strlen(whole) >= sizeof(k->left))
		return false;
	if (target[0] == '/')
		k->done[0] = '\0';
	memcpy(k->left, whole, strlen(whole) + 1);
	return true;
}

/* Takes the first name of what is left. False: there is none. */
static bool next_name(struct walk *k, char name[NAME_MAX + 1])
{
	const char *start = k->left + strspn(k->left, "/");
	size_t len = strcspn(start, "/");

	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(name, start, len);
	name[len] = '\0';
	memmove(k->left, start + len, strlen(start + len) + 1);
	return true;
}

static void go_up(struct walk *k)
{
	char *slash = strrchr(k->done, '/');

	if (slash)
		*slash = '\0';
}

/* One step. False: the walk ends, at the file or where it is missing. */
static bool step(struct watch *w, struct walk *k)
{
	char name[NAME_MAX + 1], path[PATH_MAX], rest[PATH_MAX];
	struct stat st;

	if (!next_name(k, name))
		return false;
	if (strcmp(name, ".") == 0)
		return true;
	if (strcmp(name, "..") == 0) {
		go_up(k);
		return true;
	}
	if (snprintf(path, sizeof(path), "%s/%s", k->done, name) >=
	    (int)sizeof(path))
		return false;
	add_name(w, k->done[0] ? k->done : "/", name);
	if (lstat(path, &st) != 0)
		return false;
	memcpy(rest, k->left, strlen(k->left) + 1);
	if (S_ISLNK(st.st_mode))
		return follow(k, path, rest);
	memcpy(k->done, path, strlen(path) + 1);
	if (S_ISDIR(st.st_mode) && rest[strspn(rest, "/")] == '\0')
		add_name(w, path, "");
	return S_ISDIR(st.st_mode);
}

/* A path that does not begin at the root begins where the program was started.
 */
static void add_path(struct watch *w, const char *path)
{
	struct walk *k = calloc(1, sizeof(*k));

	if (!k || strlen(path) >= sizeof(k->left)) {
		free(k);
		return;
	}
	memcpy(k->left, path, strlen(path) + 1);
	if (path[0] == '/' || getcwd(k->done, sizeof(k->done)))
		while (step(w, k))
			;
	free(k);
}

/* Starts from the beginning each time: the same paths may lead elsewhere now.
 */
static int add_all(struct watch *w)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = fd;
	w->name_count = 0;
	w->full = false;
	for (unsigned i = 0; i < w->path_count; i++)
		add_path(w, w->paths[i]);
	return 0;
}

int watch_open(struct watch *w, const char *const paths[], unsigned count)
{
	int err;

	watch_close(w);
	if (count > WATCH_PATHS_MAX)
		count = WATCH_PATHS_MAX;
	w->names = calloc(WATCH_NAMES_MAX, sizeof(*w->names));
	if (!w->names)
		return -ENOMEM;
	memcpy(w->paths, paths, count * sizeof(paths[0]));
	w->path_count = count;
	err = add_all(w);
	if (err)
		watch_close(w);
	return err ? err : w->full ? -ENOSPC : 0;
}

const char *watch_error(int err)
{
	if (err == -EMFILE)
		return "the limit of inotify instances or of open files is "
		       "reached: sysctl fs.inotify.max_user_instances, "
		       "ulimit -n";
	if (err == -ENOSPC)
		return "the limit of inotify watches is reached: sysctl "
		       "fs.inotify.max_user_watches";
	return strerror(-err);
}

static bool concerns_a_file(
    const struct watch *w, const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		return true;
	for (unsigned i = 0; i < w->name_count; i++) {
		const struct watched_name *n = &w->names[i];

		if (n->wd != e->wd)
			continue;
		/* An event without a name concerns the directory itself. */
		if (n->name[0] == '\0' || e->len == 0 ||
		    strcmp(n->name, e->name) == 0)
			return true;
	}
	return false;
}

static bool read_some(struct watch *w, bool *found)
{
	char bytes[READ_MAX]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t len = read(w->fd, bytes, sizeof(bytes));
	ssize_t at = 0;

	while (at < len) {
		const struct inotify_event *e = (const void *)(bytes + at);

		*found |= concerns_a_file(w, e);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	return len > 0;
}

void watch_read(struct watch *w, struct mono now)
{
	bool found = false;

	for (unsigned i = 0; i < READS_MAX; i++)
		if (!read_some(w, &found))
			break;
	if (found && !w->changed)
		w->due = mono_after(now, WATCH_SETTLE_NS);
	w->changed |= found;
	if (!found)
		w->deaf_until = mono_after(now, WATCH_DEAF_NS);
}

bool watch_listens(const struct watch *w)
{
	return w->fd >= 0 && w->deaf_until.ns == MONO_NEVER.ns;
}

struct mono watch_deadline(const struct watch *w)
{
	return mono_earlier(w->changed ? w->due : MONO_NEVER, w->deaf_until);
}

bool watch_take(struct watch *w, struct mono now)
{
	if (mono_due(w->deaf_until, now))
		w->deaf_until = MONO_NEVER;
	if (!w->changed || !mono_due(w->due, now))
		return false;
	w->changed = false;
	/* If that fails, the old descriptor goes on. */
	(void)add_all(w);
	return true;
}
