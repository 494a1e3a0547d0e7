#include "agent/host/sandbox/sandbox.h"

#include "agent/host/sandbox/calls.h"
#include "agent/host/sandbox/denied.h"
#include "agent/host/sandbox/filter.h"
#include "agent/host/sandbox/landlock.h"
#include "agent/host/sandbox/profiles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer) ||                                        \
    __has_feature(undefined_behavior_sanitizer)
#define SANITIZED true
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* Programs that put other code in front of system calls. */
static const char *const simulators[] = {"vgpreload", "faketime", "clknetsim"};

enum sandbox_level sandbox_possible(char why[SANDBOX_TEXT_MAX])
{
	const char *preload = getenv("LD_PRELOAD");

	why[0] = '\0';
	if (SANITIZED) {
		snprintf(why, SANDBOX_TEXT_MAX,
		    "this build has sanitizers, which need other system calls");
		return SANDBOX_OFF;
	}
	for (size_t i = 0; preload && i < ARRAY_LEN(simulators); i++) {
		if (!strstr(preload, simulators[i]))
			continue;
		snprintf(why, SANDBOX_TEXT_MAX,
		    "LD_PRELOAD names %s, which needs other system calls",
		    simulators[i]);
		return SANDBOX_OFF;
	}
	return filter_possible(why) ? SANDBOX_ON : SANDBOX_OFF;
}

unsigned sandbox_missing(char text[SANDBOX_TEXT_MAX])
{
	const int version = landlock_version();
	const struct {
		bool missing;
		const char *words;
	} parts[] = {
	    {!filter_available(), "seccomp filters"},
	    {version == 0, "Landlock"},
	    {version > 0 && version < LANDLOCK_ABI_TRUNCATE,
		"Landlock for the truncation of files (Linux 6.2)"},
	    {version > 0 && version < LANDLOCK_ABI_TCP,
		"Landlock for TCP ports (Linux 6.7)"},
	    {version > 0 && version < LANDLOCK_ABI_SCOPES,
		"Landlock for signals (Linux 6.12)"},
	};
	unsigned count = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		size_t len = strlen(text);

		if (!parts[i].missing)
			continue;
		snprintf(text + len, SANDBOX_TEXT_MAX - len, "%s%s",
		    count > 0 ? ", " : "", parts[i].words);
		count++;
	}
	return count;
}

static bool fail(char why[SANDBOX_TEXT_MAX], const char *step, int err)
{
	snprintf(why, SANDBOX_TEXT_MAX,
	    "the process cannot enter its sandbox: %s: %s", step,
	    strerror(-err));
	return false;
}

/* A log that goes to a file grows it: then only filter and Landlock keep the
 * process from writing others. */
static bool logs_to_file(void)
{
	struct stat st;

	return fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode);
}

/* A limit of the parent that is narrower stays: it cannot be raised. */
static struct rlimit limit_of(const struct profile_limit *l)
{
	struct rlimit now;
	rlim_t value = l->value;

	if (getrlimit((__rlimit_resource_t)l->resource, &now) == 0 &&
	    now.rlim_max < value)
		value = now.rlim_max;
	return (struct rlimit){value, value};
}

static bool set_limits(const struct profile *p)
{
	for (unsigned i = 0; i < PROFILE_LIMITS_MAX && p->limits[i].what; i++) {
		const struct profile_limit *l = &p->limits[i];
		const struct rlimit limit = limit_of(l);

		if (l->resource == RLIMIT_FSIZE && logs_to_file())
			continue;
		if (setrlimit((__rlimit_resource_t)l->resource, &limit) != 0)
			return false;
	}
	return true;
}

/* The profile's calls, and those that the configuration adds. */
static uint32_t calls_of(
    const struct profile *p, const struct sandbox_request *r)
{
	uint32_t calls = p->calls;

	if (r->own_end & SANDBOX_BINDS)
		calls |= CALLS_BIND;
	if (r->own_end & SANDBOX_DEVICES)
		calls |= CALLS_DEVICE;
	if (r->own_end & SANDBOX_MARKS)
		calls |= CALLS_DSCP;
	return calls;
}

static bool enter(const struct profile *p, const struct sandbox_request *r,
    char why[SANDBOX_TEXT_MAX])
{
	const int version = landlock_version();
	int err;

	if (!set_limits(p))
		return fail(why, "resource limits", -errno);
	err = version > 0 ? landlock_enter(p, r, version) : 0;
	if (err)
		return fail(why, "Landlock", err);
	err = denied_prepare(p->name, r->log_target);
	if (err)
		return fail(why, "SIGSYS", err);
	err = filter_available() ? filter_load(calls_of(p, r), false) : 0;
	return err ? fail(why, "seccomp", err) : true;
}

bool sandbox_enter(const struct sandbox_request *r, char why[SANDBOX_TEXT_MAX])
{
	const struct profile *p = profile_of(r->profile);
	int err;

	/* Reads the time zone, which syslog(3) needs, while it still may. */
	tzset();
	switch (r->level) {
	case SANDBOX_ON:
		return enter(p, r, why);
	case SANDBOX_LOG:
		err =
		    filter_available() ? filter_load(calls_of(p, r), true) : 0;
		return err ? fail(why, "seccomp", err) : true;
	case SANDBOX_OFF:
	default:
		return true;
	}
}
