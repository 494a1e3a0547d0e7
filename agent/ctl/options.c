#include "agent/ctl/options.h"

#include "agent/ctl/snapshot/nearest.h"

#include <getopt.h>
#include <string.h>

/* getopt_long returns these for options without a letter. */
enum {
	LONG_JSON = 256,
	LONG_CSV,
	LONG_SINCE,
	LONG_SOURCE,
	LONG_LAST,
	LONG_SVG,
	LONG_CHRONYD,
	LONG_FOR,
	LONG_LIVE,
	LONG_CONFIG,
};

/* The commands that heed an option; NULL: each. */
#define TABLES "sources sourcestats authdata selectdata ntpdata "
#define REPORTS TABLES "status tracking activity events graph waitsync compare "

/* clang-format off */
static const struct {
	struct option option;
	const char *shown, *help, *of;
} known[] = {
	{{"socket", required_argument, NULL, 's'},
	    "-s, --socket PATH", "the agent's status socket; also NTSAGENT_STATUS", NULL},
	{{"json", no_argument, NULL, LONG_JSON},
	    "--json", "print JSON, with units in the names",
	    REPORTS "check "},
	{{"csv", no_argument, NULL, LONG_CSV},
	    "--csv", "print CSV with a heading",
	    REPORTS},
	{{"chronyc", no_argument, NULL, 'c'},
	    "-c, --chronyc", "print the CSV of chronyc, without a heading",
	    TABLES "tracking activity waitsync "},
	{{"numeric", no_argument, NULL, 'n'},
	    "-n, --numeric", "addresses instead of the configured names",
	    TABLES "tracking "},
	{{"names", no_argument, NULL, 'N'},
	    "-N, --names", "the configured names: the default",
	    TABLES "tracking "},
	{{"all", no_argument, NULL, 'a'},
	    "-a, --all", "all servers, also without an address: the default",
	    TABLES},
	{{"verbose", no_argument, NULL, 'v'},
	    "-v, --verbose", "explain the columns and each source's state",
	    TABLES},
	{{"follow", no_argument, NULL, 'f'},
	    "-f, --follow", "events: go on with new ones",
	    "events "},
	{{"since", required_argument, NULL, LONG_SINCE},
	    "--since WHEN", "events: from 6h ago on, or a time of UTC",
	    "events "},
	{{"source", required_argument, NULL, LONG_SOURCE},
	    "--source NAME", "events, graph: of this server",
	    "events graph "},
	{{"last", required_argument, NULL, LONG_LAST},
	    "--last TIME", "graph: 10m, 6h (the default), 30d",
	    "graph "},
	{{"svg", required_argument, NULL, LONG_SVG},
	    "--svg FILE", "graph: write a picture; - is the output",
	    "graph "},
	{{"chronyd", required_argument, NULL, LONG_CHRONYD},
	    "--chronyd WHERE", "compare: chronyd's address or socket",
	    "compare "},
	{{"for", required_argument, NULL, LONG_FOR},
	    "--for TIME", "compare: how long, such as 1h or 24h",
	    "compare "},
	{{"live", no_argument, NULL, LONG_LIVE},
	    "--live", "check: try each server, from its name to its time",
	    "check "},
	{{"config", required_argument, NULL, LONG_CONFIG},
	    "--config FILE", "check: the configuration to judge",
	    "check "},
	{{"limit", required_argument, NULL, 't'},
	    "-t, --limit N", "check: how many seconds it may take: 5 by default",
	    "check "},
	{{"help", no_argument, NULL, 'h'},
	    "-h, --help", "this text", NULL},
	{{"version", no_argument, NULL, 'V'},
	    "-V, --version", "the version", NULL},
};
/* clang-format on */

static const char letters[] = ":s:cnNavft:hV";

void options_help(FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		fprintf(out, "  %-18s %s\n", known[i].shown, known[i].help);
}

static bool is_listed(const char *list, const char *command)
{
	size_t len = strlen(command);

	for (const char *at = list; (at = strstr(at, command)); at += len)
		if ((at == list || at[-1] == ' ') && at[len] == ' ')
			return true;
	return false;
}

void options_help_of(const char *command, FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const char *of = known[i].of, *help = known[i].help;

		if (of && !is_listed(of, command))
			continue;
		fprintf(out, "  %-18s %s\n", known[i].shown, help);
	}
}

bool options_have_csv(const char *command)
{
	return is_listed(REPORTS, command);
}

/* These change what is shown; where they change nothing, a script that always
 * gives them works all the same. -c has a sentence of its own. */
static bool is_for_each(int letter)
{
	return letter < LONG_JSON && strchr("cnNav", letter);
}

/* A script that gives two of them expects one, and we cannot know which. */
static bool has_two_formats(const struct options *o)
{
	bool json = false, csv = false;

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		bool given = o->given >> i & 1;

		json |= given && known[i].option.val == LONG_JSON;
		csv |= given && known[i].option.val == LONG_CSV;
	}
	return json && (csv || o->chronyc);
}

bool options_fit(const struct options *o, char why[static OPTIONS_ERROR_MAX])
{
	if (has_two_formats(o)) {
		snprintf(why, OPTIONS_ERROR_MAX,
		    "%s: either --json or --csv or -c", o->command);
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const struct option *option = &known[i].option;

		if (!(o->given >> i & 1) || !known[i].of ||
		    is_for_each(option->val) ||
		    is_listed(known[i].of, o->command))
			continue;
		snprintf(why, OPTIONS_ERROR_MAX, "--%s is not for %s",
		    option->name, o->command);
		return false;
	}
	return true;
}

/* Options of one command. False: `letter` is none of them. */
static bool take_of_command(struct options *out, int letter)
{
	const struct {
		int letter;
		const char **value;
	} values[] = {
	    {LONG_SINCE, &out->since},
	    {LONG_SOURCE, &out->source},
	    {LONG_LAST, &out->last},
	    {LONG_SVG, &out->svg},
	    {LONG_CHRONYD, &out->chronyd},
	    {LONG_FOR, &out->duration},
	    {LONG_CONFIG, &out->config},
	    {'t', &out->limit},
	};

	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		if (letter == values[i].letter) {
			*values[i].value = optarg;
			return true;
		}
	if (letter == 'f')
		out->follow = true;
	else if (letter == LONG_LIVE)
		out->live = true;
	return letter == 'f' || letter == LONG_LIVE;
}

static void take(struct options *out, int letter)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].option.val == letter)
			out->given |= 1U << i;
	if (take_of_command(out, letter))
		return;
	switch (letter) {
	case 's':
		out->socket = optarg;
		break;
	case 'n':
	case 'N':
		out->numeric = letter == 'n';
		out->named = letter == 'N';
		break;
	case 'c':
		out->chronyc = true;
		break;
	case 'v':
		out->verbose = true;
		break;
	case 'h':
		out->command = "help";
		out->help = true;
		break;
	case 'V':
		out->command = "version";
		break;
	case LONG_JSON:
		out->output = OUTPUT_JSON;
		break;
	case LONG_CSV:
		out->output = OUTPUT_CSV;
		break;
	default: /* -a: only with -c; the other reports show all servers */
		out->all = true;
		break;
	}
}

static bool refuse(char **argv, int letter, char why[static OPTIONS_ERROR_MAX])
{
	const char *word = argv[optind - 1], *meant;
	char text[NEAREST_TEXT_MAX];
	const char *problem =
	    letter == ':' ? "needs an argument" : "is not known";

	/* getopt_long sets optopt to the letter, if there is one. */
	if (optopt != 0 && optopt < LONG_JSON) {
		snprintf(
		    why, OPTIONS_ERROR_MAX, "option -%c %s", optopt, problem);
		return false;
	}
	/* No option is near to nothing. */
	meant = nearest_in(letter == ':' ? "" : word + 2, &known[0].option.name,
	    ARRAY_LEN(known), sizeof(known[0]));
	snprintf(why, OPTIONS_ERROR_MAX, "option %.60s %s%s", word, problem,
	    nearest_text(meant, "--", text));
	return false;
}

bool options_parse(struct options *out, int argc, char **argv,
    const char *socket, char why[static OPTIONS_ERROR_MAX])
{
	struct option longs[ARRAY_LEN(known) + 1] = {{0}};
	int letter;

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		longs[i] = known[i].option;
	*out = (struct options){.socket = socket};
	opterr = 0;
	optind = 0; /* makes getopt of glibc start again */
	while ((letter = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (letter == '?' || letter == ':')
			return refuse(argv, letter, why);
		take(out, letter);
	}
	if (out->command) { /* -h and -V win over a command */
		out->after_help = optind < argc ? argv[optind] : NULL;
		return true;
	}
	out->command = optind < argc ? argv[optind++] : "status";
	out->argc = argc - optind;
	out->argv = argv + optind;
	return true;
}
