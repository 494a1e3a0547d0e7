#include "resolver/job.h"
#include "resolver/certificate/certificate.h"
#include "resolver/details.h"
#include "tests/unit/resolver/fake_names.h"
#include "tests/unit/resolver/ke_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/descriptors.h"

#include "tests/unit/resolver/black_hole.h"
#include "tests/unit/resolver/dns_server.h"

#include <arpa/nameser.h>
#include <fcntl.h>
#include <math.h>
#include <resolv.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define GOOD_SAN "DNS:local.fake,DNS:both.fake,IP:127.0.0.1"
#define TIMEOUT_MS 3000

/* The certificates of all tests, and the servers of one test. */
struct job_world {
	char directory[64], root_file[80], other_file[80];
	struct pki_pair root, middle, other, good, leaf;
	struct trust_config trust;
	struct ke_request request;
	struct ke_server server, second;
	struct ke_answer answer;
};

static int setup_all(void **state)
{
	struct job_world *w = calloc(1, sizeof(*w));

	strcpy(w->directory, P_tmpdir "/ntsagent-job-XXXXXX");
	PKI_MUST(mkdtemp(w->directory));
	w->root = pki_issue(
	    NULL, (struct pki_spec){.name = "Lab NTS Root CA", .ca = true});
	w->other = pki_issue(
	    NULL, (struct pki_spec){.name = "Other Root CA", .ca = true});
	w->middle = pki_issue(&w->root,
	    (struct pki_spec){.name = "Lab NTS Intermediate CA", .ca = true});
	w->good = pki_issue(&w->middle,
	    (struct pki_spec){.name = "ntpserver", .san = GOOD_SAN});
	snprintf(
	    w->root_file, sizeof(w->root_file), "%s/root.pem", w->directory);
	snprintf(
	    w->other_file, sizeof(w->other_file), "%s/other.pem", w->directory);
	pki_write(w->root_file, w->root.certificate);
	pki_write(w->other_file, w->other.certificate);
	*state = w;
	return 0;
}

static int teardown_all(void **state)
{
	struct job_world *w = *state;

	unlink(w->root_file);
	unlink(w->other_file);
	rmdir(w->directory);
	pki_free(&w->root);
	pki_free(&w->middle);
	pki_free(&w->other);
	pki_free(&w->good);
	free(w);
	return 0;
}

static int setup(void **state)
{
	struct job_world *w = *state;

	w->trust = (struct trust_config){
	    .path_count = 1, .aead_count = 1, .aeads = {AEAD_AES_SIV_CMAC_256}};
	strcpy(w->trust.paths[0], w->root_file);
	w->request = (struct ke_request){.source = 5,
	    .serial = 9,
	    .host = "local.fake",
	    .ke_port = 4460,
	    .timeout_ms = TIMEOUT_MS};
	return 0;
}

static int teardown(void **state)
{
	struct job_world *w = *state;

	if (w->server.pid)
		ke_server_stop(&w->server);
	if (w->second.pid)
		ke_server_stop(&w->second);
	pki_free(&w->leaf);
	explicit_bzero(&w->answer, sizeof(w->answer));
	return 0;
}

static struct ke_server_spec with(
    struct job_world *w, struct ke_server_spec spec)
{
	if (!spec.leaf)
		spec.leaf = &w->good;
	spec.middle = &w->middle;
	return spec;
}

static void ask(struct job_world *w)
{
	resolver_job(&w->request, &w->trust, &w->answer);
	assert_true(ke_answer_valid(&w->answer));
	assert_int_equal(w->answer.source, 5);
	assert_int_equal(w->answer.serial, 9);
}

/* Starts a server and sends it a request. */
static void run(struct job_world *w, struct ke_server_spec spec)
{
	w->server = ke_server_start(spec, 0);
	w->request.ke_port = w->server.at.port;
	ask(w);
}

static void succeeded(struct job_world *w)
{
	assert_string_equal(w->answer.text, "");
	assert_int_equal(w->answer.stage, KE_STAGE_DONE);
}

/* The expected sentence; "PORT" is the port of the server. */
static void failed(
    struct job_world *w, enum ke_stage stage, const char *sentence)
{
	char want[KE_TEXT_MAX] = "";
	const char *port = strstr(sentence, "PORT");

	if (port)
		snprintf(want, sizeof(want), "%.*s%u%s", (int)(port - sentence),
		    sentence, w->request.ke_port, port + strlen("PORT"));
	assert_string_equal(w->answer.text, port ? want : sentence);
	assert_int_equal(w->answer.stage, stage);
}

static void addresses(const struct job_world *w, const char *all)
{
	char got[KE_ADDRESSES_MAX * ENDPOINT_TEXT_MAX] = "";
	char one[ENDPOINT_TEXT_MAX];

	for (unsigned i = 0; i < w->answer.address_count; i++) {
		if (i > 0)
			strcat(got, " ");
		strcat(got, endpoint_text(&w->answer.addresses[i], true, one));
	}
	assert_string_equal(got, all);
}

/* The server's cookie contains the keys that it exported: c2s, then s2c. */
static void keys_are(const struct job_world *w, const struct nts_keys *keys)
{
	size_t len = aead_key_len((enum aead_id)w->answer.aead);

	assert_int_equal(w->answer.cookies[0].len, 2 * len);
	assert_memory_equal(w->answer.cookies[0].bytes, keys->c2s, len);
	assert_memory_equal(w->answer.cookies[0].bytes + len, keys->s2c, len);
}

static void a_good_server_gives_keys(void **state)
{
	struct job_world *w = *state;

	run(w, with(w, (struct ke_server_spec){0}));
	succeeded(w);
	addresses(w, "127.0.0.1:123");
	assert_int_equal(w->answer.aead, AEAD_AES_SIV_CMAC_256);
	assert_int_equal(w->answer.cookie_count, 1);
	keys_are(w, &w->answer.keys);
	assert_false(w->answer.have_other_keys);
	assert_string_equal(w->answer.facts.subject, "CN=ntpserver");
	/* The group is x25519 or X25519MLKEM768, as OpenSSL likes. */
	assert_non_null(strcasestr(
	    w->answer.facts.tls, "TLSv1.3 TLS_AES_256_GCM_SHA384 x25519"));
	assert_true(endpoint_same_host(&w->answer.facts.peer, &w->server.at));
	assert_int_equal(w->answer.facts.peer.port, w->server.at.port);
	assert_int_equal(w->answer.facts.not_before,
	    certificate_not_before(w->good.certificate));
	assert_int_equal(w->answer.facts.not_after,
	    certificate_not_after(w->root.certificate));
	assert_true(w->answer.duration_ms < TIMEOUT_MS);
}

static void an_address_instead_of_a_name_is_fine(void **state)
{
	struct job_world *w = *state;

	strcpy(w->request.host, "127.0.0.1");
	run(w, with(w, (struct ke_server_spec){0}));
	succeeded(w);
}

static void odd_ways_to_answer_are_fine(void **state)
{
	static const enum ke_manner manners[] = {
	    KE_IN_PIECES, KE_NO_NOTIFY, KE_KEEPS_OPEN};
	struct job_world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(manners); i++) {
		run(w, with(w, (struct ke_server_spec){.manner = manners[i]}));
		succeeded(w);
		assert_true(w->answer.duration_ms < TIMEOUT_MS / 2);
		keys_are(w, &w->answer.keys);
		ke_server_stop(&w->server);
	}
}

static struct ke_details detailed(struct job_world *w)
{
	struct ke_details d;

	memset(&d, 0xff, sizeof(d));
	resolver_job_detailed(&w->request, &w->trust, &w->answer, &d);
	assert_true(ke_answer_valid(&w->answer));
	return d;
}

static struct ke_details details_of(
    struct job_world *w, struct ke_server_spec spec)
{
	w->server = ke_server_start(spec, 0);
	w->request.ke_port = w->server.at.port;
	return detailed(w);
}

static void the_details_describe_a_good_server(void **state)
{
	struct job_world *w = *state;
	struct ke_details d =
	    details_of(w, with(w, (struct ke_server_spec){0}));

	succeeded(w);
	assert_int_equal(d.names.count, 1);
	assert_int_equal(d.lookup_error, 0);
	assert_true(endpoint_same_host(&d.names.at[0], &w->server.at));
	assert_int_equal(d.tls_fault, TLS_OK);
	assert_false(d.silent || d.lost || d.hidden || d.no_store);
	assert_string_not_equal(d.group, "");
	assert_int_equal(d.certificate_fault, CERTIFICATE_ACCEPTED);
	assert_string_equal(d.certificate.subject, "CN=ntpserver");
	assert_string_equal(d.certificate.issuer, "CN=Lab NTS Intermediate CA");
	assert_string_equal(d.certificate.names,
	    "DNS \"local.fake\", DNS \"both.fake\", IP 127.0.0.1");
	assert_int_equal(strlen(d.certificate.fingerprint), 64);
	assert_int_equal(d.certificate.not_after,
	    certificate_not_after(w->good.certificate));
}

static void the_details_describe_a_refused_certificate(void **state)
{
	struct job_world *w = *state;
	struct ke_details d;

	strcpy(w->trust.paths[0], w->other_file);
	d = details_of(w, with(w, (struct ke_server_spec){0}));
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_int_equal(d.certificate_fault, CERTIFICATE_UNKNOWN_ISSUER);
	assert_string_equal(d.certificate.subject, "CN=ntpserver");
	assert_false(d.hidden);
	/* The missing one may be in a file that cannot be read. */
	strcpy(w->trust.paths[1], "/nonexistent/ca.pem");
	w->trust.path_count = 2;
	d = detailed(w);
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_true(d.hidden);
}

static void the_details_tell_failures_apart(void **state)
{
	struct job_world *w = *state;
	struct ke_details d;

	strcpy(w->request.host, "noname.eai");
	d = detailed(w);
	assert_int_equal(w->answer.stage, KE_STAGE_DNS);
	assert_int_equal(d.lookup_error, EAI_NONAME);
	assert_int_equal(d.names.count, 0);
	strcpy(w->request.host, "both.fake");
	w->request.ke_port = 1;
	d = detailed(w);
	assert_int_equal(w->answer.stage, KE_STAGE_CONNECT);
	assert_int_equal(d.names.count, 2);
	assert_int_not_equal(d.connect_errors[0], 0);
	assert_int_equal(d.connect_errors[0] == ECONNREFUSED ||
			     d.connect_errors[1] == ECONNREFUSED,
	    true);
	w->trust = (struct trust_config){.system_certs = true};
	setenv("SSL_CERT_FILE", "/nonexistent", 1);
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
	d = detailed(w);
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_true(d.no_store);
}

static void the_details_tell_ends_of_a_handshake_apart(void **state)
{
	static const struct {
		enum ke_manner manner;
		enum tls_fault fault;
		bool silent;
	} ends[] = {
	    {KE_HTTP, TLS_NOT_TLS, false},
	    {KE_HANGS_UP, TLS_CLOSED_EARLY, false},
	    {KE_MUTE, TLS_OK, true},
	};
	struct job_world *w = *state;

	w->request.timeout_ms = 300;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct ke_details d = details_of(w,
		    with(w, (struct ke_server_spec){.manner = ends[i].manner}));

		assert_int_equal(w->answer.stage, KE_STAGE_TLS);
		assert_int_equal(d.tls_fault, ends[i].fault);
		assert_int_equal(d.silent, ends[i].silent);
		/* Its TCP has got all that was sent. */
		assert_false(d.lost);
		assert_string_equal(d.certificate.subject, "");
		ke_server_stop(&w->server);
	}
}

/* The first bytes have come, and then the next segment is missing. */
static void a_lost_segment_is_named(void **state)
{
	static const char lost[] = " s; large TCP segments seem to be lost";
	struct job_world *w = *state;
	struct ke_details d;

	w->request.timeout_ms = 1200;
	d = details_of(
	    w, with(w, (struct ke_server_spec){.manner = KE_BEGINS}));
	assert_int_equal(w->answer.stage, KE_STAGE_TLS);
	assert_true(d.silent && d.lost);
	assert_non_null(strstr(w->answer.text, lost));
	/* The agent asks for no details. */
	resolver_job(&w->request, &w->trust, &w->answer);
	assert_non_null(strstr(w->answer.text, lost));
}

/* What listens on ::1 speaks another protocol. */
static void the_details_are_those_of_the_exchange_that_counts(void **state)
{
	struct job_world *w = *state;
	struct ke_details d;

	strcpy(w->request.host, "both.fake");
	w->server = ke_server_start(with(w, (struct ke_server_spec){0}), 0);
	w->request.ke_port = w->server.at.port;
	w->second = ke_server_start(
	    (struct ke_server_spec){.address = "::1", .manner = KE_HTTP},
	    w->server.at.port);
	d = detailed(w);
	succeeded(w);
	assert_int_equal(d.tls_fault, TLS_OK);
	assert_int_equal(d.names.count, 2);
	assert_string_equal(d.certificate.subject, "CN=ntpserver");
	/* If both fail, the first failure is reported. */
	ke_server_stop(&w->server);
	w->server = ke_server_start(
	    (struct ke_server_spec){.manner = KE_HANGS_UP}, w->second.at.port);
	d = detailed(w);
	assert_int_equal(w->answer.stage, KE_STAGE_TLS);
	assert_int_equal(d.tls_fault, TLS_NOT_TLS);
}

/* RFC 8915 4.1.7/3 */
static void the_winner_leads_the_addresses(void **state)
{
	struct job_world *w = *state;

	strcpy(w->request.host, "both.fake");
	run(w, with(w, (struct ke_server_spec){0}));
	succeeded(w);
	/* Nothing listens on ::1, but NTP may work there. */
	addresses(w, "127.0.0.1:123 [::1]:123");
}

/* DNS is not authentic. */
static void a_group_among_the_addresses_of_a_name_is_left_out(void **state)
{
	struct job_world *w = *state;

	strcpy(w->request.host, "Both.fake");
	run(w, with(w, (struct ke_server_spec){0}));
	succeeded(w);
	addresses(w, "127.0.0.1:123 [::1]:123 192.0.2.2:123");
}

/* RFC 8915 4.1.8/1 */
static void ports_go_by_negotiation_then_configuration(void **state)
{
	struct job_world *w = *state;

	w->request.ntp_port = 1123;
	run(w, with(w, (struct ke_server_spec){0}));
	succeeded(w);
	addresses(w, "127.0.0.1:1123");
	ke_server_stop(&w->server);
	run(w, with(w, (struct ke_server_spec){.ntp_port = 2123}));
	succeeded(w);
	addresses(w, "127.0.0.1:2123");
}

static void a_negotiated_server_is_looked_up(void **state)
{
	struct job_world *w = *state;

	run(w, with(w, (struct ke_server_spec){.ntp_server = "many.fake"}));
	succeeded(w);
	assert_string_equal(w->answer.ntp_server, "many.fake");
	/* The family that has connected comes first. */
	addresses(w, "192.0.2.1:123 [2001:db8::1]:123 192.0.2.2:123 "
		     "[2001:db8::2]:123 [2001:db8::3]:123 [2001:db8::4]:123 "
		     "[2001:db8::5]:123 [2001:db8::6]:123 [2001:db8::7]:123 "
		     "[2001:db8::8]:123 [2001:db8::9]:123");
}

/* RFC 8915 4.1.7/2 */
static void a_negotiated_name_is_complete(void **state)
{
	struct job_world *w = *state;

	run(w, with(w, (struct ke_server_spec){.ntp_server = "whole.fake"}));
	succeeded(w);
	addresses(w, "192.0.2.9:123");
	/* A configured one need not be. */
	snprintf(w->request.host, sizeof(w->request.host), "whole.fake");
	ask(w);
	assert_int_equal(w->answer.stage, KE_STAGE_DNS);
}

static void the_peer_leads_a_negotiated_name_too(void **state)
{
	struct job_world *w = *state;

	run(w, with(w, (struct ke_server_spec){.ntp_server = "both.fake"}));
	succeeded(w);
	addresses(w, "127.0.0.1:123 [::1]:123");
}

static void a_negotiated_name_without_address_is_reported(void **state)
{
	struct job_world *w = *state;

	run(w, with(w, (struct ke_server_spec){.ntp_server = "noname.eai"}));
	failed(w, KE_STAGE_NTP_NAME,
	    "local.fake names the NTP server \"noname.eai\", which is "
	    "unusable: "
	    "no address for \"noname.eai\": the name does not exist, or is an "
	    "alias of one that does not (check "
	    "/etc/hosts or DNS)");
	assert_string_equal(w->answer.ntp_server, "noname.eai");
	assert_string_equal(w->answer.facts.subject, "CN=ntpserver");
}

/* A server must not make its clients attack others, or themselves. */
static void a_server_that_is_no_single_host_is_refused(void **state)
{
	static const struct {
		const char *server, *why;
	} rows[] = {
	    {"224.0.1.1", "its address 224.0.1.1 is a multicast address"},
	    {"bad.fake", "its address 224.0.1.1 is a multicast address"},
	    {"ff02::101", "its address ff02::101 is a multicast address"},
	    {"0.0.0.0", "its address 0.0.0.0 is not the address of a host"},
	    {"255.255.255.255",
		"its address 255.255.255.255 is not the address of a host"},
	    {"127.255.255.255", "its address 127.255.255.255 is a broadcast "
				"address, or a route prohibits it"},
	    {"::", "its address :: is not the address of a host"},
	    {"::ffff:192.0.2.1", "its address ::ffff:192.0.2.1 is an IPv4 "
				 "address in the form of an IPv6 address"},
	    {"fe80::1",
		"its address fe80::1 is a link-local address without an "
		"interface"},
	};
	struct job_world *w = *state;
	char expected[300];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		run(w, with(w, (struct ke_server_spec){
				   .ntp_server = rows[i].server}));
		snprintf(expected, sizeof(expected),
		    "local.fake names the NTP server \"%s\", which is "
		    "unusable: %s",
		    rows[i].server, rows[i].why);
		failed(w, KE_STAGE_NTP_NAME, expected);
		ke_server_stop(&w->server);
	}
	run(w, with(w, (struct ke_server_spec){.ntp_server = "partly.fake"}));
	succeeded(w);
	addresses(w, "192.0.2.1:123 [2001:db8::1]:123");
}

static bool has_gcm_siv(void)
{
	enum aead_id ids[AEAD_COUNT];

	return aead_available(ids) > 0 && ids[0] == AEAD_AES_128_GCM_SIV;
}

/* The context that the keys come from; see nts/ke.h on record 1024. */
static void gcm_siv_keys_are_right(struct job_world *w)
{
	struct ke_server_spec spec = {.aead = AEAD_AES_128_GCM_SIV,
	    .exporter_aead = AEAD_AES_SIV_CMAC_256};

	run(w, with(w, spec));
	succeeded(w);
	assert_true(w->answer.have_other_keys);
	keys_are(w, &w->answer.keys);
	ke_server_stop(&w->server);
	spec.exporter_aead = AEAD_AES_128_GCM_SIV;
	run(w, with(w, spec));
	succeeded(w);
	keys_are(w, &w->answer.other_keys);
	ke_server_stop(&w->server);
	spec.echo_1024 = true;
	run(w, with(w, spec));
	succeeded(w);
	assert_false(w->answer.have_other_keys);
	keys_are(w, &w->answer.keys);
}

static void gcm_siv_works_or_is_reported_missing(void **state)
{
	struct job_world *w = *state;

	w->trust.aeads[0] = AEAD_AES_128_GCM_SIV;
	if (has_gcm_siv()) {
		gcm_siv_keys_are_right(w);
		return;
	}
	ask(w);
	failed(w, KE_STAGE_START,
	    "the cryptographic library has none of the configured AEAD "
	    "algorithms");
}

static void a_name_without_address_is_reported(void **state)
{
	struct job_world *w = *state;

	strcpy(w->request.host, "noname.eai");
	ask(w);
	failed(w, KE_STAGE_DNS,
	    "no address for noname.eai: the name does not exist, or is an "
	    "alias of one that does not (check "
	    "/etc/hosts or DNS)");
}

/* A resolver that validates by a wrong clock refuses all signed names. */
static void a_name_is_asked_for_without_validation_if_the_clock_is_unsure(
    void **state)
{
	struct job_world *w = *state;

	w->leaf = pki_issue(&w->middle,
	    (struct pki_spec){.name = "ntpserver", .san = "DNS:again.eai"});
	dns_serve(DNS_SIGNED);
	strcpy(w->request.host, "again.eai");
	run(w, with(w, (struct ke_server_spec){.leaf = &w->leaf}));
	failed(w, KE_STAGE_DNS,
	    "no DNS server answered for again.eai, or one reported a failure "
	    "(check the network and "
	    "/etc/resolv.conf)");
	w->request.clock_unsure = 1;
	ask(w);
	succeeded(w);
	addresses(w, "127.0.0.1:123");
	/* The name of an NTP server, too. */
	ke_server_stop(&w->server);
	run(w, with(w, (struct ke_server_spec){
			   .leaf = &w->leaf, .ntp_server = "again.eai"}));
	succeeded(w);
	dns_end();
}

/* A name that does not exist is not looked for elsewhere. */
static void a_failed_lookup_leads_to_the_known_address(void **state)
{
	struct job_world *w = *state;

	w->leaf = pki_issue(&w->middle,
	    (struct pki_spec){.name = "ntpserver",
		.san = "DNS:fail.eai,DNS:noname.eai,DNS:hang.fake"});
	w->server = ke_server_start(
	    with(w, (struct ke_server_spec){.leaf = &w->leaf}), 0);
	w->request.ke_port = w->server.at.port;
	w->request.known = w->server.at;
	w->request.known.port = 1;
	strcpy(w->request.host, "fail.eai");
	ask(w);
	succeeded(w);
	addresses(w, "127.0.0.1:123");
	strcpy(w->request.host, "noname.eai");
	ask(w);
	assert_int_equal(w->answer.stage, KE_STAGE_DNS);
	/* An exchange without dates goes where the one with dates was. */
	strcpy(w->request.host, "hang.fake");
	w->request.at_known = 1;
	ask(w);
	succeeded(w);
}

/* A silent DNS server costs a second each time. */
static void with_a_known_address_dns_is_asked_twice(void **state)
{
	struct job_world *w = *state;

	w->leaf = pki_issue(&w->middle,
	    (struct pki_spec){.name = "ntpserver", .san = "DNS:tries.fake"});
	w->server = ke_server_start(
	    with(w, (struct ke_server_spec){.leaf = &w->leaf}), 0);
	w->request.ke_port = w->server.at.port;
	strcpy(w->request.host, "tries.fake");
	assert_int_equal(res_init(), 0);
	_res.retry = 4;
	ask(w);
	assert_int_equal(w->answer.stage, KE_STAGE_DNS);
	w->request.known = (struct endpoint){
	    .family = 4, .port = 4460, .address = {127, 9, 9, 9}};
	ask(w);
	succeeded(w);
}

static void a_failure_at_the_known_address_is_one_of_dns(void **state)
{
	struct job_world *w = *state;

	w->server = ke_server_start(with(w, (struct ke_server_spec){0}), 0);
	w->request.ke_port = w->server.at.port;
	w->request.known = w->server.at;
	ke_server_stop(&w->server);
	strcpy(w->request.host, "fail.eai");
	ask(w);
	failed(w, KE_STAGE_DNS,
	    "the DNS server failed or refused to answer for fail.eai, and at "
	    "its last address: connection refused: nothing listens on TCP port "
	    "PORT of 127.0.0.1, which is this machine (is NTS enabled there? "
	    "does a firewall reject "
	    "it?)");
}

/* The other family in /etc/hosts is the cause, and DNS has failed all the same.
 */
static void the_known_address_is_tried_if_hosts_has_another_family(void **state)
{
	struct job_world *w = *state;

	w->server = ke_server_start(with(w, (struct ke_server_spec){0}), 0);
	w->request.ke_port = w->server.at.port;
	w->request.known = w->server.at;
	w->request.family = FAMILY_IPV6;
	ke_server_stop(&w->server);
	strcpy(w->request.host, "hosts.fake");
	ask(w);
	assert_int_equal(w->answer.stage, KE_STAGE_DNS);
	assert_memory_equal(w->answer.text,
	    "hosts.fake has only IPv4 addresses in /etc/hosts, DNS "
	    "has failed, and IPv6 is configured for it, and at its last "
	    "address: "
	    "connection refused",
	    140);
}

static void a_slow_dns_is_reported(void **state)
{
	struct job_world *w = *state;
	double took_s = 0;
	char y;

	strcpy(w->request.host, "slow.fake");
	w->request.timeout_ms = 200;
	ask(w);
	assert_int_equal(w->answer.stage, KE_STAGE_DNS);
	assert_int_equal(sscanf(w->answer.text,
			     "%lf s had passed when its name was looked up: "
			     "DNS is slow, or this machine is bus%c",
			     &took_s, &y),
	    2);
	assert_true(took_s >= 0.3 && took_s < 3);
	assert_in_range(w->answer.duration_ms, 300, 3000);
}

static void a_closed_port_is_reported(void **state)
{
	struct job_world *w = *state;

	w->server = ke_server_start((struct ke_server_spec){0}, 0);
	w->request.ke_port = w->server.at.port;
	ke_server_stop(&w->server);
	ask(w);
	failed(w, KE_STAGE_CONNECT,
	    "connection refused: nothing listens on TCP port PORT of "
	    "127.0.0.1, which is this machine (is NTS enabled there? does a "
	    "firewall reject it?)");
}

static void other_services_are_reported(void **state)
{
	/* clang-format off */
	static const struct {
		struct ke_server_spec spec;
		const char *text;
	} cases[] = {
		{{.manner = KE_HTTP}, "no NTS-KE session with 127.0.0.1 TCP port PORT: it does not answer with TLS: another service listens on that port (wrong version number)"},
		{{.manner = KE_HANGS_UP}, "no NTS-KE session with 127.0.0.1 TCP port PORT: it closed the connection during the TLS handshake: it may not speak TLS 1.3, or not serve NTS on that port, or refuse this client"},
		{{.no_alpn = true}, "no NTS-KE session with 127.0.0.1 TCP port PORT: it speaks TLS but does not select the protocol ntske/1: it is not an NTS server"},
		{{.max_version = TLS1_2_VERSION}, "no NTS-KE session with 127.0.0.1 TCP port PORT: it does not speak TLS 1.3, which NTS needs, or its certificate has a key on a curve that TLS 1.3 does not have (alert 70, protocol version)"},
	};
	/* clang-format on */
	struct job_world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		run(w, with(w, cases[i].spec));
		failed(w, KE_STAGE_TLS, cases[i].text);
		ke_server_stop(&w->server);
	}
}

/* It may have waited for us in vain. */
static void a_server_that_gives_up_is_not_called_one_that_refuses(void **state)
{
	struct job_world *w = *state;
	struct ke_details d = details_of(
	    w, with(w, (struct ke_server_spec){.manner = KE_GIVES_UP}));

	assert_int_equal(w->answer.stage, KE_STAGE_TLS);
	assert_int_equal(d.tls_fault, TLS_CLOSED_EARLY);
	assert_true(d.late);
	assert_false(d.lost);
	assert_non_null(strstr(w->answer.text, "or refuse this client; this "
					       "was after "));
	assert_non_null(strstr(w->answer.text,
	    " s, and some servers wait for 2 s only: this machine, the path or "
	    "the server may be too slow"));
}

/* What came before took a part of the time, a larger one on a busy machine. */
static void failed_late(
    struct job_world *w, enum ke_stage stage, const char *sentence)
{
	char *time = strstr(w->answer.text, " within ");
	double s;

	assert_non_null(time);
	assert_int_equal(sscanf(time, " within %lf s", &s), 1);
	assert_in_range(lround(s * 10), 1, w->request.timeout_ms / 100);
	*time = '\0';
	failed(w, stage, sentence);
}

static void a_silent_server_costs_the_timeout(void **state)
{
	struct job_world *w = *state;

	w->request.timeout_ms = 400;
	run(w, with(w, (struct ke_server_spec){.manner = KE_MUTE}));
	failed_late(w, KE_STAGE_TLS,
	    "127.0.0.1 TCP port PORT accepted the connection but did not "
	    "complete the TLS handshake");
	assert_in_range(w->answer.duration_ms, 400, 1500);
	ke_server_stop(&w->server);
	w->request.timeout_ms = 600;
	run(w, with(w, (struct ke_server_spec){.manner = KE_SILENT}));
	failed_late(w, KE_STAGE_EXCHANGE,
	    "127.0.0.1 TCP port PORT did not answer the NTS-KE request");
	ke_server_stop(&w->server);
	run(w, with(w, (struct ke_server_spec){.manner = KE_STOPS}));
	failed_late(w, KE_STAGE_EXCHANGE,
	    "127.0.0.1 TCP port PORT did not complete its NTS-KE answer");
}

/* Of TLS itself, such a session has no end. */
static void a_server_that_sends_without_end_is_left(void **state)
{
	static const enum ke_manner manners[] = {KE_TICKETS, KE_PADDED};
	struct job_world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(manners); i++) {
		w->request.timeout_ms = 60000;
		run(w, with(w, (struct ke_server_spec){.manner = manners[i]}));
		failed(w, KE_STAGE_EXCHANGE,
		    "127.0.0.1 TCP port PORT sent more than 256 KiB: no NTS "
		    "key exchange needs so much");
		ke_server_stop(&w->server);
	}
}

/* A new job sends a SYN sooner than the kernel would repeat it. */
static void an_address_without_answer_gets_a_part_of_the_time(void **state)
{
	struct job_world *w = *state;
	struct endpoint e = at("127.0.0.1", 0);
	struct black_hole hole = black_hole(&e);

	w->request.timeout_ms = 1000;
	w->request.ke_port = e.port;
	ask(w);
	failed(w, KE_STAGE_CONNECT,
	    "no answer from 127.0.0.1 TCP port PORT (blocked by a firewall?)");
	assert_in_range(w->answer.duration_ms, 400, 800);
	black_hole_end(&hole);
}

/* Thirty addresses, and time for two of them: the next job goes on. */
static void each_address_of_a_name_gets_its_turn(void **state)
{
	struct job_world *w = *state;
	struct endpoint e = at("0.0.0.0", 0);
	struct black_hole hole = black_hole(&e);
	unsigned before = 0;

	w->request.timeout_ms = 1000;
	w->request.ke_port = e.port;
	snprintf(w->request.host, sizeof(w->request.host), "directory.fake");
	for (int i = 0; i < 2; i++) {
		const struct endpoint *last = &w->answer.last_tried;

		ask(w);
		assert_int_equal(w->answer.stage, KE_STAGE_CONNECT);
		assert_true(ke_answer_valid(&w->answer));
		assert_in_range(last->address[3], before + 1, before + 4);
		assert_int_equal(last->address[2], 1);
		assert_non_null(strstr(w->answer.text, "there was no time "));
		assert_non_null(strstr(w->answer.text, "of the 30 addresses"));
		before = last->address[3];
		w->request.try_after = *last;
	}
	black_hole_end(&hole);
}

/* The keys of a server of a pool are for that server alone. */
static void a_source_of_a_pool_gets_one_address(void **state)
{
	struct job_world *w = *state;

	snprintf(w->request.host, sizeof(w->request.host), "both.fake");
	w->request.alone = 1;
	run(w, with(w, (struct ke_server_spec){0}));
	succeeded(w);
	assert_int_equal(w->answer.address_count, 1);
	assert_true(
	    endpoint_same_host(&w->answer.addresses[0], &w->answer.facts.peer));
}

static void avoid(struct job_world *w, const char *address)
{
	w->request.avoid[w->request.avoid_count++] = at(address, 4460);
}

static void an_address_in_use_is_left_out(void **state)
{
	struct job_world *w = *state;

	snprintf(w->request.host, sizeof(w->request.host), "both.fake");
	avoid(w, "127.0.0.1");
	run(w, with(w, (struct ke_server_spec){0}));
	/* Only a source of a pool leaves addresses out. */
	succeeded(w);
	w->request.alone = 1;
	ask(w);
	assert_int_equal(w->answer.stage, KE_STAGE_CONNECT);
	assert_null(strstr(w->answer.text, "127.0.0.1"));
	avoid(w, "::1");
	ask(w);
	failed(w, KE_STAGE_DNS,
	    "no address of both.fake is left for this source: other sources "
	    "use all 2, or the last one was not good");
	/* Nobody knows how many there are. */
	strcpy(w->request.host, "fail.eai");
	w->request.known = w->request.avoid[0];
	ask(w);
	assert_int_equal(w->answer.stage, KE_STAGE_DNS);
	assert_non_null(strstr(w->answer.text,
	    ", and at its last address: another source uses it"));
}

/* Two key servers that lead to one time server. */
static void a_time_server_in_use_is_left_out(void **state)
{
	struct job_world *w = *state;

	w->request.alone = 1;
	avoid(w, "192.0.2.1");
	run(w, with(w, (struct ke_server_spec){.ntp_server = "only4.fake"}));
	succeeded(w);
	assert_int_equal(w->answer.address_count, 1);
	assert_int_equal(w->answer.addresses[0].address[3], 2);
	avoid(w, "192.0.2.2");
	ask(w);
	failed(w, KE_STAGE_NTP_NAME,
	    "local.fake names the NTP server \"only4.fake\", which is "
	    "unusable: another source of the pool is using it");
}

/* It would be the second one to be tried. */
static void the_preferred_address_comes_first(void **state)
{
	struct job_world *w = *state;

	snprintf(w->request.host, sizeof(w->request.host), "directory.fake");
	w->leaf = pki_issue(&w->middle,
	    (struct pki_spec){.name = "d", .san = "DNS:directory.fake"});
	w->server = ke_server_start(
	    with(w, (struct ke_server_spec){.address = "127.0.1.1",
			.leaf = &w->leaf}),
	    0);
	w->request.ke_port = w->server.at.port;
	w->second = ke_server_start(
	    with(w, (struct ke_server_spec){.address = "127.0.1.7",
			.leaf = &w->leaf}),
	    w->server.at.port);
	w->request.prefer = w->second.at;
	ask(w);
	succeeded(w);
	assert_true(endpoint_same_host(&w->answer.facts.peer, &w->second.at));
	ke_server_stop(&w->second);
	w->second.pid = 0;
	ask(w);
	succeeded(w);
	assert_true(endpoint_same_host(&w->answer.facts.peer, &w->server.at));
}

/* What DNS answers about the key servers of a domain. */
static struct {
	uint8_t bytes[512];
	struct writer w;
	bool refused; /* TRY_AGAIN */
} srv;

/* Replaces the function of the C library. */
int res_nquery(res_state state, const char *name, int class, int type,
    unsigned char *answer, int size)
{
	assert_string_equal(name, "_ntske._tcp.local.fake");
	assert_int_equal(class, ns_c_in);
	assert_int_equal(type, ns_t_srv);
	if (srv.refused) {
		state->res_h_errno = TRY_AGAIN;
		return -1;
	}
	assert_true((size_t)size >= srv.w.len);
	memcpy(answer, srv.bytes, srv.w.len);
	return (int)srv.w.len;
}

static void begin_srv(uint16_t records)
{
	srv.w = writer_of(srv.bytes, sizeof(srv.bytes));
	put_u32(&srv.w, 0x12348180);
	put_u16(&srv.w, 0);
	put_u16(&srv.w, records);
	put_u32(&srv.w, 0);
}

static void put_srv(uint16_t priority, uint16_t port, const char *target)
{
	size_t len = strlen(target) + 1;

	put_u8(&srv.w, 0);
	put_u16(&srv.w, ns_t_srv);
	put_u16(&srv.w, ns_c_in);
	put_u32(&srv.w, 60);
	put_u16(&srv.w, (uint16_t)(6 + len));
	put_u16(&srv.w, priority);
	put_u16(&srv.w, 0);
	put_u16(&srv.w, port);
	put_bytes(&srv.w, target, len);
}

/* The next priority comes when no server of the first one gives keys. The name
 * of the certificate is the domain, and not the name in the record. */
static void srv_records_name_the_key_servers(void **state)
{
	struct job_world *w = *state;

	w->request.srv = 1;
	w->server = ke_server_start(with(w, (struct ke_server_spec){0}), 0);
	begin_srv(3);
	put_srv(2, w->server.at.port, "\4both\4fake");
	put_srv(0, 9, "\6noname\3eai");
	put_srv(1, 9, "\6hidden\3eai");
	ask(w);
	succeeded(w);
	assert_true(endpoint_same_host(&w->answer.facts.peer, &w->server.at));
	assert_int_equal(w->answer.facts.peer.port, w->server.at.port);
	/* The keys are not those of the other targets. */
	assert_int_equal(w->answer.address_count, 1);
}

/* The clock may be wrong, and then DNS refuses the names that records have. */
static void a_target_is_asked_for_without_validation(void **state)
{
	struct job_world *w = *state;

	w->request.srv = 1;
	w->server = ke_server_start(with(w, (struct ke_server_spec){0}), 0);
	dns_serve(DNS_SIGNED);
	begin_srv(1);
	put_srv(0, w->server.at.port, "\5again\3eai");
	ask(w);
	assert_int_equal(w->answer.stage, KE_STAGE_DNS);
	w->request.clock_unsure = 1;
	ask(w);
	succeeded(w);
	addresses(w, "127.0.0.1:123");
	dns_end();
}

/* The DNS server refuses the SRV records, too. Its answer without validation
 * has none. */
static void records_are_asked_for_without_validation(void **state)
{
	struct job_world *w = *state;

	w->request.srv = 1;
	dns_serve(DNS_SIGNED);
	srv.refused = true;
	ask(w);
	assert_non_null(strstr(w->answer.text, "no DNS server answered"));
	w->request.clock_unsure = 1;
	ask(w);
	assert_non_null(strstr(w->answer.text, "has no usable SRV record"));
	srv.refused = false;
	dns_end();
}

/* There is time for some of the thirty addresses of the first priority, and
 * none of them connects. The answer of the next priority is a good one. */
static void a_priority_that_does_not_connect_leaves_nothing_behind(void **state)
{
	struct job_world *w = *state;
	struct endpoint e = at("0.0.0.0", 0);
	struct black_hole hole = black_hole(&e);

	w->request.srv = 1;
	w->request.timeout_ms = 2500;
	w->server = ke_server_start(with(w, (struct ke_server_spec){0}), 0);
	begin_srv(2);
	put_srv(0, e.port, "\11directory\4fake");
	put_srv(1, w->server.at.port, "\5local\4fake");
	ask(w);
	succeeded(w);
	assert_true(ke_answer_valid(&w->answer));
	black_hole_end(&hole);
}

/* RFC 8915 3/5 */
static void the_certificate_must_be_that_of_the_domain(void **state)
{
	struct job_world *w = *state;

	w->request.srv = 1;
	w->leaf = pki_issue(&w->middle,
	    (struct pki_spec){.name = "evil", .san = "DNS:both.fake"});
	w->server = ke_server_start(
	    with(w, (struct ke_server_spec){.leaf = &w->leaf}), 0);
	begin_srv(1);
	put_srv(0, w->server.at.port, "\4both\4fake");
	ask(w);
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_non_null(strstr(w->answer.text, "is not for local.fake"));
}

static void a_domain_without_a_usable_server_is_reported(void **state)
{
	struct job_world *w = *state;
	struct ke_details d;

	w->request.srv = 1;
	begin_srv(1);
	put_srv(0, 9, "\6noname\3eai");
	d = detailed(w);
	assert_int_equal(d.lookup_error, EAI_FAIL);
	failed(w, KE_STAGE_DNS,
	    "no address for \"noname.eai\": the name does not exist, or is an "
	    "alias of one that does not (check "
	    "/etc/hosts or DNS)");
	begin_srv(0);
	d = detailed(w);
	assert_int_equal(d.lookup_error, EAI_FAIL);
	failed(w, KE_STAGE_DNS,
	    "the answer of the DNS server for _ntske._tcp.local.fake has no "
	    "usable SRV record");
}

static void bad_answers_are_reported(void **state)
{
	/* clang-format off */
	static const struct {
		struct ke_server_spec spec;
		enum nts_err error;
		const char *text;
	} cases[] = {
		{{.manner = KE_NOTHING}, NTS_KE_EMPTY, "127.0.0.1 TCP port PORT: the server closed the connection without an NTS-KE answer: it may refuse this client, or its NTS setup may be incomplete"},
		{{.manner = KE_64K}, NTS_KE_TOO_LONG, "127.0.0.1 TCP port PORT: the NTS-KE answer is longer than 65536 bytes"},
		{{.error_code = 1}, NTS_KE_ERROR_BAD_REQUEST, "127.0.0.1 TCP port PORT: the server rejects the request as malformed (NTS-KE error 1)"},
		{{.error_code = 77}, NTS_KE_ERROR_OTHER, "127.0.0.1 TCP port PORT: the server sent an NTS-KE error with an unknown code (code 77)"},
		{{.aead = AEAD_AES_SIV_CMAC_512}, NTS_KE_AEAD_NOT_OFFERED, "127.0.0.1 TCP port PORT: the server chose an AEAD algorithm that was not offered"},
	};
	/* clang-format on */
	struct job_world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		run(w, with(w, cases[i].spec));
		failed(w, KE_STAGE_EXCHANGE, cases[i].text);
		assert_int_equal(w->answer.error, cases[i].error);
		assert_string_equal(w->answer.facts.subject, "CN=ntpserver");
		ke_server_stop(&w->server);
	}
}

/* ::1 accepts and is silent; 127.0.0.1 is the server. */
/* A reset counts as the end of the answer: some servers end so. */
static void a_session_that_breaks_is_reported(void **state)
{
	struct job_world *w = *state;

	run(w, with(w, (struct ke_server_spec){.manner = KE_GARBAGE}));
	assert_int_equal(w->answer.stage, KE_STAGE_EXCHANGE);
	/* The library says in its words why. */
	assert_non_null(strstr(w->answer.text, ": it breaks the TLS protocol"));
	ke_server_stop(&w->server);
	run(w, with(w, (struct ke_server_spec){.manner = KE_RESETS}));
	failed(w, KE_STAGE_EXCHANGE,
	    "127.0.0.1 TCP port PORT: the server closed the connection without "
	    "an NTS-KE answer: it may refuse this client, or its NTS setup may "
	    "be incomplete");
}

static void the_next_address_is_tried(void **state)
{
	struct job_world *w = *state;

	strcpy(w->request.host, "both.fake");
	w->server = ke_server_start(with(w, (struct ke_server_spec){0}), 0);
	w->request.ke_port = w->server.at.port;
	w->second = ke_server_start(
	    (struct ke_server_spec){.address = "::1", .manner = KE_MUTE},
	    w->server.at.port);
	ask(w);
	succeeded(w);
	addresses(w, "127.0.0.1:123 [::1]:123");
	assert_in_range(w->answer.duration_ms, TIMEOUT_MS / 2, TIMEOUT_MS);
}

/* The failure of the first address is not reported. */
static void the_next_address_may_name_an_ntp_server(void **state)
{
	struct job_world *w = *state;

	strcpy(w->request.host, "both.fake");
	w->second = ke_server_start(
	    (struct ke_server_spec){.address = "::1", .manner = KE_HTTP}, 0);
	w->request.ke_port = w->second.at.port;
	w->server = ke_server_start(
	    with(w, (struct ke_server_spec){.ntp_server = "noname.eai"}),
	    w->second.at.port);
	ask(w);
	failed(w, KE_STAGE_NTP_NAME,
	    "both.fake names the NTP server \"noname.eai\", which is unusable: "
	    "no address for \"noname.eai\": the name does not exist, or is an "
	    "alias of one that does not (check "
	    "/etc/hosts or DNS)");
}

static void the_first_failure_is_reported(void **state)
{
	struct job_world *w = *state;

	strcpy(w->request.host, "both.fake");
	w->server = ke_server_start(
	    (struct ke_server_spec){.address = "::1", .manner = KE_HTTP}, 0);
	w->request.ke_port = w->server.at.port;
	ask(w);
	failed(w, KE_STAGE_TLS,
	    "no NTS-KE session with ::1 TCP port PORT: it does not answer with "
	    "TLS: another service listens on that port (wrong version number)");
	assert_int_equal(w->answer.facts.peer.family, 6);
}

/* Runs a server with another certificate of the intermediate CA. */
static void run_leaf(struct job_world *w, struct pki_spec spec)
{
	w->leaf = pki_issue(&w->middle, spec);
	run(w, with(w, (struct ke_server_spec){.leaf = &w->leaf}));
}

/* Expects a refused certificate, with this sentence. */
static void refused(struct job_world *w, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

static void refused(struct job_world *w, const char *fmt, ...)
{
	char want[KE_TEXT_MAX];
	va_list args;
	size_t used;

	va_start(args, fmt);
	vsnprintf(want, sizeof(want), fmt, args);
	va_end(args);
	used = strlen(want);
	snprintf(want + used, sizeof(want) - used, " (127.0.0.1 TCP port %u)",
	    w->request.ke_port);
	assert_string_equal(w->answer.text, want);
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
}

/* The SHA-256 of the key of a certificate. */
static const char *hash_of(const struct pki_pair *p)
{
	static char hash[CERTIFICATE_HASH_MAX];

	certificate_key_hash(p->certificate, hash);
	return hash;
}

/* Both take the hash of the server's key. */
#define INTERCEPTED(cause)                                                     \
	": somebody else may be intercepting the connection, or " cause        \
	"; see on the server itself whether the SHA-256 of its key is %s; "
#define FROM_CA                                                                \
	"get the root certificate from the CA itself, never from this "        \
	"connection"

/* Does not compare the local time: its second may change during the job. */
static void refused_by_date(
    struct job_world *w, const char *before, const char *after)
{
	char from[CERTIFICATE_DATE_MAX], to[CERTIFICATE_DATE_MAX];
	char want[KE_TEXT_MAX];

	certificate_date(certificate_not_before(w->leaf.certificate), from);
	certificate_date(certificate_not_after(w->leaf.certificate), to);
	snprintf(want, sizeof(want),
	    "the certificate \"CN=ntpserver\" %s: it is valid from %s to %s "
	    "and "
	    "the local clock says 2",
	    before, from, to);
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_memory_equal(w->answer.text, want, strlen(want));
	assert_non_null(strstr(w->answer.text, after));
}

static void an_expired_certificate_is_reported(void **state)
{
	struct job_world *w = *state;

	run_leaf(w, (struct pki_spec){.name = "ntpserver",
			.san = GOOD_SAN,
			.from_s = -9 * PKI_DAY_S,
			.to_s = -2 * PKI_DAY_S});
	refused_by_date(w, "has expired",
	    " UTC; renew the certificate, or correct the local clock if it is "
	    "wrong (127.0.0.1 TCP port ");
}

static void a_certificate_that_is_not_yet_valid_is_reported(void **state)
{
	struct job_world *w = *state;

	run_leaf(w, (struct pki_spec){.name = "ntpserver",
			.san = GOOD_SAN,
			.from_s = 2 * PKI_DAY_S,
			.to_s = 9 * PKI_DAY_S});
	assert_int_equal(
	    w->answer.valid_from, certificate_not_before(w->leaf.certificate));
	refused_by_date(w, "is not yet valid",
	    " UTC; wait, issue the certificate again, or correct the local "
	    "clock if it is wrong (127.0.0.1 TCP port ");
}

static size_t locked;

/* In the place of the C library's: there may be no right to lock so much. */
int mlock(const void *memory, size_t size)
{
	(void)memory;
	locked = size > locked ? size : locked;
	errno = ENOMEM;
	return -1;
}

/* The job goes on without the right to lock it. */
static void the_message_with_the_cookies_is_locked(void **state)
{
	struct job_world *w = *state;

	locked = 0;
	run(w, with(w, (struct ke_server_spec){0}));
	succeeded(w);
	assert_true(locked > KE_MESSAGE_MAX);
}

/* Takes the hash of the server's key. */
#define NOT_FOR(cn, cause)                                                     \
	"the certificate \"CN=" cn                                             \
	"\" is not for local.fake: somebody else may "                         \
	"be intercepting the connection, or " cause "; see on the server "     \
	"itself whether the SHA-256 of its key is %s; if it is, issue the "    \
	"certificate again with DNS:local.fake as a subject alternative "      \
	"name, or ask the operator of the server for its right name, never "   \
	"this connection; the certificate is for "

static void a_wrong_name_is_reported(void **state)
{
	struct job_world *w = *state;

	run_leaf(w, (struct pki_spec){.name = "ntpserver",
			.san = "DNS:a.example,DNS:b.example,IP:192.0.2.1,"
			       "IP:2001:db8::1"});
	refused(w,
	    NOT_FOR("ntpserver",
		"the name is wrong, in the certificate or in the "
		"configuration") "DNS \"a.example\", DNS "
				 "\"b.example\", IP 192.0.2.1, IP "
				 "2001:db8::1",
	    hash_of(&w->leaf));
}

static void a_name_in_the_subject_alone_is_reported(void **state)
{
	struct job_world *w = *state;

	run_leaf(w, (struct pki_spec){.name = "local.fake"});
	refused(w,
	    NOT_FOR("local.fake",
		"the common name does not count") "no DNS name and no IP "
						  "address",
	    hash_of(&w->leaf));
}

#define NOT_SENT                                                               \
	INTERCEPTED("the server does not send the certificate of an "          \
		    "intermediate CA, or trusted-certs lacks the root")        \
	"if that issuer is an intermediate CA, let the server send its "       \
	"certificate, else " FROM_CA

static void an_unknown_root_is_reported(void **state)
{
	struct job_world *w = *state;

	strcpy(w->trust.paths[0], w->other_file);
	run(w, with(w, (struct ke_server_spec){0}));
	refused(w,
	    "the CA certificate \"CN=Lab NTS Intermediate CA\" in the server's "
	    "chain is issued by \"CN=Lab NTS Root CA\", which is not among the "
	    "trusted "
	    "certificates (1 file: %s)" NOT_SENT,
	    w->other_file, hash_of(&w->good));
}

static void an_unusable_trust_file_is_reported_first(void **state)
{
	struct job_world *w = *state;

	strcpy(w->trust.paths[0], w->other_file);
	strcpy(w->trust.paths[1], "/nonexistent/ca.pem");
	w->trust.path_count = 2;
	run(w, with(w, (struct ke_server_spec){0}));
	refused(w,
	    "cannot read the trusted certificate /nonexistent/ca.pem: No such "
	    "file or directory; this may be the reason: the CA certificate "
	    "\"CN=Lab NTS Intermediate CA\" in the server's chain is issued by "
	    "\"CN=Lab NTS Root "
	    "CA\", which is not among the trusted certificates" NOT_SENT,
	    hash_of(&w->good));
}

static void a_missing_intermediate_is_reported(void **state)
{
	struct job_world *w = *state;

	run(w, (struct ke_server_spec){.leaf = &w->good});
	refused(w,
	    "the certificate \"CN=ntpserver\" is issued by \"CN=Lab NTS "
	    "Intermediate CA\", which is not among the trusted certificates "
	    "(1 file: %s)" NOT_SENT,
	    w->root_file, hash_of(&w->good));
}

static void a_self_signed_certificate_is_reported(void **state)
{
	struct job_world *w = *state;

	w->leaf = pki_issue(
	    NULL, (struct pki_spec){.name = "ntpserver", .san = GOOD_SAN});
	run(w, (struct ke_server_spec){.leaf = &w->leaf});
	refused(w,
	    "the certificate \"CN=ntpserver\" is self-signed and not among the "
	    "trusted certificates (1 file: %s)" INTERCEPTED(
		"the server has no certificate of a CA") "give it one, or copy "
							 "its own from its "
							 "disk to "
							 "trusted-certs, never "
							 "from this connection",
	    w->root_file, hash_of(&w->leaf));
}

static void a_self_signed_certificate_can_be_trusted(void **state)
{
	struct job_world *w = *state;
	char path[96];

	w->leaf = pki_issue(
	    NULL, (struct pki_spec){.name = "ntpserver", .san = GOOD_SAN});
	snprintf(path, sizeof(path), "%s/leaf.pem", w->directory);
	pki_write(path, w->leaf.certificate);
	strcpy(w->trust.paths[0], path);
	run(w, (struct ke_server_spec){.leaf = &w->leaf});
	unlink(path);
	succeeded(w);
}

static void an_untrusted_root_that_is_sent_is_reported(void **state)
{
	struct job_world *w = *state;

	w->leaf = pki_issue(
	    &w->root, (struct pki_spec){.name = "ntpserver", .san = GOOD_SAN});
	strcpy(w->trust.paths[0], w->other_file);
	run(w, (struct ke_server_spec){.leaf = &w->leaf, .middle = &w->root});
	refused(w,
	    "the chain of the server's certificate ends at the root \"CN=Lab "
	    "NTS Root CA\", which is not among the trusted certificates (1 "
	    "file: %s)" INTERCEPTED("trusted-certs lacks that root") FROM_CA,
	    w->other_file, hash_of(&w->leaf));
}

/* The CA has its old name and a new key; the old key is trusted. */
static void a_renewed_root_is_reported(void **state)
{
	struct job_world *w = *state;
	struct pki_pair root = pki_issue(
	    NULL, (struct pki_spec){.name = "Lab NTS Root CA", .ca = true});

	w->leaf = pki_issue(
	    &root, (struct pki_spec){.name = "ntpserver", .san = GOOD_SAN});
	run(w, (struct ke_server_spec){.leaf = &w->leaf});
	pki_free(&root);
	refused(w,
	    "the certificate \"CN=ntpserver\" names the trusted \"CN=Lab NTS "
	    "Root CA\" (%s, line 1) as its issuer, but another key signed "
	    "it" INTERCEPTED(
		"that CA has a new key") "get its current root certificate "
					 "from the CA itself, never from this "
					 "connection",
	    w->root_file, hash_of(&w->leaf));
}

static void an_expired_intermediate_is_reported(void **state)
{
	struct job_world *w = *state;
	struct pki_pair middle =
	    pki_issue(&w->root, (struct pki_spec){.name = "Old CA",
				    .ca = true,
				    .from_s = -9 * PKI_DAY_S,
				    .to_s = -2 * PKI_DAY_S});
	static const char want[] = "the CA certificate \"CN=Old CA\" in the "
				   "server's chain has expired: it is valid ";

	w->leaf = pki_issue(
	    &middle, (struct pki_spec){.name = "ntpserver", .san = GOOD_SAN});
	run(w, (struct ke_server_spec){.leaf = &w->leaf, .middle = &middle});
	pki_free(&middle);
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_memory_equal(w->answer.text, want, strlen(want));
}

/* RFC 8915 3/1 */
static void a_weak_key_is_reported(void **state)
{
	struct job_world *w = *state;

	run_leaf(
	    w, (struct pki_spec){
		   .name = "ntpserver", .san = GOOD_SAN, .rsa_bits = 1024});
	refused(w,
	    "the certificate \"CN=ntpserver\" has a weak key (RSA of 1024 "
	    "bits) "
	    "for the security level 2 of this system; issue it again with an "
	    "EC "
	    "key of P-256, P-384 or P-521 or an RSA key of at least 2048 bits");
}

/* Dates are unchecked, because the clock may be wrong. */

static const struct pki_spec too_old = {.name = "ntpserver",
    .san = GOOD_SAN,
    .from_s = -9 * PKI_DAY_S,
    .to_s = -2 * PKI_DAY_S};
static const struct pki_spec too_new = {.name = "ntpserver",
    .san = GOOD_SAN,
    .from_s = 2 * PKI_DAY_S,
    .to_s = 9 * PKI_DAY_S};

static void a_failure_by_date_alone_is_marked(void **state)
{
	struct job_world *w = *state;

	run_leaf(w, too_old);
	assert_int_equal(w->answer.dates, KE_DATES_REFUSED);
	teardown(state);
	run_leaf(w, too_new);
	assert_int_equal(w->answer.dates, KE_DATES_REFUSED);
	teardown(state);
	run_leaf(w, (struct pki_spec){.name = "ntpserver",
			.san = "DNS:a.example",
			.from_s = -9 * PKI_DAY_S,
			.to_s = -2 * PKI_DAY_S});
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_int_equal(w->answer.dates, KE_DATES_CHECKED);
}

static void without_dates_an_expired_chain_passes(void **state)
{
	struct job_world *w = *state;
	struct pki_pair middle =
	    pki_issue(&w->root, (struct pki_spec){.name = "Old CA",
				    .ca = true,
				    .from_s = -8 * PKI_DAY_S,
				    .to_s = -1 * PKI_DAY_S});
	const uint8_t none[KE_CERT_KEY_LEN] = {0};

	w->request.dates_unchecked = 1;
	w->leaf = pki_issue(&middle, too_old);
	run(w, (struct ke_server_spec){.leaf = &w->leaf, .middle = &middle});
	succeeded(w);
	assert_int_equal(w->answer.dates, KE_DATES_UNCHECKED);
	/* The time when the whole chain is valid. Here it is empty: the start
	 * is after the end. */
	assert_int_equal(w->answer.facts.not_before,
	    certificate_not_before(w->root.certificate));
	assert_int_equal(w->answer.facts.not_after,
	    certificate_not_after(w->leaf.certificate));
	assert_memory_not_equal(w->answer.facts.key, none, sizeof(none));
	pki_free(&middle);
}

static void without_dates_a_future_certificate_passes(void **state)
{
	struct job_world *w = *state;

	w->request.dates_unchecked = 1;
	run_leaf(w, too_new);
	succeeded(w);
	assert_int_equal(w->answer.dates, KE_DATES_UNCHECKED);
}

/* Every other fault of a certificate that has expired, too. */
static void without_dates_the_rest_is_checked(void **state)
{
	static const struct {
		struct pki_spec spec;
		const char *sentence;
	} cases[] = {
	    {{.san = "DNS:a.example"}, "is not for local.fake"},
	    {{.san = NULL},
		"the certificate is for no DNS name and no IP address"},
	    {{.san = GOOD_SAN, .rsa_bits = 1024}, "has a weak key"},
	    {{.san = GOOD_SAN, .purpose = "clientAuth"},
		"is not for a TLS server"},
	};
	struct job_world *w = *state;

	w->request.dates_unchecked = 1;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pki_spec spec = cases[i].spec;

		spec.name = "ntpserver";
		spec.from_s = too_old.from_s;
		spec.to_s = too_old.to_s;
		run_leaf(w, spec);
		assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
		assert_non_null(strstr(w->answer.text, cases[i].sentence));
		teardown(state);
	}
}

static void without_dates_an_unknown_ca_is_refused(void **state)
{
	struct job_world *w = *state;

	w->request.dates_unchecked = 1;
	w->leaf = pki_issue(NULL, too_old);
	run(w, (struct ke_server_spec){.leaf = &w->leaf});
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_non_null(strstr(w->answer.text, "is self-signed"));
	teardown(state);
	w->leaf = pki_issue(&w->other, too_old);
	run(w, (struct ke_server_spec){.leaf = &w->leaf});
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_non_null(
	    strstr(w->answer.text, "is issued by \"CN=Other Root CA\""));
}

/* With a clock that is far ahead, the trusted root itself has expired. */
static void an_expired_root_file_counts_without_dates(void **state)
{
	struct job_world *w = *state;
	struct pki_pair root =
	    pki_issue(NULL, (struct pki_spec){.name = "Past Root",
				.ca = true,
				.from_s = -9 * PKI_DAY_S,
				.to_s = -2 * PKI_DAY_S});

	snprintf(w->trust.paths[0], sizeof(w->trust.paths[0]), "%s/past.pem",
	    w->directory);
	pki_write(w->trust.paths[0], root.certificate);
	w->leaf = pki_issue(&root, too_old);
	run(w, (struct ke_server_spec){.leaf = &w->leaf});
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_int_equal(w->answer.dates, KE_DATES_REFUSED);
	w->request.dates_unchecked = 1;
	ask(w);
	unlink(w->trust.paths[0]);
	pki_free(&root);
	succeeded(w);
	assert_int_equal(w->answer.dates, KE_DATES_UNCHECKED);
}

static void a_wrong_purpose_is_reported(void **state)
{
	struct job_world *w = *state;

	run_leaf(w,
	    (struct pki_spec){
		.name = "ntpserver", .san = GOOD_SAN, .purpose = "clientAuth"});
	refused(w,
	    "the certificate \"CN=ntpserver\" is not for a TLS server (its "
	    "extended key usage has no serverAuth); issue it again with the "
	    "extended key usage serverAuth");
}

static void a_leaf_that_issues_is_reported(void **state)
{
	struct job_world *w = *state;

	w->leaf = pki_issue(
	    &w->good, (struct pki_spec){.name = "fake", .san = GOOD_SAN});
	w->trust.path_count = 2;
	snprintf(w->trust.paths[1], sizeof(w->trust.paths[1]), "%s/middle.pem",
	    w->directory);
	pki_write(w->trust.paths[1], w->middle.certificate);
	run(w, (struct ke_server_spec){.leaf = &w->leaf, .middle = &w->good});
	unlink(w->trust.paths[1]);
	refused(w,
	    "the CA certificate \"CN=ntpserver\" in the server's chain is not "
	    "that of a CA (its basic constraints say CA:FALSE), but its key "
	    "signed another one; if it is a CA, issue it again with the basic "
	    "constraints CA:TRUE");
}

static void a_revoked_certificate_is_reported(void **state)
{
	struct job_world *w = *state;
	X509_CRL *list = pki_list(
	    &w->middle, (struct pki_list_spec){.revoked = w->good.certificate});
	char want[KE_TEXT_MAX];

	snprintf(w->trust.crls[0], sizeof(w->trust.crls[0]), "%s/a.crl",
	    w->directory);
	w->trust.crl_count = 1;
	pki_write_list(w->trust.crls[0], list);
	run(w, with(w, (struct ke_server_spec){0}));
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_int_equal(w->answer.dates, KE_DATES_CHECKED);
	snprintf(want, sizeof(want),
	    ", says the revocation list of \"CN=Lab NTS Intermediate CA\" "
	    "(%s, line 1); ",
	    w->trust.crls[0]);
	assert_non_null(strstr(w->answer.text, " was revoked on 2"));
	assert_non_null(strstr(w->answer.text, want));
	unlink(w->trust.crls[0]);
	ask(w);
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_non_null(strstr(w->answer.text,
	    "certificates cannot be checked for revocation: cannot read"));
	X509_CRL_free(list);
}

/* The signatures of lists have the security level of those of certificates. */
static void a_list_with_a_weak_signature_is_reported(void **state)
{
	struct job_world *w = *state;
	X509_CRL *list = pki_list(&w->middle, (struct pki_list_spec){0});

	PKI_MUST(X509_CRL_sign(list, w->middle.key, EVP_sha1()) > 0);
	snprintf(w->trust.crls[0], sizeof(w->trust.crls[0]), "%s/a.crl",
	    w->directory);
	w->trust.crl_count = 1;
	pki_write_list(w->trust.crls[0], list);
	run(w, with(w, (struct ke_server_spec){0}));
	unlink(w->trust.crls[0]);
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_non_null(strstr(w->answer.text,
	    " has a signature with a digest that is too weak; "));
	X509_CRL_free(list);
}

/* Its dates are unchecked, like those of certificates. */
static void an_expired_list_counts_as_a_date(void **state)
{
	struct job_world *w = *state;
	X509_CRL *list = pki_list(&w->middle,
	    (struct pki_list_spec){.from_s = -9 * PKI_DAY_S, .to_s = -5});

	snprintf(w->trust.crls[0], sizeof(w->trust.crls[0]), "%s/a.crl",
	    w->directory);
	w->trust.crl_count = 1;
	pki_write_list(w->trust.crls[0], list);
	run(w, with(w, (struct ke_server_spec){0}));
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_int_equal(w->answer.dates, KE_DATES_REFUSED);
	assert_non_null(strstr(w->answer.text, " has expired: it is from "));
	w->request.dates_unchecked = 1;
	ask(w);
	succeeded(w);
	unlink(w->trust.crls[0]);
	X509_CRL_free(list);
}

static void names_cannot_forge_a_line(void **state)
{
	struct job_world *w = *state;
	const char *c;

	run_leaf(w, (struct pki_spec){
			.name = "a\nntsagentd: all is well\x1b[2J\xc3\xa9",
			.san = "DNS:x.example"});
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	for (c = w->answer.text; *c; c++)
		assert_in_range(*c, 0x20, 0x7e);
}

static void nothing_trusted_is_reported(void **state)
{
	struct job_world *w = *state;

	w->trust.path_count = 0;
	ask(w);
	failed(w, KE_STAGE_CERTIFICATE,
	    "no certificate is trusted: trusted-certs names none");
	w->trust.path_count = 1;
	strcpy(w->trust.paths[0], "/nonexistent/ca.pem");
	ask(w);
	failed(w, KE_STAGE_CERTIFICATE,
	    "no certificate is trusted: cannot read the trusted certificate "
	    "/nonexistent/ca.pem: No such file or directory");
	/* Dates are not the reason, so the request makes no difference. */
	w->request.dates_unchecked = 1;
	ask(w);
	assert_int_equal(w->answer.stage, KE_STAGE_CERTIFICATE);
	assert_non_null(strstr(w->answer.text, "no certificate is trusted: "));
}

static void no_descriptor_is_left_open(void **state)
{
	struct job_world *w = *state;
	int before = descriptors_open();

	run(w, with(w, (struct ke_server_spec){0}));
	succeeded(w);
	ke_server_stop(&w->server);
	run(w, with(w, (struct ke_server_spec){.manner = KE_HTTP}));
	ke_server_stop(&w->server);
	ask(w);
	assert_int_equal(descriptors_open(), before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct CMUnitTest tests[] = {
    TEST(a_good_server_gives_keys),
    TEST(an_address_instead_of_a_name_is_fine),
    TEST(odd_ways_to_answer_are_fine),
    TEST(the_details_describe_a_good_server),
    TEST(the_details_describe_a_refused_certificate),
    TEST(the_details_tell_failures_apart),
    TEST(the_details_tell_ends_of_a_handshake_apart),
    TEST(a_lost_segment_is_named),
    TEST(the_details_are_those_of_the_exchange_that_counts),
    TEST(the_winner_leads_the_addresses),
    TEST(a_group_among_the_addresses_of_a_name_is_left_out),
    TEST(ports_go_by_negotiation_then_configuration),
    TEST(a_negotiated_server_is_looked_up),
    TEST(a_negotiated_name_is_complete),
    TEST(the_peer_leads_a_negotiated_name_too),
    TEST(a_negotiated_name_without_address_is_reported),
    TEST(a_server_that_is_no_single_host_is_refused),
    TEST(gcm_siv_works_or_is_reported_missing),
    TEST(a_name_without_address_is_reported),
    TEST(a_name_is_asked_for_without_validation_if_the_clock_is_unsure),
    TEST(a_failed_lookup_leads_to_the_known_address),
    TEST(a_failure_at_the_known_address_is_one_of_dns),
    TEST(with_a_known_address_dns_is_asked_twice),
    TEST(the_known_address_is_tried_if_hosts_has_another_family),
    TEST(a_slow_dns_is_reported),
    TEST(a_closed_port_is_reported),
    TEST(other_services_are_reported),
    TEST(a_server_that_gives_up_is_not_called_one_that_refuses),
    TEST(a_silent_server_costs_the_timeout),
    TEST(a_server_that_sends_without_end_is_left),
    TEST(an_address_without_answer_gets_a_part_of_the_time),
    TEST(each_address_of_a_name_gets_its_turn),
    TEST(a_source_of_a_pool_gets_one_address),
    TEST(an_address_in_use_is_left_out),
    TEST(a_time_server_in_use_is_left_out),
    TEST(the_preferred_address_comes_first),
    TEST(srv_records_name_the_key_servers),
    TEST(a_target_is_asked_for_without_validation),
    TEST(records_are_asked_for_without_validation),
    TEST(a_priority_that_does_not_connect_leaves_nothing_behind),
    TEST(the_certificate_must_be_that_of_the_domain),
    TEST(a_domain_without_a_usable_server_is_reported),
    TEST(bad_answers_are_reported),
    TEST(a_session_that_breaks_is_reported),
    TEST(the_next_address_is_tried),
    TEST(the_next_address_may_name_an_ntp_server),
    TEST(the_first_failure_is_reported),
    TEST(an_expired_certificate_is_reported),
    TEST(a_certificate_that_is_not_yet_valid_is_reported),
    TEST(a_wrong_name_is_reported),
    TEST(the_message_with_the_cookies_is_locked),
    TEST(a_name_in_the_subject_alone_is_reported),
    TEST(an_unknown_root_is_reported),
    TEST(an_unusable_trust_file_is_reported_first),
    TEST(a_missing_intermediate_is_reported),
    TEST(a_self_signed_certificate_is_reported),
    TEST(a_self_signed_certificate_can_be_trusted),
    TEST(an_untrusted_root_that_is_sent_is_reported),
    TEST(a_renewed_root_is_reported),
    TEST(an_expired_intermediate_is_reported),
    TEST(a_weak_key_is_reported),
    TEST(a_failure_by_date_alone_is_marked),
    TEST(without_dates_an_expired_chain_passes),
    TEST(without_dates_a_future_certificate_passes),
    TEST(without_dates_the_rest_is_checked),
    TEST(without_dates_an_unknown_ca_is_refused),
    TEST(an_expired_root_file_counts_without_dates),
    TEST(a_wrong_purpose_is_reported),
    TEST(a_leaf_that_issues_is_reported),
    TEST(a_revoked_certificate_is_reported),
    TEST(a_list_with_a_weak_signature_is_reported),
    TEST(an_expired_list_counts_as_a_date),
    TEST(names_cannot_forge_a_line),
    TEST(nothing_trusted_is_reported),
    TEST(no_descriptor_is_left_open),
};

int main(void)
{
	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
