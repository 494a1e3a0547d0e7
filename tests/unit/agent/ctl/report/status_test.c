#include "tests/unit/agent/ctl/report/shown.h"

static const struct view plain = {.width = 80};
static const struct view wide = {.width = 1000};

static void the_example_looks_as_expected(void **state)
{
	static const struct golden golden[] = {
	    {"status.txt", {.width = 80}},
	    {"status.csv", {.output = OUTPUT_CSV}},
	    {"status.json", {.output = OUTPUT_JSON}},
	};

	(void)state;
	assert_golden(report_status, golden, ARRAY_LEN(golden));
}

/* DEL is ASCII, and JSON does not ask to escape it. */
static void no_byte_of_the_whole_status_controls_the_terminal(void **state)
{
	json_t *tree = example();
	char *text;

	(void)state;
	set_text(example_source(tree, 2), "reason", "a\x7f\x1b\xc2\x9bz");
	text = report_of(
	    report_status, tree, (struct view){.output = OUTPUT_JSON}, EXIT_OK);
	assert_contains(text, "\"a\\u007F\\u001B\\u009Bz\"");
	assert_null(strpbrk(text, "\x7f\x1b\xc2"));
	free(text);
}

static json_t *clock_of(json_t *tree)
{
	return json_object_get(tree, "clock");
}

/* The example with its two good sources only, and a year left on their
 * certificates. */
static json_t *good(void)
{
	json_t *tree = example();

	json_array_remove(json_object_get(tree, "sources"), 2);
	for (size_t i = 0; i < 2; i++)
		set_int(json_object_get(example_source(tree, i), "nts"),
		    "cert_days_left", 365);
	return tree;
}

static json_t *unsynchronised(void)
{
	json_t *tree = good();

	set(clock_of(tree), "synchronised", json_false());
	set_text(example_source(tree, 0), "mark", "?");
	set_text(example_source(tree, 0), "state", "no-samples");
	set_text(example_source(tree, 0), "reason", "no such name");
	json_array_remove(json_object_get(tree, "sources"), 1);
	return tree;
}

static void assert_status(
    json_t *tree, enum exit_status status, const char *expected)
{
	char *text = report_of(report_status, tree, wide, status);

	assert_string_equal(text, expected);
	free(text);
}

static void a_good_clock_takes_two_lines(void **state)
{
	(void)state;
	assert_status(good(), EXIT_OK,
	    "The clock is right: 1.25 us slow, give or take 1.9 us; at most "
	    "83.7 us off.\n"
	    "Source: ntpserver (10.77.3.1), stratum 1; 2 of 2 sources usable, "
	    "2 combined\n");
}

static void a_name_may_have_many_addresses(void **state)
{
	json_t *tree = good();

	(void)state;
	set_int(example_source(tree, 0), "addresses", 30);
	assert_status(tree, EXIT_OK,
	    "The clock is right: 1.25 us slow, give or take 1.9 us; at most "
	    "83.7 us off.\n"
	    "Source: ntpserver (10.77.3.1, one of 30 addresses), stratum 1; 2 "
	    "of 2 sources usable, 2 combined\n");
}

/* They look like three, but two of them cannot outvote the third. */
static void names_of_one_server_are_told_once(void **state)
{
	char *text;
	json_t *tree = example();

	(void)state;
	set_text(example_source(tree, 2), "same_server", "ntpserver");
	text = report_of(report_status, tree, wide, EXIT_OK);
	assert_contains(text,
	    "2 combined\n"
	    "Servers: 3 sources are 2 servers, each with one vote; backup is "
	    "that of ntpserver\n");
	free(text);
}

static void all_names_of_one_server_have_one_vote(void **state)
{
	json_t *tree = good();

	(void)state;
	set_text(example_source(tree, 1), "same_server", "ntpserver");
	assert_status(tree, EXIT_OK,
	    "The clock is right: 1.25 us slow, give or take 1.9 us; at most "
	    "83.7 us off.\n"
	    "Source: ntpserver (10.77.3.1), stratum 1; 2 of 2 sources usable, "
	    "2 combined\n"
	    "Servers: 2 sources are 1 server with one vote; ntpserver-ipv6 is "
	    "that of ntpserver\n");
}

/* Also when all is well again. */
static void a_crash_is_never_forgotten(void **state)
{
	json_t *tree = good();

	(void)state;
	set_int(json_object_get(example_source(tree, 1), "nts"), "crashes", 2);
	assert_status(tree, EXIT_OK,
	    "The clock is right: 1.25 us slow, give or take 1.9 us; at most "
	    "83.7 us off.\n"
	    "Source: ntpserver (10.77.3.1), stratum 1; 2 of 2 sources usable, "
	    "2 combined\n"
	    "Warning: a job of the agent crashed 2 times during a key exchange "
	    "with ntpserver-ipv6: see the log\n");
}

/* Their sources are in no table, so nothing else would show it. */
static void files_that_are_not_used_are_named(void **state)
{
	static const char *const lines[] = {
	    "/etc/ntsagent/sources.d/a.conf:2: no such host can exist",
	    "/etc/ntsagent/sources.d/b.conf:1: unknown key"};
	json_t *tree = good(), *files = json_array();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		json_array_append_new(files, json_string(lines[i]));
	set(tree, "unused_files", files);
	set_int(tree, "unused_file_count", 5);
	assert_status(tree, EXIT_OK,
	    "The clock is right: 1.25 us slow, give or take 1.9 us; at most "
	    "83.7 us off.\n"
	    "Source: ntpserver (10.77.3.1), stratum 1; 2 of 2 sources usable, "
	    "2 combined\n"
	    "Warning: /etc/ntsagent/sources.d/a.conf:2: no such host can "
	    "exist; the sources of this file are not used\n"
	    "Warning: /etc/ntsagent/sources.d/b.conf:1: unknown key; the "
	    "sources of this file are not used\n"
	    "Warning: 3 more files of sources.d are not used: sudo "
	    "ntsagentd --check-config names each\n"
	    "To do: correct each file, then: ntsctl reload sources\n");
}

/* The clock is right, and only a restart would show that. */
static void what_is_not_saved_is_told(void **state)
{
	json_t *tree = good(), *texts = json_array();

	(void)state;
	json_array_append_new(texts, json_string("keys are lost: free space"));
	json_array_append_new(texts, json_string("the drift is old"));
	set(tree, "unsaved", texts);
	assert_status(tree, EXIT_OK,
	    "The clock is right: 1.25 us slow, give or take 1.9 us; at most "
	    "83.7 us off.\n"
	    "Source: ntpserver (10.77.3.1), stratum 1; 2 of 2 sources usable, "
	    "2 combined\n"
	    "Warning: keys are lost: free space\n"
	    "Warning: the drift is old\n");
}

/* The bound grows, but the verdict must not sound as on a good day. */
static void an_estimate_without_answers_is_called_so(void **state)
{
	json_t *tree = good();
	char *text;

	(void)state;
	set_int(example_source(tree, 0), "reach", 0);
	set(example_source(tree, 0), "last_rx_s", json_real(86400 + 3600));
	text = report_of(report_status, json_deep_copy(tree), wide, EXIT_OK);
	assert_null(strstr(text, "No server"));
	free(text);
	set_int(example_source(tree, 1), "reach", 0);
	set(example_source(tree, 1), "last_rx_s", json_real(7200));
	text = report_of(report_status, json_deep_copy(tree), wide, EXIT_OK);
	assert_contains(text, "No server has answered for 2 h, so");
	free(text);
	set(example_source(tree, 1), "last_rx_s", json_null());
	text = report_of(report_status, tree, wide, EXIT_OK);
	assert_contains(text,
	    "No server has answered for 25 h, so the time is an estimate. The "
	    "clock is right: 1.25 us slow");
	free(text);
}

static void sources_that_are_switched_off_are_not_silent(void **state)
{
	json_t *tree = good();
	char *text;

	(void)state;
	for (size_t i = 0;
	     i < json_array_size(json_object_get(tree, "sources")); i++) {
		set_int(example_source(tree, i), "reach", 0);
		set(example_source(tree, i), "failure", json_string("offline"));
	}
	text = report_of(report_status, tree, wide, EXIT_OK);
	assert_contains(
	    text, "No server is asked: all are switched off by order. The ");
	assert_null(strstr(text, "No server has answered"));
	free(text);
}

/* A slew takes its time: until then the clock is wrong. */
static void a_clock_that_is_slewed_is_not_called_right(void **state)
{
	json_t *tree = good();

	(void)state;
	set_int(clock_of(tree), "offset_ns", 3070000000);
	set_int(clock_of(tree), "bound_ns", 3070082400);
	assert_status(json_deep_copy(tree), EXIT_OK,
	    "The clock is being corrected: 3.07 s fast, give or take 1.9 us; "
	    "at most 3.08 s off.\n"
	    "Source: ntpserver (10.77.3.1), stratum 1; 2 of 2 sources usable, "
	    "2 combined\n");
	/* The path is no better than that. */
	set_int(clock_of(tree), "bound_ns", 6570023400);
	assert_status(tree, EXIT_OK,
	    "The clock is right: 3.07 s fast, give or take 1.9 us; at most "
	    "6.58 s off.\n"
	    "Source: ntpserver (10.77.3.1), stratum 1; 2 of 2 sources usable, "
	    "2 combined\n");
}

static void no_offset_is_not_slow(void **state)
{
	json_t *tree = good();
	char *text;

	(void)state;
	set_int(clock_of(tree), "offset_ns", 0);
	text = report_of(report_status, tree, wide, EXIT_OK);
	assert_contains(text, "The clock is right: 0 ns fast, ");
	free(text);
}

static void a_measured_clock_is_not_called_right(void **state)
{
	json_t *tree = good(), *c = clock_of(tree);
	char *text;

	(void)state;
	set(c, "controlled", json_false());
	set(c, "synchronised", json_false());
	set_text(c, "reason", "not started as root");
	set_int(c, "offset_ns", 99664022000);
	set_int(c, "bound_ns", 99664104400);
	text = report_of(
	    report_status, json_deep_copy(tree), wide, EXIT_NOT_SYNCHRONISED);
	assert_contains(text,
	    "The clock is only measured, not steered (not started as root): "
	    "99.7 s fast, give or take 1.9 us; at most 99.7 s off.\n");
	free(text);
	/* An older agent may not say all. */
	set(c, "est_error_ns", json_null());
	set(c, "bound_ns", json_null());
	text = report_of(report_status, tree, wide, EXIT_NOT_SYNCHRONISED);
	assert_contains(text, "99.7 s fast, give or take ?; at most ? off.\n");
	free(text);
}

/* The first sample selects a source, and the next ones give the offset. */
static void an_offset_that_is_not_known_is_not_zero(void **state)
{
	static const char *const members[] = {"offset_ns", "bound_ns",
	    "est_error_ns", "root_delay_ns", "root_dispersion_ns"};
	json_t *tree = good(), *c = clock_of(tree);
	char *text;

	(void)state;
	set(c, "synchronised", json_false());
	set_text(c, "reason", "");
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		set(c, members[i], json_null());
	text = report_of(
	    report_status, json_deep_copy(tree), wide, EXIT_NOT_SYNCHRONISED);
	assert_contains(text,
	    "The clock is not synchronised: the first answers are being "
	    "measured.\n");
	free(text);
	set_text(c, "reason", "the majority is not reached");
	text = report_of(
	    report_status, json_deep_copy(tree), wide, EXIT_NOT_SYNCHRONISED);
	assert_contains(text,
	    "The clock is not synchronised: the majority is not reached.\n");
	free(text);
	set(c, "controlled", json_false());
	set_text(c, "reason", "--no-clock");
	text = report_of(report_status, tree, wide, EXIT_NOT_SYNCHRONISED);
	assert_contains(text,
	    "The clock is not synchronised: the first answers are being "
	    "measured. It is only measured, not steered.\n");
	free(text);
}

static void a_refused_correction_fails_whatever_else(void **state)
{
	json_t *tree = good(), *c = clock_of(tree);

	(void)state;
	set(c, "refused", json_true());
	set_int(c, "refused_offset_ns", -99664022000);
	assert_status(tree, EXIT_NOT_SYNCHRONISED,
	    "The clock is not being corrected: the servers say that it is "
	    "99.7 s slow, and refuse-threshold forbids so large a "
	    "correction.\n"
	    "To do: find out which is wrong, the clock or the servers: ntsctl "
	    "sources -v. To take the servers' time: systemctl restart "
	    "ntsagent\n"
	    "Source: ntpserver (10.77.3.1), stratum 1; 2 of 2 sources usable, "
	    "2 combined\n");
}

static void a_restart_does_not_set_a_clock_that_is_only_measured(void **state)
{
	json_t *tree = good(), *c = clock_of(tree);

	(void)state;
	set(c, "controlled", json_false());
	set(c, "refused", json_true());
	set_int(c, "refused_offset_ns", 99664022000);
	assert_status(tree, EXIT_NOT_SYNCHRONISED,
	    "The clock is only measured, not steered: the servers say that it "
	    "is 99.7 s fast. An agent that steers corrects so much only at its "
	    "start (refuse-threshold).\n"
	    "To do: find out which is wrong, the clock or the servers: ntsctl "
	    "sources -v. If the clock is, set it with the program that steers "
	    "it\n"
	    "Source: ntpserver (10.77.3.1), stratum 1; 2 of 2 sources usable, "
	    "2 combined\n");
}

static void too_few_sources_have_their_advice(void **state)
{
	json_t *tree = unsynchronised();
	char *text;

	(void)state;
	set_text(clock_of(tree), "reason",
	    "minsources asks for 2 sources that agree, and there are 1 so far");
	text = report_of(report_status, tree, wide, EXIT_NOT_SYNCHRONISED);
	assert_contains(text,
	    "and there are 1 so far.\nTo do: wait for the other servers, see ");
	free(text);
}

static void no_sources_is_a_matter_of_configuration(void **state)
{
	json_t *tree = good();

	(void)state;
	set(clock_of(tree), "synchronised", json_false());
	set(tree, "sources", json_array());
	assert_status(tree, EXIT_NOT_SYNCHRONISED,
	    "The clock is not synchronised: no source is configured.\n"
	    "To do: add a [source NAME] section to "
	    "/etc/ntsagent/ntsagent.conf, then: systemctl restart ntsagent\n");
}

static void sources_without_a_majority_say_how_far_they_are(void **state)
{
	json_t *tree = good();

	(void)state;
	set(clock_of(tree), "synchronised", json_false());
	set_text(clock_of(tree), "reason",
	    "no majority: of 2 usable sources no two agree; their times are "
	    "about 5 s apart");
	for (unsigned i = 0; i < 2; i++) {
		json_t *s = example_source(tree, i);

		set_text(s, "state", "no-majority");
		set_text(s, "mark", "?");
		set_text(s, "reason", "no majority of the sources agrees");
		set_int(s, "low_offset_ns", i ? 2499000000 : -2501000000);
		set_int(s, "high_offset_ns", i ? 2501000000 : -2499000000);
	}
	assert_status(tree, EXIT_NOT_SYNCHRONISED,
	    "The clock is not synchronised: no majority: of 2 usable sources "
	    "no two agree; their times are about 5 s apart. By ntpserver, it "
	    "is 2.5 s slow, give or take 1 ms. By ntpserver-ipv6, it is 2.5 s "
	    "fast, give or take 1 ms.\n"
	    "To do: compare the servers with a clock that is right, and set "
	    "noselect = yes in the [source NAME] of each that is wrong; of "
	    "three servers, the two that agree outvote one: ntsctl sources "
	    "-v\n"
	    "Not usable: ntpserver: no majority of the sources agrees\n"
	    "Not usable: ntpserver-ipv6: no majority of the sources agrees\n");
}

static void the_agents_reason_is_shown(void **state)
{
	json_t *tree = unsynchronised();
	char *text;

	(void)state;
	set_text(clock_of(tree), "reason", "2 sources disagree");
	set(clock_of(tree), "controlled", json_false());
	text = report_of(report_status, tree, plain, EXIT_NOT_SYNCHRONISED);
	assert_contains(text,
	    "The clock is not synchronised: 2 sources disagree. It is only "
	    "measured, not\nsteered.\n");
	free(text);
}

static void each_failure_has_something_to_do(void **state)
{
	static const struct {
		const char *failure, *to_do;
	} cases[] = {
	    {"crash", "To do: report it to the authors with the log, and see "
		      "who runs ntp.example; to try again before the wait is "
		      "over: sudo ntsctl retry ntpserver\n"},
	    {"dns", "To do: look the name up as the agent does: getent "
		    "ahosts ntp.example\n"},
	    {"ke-bind", "To do: compare bind-address, bind-device and "
			"source-port in ntsagent.conf with this host: ip "
			"-brief address; ss -uanp\n"},
	    {"bind", "To do: compare bind-address, bind-device and source-port "
		     "in ntsagent.conf with this host: ip -brief address; ss "
		     "-uanp\n"},
	    {"connect", "-connect ntp.example:14460 </dev/null\n"},
	    {"tls", "openssl s_client -alpn ntske/1 -connect "
		    "ntp.example:14460 </dev/null\n"},
	    {"certificate",
		"openssl s_client -alpn ntske/1 -showcerts -connect "
		"ntp.example:14460 </dev/null\n"},
	    {"nts-ke", "To do: see the log of the NTS server on ntp.example, "},
	    {"ntp-name", "names (chronyd: ntsntpserver)\n"},
	    {"silence",
		"to 10.77.3.1 and its answers through every firewall, whatever "
		"their size; to see whether one filters by size: ntsctl check "
		"--live\n"},
	    {"rejected",
		"see on the server 10.77.3.1 which program has the port"},
	    {"offline", "sudo ntsctl online ntpserver\n"},
	    {"unsynchronised", "in its chrony.conf: local stratum 10\n"},
	    {"nak", "must have the same cookie keys"},
	    {"denied", "to allow this machine, or remove [source ntpserver]\n"},
	    {"times", "To do: see whether something sets the clock of this "},
	    {"large-packets", "ping -M do -s 1000 10.77.3.1; "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *tree = unsynchronised(), *s = example_source(tree, 0);
		char *text;

		set_text(s, "failure", cases[i].failure);
		set_text(s, "host", "ntp.example");
		set_int(json_object_get(s, "nts"), "ke_port", 14460);
		text =
		    report_of(report_status, tree, wide, EXIT_NOT_SYNCHRONISED);
		assert_contains(text, "Not usable: ntpserver: no such name\n");
		assert_contains(text, cases[i].to_do);
		free(text);
	}
}

/* One failure has several causes, which only its reason tells apart. */
static const struct {
	const char *failure, *reason, *to_do;
} causes[] = {
    {"start",
	"the cryptographic library has none of the configured AEAD algorithms",
	"To do: add 15 to aeads in [nts] (AES-SIV-CMAC-256), or "},
    {"start", "the cryptographic library fails its self-test",
	"To do: see the key aeads in the configuration, and whether OpenSSL "},
    {"kiss", "the server asks for fewer requests (kiss code RATE) (192.0.2.1)",
	"the agent asks less often by itself, and minpoll in [source "
	"ntpserver] sets how often\n"},
    {"certificate",
	"no certificate is trusted: this system has none, neither in /a nor in "
	"/b; install them",
	"To do: install the package ca-certificates, or name the file of "},
    {"connect", "connection refused: nothing listens on TCP port 4460",
	"To do: see whether 10.77.3.1 is the server (getent ahosts "},
    {"connect", "no route to 192.0.2.1",
	"To do: see whether the network is up, and the routes: ip "},
    {"connect", "192.0.2.1 cannot be reached: it is down",
	"To do: see whether the server is on, and "},
    {"connect", "the firewall or sandbox of this machine does not",
	"To do: look for a rule that rejects TCP port 14460 "},
    {"connect", "0.0.0.0 is not the address of a host, so no server has it",
	"To do: see its addresses: getent ahosts"},
    {"connect", "this machine has no IPv6, so it cannot reach a",
	"To do: switch IPv6 on"},
    {"connect", "no answer from 192.0.2.1 TCP port 4460",
	"To do: see whether the server is on: ping 10.77.3.1; if "},
    {"connect", "a firewall rejects connections to 192.0.2.1",
	"To do: let TCP port 14460 through that firewall; "},
    {"network", "a firewall rejects requests to 192.0.2.1:123",
	"To do: let UDP port 123 through that firewall; "},
    {"network", "cannot send to a: Operation not permitted",
	"To do: look for a rule that rejects TCP port 14460 "},
    {"dns", "no address for a: the name does not exist",
	"To do: correct host in [source ntpserver], "},
    {"dns", "no DNS server answered for a",
	"To do: see whether the name servers of this machine "},
    {"dns",
	"a has only IPv6 addresses in /etc/hosts, DNS has failed, and "
	"IPv4 is configured for it",
	"To do: see its addresses: "},
    {"dns", "a has only IPv6 addresses, but IPv4 is configured for it",
	"To do: see its addresses: "},
    {"dns", "no address for a: the name exists, but has no IP address",
	"To do: see its addresses: "},
    {"network", "cannot send to a: Permission denied",
	"To do: look for a rule that rejects TCP port 14460 "},
    {"tls", "a: it does not answer with TLS: another service",
	"To do: correct ntsport in [source ntpserver]"},
    {"tls", "a: it speaks TLS but refuses the protocol ntske/1: NTS",
	"To do: enable NTS on the server, "},
    {"tls", "a: it does not speak TLS 1.3, which NTS needs",
	"To do: enable TLS 1.3 on the server, "},
    {"tls",
	"a: it closed the connection during the TLS handshake: or refuse this "
	"client; this machine, the path or the server may be too slow",
	"To do: see whether this machine or the server is busy"},
    {"nts-ke", "a: this machine, the path or the server may be too slow",
	"To do: see whether this machine or the server is busy"},
    {"tls",
	"a accepted the connection but did not complete the TLS handshake "
	"within 5.0 s; large TCP segments seem to be lost",
	"To do: see which size passes: ping -M do -s 1400 10.77.3.1; "},
    {"tls",
	"a: it closed the connection during the TLS handshake: or refuse this "
	"client; large TCP segments seem to be lost; this was after 2.0 s: the "
	"server may be too slow",
	"To do: see which size passes: ping -M do -s 1400 10.77.3.1; "},
    {"tls", "a: it closed the connection during the TLS handshake",
	"To do: find out whether it refuses this machine, "},
    {"tls", "a accepted the connection but did not complete the TLS",
	"To do: see whether it answers at all: "},
    {"tls", "a: it wants a client certificate, which",
	"To do: switch that off on the server, "},
    {"nts-ke", "a: it wants a client certificate, which",
	"To do: switch that off on the server, "},
    {"certificate",
	"the certificate \"CN=a\" is not for b: somebody else "
	"may be intercepting the connection, or the name is wrong",
	"To do: see whether ntp.example leads to the right server: "},
    {"certificate", "the certificate \"CN=a\" is not for a TLS server",
	"To do: correct the certificate as its refusal says, "},
    {"certificate", "the certificate \"CN=a' is not for b\" is weak",
	"To do: correct the certificate as its refusal says, "},
    {"certificate", "the certificate \"CN=a\" has expired: it is",
	"To do: see whether this clock is right: date -u; if it is, "
	"put a renewed certificate on the server "},
    {"certificate",
	"the CA certificate \"CN=a\" in the server's chain "
	"is not yet valid: it is",
	"To do: see whether this clock is right: date -u; if it is, "
	"issue the certificate again "},
    {"certificate",
	"the certificate \"CN=a\" is issued by \"CN=b\", "
	"which is not: somebody else may be intercepting",
	"To do: compare the SHA-256 in the refusal with "},
    {"network", "192.0.2.1:123 refuses requests: nothing listens",
	"To do: see whether 10.77.3.1 is the time server ("},
    {"network", "cannot send to a: Network is unreachable",
	"To do: see whether the network is up, and the routes: ip "},
    {"dns", "no address of p is left for this source: others use all 2",
	"To do: set sources in [source ntpserver] to the number of "
	"addresses that the name has, or give it more: getent ahosts "
	"ntp.example\n"},
};

static void the_reason_decides_what_to_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		json_t *tree = unsynchronised(), *s = example_source(tree, 0);
		char *text;

		set_text(s, "failure", causes[i].failure);
		set_text(s, "reason", causes[i].reason);
		set_text(s, "host", "ntp.example");
		set_int(json_object_get(s, "nts"), "ke_port", 14460);
		text =
		    report_of(report_status, tree, wide, EXIT_NOT_SYNCHRONISED);
		assert_contains(text, causes[i].to_do);
		free(text);
	}
}

/* The network has IPv6 alone, and the key server names an IPv4 address. */
static void a_server_of_the_other_family_is_told_from_a_lost_route(void **state)
{
	json_t *tree = unsynchronised(), *s = example_source(tree, 0);
	char *text;

	(void)state;
	set_text(s, "failure", "network");
	set_text(s, "reason",
	    "cannot send to 192.0.2.1:123: Network is unreachable");
	set_text(s, "address", "192.0.2.1");
	set_text(json_object_get(s, "nts"), "ke_address", "2001:db8::1");
	text = report_of(report_status, tree, wide, EXIT_NOT_SYNCHRONISED);
	assert_contains(text, "To do: let the operator of ntpserver name ");
	free(text);
}

/* By how much, and what to do. The agent replaces a source of a pool. */
static void a_source_that_is_outvoted_is_explained(void **state)
{
	json_t *tree = good(), *s = example_source(tree, 1);
	char *text;

	(void)state;
	set_text(s, "mark", "x");
	set_text(s, "state", "falseticker");
	set_text(s, "failure", "");
	set_text(s, "reason", "disagrees with the majority");
	set_int(s, "low_offset_ns", -700001000);
	set_int(s, "high_offset_ns", -700002000);
	text = report_of(report_status, json_incref(tree), wide, EXIT_OK);
	assert_contains(text,
	    "Not usable: ntpserver-ipv6: disagrees with the majority: its time "
	    "is 700 ms ahead\nTo do: tell the operator of ");
	free(text);
	set_text(s, "name", "pool#2");
	set_int(s, "low_offset_ns", 20000);
	set_int(s, "high_offset_ns", 40000);
	text = report_of(report_status, tree, wide, EXIT_OK);
	assert_contains(text, "its time is 31.2 us behind\n");
	assert_null(strstr(text, "To do: "));
	free(text);
}

static void the_next_try_is_said(void **state)
{
	json_t *tree = unsynchronised(), *s = example_source(tree, 0);
	char *text;

	(void)state;
	set(s, "next_try_s", json_real(7.2));
	text = report_of(
	    report_status, json_incref(tree), wide, EXIT_NOT_SYNCHRONISED);
	assert_contains(text, "no such name; next try in 7 s\n");
	free(text);
	set(s, "next_try_s", json_real(0));
	text = report_of(report_status, tree, wide, EXIT_NOT_SYNCHRONISED);
	assert_contains(text, "no such name; the next try is due now\n");
	free(text);
}

/* The best source stays selected for a while when nobody answers. */
static void the_age_of_the_last_answer_is_said_when_none_comes(void **state)
{
	json_t *tree = good(), *s = example_source(tree, 0);
	char *text;

	(void)state;
	set_text(s, "failure", "silence");
	set_text(s, "reason", "no answer");
	set(s, "last_rx_s", json_real(98.4));
	text = report_of(report_status, tree, wide, EXIT_OK);
	assert_contains(text, "2 combined; its last answer is 98 s old\n");
	free(text);
}

/* Without a server no certificate was shown: the trusted ones are at fault. */
static void a_certificate_without_a_server_is_our_own(void **state)
{
	json_t *tree = unsynchronised(), *s = example_source(tree, 0);
	char *text;

	(void)state;
	set_text(s, "failure", "certificate");
	set(json_object_get(s, "nts"), "ke_address", json_null());
	text = report_of(report_status, tree, wide, EXIT_NOT_SYNCHRONISED);
	assert_contains(text, "To do: put the certificate of your CA there, ");
	free(text);
}

/* The file was there at an earlier exchange, whose server is still known. */
static void a_trusted_file_that_is_gone_is_our_own(void **state)
{
	json_t *tree = unsynchronised(), *s = example_source(tree, 0);
	char *text;

	(void)state;
	assert_true(json_is_string(
	    json_object_get(json_object_get(s, "nts"), "ke_address")));
	set_text(s, "failure", "certificate");
	set_text(s, "reason",
	    "no certificate is trusted: cannot read the trusted certificate "
	    "/etc/pki/rootca.crt: No such file or directory");
	text = report_of(report_status, tree, wide, EXIT_NOT_SYNCHRONISED);
	assert_contains(text, "To do: put the certificate of your CA there, ");
	free(text);
}

/* The command that the sentence has comes first. */
static void a_closed_certificate_has_its_command(void **state)
{
	json_t *tree = unsynchronised(), *s = example_source(tree, 0);
	char *text;

	(void)state;
	set_text(s, "failure", "certificate");
	set_text(s, "reason",
	    "cannot read the trusted certificate /etc/pki/rootca.crt as user "
	    "ntsagent-resolver: Permission denied; fix it with: chmod g+r "
	    "/etc/pki/rootca.crt");
	text = report_of(report_status, tree, wide, EXIT_NOT_SYNCHRONISED);
	assert_contains(text, "To do: run as root: chmod g+r "
			      "/etc/pki/rootca.crt; the agent notices it and "
			      "tries again\n");
	free(text);
}

/* What is done on the server does not help. */
static void an_expired_root_is_replaced_here(void **state)
{
	json_t *tree = unsynchronised(), *s = example_source(tree, 0);
	char *text;

	(void)state;
	set_text(s, "failure", "certificate");
	set_text(s, "reason",
	    "the trusted certificate \"CN=R\" (/a.crt) has expired: it is "
	    "valid from A to B");
	text = report_of(report_status, tree, wide, EXIT_NOT_SYNCHRONISED);
	assert_contains(text, "replace that trusted certificate by the "
			      "current one of its CA");
	free(text);
}

/* Whether a server has shown a certificate or not. */
static void a_list_that_cannot_be_judged_is_our_own(void **state)
{
	static const struct {
		const char *reason, *to_do;
	} cases[] = {
	    {"the certificate \"CN=a\" cannot be checked: the revocation list "
	     "of \"CN=b\" has expired",
		"see what is wrong with the revocation lists: sudo ntsagentd "
		"--check-config\n"},
	    {"cannot read the revocation list /a.crl: no",
		"see what is wrong with the revocation lists: sudo ntsagentd "
		"--check-config\n"},
	    {"the certificate \"CN=a\" with the serial number 1 was revoked, "
	     "says the revocation list of \"CN=b\"",
		"see what it sends: openssl s_client "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *tree = unsynchronised(), *s = example_source(tree, 0);
		char *text;

		set_text(s, "failure", "certificate");
		set_text(s, "reason", cases[i].reason);
		if (i == 1)
			set(json_object_get(s, "nts"), "ke_address",
			    json_null());
		text =
		    report_of(report_status, tree, wide, EXIT_NOT_SYNCHRONISED);
		assert_contains(text, cases[i].to_do);
		free(text);
	}
}

/* A server chooses the words of its certificate: none of them may lead to the
 * advice for another failure. */
static void foreign_words_change_no_advice(void **state)
{
	static const char *const words[] = {"is not for a TLS server",
	    " is not for b", " has expired: x", "chain has expired: x",
	    " is not yet valid: x", "chain is not yet valid",
	    "x: somebody else may be intercepting", "revocation list",
	    "the trusted certificate x has expired: ", "x was revoked",
	    "no certificate is trusted: this system has none, ",
	    "x is left for this source: ", "it closed the connection ",
	    "cannot read the a; fix it with: evil"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		json_t *tree = unsynchronised(), *s = example_source(tree, 0);
		char reason[200], *text;

		snprintf(reason, sizeof(reason),
		    "the certificate \"%s\" has a weak key; it is for DNS "
		    "\"%s\"",
		    words[i], words[i]);
		set_text(s, "failure", "certificate");
		set_text(s, "reason", reason);
		text =
		    report_of(report_status, tree, wide, EXIT_NOT_SYNCHRONISED);
		assert_contains(
		    text, "To do: correct the certificate as its refusal says");
		free(text);
	}
}

static char *with_reasons(
    const char *state, const char *first, const char *second)
{
	json_t *tree = good();

	set(clock_of(tree), "synchronised", json_false());
	set_text(clock_of(tree), "state", state);
	set_text(clock_of(tree), "reason", "no server");
	set_int(tree, "time_ns", 1924992000000000000);
	for (unsigned i = 0; i < 2; i++) {
		json_t *s = example_source(tree, i);

		set_text(s, "mark", "?");
		set_text(s, "state", "no-samples");
		set_text(s, "failure", "certificate");
		set_text(s, "reason", i ? second : first);
	}
	return report_of(report_status, tree, wide, EXIT_NOT_SYNCHRONISED);
}

/* One certificate is the matter of its server; those of all servers, or this
 * clock, are wrong. */
static void dates_that_all_servers_have_wrong_are_told_once(void **state)
{
	static const char early[] =
	    "the certificate \"CN=a\" is not yet valid: it is";
	static const char late[] =
	    "the certificate \"CN=a\" has expired: it is";
	static const char chain[] =
	    "the CA certificate \"CN=b\" in the server's chain has expired: it";
	static const char words[] =
	    "the certificate \"CN=chain has expired: x\" is weak";
	static const char root[] =
	    "the trusted certificate \"CN=a\" (/a) has expired: it is";
	static const struct {
		const char *state, *first, *second, *says;
	} cases[] = {
	    {"starting", early, early, "servers are not valid yet.\nTo do: "},
	    {"lost", late, late, "servers have expired.\nTo do: compare this "},
	    {"lost", late, chain,
		"servers have expired.\nTo do: compare this "},
	    {"lost", late, words, ": no server"},
	    {"starting", early, late, "The clock is not synchronised: no se"},
	    {"starting", late, "no such name", ": no server"},
	    {"starting", root, root, ": no server"},
	    {"bootstrap", late, late, ": no server"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = with_reasons(
		    cases[i].state, cases[i].first, cases[i].second);

		assert_contains(text, cases[i].says);
		assert_int_equal(
		    strstr(text, "The clock is not synchronised: by this "
				 "clock, which says 2031-01-01 00:00 UTC, "
				 "the certificates of all ") != NULL,
		    i < 3);
		free(text);
	}
}

static void an_unknown_failure_gives_no_advice(void **state)
{
	json_t *tree = unsynchronised();

	(void)state;
	set_text(example_source(tree, 0), "failure", "%H%");
	assert_status(tree, EXIT_NOT_SYNCHRONISED,
	    "The clock is not synchronised: no source has given a usable time "
	    "yet.\n"
	    "Not usable: ntpserver: no such name\n");
}

static void a_good_source_can_be_in_trouble(void **state)
{
	json_t *tree = good(), *s = example_source(tree, 1);
	char *text;

	(void)state;
	set_text(s, "failure", "silence");
	set_text(s, "reason", "no answer to the last requests");
	text = report_of(report_status, tree, wide, EXIT_OK);
	assert_contains(
	    text, "Trouble: ntpserver-ipv6: no answer to the last requests\n");
	free(text);
}

static void a_source_that_is_only_measured_is_no_trouble(void **state)
{
	json_t *tree = good(), *s = example_source(tree, 1);
	char *text;

	(void)state;
	set_text(s, "mark", "?");
	set_text(s, "state", "noselect");
	text = report_of(report_status, tree, wide, EXIT_OK);
	assert_null(strstr(text, "Not usable"));
	assert_contains(text, "1 of 2 sources usable");
	free(text);
}

static void a_full_disk_is_an_error(void **state)
{
	(void)state;
	assert_full_disk_is_an_error(report_status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_example_looks_as_expected),
	    cmocka_unit_test(no_byte_of_the_whole_status_controls_the_terminal),
	    cmocka_unit_test(a_good_clock_takes_two_lines),
	    cmocka_unit_test(a_name_may_have_many_addresses),
	    cmocka_unit_test(names_of_one_server_are_told_once),
	    cmocka_unit_test(all_names_of_one_server_have_one_vote),
	    cmocka_unit_test(a_crash_is_never_forgotten),
	    cmocka_unit_test(a_clock_that_is_slewed_is_not_called_right),
	    cmocka_unit_test(an_estimate_without_answers_is_called_so),
	    cmocka_unit_test(sources_that_are_switched_off_are_not_silent),
	    cmocka_unit_test(files_that_are_not_used_are_named),
	    cmocka_unit_test(what_is_not_saved_is_told),
	    cmocka_unit_test(no_offset_is_not_slow),
	    cmocka_unit_test(a_measured_clock_is_not_called_right),
	    cmocka_unit_test(an_offset_that_is_not_known_is_not_zero),
	    cmocka_unit_test(a_refused_correction_fails_whatever_else),
	    cmocka_unit_test(
		a_restart_does_not_set_a_clock_that_is_only_measured),
	    cmocka_unit_test(too_few_sources_have_their_advice),
	    cmocka_unit_test(no_sources_is_a_matter_of_configuration),
	    cmocka_unit_test(sources_without_a_majority_say_how_far_they_are),
	    cmocka_unit_test(the_agents_reason_is_shown),
	    cmocka_unit_test(each_failure_has_something_to_do),
	    cmocka_unit_test(the_reason_decides_what_to_do),
	    cmocka_unit_test(foreign_words_change_no_advice),
	    cmocka_unit_test(
		a_server_of_the_other_family_is_told_from_a_lost_route),
	    cmocka_unit_test(a_source_that_is_outvoted_is_explained),
	    cmocka_unit_test(the_next_try_is_said),
	    cmocka_unit_test(
		the_age_of_the_last_answer_is_said_when_none_comes),
	    cmocka_unit_test(a_certificate_without_a_server_is_our_own),
	    cmocka_unit_test(a_trusted_file_that_is_gone_is_our_own),
	    cmocka_unit_test(a_closed_certificate_has_its_command),
	    cmocka_unit_test(an_expired_root_is_replaced_here),
	    cmocka_unit_test(a_list_that_cannot_be_judged_is_our_own),
	    cmocka_unit_test(dates_that_all_servers_have_wrong_are_told_once),
	    cmocka_unit_test(an_unknown_failure_gives_no_advice),
	    cmocka_unit_test(a_good_source_can_be_in_trouble),
	    cmocka_unit_test(a_source_that_is_only_measured_is_no_trouble),
	    cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
