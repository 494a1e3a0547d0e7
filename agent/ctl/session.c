#include "agent/ctl/session.h"

#include "agent/ctl/chronyc/chronyc.h"
#include "agent/ctl/control.h"
#include "agent/ctl/fetch.h"
#include "agent/ctl/snapshot/nearest.h"
#include "agent/ctl/suggest.h"
#include "agent/ctl/waitsync.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define WORDS_MAX 16
#define NO_DAEMON "506 Cannot talk to daemon"

struct session {
	const char *socket; /* NULL: no agent can be reached as asked */
	struct chronyc_style style;
	bool numeric, names; /* -n, -N */
	bool dots;	     /* -e */
	bool several;	     /* -m: each argument is a command */
	bool quit;
	FILE *out, *errors;
};

typedef bool command_fn(struct session *s, int argc, char **argv);

bool session_is_chronyc(const char *program)
{
	const char *slash = program ? strrchr(program, '/') : NULL;

	return program && strcmp(slash ? slash + 1 : program, "chronyc") == 0;
}

/* ---- answers ---- */

static bool unreachable(struct session *s, const char *why)
{
	fputs(NO_DAEMON "\n", s->out);
	fprintf(s->errors, "chronyc: %s\n", why);
	return false;
}

static bool fetch(struct session *s, struct snapshot *snapshot)
{
	char why[CONNECT_ERROR_MAX];

	if (!s->socket)
		return unreachable(s,
		    "ntsctl asks the agent of this machine only; for another "
		    "one: ssh HOST ntsctl");
	return snapshot_fetch(s->socket, snapshot, why) || unreachable(s, why);
}

/* ---- reports ---- */

/* Options may follow the name of a report. */
static void take_report_options(
    struct chronyc_style *style, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		style->all = style->all || strcmp(argv[i], "-a") == 0;
		style->verbose = style->verbose ||
				 (!style->csv && strcmp(argv[i], "-v") == 0);
	}
}

static bool run_report(struct session *s, int argc, char **argv)
{
	struct chronyc_style style = s->style;
	struct snapshot snapshot;
	bool found;

	style.naming = s->names			    ? NAMING_HOST
		       : s->numeric || s->style.csv ? NAMING_ADDRESS
						    : NAMING_HOST;
	if (strcmp(argv[0], "ntpdata") == 0)
		style.only = argc > 1 ? argv[1] : NULL;
	else
		take_report_options(&style, argc, argv);
	if (!fetch(s, &snapshot))
		return false;
	found = chronyc_report(argv[0])(&snapshot, &style, s->out);
	snapshot_free(&snapshot);
	if (!found)
		fputs("503 No such source\n", s->out);
	return found;
}

static bool run_sourcename(struct session *s, int argc, char **argv)
{
	struct snapshot snapshot;
	bool found = false;

	if (argc != 2) {
		fputs("Could not read address\n", s->errors);
		return false;
	}
	if (!fetch(s, &snapshot))
		return false;
	for (unsigned i = 0; i < snapshot.source_count && !found; i++) {
		found = chronyc_names(&snapshot.sources[i], argv[1]);
		if (found)
			fprintf(s->out, "%s\n", snapshot.sources[i].host);
	}
	snapshot_free(&snapshot);
	if (!found)
		fputs("503 No such source\n", s->out);
	return found;
}

static bool run_waitsync(struct session *s, int argc, char **argv)
{
	struct view view = {.out = s->out};
	char why[WAITSYNC_ERROR_MAX];
	struct waitsync w;

	if (!s->socket)
		return unreachable(s, "ntsctl asks this machine only");
	if (!waitsync_arguments(&w, argc - 1, argv + 1, why)) {
		fprintf(s->errors, "chronyc: %s\n", why);
		return false;
	}
	w.no_agent = NO_DAEMON "\n";
	w.form = s->style.csv ? WAITSYNC_CHRONYC_CSV : WAITSYNC_CHRONYC;
	return waitsync_run(&w, s->socket, &view, s->errors) == EXIT_OK;
}

/* ---- orders ---- */

/* The control socket is there, but not for this user. */
static bool is_forbidden(const char *status_socket)
{
	char path[ORDER_PATH_MAX];

	order_path(status_socket, path);
	return access(path, W_OK) != 0 && (errno == EACCES || errno == EPERM);
}

static const char *status_line(struct session *s, enum exit_status status)
{
	switch (status) {
	case EXIT_OK:
		return "200 OK";
	case EXIT_REFUSED:
		return "500 Failure";
	case EXIT_NO_STATUS:
		return is_forbidden(s->socket) ? "501 Not authorised"
					       : NO_DAEMON;
	case EXIT_USAGE:
	default:
		return NULL;
	}
}

static bool is_number(const char *text)
{
	char *end;

	(void)strtod(text, &end);
	return end != text;
}

static bool is_switch(const char *name)
{
	return strcmp(name, "online") == 0 || strcmp(name, "offline") == 0;
}

/* These are nothing without the word "sources". */
static bool needs_sources(const char *name)
{
	return strcmp(name, "reload") == 0 || strcmp(name, "reset") == 0;
}

static bool has_sources(int argc, char **argv)
{
	return argc == 2 && strcmp(argv[1], "sources") == 0;
}

/* The arguments that chronyc itself refuses. */
static const char *syntax_error(int argc, char **argv)
{
	if (strcmp(argv[0], "burst") == 0 &&
	    (argc < 2 || !control_is_burst(argv[1])))
		return "Invalid syntax for burst command";
	if (is_switch(argv[0]) && argc > 2)
		return "Could not get address for hostname";
	if (needs_sources(argv[0]) && !has_sources(argc, argv))
		return strcmp(argv[0], "reset") == 0
			   ? "Invalid syntax for reset command"
			   : "Invalid syntax for reload command";
	if (strcmp(argv[0], "makestep") == 0 && argc > 1 &&
	    (argc < 3 || !is_number(argv[1]) || !is_number(argv[2])))
		return "Bad syntax for makestep command";
	return NULL;
}

/* How many words of an order chronyc reads; it ignores the others. */
static int words_read(const char *name)
{
	if (strcmp(name, "burst") == 0 || strcmp(name, "makestep") == 0)
		return 3;
	return is_switch(name) || needs_sources(name) ? 2 : 1;
}

/* The source that an order names; NULL: all. */
static const char *target_of(int argc, char **argv)
{
	if (strcmp(argv[0], "burst") == 0)
		return argc > 2 ? argv[2] : NULL;
	return argc > 1 && is_switch(argv[0]) ? argv[1] : NULL;
}

/* False: an answer is printed. */
static bool is_target_there(struct session *s, const char *target)
{
	struct snapshot snapshot;
	bool found = false;

	if (!fetch(s, &snapshot))
		return false;
	for (unsigned i = 0; i < snapshot.source_count && !found; i++)
		found = control_means(&snapshot.sources[i], target);
	snapshot_free(&snapshot);
	if (!found)
		fputs("503 No such source\n", s->out);
	return found;
}

/* chronyc prints a number and two words; our sentences go to the errors. */
static bool run_order(struct session *s, int argc, char **argv)
{
	struct control control = {"chronyc", s->socket, NULL, s->errors};
	const char *target;
	enum exit_status status;
	char *said = NULL;
	size_t size;

	if (syntax_error(argc, argv)) {
		fprintf(s->errors, "%s\n", syntax_error(argc, argv));
		return false;
	}
	if (argc > words_read(argv[0]))
		argc = words_read(argv[0]);
	target = target_of(argc, argv);
	if (!s->socket)
		return unreachable(s, "ntsctl asks this machine only");
	if (target && !is_target_there(s, target))
		return false;
	control.out = open_memstream(&said, &size);
	if (!control.out)
		return unreachable(s, "no memory is left");
	status = control_run(&control, argv[0], argc - 1, argv + 1);
	fclose(control.out);
	free(said);
	if (status_line(s, status))
		fprintf(s->out, "%s\n", status_line(s, status));
	return status == EXIT_OK;
}

/* ---- the others ---- */

/* Addresses or names, and families of addresses, which do not matter here. */
static bool run_dns(struct session *s, int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (strcmp(word, "-n") == 0 || strcmp(word, "+n") == 0) {
		s->numeric = word[0] == '-';
		return true;
	}
	if (word[0] == '-' && (word[1] == '4' || word[1] == '6'))
		return true;
	fputs("Unrecognized dns command\n", s->errors);
	return false;
}

static bool run_nothing(struct session *s, int argc, char **argv)
{
	(void)s;
	(void)argc;
	(void)argv;
	return true;
}

/* chronyc refuses a number that is too small. */
static bool run_timeout(struct session *s, int argc, char **argv)
{
	if (argc > 1 && strtol(argv[1], NULL, 10) >= 100)
		return true;
	fputs("Timeout is too short\n", s->errors);
	return false;
}

/* What chronyd answers if it has no such part, as this agent. */
static const struct {
	const char *name, *answer;
	bool done;
} without[] = {
    {"accheck", "209 Access denied", true},
    {"rekey", "200 OK", true},
    {"rtcdata", "513 RTC driver not running", false},
    {"settime", "505 Facility not enabled in daemon", false},
    {"smoothing", "505 Facility not enabled in daemon", false},
    {"trimrtc", "513 RTC driver not running", false},
    {"writertc", "513 RTC driver not running", false},
};

/* The number is for scripts; for people there is the sentence. */
static bool run_without(struct session *s, int argc, char **argv)
{
	size_t i = 0;

	(void)argc;
	while (strcmp(without[i].name, argv[0]) != 0)
		i++;
	fprintf(s->out, "%s\n", without[i].answer);
	if (!without[i].done)
		fprintf(s->errors, "chronyc: %s: %s\n", argv[0],
		    suggest_instead(argv[0]));
	return without[i].done;
}

static bool run_quit(struct session *s, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	s->quit = true;
	return true;
}

static command_fn run_help;

static const struct {
	const char *name;
	command_fn *run;
	const char *help;
} commands[] = {
    {"tracking", run_report, "the system clock against NTP time"},
    {"sources", run_report, "[-a] [-v]: the servers and their last sample"},
    {"sourcestats", run_report, "[-a] [-v]: estimates from each server"},
    {"selectdata", run_report, "[-a] [-v]: why a server is used or not"},
    {"authdata", run_report, "[-a] [-v]: keys and cookies"},
    {"ntpdata", run_report, "[NAME]: the latest answer of each server"},
    {"activity", run_report, "how many servers are in use"},
    {"sourcename", run_sourcename, "ADDRESS: the configured host"},
    {"waitsync", run_waitsync, "[TRIES [MAXCORRECTION [MAXSKEW [INTERVAL]]]]"},
    {"burst", run_order, "GOOD/MAX [NAME|SUBNET]: measure in a burst"},
    {"online", run_order, "[NAME|SUBNET]: ask the servers again"},
    {"offline", run_order, "[NAME|SUBNET]: send nothing to the servers"},
    {"onoffline", run_order, "look at the network again"},
    {"refresh", run_order, "look up the names again"},
    {"reselect", run_order, "select the best server again"},
    {"reload", run_order, "sources: read the configuration again"},
    {"reset", run_order, "sources: drop all samples, and measure again"},
    {"makestep", run_order, "step the clock"},
    {"dump", run_order, "save the samples now"},
    {"cyclelogs", run_order, "open the log files again"},
    {"dns", run_dns, "-n|+n: addresses or names"},
    {"timeout", run_timeout, "accepted for scripts"},
    {"retries", run_nothing, "accepted for scripts"},
    {"authhash", run_nothing, "accepted for scripts"},
    {"password", run_nothing, "accepted for scripts"},
    {"accheck", run_without, "ADDRESS: the agent serves nobody"},
    {"rekey", run_without, "there is no key file"},
    {"rtcdata", run_without, "the kernel sets the hardware clock"},
    {"settime", run_without, "the agent takes no time by hand"},
    {"smoothing", run_without, "the agent serves no time"},
    {"trimrtc", run_without, "the kernel sets the hardware clock"},
    {"writertc", run_without, "the kernel sets the hardware clock"},
    {"exit", run_quit, "leave"},
    {"quit", run_quit, "leave"},
    {"help", run_help, "this text"},
};

static bool run_help(struct session *s, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(
		    s->out, "%-12s %s\n", commands[i].name, commands[i].help);
	return true;
}

static bool complain_unknown(struct session *s, const char *name)
{
	const char *instead = suggest_instead(name), *meant;

	if (instead) {
		fprintf(s->errors, "chronyc: %s: %s\n", name, instead);
		return false;
	}
	meant = nearest_in(
	    name, &commands[0].name, ARRAY_LEN(commands), sizeof(commands[0]));
	fputs("Unrecognized command\n", s->errors);
	if (meant)
		fprintf(s->errors, "chronyc: did you mean '%s'?\n", meant);
	return false;
}

/* ---- lines ---- */

/* Returns the number of words; the others are ignored, as in chronyc. */
static int split(char *line, char *words[WORDS_MAX + 1])
{
	char *rest = NULL;
	int count = 0;

	for (char *w = strtok_r(line, " \t\r\n\v\f", &rest); w;
	     w = strtok_r(NULL, " \t\r\n\v\f", &rest))
		if (count < WORDS_MAX)
			words[count++] = w;
	words[count] = NULL;
	return count;
}

static bool run_words(struct session *s, int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, argv[0]) == 0)
			return commands[i].run(s, argc, argv);
	return complain_unknown(s, argv[0]);
}

/* An empty line and a comment are no commands. */
static bool run_line(struct session *s, char *line)
{
	char *words[WORDS_MAX + 1];
	int argc = split(line, words);
	bool good;

	if (argc == 0 || strchr("!;#%", words[0][0]))
		return true;
	good = run_words(s, argc, words);
	if (s->dots)
		fputs(".\n", s->out);
	fflush(s->errors);
	if (fflush(s->out) == 0 && !ferror(s->out))
		return good;
	fputs("Could not write to stdout\n", s->errors);
	return false;
}

static bool append(char line[static LINE_MAX_BYTES], const char *word)
{
	size_t len = strlen(line), left = LINE_MAX_BYTES - len;
	int more = snprintf(line + len, left, "%s ", word);

	return more >= 0 && (size_t)more < left;
}

/* All arguments are one command or, with -m, one each. */
static bool run_arguments(struct session *s, int argc, char **argv)
{
	char line[LINE_MAX_BYTES] = "";
	bool good = true;

	for (int i = 0; i < argc && good && !s->quit; i++) {
		if (!append(line, argv[i])) {
			fputs("Command too long\n", s->errors);
			return false;
		}
		if (!s->several && i + 1 < argc)
			continue;
		good = run_line(s, line);
		line[0] = '\0';
	}
	return good;
}

static bool run_input(struct session *s, FILE *in)
{
	bool prompt = isatty(fileno(in)) && isatty(fileno(s->out)) &&
		      isatty(fileno(s->errors));
	char line[LINE_MAX_BYTES];
	bool good = true;

	if (prompt)
		fputs("chronyc of ntsagent " NTSAGENT_VERSION "\n", s->out);
	while (!s->quit) {
		if (prompt) {
			fputs("chronyc> ", s->out);
			fflush(s->out);
		}
		if (!fgets(line, sizeof(line), in)) {
			fputs(prompt ? "\n" : "", s->out);
			break;
		}
		good = run_line(s, line);
	}
	return good;
}

/* ---- the command line ---- */

/* The hosts of -h, separated by commas: a path of a status socket, or this
 * machine. The socket of chronyd, which scripts name, is ours. */
static const char *choose_socket(char *hosts, const char *usual)
{
	static const char *const here[] = {"localhost", "127.0.0.1", "::1",
	    "/run/chrony/chronyd.sock", "/var/run/chrony/chronyd.sock"};
	char *rest = NULL;

	for (char *host = strtok_r(hosts, ",", &rest); host;
	     host = strtok_r(NULL, ",", &rest)) {
		for (size_t i = 0; i < ARRAY_LEN(here); i++)
			if (strcmp(host, here[i]) == 0)
				return usual;
		if (host[0] == '/')
			return host;
	}
	return NULL;
}

static void print_usage(FILE *out)
{
	fputs("usage: chronyc [OPTION]... [COMMAND]...\n\n"
	      "  -c           CSV\n"
	      "  -n           addresses instead of names\n"
	      "  -N           the configured hosts\n"
	      "  -m           each argument is a command\n"
	      "  -e           a line with a dot ends each answer\n"
	      "  -h HOST      this machine, or the path of a status socket\n"
	      "  -v           the version\n"
	      "  -4 -6 -a -d -f -w, -p PORT, -u USER: accepted, without "
	      "effect\n\n"
	      "This is ntsctl of ntsagent under the name of chronyc: see "
	      "ntsctl(8).\n",
	    out);
}

static void print_version(FILE *out)
{
	fputs("chronyc (ntsagent) version " NTSAGENT_VERSION "\n", out);
}

/* -1: go on; else the exit status. */
static int take_option(struct session *s, int letter)
{
	switch (letter) {
	case 'c':
		s->style.csv = true;
		return -1;
	case 'e':
		s->dots = true;
		return -1;
	case 'h':
		s->socket = choose_socket(optarg, s->socket);
		return -1;
	case 'm':
		s->several = true;
		return -1;
	case 'n':
		s->numeric = true;
		return -1;
	case 'N':
		s->names = true;
		return -1;
	case 'v':
		print_version(s->out);
		return 0;
	case '?':
		print_usage(s->out);
		return 1;
	default:
		return -1;
	}
}

static int take_options(struct session *s, int argc, char **argv)
{
	int letter, status = -1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			print_usage(s->out);
			return 0;
		}
		if (strcmp(argv[i], "--version") == 0) {
			print_version(s->out);
			return 0;
		}
	}
	opterr = 0;
	optind = 0; /* makes getopt of glibc start again */
	while (status < 0 &&
	       (letter = getopt(argc, argv, "+46acdef:h:mnNp:u:vw")) != -1)
		status = take_option(s, letter);
	return status;
}

int session_main(int argc, char **argv, FILE *in, FILE *out, FILE *errors)
{
	const char *socket = getenv("NTSAGENT_STATUS");
	struct session s = {.out = out, .errors = errors};
	int status;
	bool good;

	s.socket = socket && *socket ? socket : STATUS_SOCKET_PATH;
	status = take_options(&s, argc, argv);
	if (status < 0) {
		good = optind < argc
			   ? run_arguments(&s, argc - optind, argv + optind)
			   : run_input(&s, in);
		status = good ? 0 : 1;
	}
	return fflush(out) == 0 && !ferror(out) ? status : 1;
}
