#include "agent/host/rivals.h"

#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Longer than what is needed of these files. */
#define STAT_MAX 256
#define STATUS_MAX 4096
#define UID_MAP_MAX 512

/* Of the name of a unit that a command line may contain. */
static const char unit_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@:_.-";

#define RIVALS_UNIT_MAX 64
#define RIVALS_REMEDY_MAX (RIVALS_UNIT_MAX + 32)

/* clang-format off */
static const struct rival {
	const char *comm;   /* the kernel's name of the process, 15 characters */
	const char *remedy; /* a command; NULL: the unit is disabled ... */
	const char *unit;   /* ... and this is it, if /proc does not tell */
	bool steers; /* else it may set the clock when it is told to */
} rivals[] = {
	{"chronyd",         NULL, "chronyd", true},
	{"ntpd",            NULL, "ntpd", true},
	{"ntp-daemon",      NULL, "ntpd-rs", true},
	{"systemd-timesyn", NULL, "systemd-timesyncd", true},
	{"phc2sys",         NULL, "phc2sys", true},
	{"htpdate",         NULL, "htpdate", true},
	{"ptpd",            NULL, "ptpd", true},
	{"ptpd2",           NULL, "ptpd2", true},
	{"tlsdated",        NULL, "tlsdated", true},
	{"statime",         NULL, "statime", true},
	{"sptp",            NULL, "sptp", true},
	{"clockbound",      NULL, "clockbound", true},
	{"clockboundd",     NULL, "clockbound", true},
	{"connmand",        "connmanctl clock timeupdates manual", NULL, true},
	{"ptp4l",           NULL, "ptp4l", false},
	{"vmtoolsd",        "vmware-toolbox-cmd timesync disable", NULL, false},
	{"VBoxService",     NULL, "virtualbox-guest-utils", false},
	{"prltoolsd",       NULL, "prltoolsd", false},
	{"qemu-ga",         NULL, "qemu-guest-agent", false},
	{"google_guest_ag", NULL, "google-guest-agent", false},
};
/* clang-format on */

/* The file `name` of a process, as a text; "" when it cannot be read. */
static void read_text(const char *proc, const char *process, const char *name,
    char *text, size_t size)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s/%s", proc, process, name);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, size - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
}

static void read_text_of(
    const char *proc, long pid, const char *name, char *text, size_t size)
{
	char process[32];

	snprintf(process, sizeof(process), "%ld", pid);
	read_text(proc, process, name, text, size);
}

void rivals_comm(const char *proc, long pid, char comm[RIVALS_COMM_MAX])
{
	read_text_of(proc, pid, "comm", comm, RIVALS_COMM_MAX);
	comm[strcspn(comm, "\n")] = '\0';
}

/* proc(5): the state follows the name, which may contain a bracket. */
bool rivals_runs(const char *proc, long pid)
{
	char text[STAT_MAX];
	const char *name_end;

	read_text_of(proc, pid, "stat", text, sizeof(text));
	name_end = strrchr(text, ')');
	return name_end && strncmp(name_end, ") Z", 3) != 0 &&
	       strncmp(name_end, ") X", 3) != 0;
}

/* In a user namespace of its own, any user has all capabilities, but not those
 * that set the clock of the machine. */
static bool shares_our_users(const char *proc, long pid)
{
	char theirs[UID_MAP_MAX], ours[UID_MAP_MAX];

	read_text_of(proc, pid, "uid_map", theirs, sizeof(theirs));
	read_text(proc, "self", "uid_map", ours, sizeof(ours));
	return strcmp(theirs, ours) == 0;
}

static bool may_set_clock(const char *proc, long pid)
{
	static const char label[] = "\nCapEff:";
	char text[STATUS_MAX];
	const char *line;

	read_text_of(proc, pid, "status", text, sizeof(text));
	line = strstr(text, label);
	return line &&
	       (strtoull(line + sizeof(label) - 1, NULL, 16) >> CAP_SYS_TIME &
		   1) &&
	       shares_our_users(proc, pid);
}

/* The unit of systemd that the process belongs to: the last part of its path in
 * the control group. False: none. */
static bool unit_of(const char *proc, long pid, char unit[RIVALS_UNIT_MAX])
{
	static const char ending[] = ".service";
	char cgroup[4096];
	char *line, *name;
	size_t len;

	read_text_of(proc, pid, "cgroup", cgroup, sizeof(cgroup));
	line = strstr(cgroup, "name=systemd:");
	if (!line)
		line = strstr(cgroup, "0::");
	if (!line)
		return false;
	line[strcspn(line, "\n")] = '\0';
	name = strrchr(line, '/');
	len = name ? strlen(++name) : 0;
	if (len < sizeof(ending) || len >= RIVALS_UNIT_MAX ||
	    strcmp(name + len - strlen(ending), ending) != 0 ||
	    strspn(name, unit_characters) != len)
		return false;
	snprintf(
	    unit, RIVALS_UNIT_MAX, "%.*s", (int)(len - strlen(ending)), name);
	return true;
}

/* The command that ends it, or that makes it leave the clock alone. */
static void remedy_of(const struct rival *r, const char *proc, long pid,
    char out[RIVALS_REMEDY_MAX])
{
	char unit[RIVALS_UNIT_MAX];

	if (r->remedy)
		snprintf(out, RIVALS_REMEDY_MAX, "%s", r->remedy);
	else
		snprintf(out, RIVALS_REMEDY_MAX, "systemctl disable --now %s",
		    unit_of(proc, pid, unit) ? unit : r->unit);
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
		if (r && may_set_clock(proc, *pid))
			return r;
	}
	return NULL;
}

unsigned rivals_warn(const char *proc)
{
	DIR *dir = opendir(proc);
	const struct rival *r;
	unsigned found = 0;
	char remedy[RIVALS_REMEDY_MAX];
	long pid;

	if (!dir)
		return 0;
	while ((r = next_rival(dir, proc, &pid))) {
		if (!r->steers)
			continue;
		found++;
		remedy_of(r, proc, pid, remedy);
		log_warning("%s (pid %ld) is running and may steer the same "
			    "clock; two programs make it worse: `%s`",
		    r->comm, pid, remedy);
	}
	closedir(dir);
	return found;
}

/* Prefers a program that steers: it is more likely to have set the clock. */
bool rivals_find(const char *proc, char text[RIVALS_TEXT_MAX])
{
	DIR *dir = opendir(proc);
	const struct rival *r, *best = NULL;
	char remedy[RIVALS_REMEDY_MAX];
	long pid;

	if (!dir)
		return false;
	while ((r = next_rival(dir, proc, &pid))) {
		if (best && (best->steers || !r->steers))
			continue;
		best = r;
		remedy_of(r, proc, pid, remedy);
		snprintf(text, RIVALS_TEXT_MAX, "%s (pid %ld; `%s` ends it)",
		    r->comm, pid, remedy);
	}
	closedir(dir);
	return best != NULL;
}
