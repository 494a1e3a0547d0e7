#include "agent/ctl/import/run.h"

#include "agent/ctl/import/files.h"
#include "agent/ctl/import/state.h"
#include "agent/ctl/snapshot/clean.h"
#include "agent/ctl/snapshot/nearest.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define OUR_DRIFT "/var/lib/ntsagent/drift"

/* getopt_long returns these for options without a letter. */
enum { LONG_CHECK = 256, LONG_FORCE, LONG_FORMAT, LONG_STATE };

/* clang-format off */
static const struct {
	struct option option;
	const char *shown, *help;
} known[] = {
	{{"output", required_argument, NULL, 'o'},
	    "-o, --output OUT", "write OUT instead of standard output"},
	{{"check", no_argument, NULL, LONG_CHECK},
	    "--check", "write nothing, report every line"},
	{{"force", no_argument, NULL, LONG_FORCE},
	    "--force", "replace files that exist"},
	{{"format", required_argument, NULL, LONG_FORMAT},
	    "--format PROGRAM", "chrony, ntpd-rs, ntpd or timesyncd"},
	{{"with-state", optional_argument, NULL, LONG_STATE},
	    "--with-state[=FILE]", "also take the drift over, to " OUR_DRIFT},
	{{"help", no_argument, NULL, 'h'},
	    "-h, --help", "this text"},
};
/* clang-format on */

struct request {
	const char *file, *out, *drift; /* NULL: none */
	enum foreign_program program;
	bool format, check, force, help;
};

void import_help(FILE *out)
{
	fputs(
	    "usage: ntsctl import [OPTION]... FILE\n\n"
	    "Makes an ntsagent.conf of the configuration of another program.\n"
	    "FILE is a chrony.conf, ntp.toml, ntp.conf, ntpd.conf or "
	    "timesyncd.conf, or\n- with --format.\n\nOptions:\n",
	    out);
	for (size_t k = 0; k < ARRAY_LEN(known); k++)
		fprintf(out, "  %-20s %s\n", known[k].shown, known[k].help);
	fputs("\nExit status: 0 every line is taken over or not needed, 1 a "
	      "line has no\nequivalent or a server has no NTS, 2 usage, 3 a "
	      "file cannot be read or written.\n",
	    out);
}

static int complain(FILE *errors, int status, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
static int complain(FILE *errors, int status, const char *fmt, ...)
{
	va_list args;

	fputs("ntsctl: import: ", errors);
	va_start(args, fmt);
	vfprintf(errors, fmt, args);
	va_end(args);
	fputs(status == IMPORT_USAGE ? "; see: ntsctl import --help\n" : "\n",
	    errors);
	return status;
}

static bool find_program(const char *name, enum foreign_program *out)
{
	for (int p = 0; p < FOREIGN_PROGRAMS; p++) {
		if (strcmp(foreign_program_name((enum foreign_program)p),
			name) != 0)
			continue;
		*out = (enum foreign_program)p;
		return true;
	}
	return false;
}

/* By the names that the programs' packages give to their files. */
static bool guess_from(const char *text, enum foreign_program *out)
{
	static const struct {
		const char *part;
		enum foreign_program program;
	} names[] = {
	    {"chrony", FOREIGN_CHRONY},
	    {".sources", FOREIGN_CHRONY},
	    {"timesyncd", FOREIGN_TIMESYNCD},
	    {".toml", FOREIGN_NTPD_RS},
	    {"ntp.conf", FOREIGN_NTPD},
	    {"ntpd.conf", FOREIGN_NTPD},
	    {"ntpsec", FOREIGN_NTPD},
	};

	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		if (!strstr(text, names[k].part))
			continue;
		*out = names[k].program;
		return true;
	}
	return false;
}

/* A folder may have the name of another program: "from-chrony/ntp.conf". */
static bool guess_program(const char *path, enum foreign_program *out)
{
	const char *slash = strrchr(path, '/');

	return guess_from(slash ? slash + 1 : path, out) ||
	       guess_from(path, out);
}

/* `word` is what getopt read last; a letter may stand in the middle of it. */
static int refuse_option(int letter, const char *word, FILE *errors)
{
	const char *problem = letter == ':' ? "needs a value" : "is not known";
	const char *meant = NULL;
	char text[NEAREST_TEXT_MAX];

	if (optopt != 0 && optopt < LONG_CHECK)
		return complain(
		    errors, IMPORT_USAGE, "option -%c %s", optopt, problem);
	if (letter != ':')
		meant = nearest_in(word + 2, &known[0].option.name,
		    ARRAY_LEN(known), sizeof(known[0]));
	return complain(errors, IMPORT_USAGE, "option %.60s %s%s", word,
	    problem, nearest_text(meant, "--", text));
}

static int take_option(
    struct request *r, int letter, const char *word, FILE *errors)
{
	switch (letter) {
	case 'o':
		r->out = optarg;
		return 0;
	case 'h':
		r->help = true;
		return 0;
	case LONG_CHECK:
		r->check = true;
		return 0;
	case LONG_FORCE:
		r->force = true;
		return 0;
	case LONG_STATE:
		r->drift = optarg ? optarg : OUR_DRIFT;
		return 0;
	case LONG_FORMAT:
		r->format = find_program(optarg, &r->program);
		if (r->format)
			return 0;
		return complain(errors, IMPORT_USAGE,
		    "--format is chrony, ntpd-rs, ntpd or timesyncd, not "
		    "'%.40s'",
		    optarg);
	default:
		return refuse_option(letter, word, errors);
	}
}

static int judge(struct request *r, int argc, char **argv, FILE *errors)
{
	if (argc != 1)
		return complain(errors, IMPORT_USAGE, "%s",
		    argc == 0 ? "a file is missing" : "one file, please");
	r->file = argv[0];
	if (!r->format && !guess_program(r->file, &r->program))
		return complain(errors, IMPORT_USAGE,
		    "the name does not say whose file %.200s is; give "
		    "--format",
		    r->file);
	if (r->drift && r->program != FOREIGN_CHRONY &&
	    r->program != FOREIGN_NTPD)
		return complain(errors, IMPORT_USAGE,
		    "%s has no drift file for --with-state",
		    foreign_program_name(r->program));
	if (r->check && (r->out || r->drift))
		return complain(errors, IMPORT_USAGE,
		    "--check writes nothing: leave out --output and "
		    "--with-state");
	return 0;
}

static int parse(struct request *r, int argc, char **argv, FILE *errors)
{
	struct option longs[ARRAY_LEN(known) + 1] = {{0}};
	int letter, status = 0;

	for (size_t k = 0; k < ARRAY_LEN(known); k++)
		longs[k] = known[k].option;
	opterr = 0;
	optind = 0; /* makes getopt of glibc start again */
	while (status == 0 &&
	       (letter = getopt_long(argc, argv, ":o:h", longs, NULL)) != -1)
		status = take_option(r, letter, argv[optind - 1], errors);
	if (status != 0 || r->help)
		return status;
	return judge(r, argc - optind, argv + optind, errors);
}

/* timesyncd also reads the files of FILE.d, and NTPsec those of ntp.d next to
 * the file. */
static void read_drop_ins(struct import *i, const char *file)
{
	bool ntpd = i->draft->program == FOREIGN_NTPD;
	const char *slash = strrchr(file, '/');
	char folder[FILE_PATH_MAX];
	int len;

	if (!ntpd && i->draft->program != FOREIGN_TIMESYNCD)
		return;
	if (ntpd)
		len = snprintf(folder, sizeof(folder), "%.*sntp.d",
		    slash ? (int)(slash + 1 - file) : 0, file);
	else
		len = snprintf(folder, sizeof(folder), "%s.d", file);
	if (len > 0 && len < (int)sizeof(folder))
		(void)i->files->folder(i->files->self, i, folder, ".conf");
}

static bool is_sources_file(const struct request *r)
{
	const char *dot = strrchr(r->file, '.');

	return r->program == FOREIGN_CHRONY && dot &&
	       strcmp(dot, ".sources") == 0;
}

static bool read_config(const struct request *r, struct draft *d, FILE *errors)
{
	struct import i = {.draft = d, .files = &files_of_disk};
	size_t len;
	char *text = files_read(r->file, &len);

	if (!text) {
		complain(errors, IMPORT_FAILED, "cannot read %.200s: %s",
		    r->file, strerror(errno));
		return false;
	}
	d->servers_only = i.sources_only = is_sources_file(r);
	import_text(&i, r->file, text, len);
	free(text);
	d->file = r->file;
	read_drop_ins(&i, r->file);
	draft_finish(d);
	return true;
}

static bool write_config(
    const struct request *r, const struct draft *d, FILE *out, FILE *errors)
{
	char why[FILES_ERROR_MAX], *text = NULL;
	size_t len = 0;
	FILE *f;
	bool good;

	if (!r->out) {
		draft_write(d, r->file, out);
		if (fflush(out) == 0 && !ferror(out))
			return true;
		complain(errors, IMPORT_FAILED, "cannot write the output");
		return false;
	}
	f = open_memstream(&text, &len);
	if (!f) {
		complain(errors, IMPORT_FAILED, "out of memory");
		return false;
	}
	draft_write(d, r->file, f);
	good = fclose(f) == 0;
	snprintf(why, sizeof(why), "out of memory");
	good = good && files_write(r->out, text, len, r->force, why);
	free(text);
	if (!good)
		complain(errors, IMPORT_FAILED, "%s", why);
	return good;
}

/* Takes the drift over. That the other program has none yet is no failure. */
static bool write_state(
    const struct request *r, const struct draft *d, FILE *errors)
{
	char line[STATE_TEXT_MAX], why[FILES_ERROR_MAX];
	const char *from = d->driftfile;
	char shown[FILE_PATH_MAX * TEXT_CLEAN_GROWTH + 1];
	size_t len;
	char *text;
	bool good;

	if (from[0] == '\0') {
		fprintf(errors,
		    "%s: note: no driftfile is configured, so no "
		    "drift is taken over\n",
		    r->file);
		return true;
	}
	text_clean(shown, from, strlen(from));
	text = files_read_named(from, &len);
	if (!text && errno != ENOENT) {
		complain(errors, IMPORT_FAILED, "cannot read %s: %s", shown,
		    strerror(errno));
		return false;
	}
	if (!text) {
		fprintf(errors,
		    "%s: note: there is no %s yet, so no drift is taken over\n",
		    r->file, shown);
		return true;
	}
	good = strlen(text) == len && state_drift(r->program, text, line);
	free(text);
	if (!good) {
		complain(errors, IMPORT_FAILED, "%s is no drift file of %s",
		    shown, foreign_program_name(r->program));
		return false;
	}
	good = files_write(r->drift, line, strlen(line), r->force, why);
	if (!good)
		complain(errors, IMPORT_FAILED, "%s", why);
	else
		fprintf(errors, "%s: the drift is taken over to %s\n", shown,
		    r->drift);
	return good;
}

static int work(const struct request *r, FILE *out, FILE *errors)
{
	FILE *report = r->check ? out : errors;
	struct draft *d = draft_new(r->program, report, r->check);
	int status = IMPORT_FAILED;

	if (!d)
		return complain(errors, IMPORT_FAILED, "out of memory");
	if (read_config(r, d, errors) &&
	    (r->check || write_config(r, d, out, errors)) &&
	    (!r->drift || write_state(r, d, errors))) {
		draft_summary(d, report);
		status = d->lost + d->plain > 0 || d->source_count == 0
			     ? IMPORT_PART
			     : IMPORT_WHOLE;
	}
	draft_free(d);
	if (fflush(out) != 0 || ferror(out))
		return complain(
		    errors, IMPORT_FAILED, "cannot write the output");
	return status;
}

int import_run(int argc, char **argv, FILE *out, FILE *errors)
{
	struct request r = {.program = FOREIGN_CHRONY};
	int status = parse(&r, argc, argv, errors);

	if (status != 0)
		return status;
	if (r.help) {
		import_help(out);
		return IMPORT_WHOLE;
	}
	return work(&r, out, errors);
}
