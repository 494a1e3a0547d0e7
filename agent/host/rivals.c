#include "agent/host/rivals.h"

#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* clang-format off */
static const struct rival {
	const char *comm, *remedy;
	bool steers; /* else it may set the clock when it is told to */
} rivals[] = {
	{"chronyd",         "systemctl disable --now chrony", true},
	{"ntpd",            "systemctl disable --now ntpsec ntp ntpd openntpd", true},
	{"ntp-daemon",      "systemctl disable --now ntpd-rs", true},
	{"systemd-timesyn", "systemctl disable --now systemd-timesyncd", true},
	{"phc2sys",         "systemctl disable --now phc2sys", true},
	{"ptp4l",           "systemctl disable --now ptp4l", false},
	{"vmtoolsd",        "vmware-toolbox-cmd timesync disable", false},
	{"VBoxService",     "systemctl disable --now virtualbox-guest-utils", false},
};
/* clang-format on */

void rivals_comm(const char *proc, long pid, char comm[RIVALS_COMM_MAX])
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%ld/comm", proc, pid);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, comm, RIVALS_COMM_MAX - 1);
	if (fd >= 0)
		close(fd);
	comm[n > 0 ? n : 0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
}

static const struct rival *rival_of(const char *comm)
{
	for (size_t i = 0; i < ARRAY_LEN(rivals); i++)
		if (strcmp(comm, rivals[i].comm) == 0)
			return &rivals[i];
	return NULL;
}

/* The next rival in the directory; NULL: no more. */
static const struct rival *next_rival(DIR *dir, const char *proc, long *pid)
{
	const struct dirent *entry;

	while ((entry = readdir(dir))) {
		char comm[RIVALS_COMM_MAX];
		const struct rival *r;

		*pid = strtol(entry->d_name, NULL, 10);
		if (*pid <= 0)
			continue;
		rivals_comm(proc, *pid, comm);
		r = rival_of(comm);
		if (r)
			return r;
	}
	return NULL;
}

unsigned rivals_warn(const char *proc)
{
	DIR *dir = opendir(proc);
	const struct rival *r;
	unsigned found = 0;
	long pid;

	if (!dir)
		return 0;
	while ((r = next_rival(dir, proc, &pid))) {
		if (!r->steers)
			continue;
		found++;
		log_warning("%s (pid %ld) is running and may steer the same "
			    "clock; two programs make it worse: `%s`",
		    r->comm, pid, r->remedy);
	}
	closedir(dir);
	return found;
}

/* Prefers a program that steers: it is more likely to have set the clock. */
bool rivals_find(const char *proc, char text[RIVALS_TEXT_MAX])
{
	DIR *dir = opendir(proc);
	const struct rival *r, *best = NULL;
	long pid;

	if (!dir)
		return false;
	while ((r = next_rival(dir, proc, &pid))) {
		if (best && (best->steers || !r->steers))
			continue;
		best = r;
		snprintf(text, RIVALS_TEXT_MAX, "%s (pid %ld; `%s` ends it)",
		    r->comm, pid, r->remedy);
	}
	closedir(dir);
	return best != NULL;
}
