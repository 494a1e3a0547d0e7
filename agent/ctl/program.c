#include "agent/ctl/program.h"

#include "agent/ctl/fetch.h"
#include "agent/ctl/options.h"
#include "agent/ctl/orders.h"
#include "agent/ctl/report/report.h"
#include "agent/ctl/waitsync.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80
#define WIDTH_MIN 40

struct call {
	const struct options *options;
	struct view view;
	FILE *errors;
};

typedef enum exit_status command_fn(const struct call *call);
static command_fn run_waitsync, run_help, run_version;

/* Each command is one of three: a report, a function, or an order. */
/* clang-format off */
static const struct command {
	const char *name, *arguments, *help;
	int most_arguments;
	report_fn *report;
	command_fn *run;
	const char *order;
} commands[] = {
	{"status", "", "is the time right, how right, and if not, why (the default)",
	    0, report_status, NULL, NULL},
	{"sources", "", "the time servers, their last sample and state",
	    0, report_sources, NULL, NULL},
	{"sourcestats", "", "drift and offset estimated from each server",
	    0, report_sourcestats, NULL, NULL},
	{"tracking", "", "the system clock against NTP time",
	    0, report_tracking, NULL, NULL},
	{"authdata", "", "keys and cookies of each server",
	    0, report_authdata, NULL, NULL},
	{"activity", "", "how many servers are in use",
	    0, report_activity, NULL, NULL},
	{"waitsync", "[TRIES [MAXCORRECTION [MAXSKEW [INTERVAL]]]]",
	    "wait until the clock is synchronised",
	    4, NULL, run_waitsync, NULL},
	{"retry", "[NAME]", "end all waits: ask the servers again now",
	    1, NULL, NULL, "retry"},
	{"burst", "[NAME]", "measure in a burst",
	    1, NULL, NULL, "burst"},
	{"offline", "[NAME]", "send nothing to the servers until online",
	    1, NULL, NULL, "offline"},
	{"online", "[NAME]", "ask the servers again",
	    1, NULL, NULL, "online"},
	{"step", "", "step the clock instead of slewing it",
	    0, NULL, NULL, "step"},
	{"makestep", "", "another name of step", 0, NULL, NULL, "step"},
	{"reload", "", "read the configuration again",
	    0, NULL, NULL, "reload"},
	{"help", "", "this text", 0, NULL, run_help, NULL},
	{"version", "", "the version", 0, NULL, run_version, NULL},
};
/* clang-format on */

static void complain(FILE *errors, const char *why)
{
	fprintf(errors, "ntsctl: %s\n", why);
}

static enum exit_status complain_usage(FILE *errors, const char *why)
{
	fprintf(errors, "ntsctl: %s; see: ntsctl help\n", why);
	return EXIT_USAGE;
}

static enum exit_status run_waitsync(const struct call *call)
{
	const struct options *o = call->options;
	char why[WAITSYNC_ERROR_MAX];
	struct waitsync w;

	if (!waitsync_arguments(&w, o->argc, o->argv, why))
		return complain_usage(call->errors, why);
	return waitsync_run(&w, o->socket, &call->view, call->errors);
}

static enum exit_status run_help(const struct call *call)
{
	FILE *out = call->view.out;

	fputs("usage: ntsctl [OPTION]... [COMMAND]\n\nCommands:\n", out);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];

		fprintf(out, "  %-18s %s\n", c->name, c->help);
		if (c->arguments[0] != '\0')
			fprintf(out, "  %-18s %s\n", "", c->arguments);
	}
	fputs("\nOptions:\n", out);
	options_help(out);
	fputs("\nExit status: 0 good, 1 not synchronised (status, waitsync) or "
	      "an order refused,\n2 usage, 3 no status available. ntsctl(8) "
	      "has the details.\n",
	    out);
	return EXIT_OK;
}

static enum exit_status run_version(const struct call *call)
{
	fputs("ntsctl (ntsagent) " NTSAGENT_VERSION "\n", call->view.out);
	return EXIT_OK;
}

static enum exit_status run_report(
    const struct command *c, const struct call *call)
{
	char why[CONNECT_ERROR_MAX];
	enum exit_status status;
	struct snapshot s;

	if (!snapshot_fetch(call->options->socket, &s, why)) {
		complain(call->errors, why);
		return EXIT_NO_STATUS;
	}
	status = c->report(&s, &call->view);
	snapshot_free(&s);
	return status;
}

static enum exit_status run_order(
    const struct command *c, const struct call *call)
{
	const struct options *o = call->options;

	return order_send(o->socket, c->order, o->argc > 0 ? o->argv[0] : NULL,
	    call->view.out, call->errors);
}

static enum exit_status run_any(
    const struct command *c, const struct call *call)
{
	if (c->order)
		return run_order(c, call);
	return c->run ? c->run(call) : run_report(c, call);
}

/* Output that was cut by a full disk must not end with status 0. */
static enum exit_status check_output(
    enum exit_status status, FILE *out, FILE *errors)
{
	errno = 0;
	if (fflush(out) == 0 && !ferror(out))
		return status;
	fprintf(errors, "ntsctl: cannot write the output%s%s\n",
	    errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
	return EXIT_NO_STATUS;
}

static enum exit_status run(const struct command *c, const struct call *call)
{
	enum exit_status status;

	if (call->options->argc > c->most_arguments) {
		char why[OPTIONS_ERROR_MAX];

		snprintf(why, sizeof(why), "%s takes %s", c->name,
		    c->most_arguments == 0 ? "no arguments" : c->arguments);
		return complain_usage(call->errors, why);
	}
	status = run_any(c, call);
	return check_output(status, call->view.out, call->errors);
}

static unsigned terminal_width(int fd)
{
	struct winsize size;

	if (fd < 0 || ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return WIDTH_DEFAULT;
	return size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
}

static struct view view_of(const struct options *o, FILE *out)
{
	const char *no_colour = getenv("NO_COLOR");
	int fd = fileno(out);
	bool terminal = fd >= 0 && isatty(fd);

	return (struct view){
	    .out = out,
	    .output = o->output,
	    .numeric = o->numeric,
	    .verbose = o->verbose,
	    .terminal = terminal,
	    .colour = terminal && (!no_colour || *no_colour == '\0'),
	    .width = terminal_width(fd),
	};
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

int ctl_main(int argc, char **argv, FILE *out, FILE *errors)
{
	const char *socket = getenv("NTSAGENT_STATUS");
	char why[OPTIONS_ERROR_MAX];
	const struct command *c;
	struct options options;
	struct call call;

	if (!socket || *socket == '\0')
		socket = STATUS_SOCKET_PATH;
	if (!options_parse(&options, argc, argv, socket, why))
		return (int)complain_usage(errors, why);
	c = find_command(options.command);
	if (!c) {
		snprintf(why, sizeof(why), "there is no command '%.40s'",
		    options.command);
		return (int)complain_usage(errors, why);
	}
	call = (struct call){&options, view_of(&options, out), errors};
	return (int)run(c, &call);
}
