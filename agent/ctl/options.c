#include "agent/ctl/options.h"

#include <getopt.h>

/* getopt_long returns these for options without a letter. */
enum { LONG_JSON = 256, LONG_CSV };

/* clang-format off */
static const struct {
	struct option option;
	const char *shown, *help;
} known[] = {
	{{"socket", required_argument, NULL, 's'},
	    "-s, --socket PATH", "the agent's status socket; also NTSAGENT_STATUS"},
	{{"json", no_argument, NULL, LONG_JSON},
	    "--json", "print JSON, with units in the names"},
	{{"csv", no_argument, NULL, LONG_CSV},
	    "--csv", "print CSV with a heading"},
	{{"numeric", no_argument, NULL, 'n'},
	    "-n, --numeric", "addresses instead of the configured names"},
	{{"names", no_argument, NULL, 'N'},
	    "-N, --names", "the configured names: the default"},
	{{"all", no_argument, NULL, 'a'},
	    "-a, --all", "all servers, also without an address: the default"},
	{{"verbose", no_argument, NULL, 'v'},
	    "-v, --verbose", "explain the columns and each source's state"},
	{{"help", no_argument, NULL, 'h'},
	    "-h, --help", "this text"},
	{{"version", no_argument, NULL, 'V'},
	    "-V, --version", "the version"},
};
/* clang-format on */

static const char letters[] = ":s:nNavhV";

void options_help(FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		fprintf(out, "  %-18s %s\n", known[i].shown, known[i].help);
}

static void take(struct options *out, int letter)
{
	switch (letter) {
	case 's':
		out->socket = optarg;
		break;
	case 'n':
	case 'N':
		out->numeric = letter == 'n';
		break;
	case 'v':
		out->verbose = true;
		break;
	case 'h':
		out->command = "help";
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
	default: /* -a: the reports always show all servers */
		break;
	}
}

static bool refuse(char **argv, int letter, char why[static OPTIONS_ERROR_MAX])
{
	const char *problem =
	    letter == ':' ? "needs an argument" : "is not known";

	/* getopt_long sets optopt to the letter, if there is one. */
	if (optopt > 0 && optopt < LONG_JSON)
		snprintf(
		    why, OPTIONS_ERROR_MAX, "option -%c %s", optopt, problem);
	else
		snprintf(why, OPTIONS_ERROR_MAX, "option %s %s",
		    argv[optind - 1], problem);
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
	if (out->command) /* -h and -V win over a command */
		return true;
	out->command = optind < argc ? argv[optind++] : "status";
	out->argc = argc - optind;
	out->argv = argv + optind;
	return true;
}
