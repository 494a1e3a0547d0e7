#include "agent/host/sandbox/profiles.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

/* What a process can do that another one has started: a filter and a Landlock
 * domain also hold for the children. */
#define OF_SAVER (CALLS_BASE | CALLS_READ | CALLS_WRITE | CALLS_SECRETS)
#define OF_LOADER (CALLS_BASE | CALLS_READ)
#define OF_JOB                                                                 \
	(CALLS_BASE | CALLS_READ | CALLS_CODE | CALLS_NETWORK | CALLS_LOOKUP | \
	    CALLS_SECRETS)

static const struct profile profiles[SANDBOX_PROFILES] = {
    [SANDBOX_KEEPER] =
	{
	    .name = "keeper",
	    .calls = OF_SAVER | OF_LOADER | CALLS_CLOCK | CALLS_CODE |
		     CALLS_START | CALLS_TERM | CALLS_KILL,
	    .reads = READS_ALL,
	    .writes = "the folders of drift and last good time",
	    .executes = true,
	},
    [SANDBOX_GUARD] =
	{
	    .name = "guard",
	    .calls = CALLS_BASE | CALLS_CLOCK,
	    .signals_inside = true,
	    .abstract_inside = true,
	    .limits = {{RLIMIT_NPROC, 0, "no process"}},
	},
    [SANDBOX_ENGINE] =
	{
	    .name = "engine",
	    .calls = CALLS_BASE | CALLS_READ | CALLS_WRITE | CALLS_CODE |
		     CALLS_NETWORK | CALLS_ENGINE | CALLS_SECRETS | CALLS_LIMIT,
	    .reads = READS_ALL,
	    .writes = "saved-keys",
	    .signals_inside = true,
	    .abstract_inside = true,
	    .limits = {{RLIMIT_NPROC, 0, "no process"}},
	},
    [SANDBOX_RESOLVER] =
	{
	    .name = "resolver",
	    .calls = OF_JOB | CALLS_START | CALLS_KILL | CALLS_LIMIT,
	    .reads = READS_ALL,
	    .tcp = TCP_ALL,
	    .executes = true,
	    .signals_inside = true,
	},
    [SANDBOX_JOB] =
	{
	    .name = "job",
	    .calls = OF_JOB,
	    .reads = READS_LISTED,
	    .tcp = TCP_LISTED,
	    .signals_inside = true,
	    .abstract_inside = true,
	    .limits =
		{
		    {RLIMIT_NPROC, 0, "no process"},
		    {RLIMIT_FSIZE, 0, "no byte in a file"},
		    {RLIMIT_NOFILE, 32, "32 descriptors"},
		},
	},
    [SANDBOX_LOADER] =
	{
	    .name = "loader",
	    .calls = OF_LOADER,
	    .reads = READS_ALL,
	    .signals_inside = true,
	    .abstract_inside = true,
	    .limits = {{RLIMIT_NPROC, 0, "no process"}},
	},
    [SANDBOX_SAVER] =
	{
	    .name = "saver",
	    .calls = OF_SAVER,
	    .writes = "the folders of drift and last good time",
	    .signals_inside = true,
	    .abstract_inside = true,
	    .limits = {{RLIMIT_NPROC, 0, "no process"}},
	},
    [SANDBOX_EXPORTER] =
	{
	    .name = "exporter",
	    .calls = CALLS_BASE | CALLS_SERVE | CALLS_STATUS,
	    .signals_inside = true,
	    .abstract_inside = true,
	    .limits =
		{
		    {RLIMIT_NPROC, 0, "no process"},
		    {RLIMIT_FSIZE, 0, "no byte in a file"},
		    {RLIMIT_NOFILE, 64, "64 descriptors"},
		},
	},
    [SANDBOX_CMDMON] =
	{
	    .name = "cmdmon",
	    .calls = CALLS_BASE | CALLS_STATUS | CALLS_LIMIT,
	    .signals_inside = true,
	    .abstract_inside = true,
	    .limits =
		{
		    {RLIMIT_NPROC, 0, "no process"},
		    {RLIMIT_FSIZE, 0, "no byte in a file"},
		    {RLIMIT_NOFILE, 32, "32 descriptors"},
		},
	},
    [SANDBOX_LOGGER] =
	{
	    .name = "logger",
	    .calls = CALLS_BASE | CALLS_READ | CALLS_WRITE,
	    .writes = "log-dir",
	    .signals_inside = true,
	    .abstract_inside = true,
	    .limits = {{RLIMIT_NPROC, 0, "no process"}},
	},
};

const struct profile *profile_of(enum sandbox_profile profile)
{
	return &profiles[profile];
}

/* The documents. */

/* A set that the documents name, in words. */
static const struct {
	uint32_t set;
	const char *words;
} named[] = {
    {CALLS_CLOCK, "set the clock"},
    {CALLS_NETWORK, "UDP"},
    {CALLS_LOOKUP, "name lookup"},
    {CALLS_START, "start ntsagentd"},
    {CALLS_TERM, "SIGTERM"},
    {CALLS_KILL, "SIGKILL"},
    {CALLS_CODE, "load libraries"},
    {CALLS_SERVE, "take clients"},
    {CALLS_STATUS, "read the status"},
};

/* Adds `words` to the text, behind a separator unless it begins a part. */
static void add(
    char text[SANDBOX_TEXT_MAX], const char *separator, const char *words)
{
	size_t len = strlen(text);

	snprintf(text + len, SANDBOX_TEXT_MAX - len, "%s%s", separator, words);
}

static void describe_calls(const struct profile *p, char text[SANDBOX_TEXT_MAX])
{
	const char *separator = ": ";

	snprintf(
	    text, SANDBOX_TEXT_MAX, "%u system calls", calls_count(p->calls));
	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		if ((p->calls & named[i].set) == 0)
			continue;
		add(text, separator, named[i].words);
		separator = ", ";
	}
}

static void describe_files(const struct profile *p, char text[SANDBOX_TEXT_MAX])
{
	static const char *const reads[] = {
	    [READS_NOTHING] = "reads only where it writes",
	    [READS_LISTED] =
		"reads system files, trusted certificates and revocation lists",
	    [READS_ALL] = "reads any file",
	};

	add(text, "; ", reads[p->reads]);
	add(text, ", writes in ", p->writes ? p->writes : "no folder");
	if (p->executes)
		add(text, ", ", "executes only ntsagentd and its linker");
}

static void describe_ports(const struct profile *p, char text[SANDBOX_TEXT_MAX])
{
	static const char *const ports[] = {
	    [TCP_NONE] = "no TCP",
	    [TCP_LISTED] = "TCP to DNS and the KE port",
	    [TCP_ALL] = "TCP to any port",
	};

	add(text, "; ", ports[p->tcp]);
	if (p->signals_inside && (p->calls & (CALLS_TERM | CALLS_KILL)))
		add(text, "; ", "signals only to its children");
}

void profile_describe(enum sandbox_profile profile, char text[SANDBOX_TEXT_MAX])
{
	const struct profile *p = profile_of(profile);

	describe_calls(p, text);
	describe_files(p, text);
	describe_ports(p, text);
	for (unsigned i = 0; i < PROFILE_LIMITS_MAX && p->limits[i].what; i++)
		add(text, i == 0 ? "; " : ", ", p->limits[i].what);
}
