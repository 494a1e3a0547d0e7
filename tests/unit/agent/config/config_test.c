/* Reading files, sections and lines, and every error with its file and line. */
#include "tests/unit/agent/config/config_room.h"
#include "tests/unit/read_file.h"

#include "resolver/job.h"

#define NOBODY 65534

/* Lines. */

static void one_source_is_enough(void **state)
{
	struct config_room *r = *state;

	room_accepts(r, "[source a]\n");
	assert_int_equal(r->config.source_count, 1);
	assert_string_equal(r->config.sources[0].host, "a");
	assert_int_equal(r->config.sources[0].minpoll, POLL_AUTO);
}

static void each_default_is_as_documented(void **state)
{
	struct config_room *r = *state;
	const struct config *c = &r->config;
	const struct source_config *s = &c->sources[0];

	room_accepts(r, "[source a]\n");
	assert_string_equal(c->user, "ntsagent");
	assert_string_equal(c->user_resolver, "ntsagent-resolver");
	assert_string_equal(c->status_socket, "/run/ntsagent/status.sock");
	assert_string_equal(c->pidfile, "");
	assert_int_equal(c->sandbox, CONFINEMENT_YES);
	assert_true(c->trust.system_certs);
	assert_int_equal(c->trust.path_count, 0);
	assert_int_equal(c->trust.aead_count, 0);
	assert_int_equal(c->ke_timeout_ms, 10000);
	assert_string_equal(c->saved_keys, "/var/lib/ntsagent/keys");
	assert_string_equal(c->driftfile, "/var/lib/ntsagent/drift");
	assert_string_equal(
	    c->goodtime_file, "/var/lib/ntsagent/last-good-time");
	assert_int_equal(c->bootstrap, BOOTSTRAP_QUORUM);
	assert_int_equal(c->steering.makestep_threshold_ns, 100000000);
	assert_int_equal(c->steering.makestep_updates, 3);
	assert_float_equal(c->steering.max_slew_ppm, 50000, 0);
	assert_float_equal(c->max_freq_ppm, 100000, 0);
	assert_int_equal(c->steering.refuse_threshold_ns, 1000000000000);
	assert_int_equal(c->steering.max_distance_ns, 3000000000);
	assert_int_equal(c->steering.min_sources, 1);
	assert_float_equal(c->steering.max_clock_error_ppm, 0, 0);
	assert_int_equal(c->log_level, LOG_LEVEL_INFO);
	assert_int_equal(c->log_target, LOG_TO_STDERR);
	assert_int_equal(s->ke_port, 4460);
	assert_int_equal(s->ntp_port, 0);
	assert_int_equal(s->family, FAMILY_ANY);
	assert_true(s->iburst);
	assert_int_equal(s->minpoll, POLL_AUTO);
	assert_int_equal(s->maxpoll, POLL_AUTO);
	assert_int_equal(s->max_delay_ns, 3000000000);
	assert_false(s->options.prefer || s->options.noselect ||
		     s->options.trust || s->options.require);
	assert_string_equal(c->file, r->path);
}

/* Blanks, comments, no newline at the end, DOS lines, a byte order mark. */
static void shapes_of_lines(void **state)
{
	static const char *const texts[] = {
	    "[source a]",
	    "[source a]\nhost=b",
	    "\xef\xbb\xbf[source a]\r\nhost = b\r\n",
	    "  [ source a ]  \n\t host\t=\tb\t\n",
	    "[source a] ; c\nhost = b ; c\n",
	    "[source a];c\n[log]# c\n",
	    "# c = d ; e\n; c = d\n ;\n\n[source a]\n   # [x\n",
	    "[source a]\nhost = b\n\n \t\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		room_accepts(*state, texts[i]);
}

static void comments_need_a_blank(void **state)
{
	struct config_room *r = *state;

	room_accepts(r, "[clock]\ndriftfile = /a;b#c ;d;e\n[source a]\n");
	assert_string_equal(r->config.driftfile, "/a;b#c");
	room_refuses(r, "[source a]\nprefer = yes # c\n",
	    "2: prefer = yes # c: expected yes or no; a comment begins with "
	    "';'");
	room_refuses(r, "[source a]\nprefer = \"yes\"\n",
	    "2: prefer = \"yes\": expected yes or no; write the value without "
	    "quotes");
}

static void a_value_may_hold_an_equals_sign(void **state)
{
	struct config_room *r = *state;

	room_accepts(r, "[clock]\ndriftfile = /a=b\n[source a]\n");
	assert_string_equal(r->config.driftfile, "/a=b");
}

/* A text with one error, and the message without the path. */
static const struct {
	const char *text, *expected;
} bad_lines[] = {
    {"[source a]\nhost\n", "2: host: expected host = VALUE in [source NAME]"},
    {"[source a]\nhost ; = b\n",
	"2: host: expected host = VALUE in [source NAME]"},
    {"[source a]\nhost\tb  c\n", "2: host?b  c: expected host = b  c in "
				 "[source NAME]"},
    {"[source a]\nhost: b\n", "2: host: b: expected KEY = VALUE"},
    {"[source a]\nhost: b = c\n", "2: host: b = c: expected KEY = VALUE"},
    {"[source a]\nwhat ever\n", "2: what ever: expected KEY = VALUE"},
    {"[source a]\n\x1b[2J = b\n", "2: unknown key \"?[2J\" in [source]; see "
				  "ntsagent.conf(5)"},
    {"[source a\n", "1: [source a: expected a section head such as [clock]"},
    {"[source a]x\n",
	"1: [source a]x: expected a section head such as [clock]"},
    {"[source a]\nhost = b:4460\n",
	"2: host = b:4460: a host has no port here: write host = b and ntsport "
	"= 4460 in [source NAME]"},
    {"[source a]\nhost = [::1]:4460\n",
	"2: host = [::1]:4460: a host has no port here: write host = ::1 and "
	"ntsport = 4460 in [source NAME]"},
    {"[source b:4460]\n[source a]\n",
	"1: source b:4460: a host has no port here: write host = b and ntsport "
	"= 4460 in [source NAME]"},
    {"[source 192.0.2.300]\n",
	"1: [source 192.0.2.300]: no such host can exist: 192.0.2.300 (an IPv4 "
	"address has four numbers from 0 to 255)"},
    {"\n[source a]\nhost = 2001:db8::g\n",
	"2: [source a]: no such host can exist: 2001:db8::g (this is no IPv6 "
	"address)"},
    {"[pool a..example]\n",
	"1: [pool a..example]: no such host can exist: a..example (a part of a "
	"host name has 1 to 63 characters)"},
    {"host = b\n[source a]\n", "1: \"host\" comes before the first section"},
    {"[source a]\n= b\n", "2: unknown key \"\" in [source]; see "
			  "ntsagent.conf(5)"},
};

static const struct {
	const char *text, *expected;
} bad_sections[] = {
    {"[clok]\nx = y\n[source a]\n",
	"1: unknown section [clok]; did you mean [clock]?"},
    {"[Clock]\n[source a]\n",
	"1: unknown section [Clock]; did you mean [clock]?"},
    {"[NTS]\n", "1: unknown section [NTS]; did you mean [nts]?"},
    {"[sourse ntpserver]\nhost = b\n[source a]\n",
	"1: unknown section [sourse ntpserver]; did you mean [source NAME]?"},
    {"[server a]\n[source a]\n",
	"1: unknown section [server a]: write a section [source NAME] for "
	"each server; one without nts cannot be used"},
    {"[nts a]\n[source a]\n",
	"1: unknown section [nts a]; did you mean [nts]?"},
    {"[what]\n[source a]\n",
	"1: unknown section [what]; the sections are [agent], [nts], [clock], "
	"[log], [source NAME] and [pool NAME]"},
    {"[]\n[source a]\n",
	"1: unknown section []; the sections are [agent], [nts], [clock], "
	"[log], [source NAME] and [pool NAME]"},
    {"[source]\n",
	"1: [source ]: expected a name of 1 to 63 letters, digits, '-', '.', "
	"'_', ':' or '%'"},
    {"[source a b]\n",
	"1: [source a b]: expected a name of 1 to 63 letters, digits, '-', "
	"'.', '_', ':' or '%'"},
    {"[source a/b]\nhost = c\nwhat = ever\n",
	"1: [source a/b]: expected a name of 1 to 63 letters, digits, '-', "
	"'.', '_', ':' or '%'"},
    {"[source \303\244.de]\n",
	"1: [source ??.de]: expected a name of 1 to 63 letters, digits, '-', "
	"'.', '_', ':' or '%'; write an international name in its ASCII form, "
	"xn--..."},
};

static const struct {
	const char *text, *expected;
} bad_keys[] = {
    {"[source a]\nhost = \303\244.de\n",
	"2: host = ??.de: expected a host name or an IP address; write an "
	"international name in its ASCII form, xn--..."},
    {"[nts]\ntrusted-cert = /a\n[source a]\n",
	"2: unknown key \"trusted-cert\" in [nts]; did you mean "
	"\"trusted-certs\"?"},
    {"[source a]\nMinpoll = 4\n",
	"2: unknown key \"Minpoll\" in [source]; did you mean \"minpoll\"?"},
    {"[source a]\nserver = b\n",
	"2: unknown key \"server\": write a section [source NAME] for each "
	"server; one without nts cannot be used"},
    {"[nts]\nntstrustedcerts = /a\n[source a]\n",
	"2: unknown key \"ntstrustedcerts\": write trusted-certs in [nts]"},
    {"[clock]\nwhatever = 1\n[source a]\n",
	"2: unknown key \"whatever\" in [clock]; see ntsagent.conf(5)"},
    {"[source a]\nport = 1\nport = 3\n",
	"3: port = 3: port is already set in line 2"},
    {"[clock]\nminsources = 1\n[log]\n[clock]\nminsources = 1\n[source a]\n",
	"5: minsources = 1: minsources is already set in line 2"},
    {"[source a]\nlevel = info\n",
	"2: level does not belong in [source] but in [log]"},
    {"[log]\nhost = a\n[source a]\n",
	"2: host does not belong in [log] but in [source NAME]"},
    {"[nts]\ndrift-file = /a\n[source a]\n",
	"2: unknown key \"drift-file\" in [nts]; did you mean \"driftfile\" in "
	"[clock]?"},
    {"[clock]\nminsurces = 1\n[source a]\n",
	"2: unknown key \"minsurces\" in [clock]; did you mean "
	"\"minsources\"?"},
    {"[clock]\n1234567890123456789012345678901234567890 = 1\n[source a]\n",
	"2: unknown key \"1234567890123456789012345678901234567890\" in "
	"[clock]; see ntsagent.conf(5)"},
};

static void bad_lines_are_reported(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_lines); i++)
		room_refuses(*state, bad_lines[i].text, bad_lines[i].expected);
}

static void bad_sections_are_reported(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_sections); i++)
		room_refuses(
		    *state, bad_sections[i].text, bad_sections[i].expected);
}

static void bad_keys_are_reported(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_keys); i++)
		room_refuses(*state, bad_keys[i].text, bad_keys[i].expected);
}

/* Every directive of chrony.conf(5) and every option of a server there. */
static const char *const chrony_words[] = {"server", "pool", "peer",
    "initstepslew", "refclock", "manual", "acquisitionport", "bindacqaddress",
    "bindacqdevice", "dscp", "dumpdir", "maxsamples", "minsamples", "ntsaeads",
    "ntscachedir", "ntsdumpdir", "ntsrefresh", "ntstrustedcerts", "maxntsretry",
    "nosystemcert", "nocerttimecheck", "refresh", "authselectmode",
    "combinelimit", "maxdistance", "maxjitter", "minsources", "reselectdist",
    "stratumweight", "maxunreach", "clockprecision", "corrtimeratio",
    "driftfile", "fallbackdrift", "leapsecmode", "leapsectz", "leapseclist",
    "makestep", "maxchange", "maxclockerror", "maxdrift", "maxupdateskew",
    "maxslewrate", "tempcomp", "allow", "deny", "bindaddress", "binddevice",
    "broadcast", "clientloglimit", "noclientlog", "local", "ntpsigndsocket",
    "ntsport", "ntsservercert", "ntsserverkey", "ntsprocesses",
    "maxntsconnections", "ntsntpserver", "ntsrotate", "port", "ratelimit",
    "ntsratelimit", "smoothtime", "bindcmdaddress", "bindcmddevice", "cmdallow",
    "cmddeny", "cmdport", "cmdratelimit", "opencommands", "hwclockfile",
    "rtcautotrim", "rtcdevice", "rtcfile", "rtconutc", "rtcsync", "log",
    "logbanner", "logchange", "logdir", "mailonchange", "confdir", "sourcedir",
    "include", "hwtimestamp", "hwtstimeout", "maxtxbuffers", "keyfile",
    "lock_all", "pidfile", "ptpdomain", "ptpport", "sched_priority", "user",
    "dumponexit", "commandkey", "generatecommandkey", "linux_hz",
    "linux_freq_scale", "minpoll", "maxpoll", "iburst", "burst", "key", "nts",
    "certset", "maxdelay", "maxdelayratio", "maxdelaydevratio", "maxdelayquant",
    "mindelay", "asymmetry", "offset", "filter", "offline", "auto_offline",
    "prefer", "noselect", "trust", "require", "xleave", "polltarget", "presend",
    "minstratum", "version", "extfield", "copy", "ipv4", "ipv6", "maxsources"};

/* A line with it says what to write, and where; or that it is not needed; or
 * that it is impossible, and why. A section head or a key that the advice names
 * is one. */
static void every_word_of_chrony_has_one_answer(void **state)
{
	struct config_room *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(chrony_words); i++) {
		static const char *const answers[] = {"leave it out",
		    "impossible here, because", "not supported", " in [",
		    "[log]", "section [source NAME]", "section [pool NAME]",
		    "sources.d", "trusted certificates of [nts]", "conf.d",
		    "the agent writes no log", "iburst", "status-socket",
		    "see bootstrap in [clock]"};
		char text[256];
		bool answered = false;

		snprintf(
		    text, sizeof(text), "%s x\n[source a]\n", chrony_words[i]);
		room_load(r, text);
		assert_int_equal(r->errors, 1);
		if (strstr(r->said, "expected KEY = VALUE"))
			fail_msg("%s has no answer", chrony_words[i]);
		for (size_t k = 0; k < ARRAY_LEN(answers); k++)
			answered |= strstr(r->said, answers[k]) != NULL;
		if (!answered)
			fail_msg("%s: %s", chrony_words[i], r->said);
	}
	room_refuses(r, "port 0\n[source a]\n",
	    "1: port 0: leave it out: the agent serves no time and opens no "
	    "port");
	/* It would be the port of chronyd as a server. */
	room_refuses(r, "ntsport 4460\n[source a]\n",
	    "1: ntsport 4460: leave it out: the agent serves no time; the port "
	    "of a server is ntsport = NUMBER in [source NAME]");
	room_refuses(r, "driftfile /x\n[source a]\n",
	    "1: driftfile /x: leave it out: the agent keeps its own; its place "
	    "is driftfile = FILE in [clock]");
}

/* The chrony.conf of a client: the advice for each of its lines. */
static void lines_of_chrony_get_advice(void **state)
{
	struct config_room *r = *state;
	char expected[1024];

	room_load(r, "server ntpserver iburst nts\nallow 192.0.2.0/24\n"
		     "ntstrustedcerts /etc/pki/rootca.crt\nmakestep 1.0 3\n"
		     "rtcsync\n[source a]\n");
	snprintf(expected, sizeof(expected),
	    "%1$s:1: server ntpserver iburst nts: write a section [source "
	    "NAME] "
	    "for each server; one without nts cannot be used\n"
	    "%1$s:2: allow 192.0.2.0/24: leave it out: the agent serves no "
	    "time and opens no port\n"
	    "%1$s:3: ntstrustedcerts /etc/pki/rootca.crt: write trusted-certs "
	    "in [nts]\n"
	    "%1$s:4: makestep 1.0 3: expected makestep = 1.0 3 in "
	    "[clock]\n"
	    "%1$s:5: rtcsync: leave it out: the kernel sets the RTC while the "
	    "clock is synchronised\n",
	    r->path);
	assert_string_equal(r->said, expected);
	assert_int_equal(r->errors, 5);
}

/* Then the missing source is not one more error. */
static void a_whole_file_of_chrony_can_be_imported(void **state)
{
	struct config_room *r = *state;
	char expected[1024];

	room_load(r, "# of chrony\nrtcsync\nmakestep 1.0 3\n");
	snprintf(expected, sizeof(expected),
	    "%1$s:2: rtcsync: leave it out: the kernel sets the RTC while the "
	    "clock is synchronised\n"
	    "%1$s:3: makestep 1.0 3: expected makestep = 1.0 3 in [clock]\n"
	    "%1$s: this looks like a file of chrony or ntpd; to write one of "
	    "the agent from it (package ntsagent-tools; ntpd: --format=ntpd): "
	    "ntsctl import --format=chrony %1$s\n",
	    r->path);
	assert_string_equal(r->said, expected);
	room_load(r, "nonsense\n");
	assert_null(strstr(r->said, "import"));
}

/* What an administrator writes from habit, and what to write instead. */
static void a_habit_gets_a_hint(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
	    {"[nts]\ntrusted-certs = /etc/pki/*.crt\n",
		"; a pattern is not expanded, so name the directory\n"},
	    {"[clock]\ndriftfile = /var/lib/ntsagent/\n",
		"; this is a directory, so name a file in it\n"},
	    {"[source x]\nhost = [2001:db8::1]\n",
		"; write an IPv6 address without brackets\n"},
	    {"[source [2001:db8::1]]\n",
		"; write an IPv6 address without brackets\n"},
	};
	struct config_room *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		room_load(r, rows[i].text);
		if (!strstr(r->said, rows[i].said))
			fail_msg("%s: %s", rows[i].text, r->said);
	}
}

/* A hint that fits another kind of value would be untrue. */
static void a_hint_is_for_paths_or_addresses_alone(void **state)
{
	static const char *const texts[] = {"[source x]\nhost = a.example/\n",
	    "[source x]\nhost = *.a.example\n", "[clock]\nmakestep = [1 3\n",
	    "[[source]]\n"};
	struct config_room *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		room_load(r, texts[i]);
		if (strstr(r->said, "; a pattern") ||
		    strstr(r->said, "; this is a directory") ||
		    strstr(r->said, "brackets"))
			fail_msg("%s: %s", texts[i], r->said);
	}
}

static void all_errors_are_reported(void **state)
{
	struct config_room *r = *state;
	char expected[1024];

	room_load(r,
	    "[clock]\nminsources = x\nfoo = 1\nmax-slew\n[what]\nany = 1\n"
	    "[source a]\nport = 0\n[source a]\nport = 0\n");
	snprintf(expected, sizeof(expected),
	    "%1$s:2: minsources = x: expected a number from 1 to 64\n"
	    "%1$s:3: unknown key \"foo\" in [clock]; see ntsagent.conf(5)\n"
	    "%1$s:4: max-slew: expected max-slew = VALUE in [clock]\n"
	    "%1$s:5: unknown section [what]; the sections are [agent], [nts], "
	    "[clock], [log], [source NAME] and [pool NAME]\n"
	    "%1$s:8: port = 0: expected a UDP port from 1 to 65535\n"
	    "%1$s:9: [source a] is already defined at %1$s:7\n",
	    r->path);
	assert_string_equal(r->said, expected);
	assert_int_equal(r->errors, 6);
}

/* Every error is reported, with its own line. */
static void a_thousand_errors_are_reported(void **state)
{
	struct config_room *r = *state;
	char *text = calloc(1000, 16), *said = calloc(1000, 128);
	char *end = text;
	size_t len = 0;

	assert_true(text && said);
	end += sprintf(end, "[source a]\n");
	for (int i = 2; i <= 1000; i++) {
		end += sprintf(end, "port = x%d\n", i);
		len += (size_t)snprintf(said + len, 128,
		    "%s:%d: port = x%d: %s\n", r->path, i, i,
		    i == 2 ? "expected a UDP port from 1 to 65535"
			   : "port is already set in line 2");
	}
	room_load(r, text);
	assert_int_equal(r->errors, 999);
	assert_in_range(len, 1, sizeof(r->said) - 1);
	assert_string_equal(r->said, said);
	free(text);
	free(said);
}

/* Longer than every buffer. The next line is read as usual. */
static void a_line_of_10000_bytes_is_reported(void **state)
{
	struct config_room *r = *state;
	char text[10100], expected[256];

	memset(text, 'x', 10000);
	memcpy(text, "[clock]\ndriftfile = /", 21);
	strcpy(text + 10000, "\nminsources = x\n[source a]\n");
	room_load(r, text);
	snprintf(expected, sizeof(expected),
	    "%1$s:2: the line is longer than 198 bytes\n"
	    "%1$s:3: minsources = x: expected a number from 1 to 64\n",
	    r->path);
	assert_string_equal(r->said, expected);
	assert_int_equal(r->errors, 2);
}

static void a_line_of_198_bytes_is_whole(void **state)
{
	struct config_room *r = *state;
	char line[256], text[512];

	memset(line, 'x', sizeof(line));
	memcpy(line, "driftfile = /", 13);
	line[198] = '\0';
	snprintf(text, sizeof(text), "[clock]\n%s\n[source a]\n", line);
	room_accepts(r, text);
	assert_int_equal(strlen(r->config.driftfile), 198 - 12);
	line[198] = 'x';
	line[199] = '\0';
	snprintf(text, sizeof(text), "[clock]\n%s\n[source a]\n", line);
	room_refuses(r, text, "2: the line is longer than 198 bytes");
	memcpy(line, "trusted-certs = /", 17);
	snprintf(text, sizeof(text), "[nts]\n%s\n[source a]\n", line);
	room_refuses(r, text,
	    "2: the line is longer than 198 bytes; set the key again in "
	    "another line for the rest");
}

static void a_long_comment_is_no_error(void **state)
{
	char text[5000];

	memset(text, 'x', sizeof(text));
	text[0] = '#';
	memcpy(text + sizeof(text) - 13, "\n[source a]\n", 13);
	room_accepts(*state, text);
}

/* The only error of a file of these bytes is a NUL byte in this line. */
static void has_a_nul(
    struct config_room *r, const char *bytes, size_t size, unsigned line)
{
	char expected[256];

	room_put_bytes(r, "main.conf", bytes, size);
	room_load_path(r, r->path);
	snprintf(expected, sizeof(expected),
	    "%s:%u: the line holds a NUL byte; save the file as plain text in "
	    "UTF-8\n",
	    r->path, line);
	assert_string_equal(r->said, expected);
	assert_int_equal(r->errors, 1);
}

static void a_nul_is_reported(void **state)
{
	static const char text[] = "[source a]\nhost = b\0c\n";

	has_a_nul(*state, text, sizeof(text) - 1, 2);
}

/* An editor of Windows may save so. Nothing else is known of such a file. */
static void a_file_in_utf16_is_one_error(void **state)
{
	static const char text[] = "\377\376[\0s\0]\0\n\0a\0=\0b\0\n\0";

	has_a_nul(*state, text, sizeof(text) - 1, 1);
}

/* Sections. */

/* The section of a key counts, not the order of sections. */
static void sections_mix(void **state)
{
	struct config_room *r = *state;
	struct config *c = &r->config;

	room_accepts(r,
	    "[source a]\nport = 1\n[clock]\nminsources = 2\nmax-slew = 9\n"
	    "[source b]\nport = 2\n[nts]\nke-timeout = 3\n[clock]\n"
	    "max-drift = 4\n");
	assert_int_equal(c->source_count, 2);
	assert_int_equal(c->sources[0].ntp_port, 1);
	assert_int_equal(c->sources[1].ntp_port, 2);
	assert_int_equal(c->steering.min_sources, 2);
	assert_float_equal(c->steering.max_slew_ppm, 9, 0);
	assert_float_equal(c->max_freq_ppm, 4, 0);
	assert_int_equal(c->ke_timeout_ms, 3000);
}

static void at_most_64_sources_fit(void **state)
{
	struct config_room *r = *state;
	char text[2048] = "", expected[64];

	for (int i = 0; i <= SOURCES_MAX; i++) {
		char line[32];

		if (i == SOURCES_MAX)
			room_accepts(r, text);
		snprintf(line, sizeof(line), "[source s%d]\n", i);
		strcat(text, line);
	}
	assert_int_equal(r->config.source_count, SOURCES_MAX);
	snprintf(expected, sizeof(expected),
	    "%d: [source s%d]: more than %d sources", SOURCES_MAX + 1,
	    SOURCES_MAX, SOURCES_MAX);
	room_refuses(r, text, expected);
}

static void long_names_are_refused(void **state)
{
	struct config_room *r = *state;
	char text[128];

	memset(text, 'n', sizeof(text));
	memcpy(text, "[source ", 8);
	memcpy(text + 8 + SOURCE_NAME_MAX - 1, "]\n", 3);
	room_accepts(r, text);
	assert_int_equal(
	    strlen(r->config.sources[0].name), SOURCE_NAME_MAX - 1);
	memcpy(text + 8 + SOURCE_NAME_MAX - 1, "n]\n", 4);
	room_load(r, text);
	assert_int_equal(r->errors, 1);
}

static void two_keys_choose_the_family(void **state)
{
	static const struct {
		const char *keys;
		enum family_choice expected;
	} rows[] = {
	    {"", FAMILY_ANY},
	    {"ipv4 = yes\nipv6 = yes\n", FAMILY_ANY},
	    {"ipv4 = yes\n", FAMILY_IPV4},
	    {"ipv6 = yes\n", FAMILY_IPV6},
	    {"ipv4 = no\n", FAMILY_IPV6},
	    {"ipv6 = no\n", FAMILY_IPV4},
	    {"ipv4 = yes\nipv6 = no\n", FAMILY_IPV4},
	    {"ipv4 = no\nipv6 = yes\n", FAMILY_IPV6},
	};
	struct config_room *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[64];

		snprintf(text, sizeof(text), "[source a]\n%s", rows[i].keys);
		room_accepts(r, text);
		assert_int_equal(r->config.sources[0].family, rows[i].expected);
	}
	room_refuses(r, "\n[source a]\nipv4 = no\nipv6 = no\n",
	    "2: [source a]: ipv4 = no and ipv6 = no: no address is left");
}

/* Rules for several keys. */

static void keys_are_judged_together(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
	    {"", " no source: add a section [source NAME], with the name of an "
		 "NTS server"},
	    {"[clock]\nminstratum = 3\nmaxstratum = 2\n[source a]\n",
		" minstratum = 3 is above maxstratum = 2"},
	    {"[clock]\nminsources = 2\n[source a]\n[source b]\n"
	     "noselect = yes\n",
		" minsources = 2, but only 1 of 2 sources may be selected"},
	    {"[source a]\nnoselect = yes\n",
		" minsources = 1, but only 0 of 1 sources may be selected"},
	    {"[nts]\nsystem-certs = no\n[source a]\n",
		" system-certs = no without trusted-certs: no server could be "
		"trusted"},
	    {"[log]\n[source a]\nminpoll = 7\nmaxpoll = 6\n",
		"2: [source a]: minpoll 7 is above maxpoll 6"},
	};
	struct config_room *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		room_refuses(r, rows[i].text, rows[i].expected);
	room_accepts(r, "[source a]\nminpoll = 6\nmaxpoll = 6\n");
	room_accepts(
	    r, "[nts]\nsystem-certs = no\ntrusted-certs = /a\n[source a]\n");
}

/* These rules are checked although lines are bad. But nothing is reported
 * missing that a bad line may have contained. */
static void keys_are_judged_together_despite_errors(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
	    {"[log]\nlevel = x\n", ": no source: "},
	    {"[log]\nlevel = x\n[source a]\nminpoll = 7\nmaxpoll = 6\n",
		":3: [source a]: minpoll 7 is above maxpoll 6\n"},
	    {"[log]\nlevel = x\n[nts]\nsystem-certs = no\n[source a]\n",
		": system-certs = no without trusted-certs: "},
	    {"[clock]\nminsources = 2\nx = y\n[source a]\n",
		": minsources = 2, but only 1 of 1 sources "},
	};
	static const char *const quiet[] = {
	    "[sourc a]\n",
	    "[source a\n",
	    "[source /]\n",
	    "[clock]\nminsources = 2\n[source a]\n[source a]\n",
	    "[nts]\nsystem-certs = no\ntrusted-certs = a\n[source a]\n",
	};
	struct config_room *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		room_load(r, rows[i].text);
		assert_int_equal(r->errors, 2);
		assert_non_null(strstr(r->said, rows[i].expected));
	}
	for (size_t i = 0; i < ARRAY_LEN(quiet); i++) {
		room_load(r, quiet[i]);
		assert_int_equal(r->errors, 1);
	}
}

/* Files. */

static void says(
    const struct config_room *r, const char *path, const char *what)
{
	char expected[512];

	snprintf(expected, sizeof(expected), "%s: %s\n", path, what);
	assert_string_equal(r->said, expected);
	assert_int_equal(r->errors, 1);
}

static void a_missing_file_is_reported(void **state)
{
	struct config_room *r = *state;

	room_load_path(r, r->path);
	says(r, r->path,
	    "cannot read: No such file or directory; write it "
	    "(ntsagent.conf(5) has examples), or name another one with -f");
}

static void a_denied_file_has_a_cure(void **state)
{
	const bool root = geteuid() == 0;
	struct config_room *r = *state;

	room_put(r, "main.conf", "");
	assert_int_equal(chmod(r->dir, 0), 0);
	if (root)
		assert_int_equal(seteuid(NOBODY), 0);
	room_load_path(r, r->path);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(r->dir, 0700), 0);
	says(r, r->path,
	    "cannot read: Permission denied; see who may read it: namei -l "
	    "FILE; if root may not: journalctl -g denied");
}

static void a_folder_is_not_a_file(void **state)
{
	struct config_room *r = *state;

	room_load_path(r, r->dir);
	says(r, r->dir, "cannot read: Is a directory");
}

/* Each source keeps the path. If it were cut, it would name another file. */
static void a_long_path_is_reported(void **state)
{
	struct config_room *r = *state;
	char path[300];

	memset(path, '/', sizeof(path));
	memcpy(path, r->dir, strlen(r->dir));
	strcpy(path + 255 - 9, "main.conf");
	room_put(r, "main.conf", "[source a]\n");
	room_load_path(r, path);
	assert_int_equal(r->errors, 0);
	assert_string_equal(r->config.sources[0].file, path);
	memset(path + 246, '/', 2);
	strcpy(path + 256 - 9, "main.conf");
	room_load_path(r, path);
	says(r, path, "cannot read: File name too long");
}

/* Without the main file, conf.d is not read. */
static void a_missing_file_is_the_only_error(void **state)
{
	struct config_room *r = *state;

	room_folder(r, "conf.d");
	room_put(r, "conf.d/a.conf", "nonsense\n");
	room_load_path(r, r->path);
	says(r, r->path,
	    "cannot read: No such file or directory; write it "
	    "(ntsagent.conf(5) has examples), or name another one with -f");
}

static void an_empty_conf_d_is_no_error(void **state)
{
	struct config_room *r = *state;

	room_folder(r, "conf.d");
	room_accepts(r, "[source a]\n");
}

static void files_of_conf_d_are_read_in_order(void **state)
{
	struct config_room *r = *state;
	char path[128];

	room_folder(r, "conf.d");
	room_put(
	    r, "conf.d/20-b.conf", "[clock]\nminsources = 3\n[source c]\n");
	room_put(r, "conf.d/10-a.conf",
	    "[clock]\nminsources = 2\n[nts]\ntrusted-certs = /b\n[source b]\n");
	room_put(r, "conf.d/30-x.conf~", "nonsense\n");
	room_put(r, "conf.d/.30-x.conf", "nonsense\n");
	room_put(r, "conf.d/README", "nonsense\n");
	room_accepts(r,
	    "[clock]\nminsources = 1\n[nts]\ntrusted-certs = /a\n[source a]\n");
	assert_int_equal(r->config.steering.min_sources, 3);
	assert_int_equal(r->config.trust.path_count, 2);
	assert_string_equal(r->config.trust.paths[1], "/b");
	assert_int_equal(r->config.source_count, 3);
	assert_string_equal(r->config.sources[1].name, "b");
	assert_string_equal(r->config.sources[2].name, "c");
	assert_string_equal(
	    r->config.sources[2].file, room_path(r, "conf.d/20-b.conf", path));
	assert_int_equal(r->config.sources[2].line, 3);
}

/* A section ends with its file. */
static void a_file_begins_outside_of_sections(void **state)
{
	struct config_room *r = *state;
	char path[128];

	room_folder(r, "conf.d");
	room_put(r, "conf.d/a.conf", "host = b\n");
	room_load(r, "[source a]\n");
	says(r, room_path(r, "conf.d/a.conf:1", path),
	    "\"host\" comes before the first section");
}

static void a_source_in_two_files_names_both(void **state)
{
	struct config_room *r = *state;
	char path[128], what[128];

	room_folder(r, "conf.d");
	room_put(r, "conf.d/a.conf", "\n[source a]\nhost = b\n");
	room_load(r, "[log]\n\n[source a]\n");
	snprintf(what, sizeof(what), "[source a] is already defined at %s:3",
	    r->path);
	says(r, room_path(r, "conf.d/a.conf:2", path), what);
}

static void errors_of_all_files_are_reported(void **state)
{
	struct config_room *r = *state;

	room_folder(r, "conf.d");
	room_put(r, "conf.d/a.conf", "[log]\nlevel = x\n");
	room_put(r, "conf.d/b.conf", "[log]\ntarget = x\n");
	room_load(r, "[clock]\nmax-slew = x\n[source a]\n");
	assert_int_equal(r->errors, 3);
	assert_non_null(strstr(r->said, "main.conf:2: max-slew"));
	assert_non_null(strstr(r->said, "conf.d/a.conf:2: level"));
	assert_non_null(strstr(r->said, "conf.d/b.conf:2: target"));
}

/* Not by its mode: root may read every file. */
static void a_conf_d_that_cannot_be_read_is_reported(void **state)
{
	struct config_room *r = *state;
	char path[128];

	assert_int_equal(symlink("conf.d", room_path(r, "conf.d", path)), 0);
	room_load(r, "[source a]\n");
	says(r, path, "cannot read: Too many levels of symbolic links");
}

static void an_unreadable_file_of_conf_d_is_reported(void **state)
{
	struct config_room *r = *state;
	char path[128];

	room_folder(r, "conf.d");
	assert_int_equal(
	    symlink("missing", room_path(r, "conf.d/a.conf", path)), 0);
	room_load(r, "[source a]\n");
	says(r, path, "cannot read: No such file or directory");
}

/* The file may have had a source, or a certificate. */
static void an_unreadable_file_may_have_had_what_is_missing(void **state)
{
	static const char *const texts[] = {
	    "[log]\n", "[nts]\nsystem-certs = no\n[source a]\n"};
	struct config_room *r = *state;
	char path[128];

	room_folder(r, "conf.d");
	assert_int_equal(
	    symlink("missing", room_path(r, "conf.d/a.conf", path)), 0);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		room_load(r, texts[i]);
		says(r, path, "cannot read: No such file or directory");
	}
}

static void no_conf_d_is_no_error(void **state)
{
	struct config_room *r = *state;

	room_put(r, "conf.d", "not a folder\n");
	room_accepts(r, "[source a]\n");
}

static void a_path_without_a_folder(void **state)
{
	struct config_room *r = *state;
	char here[256];

	room_put(r, "main.conf", "[source a]\n");
	room_folder(r, "conf.d");
	room_put(r, "conf.d/b.conf", "[source b]\n");
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(r->dir), 0);
	room_load_path(r, "main.conf");
	assert_int_equal(chdir(here), 0);
	assert_int_equal(r->errors, 0);
	assert_int_equal(r->config.source_count, 2);
	assert_string_equal(r->config.file, "main.conf");
}

#define IN_ROOM(test)                                                          \
	cmocka_unit_test_setup_teardown(test, room_make, room_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_ROOM(one_source_is_enough),
	    IN_ROOM(each_default_is_as_documented),
	    IN_ROOM(shapes_of_lines),
	    IN_ROOM(comments_need_a_blank),
	    IN_ROOM(a_value_may_hold_an_equals_sign),
	    IN_ROOM(bad_lines_are_reported),
	    IN_ROOM(bad_sections_are_reported),
	    IN_ROOM(bad_keys_are_reported),
	    IN_ROOM(every_word_of_chrony_has_one_answer),
	    IN_ROOM(lines_of_chrony_get_advice),
	    IN_ROOM(a_whole_file_of_chrony_can_be_imported),
	    IN_ROOM(a_habit_gets_a_hint),
	    IN_ROOM(a_hint_is_for_paths_or_addresses_alone),
	    IN_ROOM(all_errors_are_reported),
	    IN_ROOM(a_thousand_errors_are_reported),
	    IN_ROOM(a_line_of_10000_bytes_is_reported),
	    IN_ROOM(a_line_of_198_bytes_is_whole),
	    IN_ROOM(a_long_comment_is_no_error),
	    IN_ROOM(a_nul_is_reported),
	    IN_ROOM(a_file_in_utf16_is_one_error),
	    IN_ROOM(sections_mix),
	    IN_ROOM(at_most_64_sources_fit),
	    IN_ROOM(long_names_are_refused),
	    IN_ROOM(two_keys_choose_the_family),
	    IN_ROOM(keys_are_judged_together),
	    IN_ROOM(keys_are_judged_together_despite_errors),
	    IN_ROOM(a_missing_file_is_reported),
	    IN_ROOM(a_denied_file_has_a_cure),
	    IN_ROOM(a_folder_is_not_a_file),
	    IN_ROOM(a_long_path_is_reported),
	    IN_ROOM(a_missing_file_is_the_only_error),
	    IN_ROOM(an_empty_conf_d_is_no_error),
	    IN_ROOM(files_of_conf_d_are_read_in_order),
	    IN_ROOM(a_file_begins_outside_of_sections),
	    IN_ROOM(a_source_in_two_files_names_both),
	    IN_ROOM(errors_of_all_files_are_reported),
	    IN_ROOM(a_conf_d_that_cannot_be_read_is_reported),
	    IN_ROOM(an_unreadable_file_of_conf_d_is_reported),
	    IN_ROOM(an_unreadable_file_may_have_had_what_is_missing),
	    IN_ROOM(no_conf_d_is_no_error),
	    IN_ROOM(a_path_without_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
