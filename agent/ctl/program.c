#include "agent/ctl/program.h"

#include "agent/ctl/chronyc/chronyc.h"
#include "agent/ctl/control.h"
#include "agent/ctl/elsewhere.h"
#include "agent/ctl/fetch.h"
#include "agent/ctl/history/events.h"
#include "agent/ctl/session.h"
#include "agent/ctl/show_metrics.h"
#include "agent/ctl/snapshot/nearest.h"
#include "agent/ctl/suggest.h"
#include "agent/ctl/waitsync.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80
#define WIDTH_MIN 40

struct call {
	const struct ctl_tools *tools;
	const struct options *options;
	struct view view;
	FILE *errors;
};

typedef enum exit_status command_fn(const struct call *call);
static command_fn run_waitsync, run_check, run_import, run_help, run_version;
static command_fn run_sourcename, run_ntpdata;
static command_fn run_metrics;
static command_fn run_events, run_graph, run_watch;
static command_fn run_compare;

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
	{"metrics", "[openmetrics|prometheus]",
	    "all figures for a monitoring system",
	    1, NULL, run_metrics, NULL},
	{"events", "", "what happened, the newest last",
	    0, NULL, run_events, NULL},
	{"graph", "[offset|bound|error|frequency|delay|stage]",
	    "a picture of the last minutes to 30 days",
	    1, NULL, run_graph, NULL},
	{"watch", "[INTERVAL]", "clock, servers and events, live; q ends it",
	    1, NULL, run_watch, NULL},
	{"waitsync", "[TRIES [MAXCORRECTION [MAXSKEW [INTERVAL]]]]",
	    "wait until the clock is synchronised",
	    4, NULL, run_waitsync, NULL},
	{"selectdata", "", "why each server is used or not, and its interval",
	    0, report_selectdata, NULL, NULL},
	{"ntpdata", "[NAME]", "the latest answer of each server, and failed checks",
	    1, report_ntpdata, run_ntpdata, NULL},
	{"sourcename", "ADDRESS", "the configured host of an address",
	    1, NULL, run_sourcename, NULL},
	{"compare", "", "whose time is nearer: ntsagentd's or chronyd's",
	    0, NULL, run_compare, NULL},
	{"check", "[--live] [--json] [--config FILE] [-t SECONDS]",
	    "judge the configuration and, live, each server; no agent",
	    0, NULL, run_check, NULL},
	{"retry", "[NAME|SUBNET]", "end all waits: ask the servers again now",
	    1, NULL, NULL, "retry"},
	{"burst", "[GOOD/MAX] [NAME|SUBNET]", "measure in a burst",
	    2, NULL, NULL, "burst"},
	{"offline", "[NAME|SUBNET]", "send nothing to the servers until online",
	    1, NULL, NULL, "offline"},
	{"online", "[NAME|SUBNET]", "ask the servers again",
	    1, NULL, NULL, "online"},
	{"onoffline", "", "look at the network again",
	    0, NULL, NULL, "onoffline"},
	{"refresh", "[NAME|SUBNET]", "look up the names again, and fetch new keys",
	    1, NULL, NULL, "refresh"},
	{"reselect", "", "select the best server again",
	    0, NULL, NULL, "reselect"},
	{"reset", "[sources]", "drop all samples, and measure again",
	    1, NULL, NULL, "reset"},
	{"step", "", "step the clock instead of slewing it",
	    0, NULL, NULL, "step"},
	{"makestep", "", "another name of step", 2, NULL, NULL, "makestep"},
	{"reload", "[sources]", "read the configuration again",
	    1, NULL, NULL, "reload"},
	{"dump", "", "save the samples now", 0, NULL, NULL, "dump"},
	{"cyclelogs", "", "open the files of measurements again, after a rotation",
	    0, NULL, NULL, "cyclelogs"},
	{"import", "[OPTION]... FILE",
	    "an ntsagent.conf from a chrony.conf, ntp.toml, ntp.conf ...",
	    1, NULL, run_import, NULL},
	{"help", "[COMMAND]", "this text, or that of one command",
	    1, NULL, run_help, NULL},
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

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* The command that was probably meant; NULL: none is similar. */
static const char *nearest_command(const char *name)
{
	return nearest_in(
	    name, &commands[0].name, ARRAY_LEN(commands), sizeof(commands[0]));
}

/* One line: what ntsctl does instead, or which word was meant. */
static enum exit_status complain_unknown(FILE *errors, const char *name)
{
	const char *instead = suggest_instead(name);
	char why[OPTIONS_ERROR_MAX], text[NEAREST_TEXT_MAX];

	if (instead) {
		fprintf(errors, "ntsctl: %s: %s\n", name, instead);
		return EXIT_REFUSED;
	}
	snprintf(why, sizeof(why), "there is no command '%.40s'%s", name,
	    nearest_text(nearest_command(name), "", text));
	return complain_usage(errors, why);
}

static enum exit_status run_waitsync(const struct call *call)
{
	const struct options *o = call->options;
	char why[WAITSYNC_ERROR_MAX];
	struct waitsync w;

	if (!waitsync_arguments(&w, o->argc, o->argv, why))
		return complain_usage(call->errors, why);
	w.form = o->chronyc ? WAITSYNC_CHRONYC_CSV : WAITSYNC_OWN;
	return waitsync_run(&w, o->socket, &call->view, call->errors);
}

static enum exit_status run_metrics(const struct call *call)
{
	const struct options *o = call->options;
	char why[CONNECT_ERROR_MAX] = "";
	enum exit_status status = show_metrics(
	    o->socket, o->argc > 0 ? o->argv[0] : NULL, call->view.out, why);

	if (status == EXIT_USAGE)
		return complain_usage(call->errors, why);
	if (status != EXIT_OK)
		complain(call->errors, why);
	return status;
}

static enum exit_status run_events(const struct call *call)
{
	const struct options *o = call->options;
	const struct events_options e = {
	    .socket = o->socket,
	    .since = o->since,
	    .source = o->source,
	    .follow = o->follow,
	};

	return events_run(&e, &call->view, call->errors);
}

static enum exit_status run_graph(const struct call *call)
{
	return call->tools->graph(call->options, &call->view, call->errors);
}

static enum exit_status run_watch(const struct call *call)
{
	return call->tools->watch(call->options, &call->view, call->errors);
}

static enum exit_status run_compare(const struct call *call)
{
	return call->tools->compare(call->options, &call->view, call->errors);
}

/* Returns only if it fails. The status is that of a plugin: unknown. */
static enum exit_status run_check(const struct call *call)
{
	char why[ELSEWHERE_ERROR_MAX];

	fflush(call->view.out);
	elsewhere_check(call->options, why);
	complain(call->errors, why);
	return EXIT_NO_STATUS;
}

/* With options of its own it does not come here, see ctl_main(). */
static enum exit_status run_import(const struct call *call)
{
	const struct options *o = call->options;
	char name[] = "import", *argv[] = {name, NULL, NULL};

	if (o->argc > 0)
		argv[1] = o->argv[0];
	return (enum exit_status)call->tools->import(
	    o->argc > 0 ? 2 : 1, argv, call->view.out, call->errors);
}

static enum exit_status help_of(const struct command *c, FILE *out)
{
	fprintf(out, "usage: ntsctl %s [OPTION]...%s%s\n\n  %s\n", c->name,
	    c->arguments[0] ? " " : "", c->arguments, c->help);
	if (c->order)
		fputs("  Only root may give this order.\n", out);
	fputs("\nOptions:\n", out);
	options_help_of(c->name, out);
	fputs("\nSee ntsctl(8) and ntsctl-tools(8).\n", out);
	return EXIT_OK;
}

static enum exit_status help_of_all(FILE *out)
{
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

/* `help COMMAND`, `COMMAND --help` and `--help COMMAND`. import has a text of
 * its own. */
static enum exit_status run_help(const struct call *call)
{
	const struct options *o = call->options;
	const char *of = o->argc > 0 ? o->argv[0] : o->after_help;
	const struct command *c = of ? find_command(of) : NULL;
	char name[] = "import", help[] = "--help", *argv[] = {name, help, NULL};

	if (of && !c)
		return complain_unknown(call->errors, of);
	if (!c || c->run == run_help)
		return help_of_all(call->view.out);
	if (c->run == run_import)
		return (enum exit_status)call->tools->import(
		    2, argv, call->view.out, call->errors);
	return help_of(c, call->view.out);
}

static enum exit_status run_version(const struct call *call)
{
	fprintf(call->view.out,
	    "ntsctl (ntsagent) " NTSAGENT_VERSION "\n"
	    "Libraries: jansson-%s\n",
	    jansson_version_str());
	return EXIT_OK;
}

static bool fetch(const struct call *call, struct snapshot *s)
{
	char why[CONNECT_ERROR_MAX];

	if (snapshot_fetch(call->options->socket, s, why))
		return true;
	complain(call->errors, why);
	return false;
}

/* Only the sources that `name` means; false: there are none. */
static bool keep_named(struct snapshot *s, const char *name)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < s->source_count; i++)
		if (chronyc_names(&s->sources[i], name))
			s->sources[kept++] = s->sources[i];
	if (kept > 0)
		s->source_count = kept;
	return kept > 0;
}

static enum exit_status run_sourcename(const struct call *call)
{
	const struct options *o = call->options;
	enum exit_status status = EXIT_OK;
	struct snapshot s;

	if (o->argc != 1)
		return complain_usage(
		    call->errors, "sourcename takes one address");
	if (!fetch(call, &s))
		return EXIT_NO_STATUS;
	if (keep_named(&s, o->argv[0]))
		fprintf(call->view.out, "%s\n", s.sources[0].host);
	else
		status =
		    control_no_source("ntsctl", &s, o->argv[0], call->errors);
	snapshot_free(&s);
	return status;
}

static enum exit_status run_ntpdata(const struct call *call)
{
	const struct options *o = call->options;
	struct view view = call->view;
	enum exit_status status;
	struct snapshot s;

	if (!fetch(call, &s))
		return EXIT_NO_STATUS;
	view.only = o->argc > 0 ? o->argv[0] : NULL;
	if (view.only && !keep_named(&s, view.only))
		status =
		    control_no_source("ntsctl", &s, view.only, call->errors);
	else
		status = report_ntpdata(&s, &view);
	snapshot_free(&s);
	return status;
}

/* -c: the CSV of chronyc. */
static enum exit_status run_chronyc(
    const struct command *c, const struct call *call)
{
	const struct options *o = call->options;
	struct chronyc_style style = {.csv = true, .all = o->all};
	chronyc_report_fn *report = chronyc_report(c->name);
	struct snapshot s;
	bool found;

	if (!report) {
		char why[OPTIONS_ERROR_MAX];

		snprintf(why, sizeof(why), "chronyc has no CSV of %s%s",
		    c->name, options_have_csv(c->name) ? ": use --csv" : "");
		return complain_usage(call->errors, why);
	}
	style.naming = o->named ? NAMING_HOST : NAMING_ADDRESS;
	style.only = o->argc > 0 ? o->argv[0] : NULL;
	if (!fetch(call, &s))
		return EXIT_NO_STATUS;
	found = report(&s, &style, call->view.out);
	if (!found)
		control_no_source("ntsctl", &s, style.only, call->errors);
	snapshot_free(&s);
	return found ? EXIT_OK : EXIT_REFUSED;
}

static enum exit_status run_report(
    const struct command *c, const struct call *call)
{
	enum exit_status status;
	struct snapshot s;

	if (!fetch(call, &s))
		return EXIT_NO_STATUS;
	status = c->report(&s, &call->view);
	snapshot_free(&s);
	return status;
}

static enum exit_status run_order(
    const struct command *c, const struct call *call)
{
	const struct options *o = call->options;

	const struct control control = {
	    "ntsctl", o->socket, call->view.out, call->errors};

	return control_run(&control, c->order, o->argc, o->argv);
}

static enum exit_status run_any(
    const struct command *c, const struct call *call)
{
	if (c->order)
		return run_order(c, call);
	if (call->options->chronyc && c->run != run_waitsync &&
	    c->run != run_sourcename)
		return run_chronyc(c, call);
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
	char why[OPTIONS_ERROR_MAX];
	enum exit_status status;

	if (call->options->follow && c->run == run_check)
		return complain_usage(call->errors,
		    "-f is for events; check judges another configuration with "
		    "--config FILE");
	if (call->options->argc > c->most_arguments) {
		snprintf(why, sizeof(why), "%s takes %s", c->name,
		    c->most_arguments == 0 ? "no arguments" : c->arguments);
		return complain_usage(call->errors, why);
	}
	if (!options_fit(call->options, why))
		return complain_usage(call->errors, why);
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
	const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");
	int fd = fileno(out);
	bool terminal = fd >= 0 && isatty(fd);
	bool screen = terminal && kind && *kind && strcmp(kind, "dumb") != 0;

	return (struct view){
	    .out = out,
	    .output = o->output,
	    .numeric = o->numeric,
	    .verbose = o->verbose,
	    .terminal = terminal,
	    .screen = screen,
	    .colour = screen && (!no_colour || *no_colour == '\0'),
	    .width = terminal_width(fd),
	};
}

/* `chronyc -h HOST` asks another machine. */
static bool asks_a_host(const struct options *o)
{
	return o->help && o->after_help && !find_command(o->after_help) &&
	       !suggest_instead(o->after_help) &&
	       !nearest_command(o->after_help);
}

int ctl_main(const struct ctl_tools *tools, int argc, char **argv, FILE *out,
    FILE *errors)
{
	const char *socket = getenv("NTSAGENT_STATUS");
	char why[OPTIONS_ERROR_MAX];
	const struct command *c;
	struct options options;
	struct call call;

	if (session_is_chronyc(argv[0]))
		return session_main(argc, argv, stdin, out, errors);
	/* It has options of its own, and asks no agent. */
	if (argc > 1 && strcmp(argv[1], "import") == 0)
		return (int)check_output((enum exit_status)tools->import(
					     argc - 1, argv + 1, out, errors),
		    out, errors);
	if (!socket || *socket == '\0')
		socket = STATUS_SOCKET_PATH;
	if (!options_parse(&options, argc, argv, socket, why))
		return (int)complain_usage(errors, why);
	c = find_command(options.command);
	if (!c)
		return (int)complain_unknown(errors, options.command);
	if (asks_a_host(&options))
		return (int)complain_usage(errors,
		    "-h is the help: ntsctl asks the agent of this machine "
		    "only; for another one: ssh HOST ntsctl");
	call = (struct call){tools, &options, view_of(&options, out), errors};
	return (int)run(c, &call);
}
