#include "tests/server/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 4e9

/* Reads `text` into the options; false if it is not what the help says. */
typedef bool reader_fn(struct options *o, const char *text);

static bool number(const char *text, long lowest, long highest, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *out >= lowest &&
	       *out <= highest;
}

static bool seconds(const char *text, double lowest, int64_t *out_ns)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end != '\0' || !(s >= lowest && s <= SECONDS_MAX))
		return false;
	*out_ns = ns_of_s(s);
	return true;
}

/* The range of NTP's short format. */
static bool short_seconds(const char *text, int64_t *out_ns)
{
	return seconds(text, 0, out_ns) && *out_ns < 65536 * NS_PER_S;
}

static bool read_port(const char *text, uint16_t *port)
{
	long n;

	if (!number(text, 0, UINT16_MAX, &n))
		return false;
	*port = (uint16_t)n;
	return true;
}

static bool read_certificate(struct options *o, const char *text)
{
	o->certificate = text;
	return true;
}

static bool read_key(struct options *o, const char *text)
{
	o->key = text;
	return true;
}

static bool read_listen(struct options *o, const char *text)
{
	if (o->address_count == ADDRESSES_MAX)
		return false;
	o->addresses[o->address_count++] = text;
	return true;
}

static bool read_ke_port(struct options *o, const char *text)
{
	return read_port(text, &o->ke_port);
}

static bool read_ntp_port(struct options *o, const char *text)
{
	return read_port(text, &o->ntp_port);
}

static bool read_offset(struct options *o, const char *text)
{
	return seconds(text, -SECONDS_MAX, &o->identity.offset_ns);
}

static bool read_stratum(struct options *o, const char *text)
{
	long n;

	if (!number(text, 1, 15, &n))
		return false;
	o->identity.stratum = (uint8_t)n;
	return true;
}

static bool read_leap(struct options *o, const char *text)
{
	long n;

	if (!number(text, LEAP_NONE, LEAP_UNKNOWN, &n))
		return false;
	o->identity.leap = (enum leap)n;
	return true;
}

static bool read_root_delay(struct options *o, const char *text)
{
	return short_seconds(text, &o->identity.root_delay_ns);
}

static bool read_root_dispersion(struct options *o, const char *text)
{
	return short_seconds(text, &o->identity.root_dispersion_ns);
}

static bool read_fault(struct options *o, const char *text)
{
	char error[FAULT_ERROR_MAX];

	if (fault_switch_on(&o->faults, text, mono_now(), error))
		return true;
	fprintf(stderr, "%s\n", error);
	return false;
}

static bool read_fault_file(struct options *o, const char *text)
{
	o->fault_file = text;
	return true;
}

static bool read_verbose(struct options *o, const char *text)
{
	(void)text;
	o->verbose = true;
	return true;
}

static bool read_help(struct options *o, const char *text)
{
	(void)text;
	o->help = true;
	return true;
}

/* clang-format off */
static const struct {
	const char *name, *value; /* value NULL: the option has no value */
	reader_fn *read;
	const char *help;
} rows[] = {
	{"cert", "FILE", read_certificate, "certificate, followed by its chain (PEM)"},
	{"key", "FILE", read_key, "private key of the certificate (PEM)"},
	{"listen", "ADDRESS", read_listen, "repeatable; default 127.0.0.1 and, if it exists, ::1"},
	{"ke-port", "N", read_ke_port, "TCP port; default 0: a free port"},
	{"ntp-port", "N", read_ntp_port, "UDP port; default 0: a free port"},
	{"offset", "SECONDS", read_offset, "served time minus the time of this machine"},
	{"stratum", "N", read_stratum, "1 to 15 (1)"},
	{"leap", "N", read_leap, "0 none, 1 insert, 2 delete, 3 unknown"},
	{"root-delay", "SECONDS", read_root_delay, "round trip to the reference clock"},
	{"root-dispersion", "SECONDS", read_root_dispersion, "maximum error relative to the reference clock"},
	{"fault", "NAME[=VALUE]", read_fault, "repeatable; see below"},
	{"fault-file", "FILE", read_fault_file, "one NAME[=VALUE] in a line; read now and at SIGHUP"},
	{"verbose", NULL, read_verbose, "print a line for each exchange"},
	{"help", NULL, read_help, "print this text"},
};
/* clang-format on */

void options_help(FILE *out)
{
	fputs("usage: ntsserver --cert FILE --key FILE [OPTION ...]\n"
	      "An NTS time server for tests. It prints \"ready ke=PORT "
	      "ntp=PORT\" when ready.\n\n",
	    out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int width = fprintf(out, "  --%s %s", rows[i].name,
		    rows[i].value ? rows[i].value : "");

		fprintf(out, "%*s%s\n", width < 28 ? 28 - width : 1, "",
		    rows[i].help);
	}
	fputs(
	    "\nSIGHUP   read the fault file and the certificate again\n"
	    "SIGUSR1  new cookie key; cookies of the previous key stay valid\n"
	    "SIGUSR2  new cookie key; all older cookies become invalid\n"
	    "SIGTERM  print the counters and exit\n\n"
	    "Faults, with the default of N (times are in milliseconds):\n",
	    out);
	faults_help(out);
}

static bool take_option(struct options *o, int index)
{
	if (rows[index].read(o, optarg))
		return true;
	fprintf(stderr, "--%s %s is not valid; expected: %s\n",
	    rows[index].name, optarg, rows[index].help);
	return false;
}

static void fill_defaults(struct options *o)
{
	o->default_addresses = o->address_count == 0;
	if (o->default_addresses) {
		o->addresses[0] = "127.0.0.1";
		o->addresses[1] = "::1";
		o->address_count = 2;
	}
}

bool options_parse(struct options *o, int argc, char *argv[])
{
	struct option known[ARRAY_LEN(rows) + 1] = {0};
	int index = 0, code;

	*o = (struct options){.identity = {.stratum = 1}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		known[i] = (struct option){rows[i].name,
		    rows[i].value ? required_argument : no_argument, NULL, 0};
	while ((code = getopt_long(argc, argv, "", known, &index)) == 0) {
		if (!take_option(o, index))
			return false;
	}
	if (code != -1)
		return false;
	if (optind < argc || (!o->help && (!o->certificate || !o->key))) {
		fprintf(stderr, "--cert and --key are required, and there "
				"are no other arguments; see --help\n");
		return false;
	}
	fill_defaults(o);
	return true;
}
