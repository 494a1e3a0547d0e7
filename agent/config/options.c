#include "agent/config/options.h"

#include "agent/config/config.h"
#include "agent/config/exit_status.h"
#include "agent/config/values.h"
#include "base/time.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_OPTIONS ":f:nxqQt:dVh"

/* A bound above a day is probably a mistake. */
#define MAX_BOUND_MOST_NS (86400 * NS_PER_S)

enum {
	OPTION_CHECK_CONFIG = 256,
	OPTION_SINGLE_PROCESS,
	OPTION_MAX_BOUND,
	OPTION_CHECK,
	OPTION_LIVE,
	OPTION_JSON,
};

/* clang-format off */
static const struct option long_options[] = {
	{"config",         required_argument, NULL, 'f'},
	{"check-config",   no_argument,       NULL, OPTION_CHECK_CONFIG},
	{"check",          no_argument,       NULL, OPTION_CHECK},
	{"live",           no_argument,       NULL, OPTION_LIVE},
	{"json",           no_argument,       NULL, OPTION_JSON},
	{"foreground",     no_argument,       NULL, 'n'},
	{"no-clock",       no_argument,       NULL, 'x'},
	{"single-process", no_argument,       NULL, OPTION_SINGLE_PROCESS},
	{"once",           no_argument,       NULL, 'q'},
	{"max-bound",      required_argument, NULL, OPTION_MAX_BOUND},
	{"version",        no_argument,       NULL, 'V'},
	{"help",           no_argument,       NULL, 'h'},
	{NULL, 0, NULL, 0},
};
/* clang-format on */

/* clang-format off */
static const struct {
	const char *mode;
	enum exit_status status;
	const char *when;
} exits[] = {
#define X(mode, status, when) {mode, status, when},
	EXIT_STATUSES(X)
#undef X
};
/* clang-format on */

static const char usage[] =
    "usage: ntsagentd [options]\n"
    "  -f, --config FILE     read FILE instead of " CONFIG_DEFAULT_PATH "\n"
    "      --check-config    check the configuration, say what is wrong, exit\n"
    "      --check           check the configuration, as a monitoring plugin\n"
    "      --live            with --check: try each server, from name to time\n"
    "      --json            with --check: print JSON\n"
    "  -n, --foreground      stay in the foreground\n"
    "  -x, --no-clock        measure only, leave the clock alone\n"
    "  -q, --once            set the clock once and exit\n"
    "      --max-bound TIME  with -q: exit when a majority of the servers "
    "agrees\n"
    "                        that the clock is right within TIME (500ms)\n"
    "  -Q                    print the offset once and exit, leave the clock "
    "alone\n"
    "  -t SECONDS            give up after SECONDS and exit; needs -q, -Q or "
    "--check\n"
    "  -d                    log debug lines, too\n"
    "      --single-process  no other processes (tests and simulation only)\n"
    "  -V, --version         print the version and exit\n"
    "  -h, --help            print this and exit\n";

void options_print_help(FILE *out)
{
	fprintf(out, "%s\nexit status:\n", usage);
	for (size_t i = 0; i < ARRAY_LEN(exits); i++)
		fprintf(out, "  %-14s  %d  %s\n", exits[i].mode,
		    (int)exits[i].status, exits[i].when);
}

static bool parse_seconds(const char *text, int *seconds)
{
	char *end;
	long got;

	errno = 0;
	got = strtol(text, &end, 10);
	if (end == text || *end || errno || got < 1 || got > INT_MAX)
		return false;
	*seconds = (int)got;
	return true;
}

/* getopt stores the letter of an unknown short option in `optopt`. If we know
 * that letter, its long form was used with a value that it does not take. */
static bool fail_unknown(char *const argv[], char error[OPTIONS_TEXT_MAX])
{
	if (optopt != 0 && optopt < OPTION_CHECK_CONFIG &&
	    !strchr(SHORT_OPTIONS, optopt))
		snprintf(error, OPTIONS_TEXT_MAX,
		    "unknown option -%c (try --help)", optopt);
	else
		snprintf(error, OPTIONS_TEXT_MAX,
		    "%.100s: unknown option, or one that takes no value (try "
		    "--help)",
		    argv[optind - 1]);
	return false;
}

static bool fail_value(char *const argv[], char error[OPTIONS_TEXT_MAX])
{
	snprintf(error, OPTIONS_TEXT_MAX, "%.100s needs a value (try --help)",
	    argv[optind - 1]);
	return false;
}

static void take_check(struct options *o, int option)
{
	if (option == OPTION_CHECK)
		o->task = TASK_CHECK;
	o->live |= option == OPTION_LIVE;
	o->json |= option == OPTION_JSON;
}

static bool take(struct options *o, int option, char *const argv[],
    char error[OPTIONS_TEXT_MAX])
{
	struct run_options *run = &o->run;

	switch (option) {
	case 'f':
		o->config_path = optarg;
		return true;
	case 'n':
		run->foreground = true;
		return true;
	case 'x':
		run->no_clock = true;
		return true;
	case 'q':
		run->once = true;
		return true;
	case 'Q':
		run->print_only = true;
		return true;
	case 't':
		if (parse_seconds(optarg, &run->timeout_s))
			return true;
		snprintf(error, OPTIONS_TEXT_MAX,
		    "-t needs a number of seconds, not \"%.100s\"", optarg);
		return false;
	case 'd':
		o->debug = true;
		return true;
	case 'V':
		o->task = TASK_VERSION;
		return true;
	case 'h':
		o->task = TASK_HELP;
		return true;
	case OPTION_CHECK_CONFIG:
		o->task = TASK_CHECK_CONFIG;
		return true;
	case OPTION_CHECK:
	case OPTION_LIVE:
	case OPTION_JSON:
		take_check(o, option);
		return true;
	case OPTION_SINGLE_PROCESS:
		run->single_process = true;
		return true;
	case OPTION_MAX_BOUND:
		if (value_duration(
			optarg, 1, MAX_BOUND_MOST_NS, &run->max_bound_ns))
			return true;
		snprintf(error, OPTIONS_TEXT_MAX,
		    "--max-bound needs a time such as 500ms or 0.5, not "
		    "\"%.100s\"",
		    optarg);
		return false;
	case ':':
		return fail_value(argv, error);
	default:
		return fail_unknown(argv, error);
	}
}

/* Judges the options together. */
static bool combine(struct run_options *run, char error[OPTIONS_TEXT_MAX])
{
	if (run->once && run->print_only) {
		snprintf(error, OPTIONS_TEXT_MAX,
		    "-q sets the clock and -Q does not: choose one");
		return false;
	}
	if (run->max_bound_ns > 0 && !run->once) {
		snprintf(error, OPTIONS_TEXT_MAX, "--max-bound needs --once");
		return false;
	}
	if (run->no_clock)
		run->no_clock_reason = "--no-clock";
	else if (run->print_only)
		run->no_clock_reason = "-Q";
	run->no_clock |= run->print_only;
	run->foreground |= run->once || run->print_only;
	return true;
}

bool options_parse(struct options *o, int argc, char *const argv[],
    char error[OPTIONS_TEXT_MAX])
{
	int option;

	*o = (struct options){.config_path = CONFIG_DEFAULT_PATH};
	optind = 0; /* glibc and musl: begin again */
	opterr = 0;
	while ((option = getopt_long(
		    argc, argv, SHORT_OPTIONS, long_options, NULL)) != -1)
		if (!take(o, option, argv, error))
			return false;
	if (optind < argc) {
		snprintf(error, OPTIONS_TEXT_MAX,
		    "unexpected argument \"%.100s\": -f FILE names the "
		    "configuration (try --help)",
		    argv[optind]);
		return false;
	}
	if ((o->live || o->json) && o->task != TASK_CHECK) {
		snprintf(error, OPTIONS_TEXT_MAX, "%s needs --check",
		    o->live ? "--live" : "--json");
		return false;
	}
	return combine(&o->run, error);
}
