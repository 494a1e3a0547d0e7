/* From what was seen to the obstacle: a row for each, and the verdict on all
 * sources. */
#include "resolver/icmp.h"
#include "resolver/race.h"
#include "tests/unit/agent/check/seen_by.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netdb.h>

/* What a row changes in a good probe. */
typedef void change_fn(struct probe *p);

static void fail_at(struct probe *p, enum ke_stage stage)
{
	p->keys.stage = stage;
	p->keys.have_keys = false;
	p->keys.address = (struct endpoint){0};
	strcpy(p->keys.text, "the job says why");
	p->time = (struct probe_time){0};
}

static void fail_lookup(struct probe *p, int error)
{
	fail_at(p, KE_STAGE_DNS);
	p->keys.facts.peer = (struct endpoint){0};
	p->keys.details.names.count = 0;
	p->keys.details.lookup_error = error;
}

static void fail_connect(struct probe *p, int error)
{
	fail_at(p, KE_STAGE_CONNECT);
	p->keys.facts.peer = (struct endpoint){0};
	p->keys.details.connect_errors[0] = error;
}

static void fail_tls(struct probe *p, enum tls_fault fault)
{
	fail_at(p, KE_STAGE_TLS);
	p->keys.details.tls_fault = fault;
}

static void refuse(struct probe *p, enum certificate_fault fault)
{
	fail_at(p, KE_STAGE_CERTIFICATE);
	p->keys.details.certificate_fault = fault;
}

static void no_sample(struct probe *p, enum nts_err error)
{
	p->time.have_sample = false;
	p->time.answered = 0;
	p->time.passed_size = 0;
	p->time.error = error;
}

/* One line for each row: what happens, in terms of the functions above. */
#define CHANGE(name, what)                                                     \
	static void name(struct probe *p)                                      \
	{                                                                      \
		what;                                                          \
	}
CHANGE(nothing, (void)p)
CHANGE(no_store, refuse(p, CERTIFICATE_ACCEPTED);
       p->keys.facts.peer = (struct endpoint){0};
       p->keys.details.no_store = true)
CHANGE(no_file, refuse(p, CERTIFICATE_ACCEPTED);
       p->keys.facts.peer = (struct endpoint){0})
CHANGE(no_list, no_file(p); snprintf(p->keys.text, sizeof(p->keys.text),
    "the revocation list a.pem has expired"))
CHANGE(revoked, refuse(p, CERTIFICATE_OTHER_FAULT);
       snprintf(p->keys.text, sizeof(p->keys.text),
	   "the certificate was revoked, says the revocation list a.pem"))
CHANGE(no_device, fail_at(p, KE_STAGE_BIND))
CHANGE(hidden_file, refuse(p, CERTIFICATE_UNKNOWN_ISSUER);
       p->keys.details.hidden = true)
CHANGE(no_aead, fail_at(p, KE_STAGE_START))
CHANGE(no_name, fail_lookup(p, EAI_NONAME))
CHANGE(no_data, fail_lookup(p, EAI_NODATA))
CHANGE(all_in_use, fail_lookup(p, 0); p->keys.details.in_use = true)
CHANGE(dns_again, fail_lookup(p, EAI_AGAIN))
CHANGE(dns_fail, fail_lookup(p, EAI_FAIL))
CHANGE(dns_late, fail_lookup(p, 0))
CHANGE(dns_hangs, *p = (struct probe){.begun = true})
CHANGE(starved, *p = (struct probe){0})
CHANGE(refused, fail_connect(p, ECONNREFUSED))
CHANGE(rejected, fail_connect(p, ICMP_PROHIBITED))
CHANGE(dropped, fail_connect(p, ETIMEDOUT))
CHANGE(no_route, fail_connect(p, ENETUNREACH))
CHANGE(host_down, fail_connect(p, EHOSTUNREACH))
CHANGE(broadcast, fail_connect(p, RACE_BROADCAST))
CHANGE(own_firewall, fail_connect(p, EPERM))
CHANGE(ipv6_off, fail_connect(p, EADDRNOTAVAIL);
       p->keys.details.names.at[0].family = 6)
CHANGE(no_host, fail_connect(p, ECONNREFUSED);
       p->keys.details.names.at[0] = endpoint_of("0.0.0.0", 4460))
CHANGE(group, fail_connect(p, ENETUNREACH);
       p->keys.details.names.at[0] = endpoint_of("224.0.0.1", 4460))
/* IPv6 is off, and IPv4 is refused: the second is what to change. */
CHANGE(both, fail_connect(p, EADDRNOTAVAIL);
       p->keys.details.names.at[0].family = 6;
       p->keys.details.names.at[1] = endpoint_of("192.0.2.1", 4460);
       p->keys.details.connect_errors[1] = ECONNREFUSED;
       p->keys.details.names.count = 2)
CHANGE(not_tls, fail_tls(p, TLS_NOT_TLS))
CHANGE(no_alpn, fail_tls(p, TLS_ALPN_MISSING))
CHANGE(old_tls, fail_tls(p, TLS_TOO_OLD))
CHANGE(wants_ours, fail_tls(p, TLS_WANTS_CERTIFICATE))
CHANGE(wants_ours_late, wants_ours(p); p->keys.stage = KE_STAGE_EXCHANGE)
CHANGE(unknown_sni, fail_tls(p, TLS_NAME_UNKNOWN))
CHANGE(closed_and_mute, fail_tls(p, TLS_CLOSED_EARLY);
       p->time.plain_sent = true)
CHANGE(closed_with_time, fail_tls(p, TLS_CLOSED_EARLY);
       p->time.plain_sent = p->time.plain_answered = true)
CHANGE(closed_untried, fail_tls(p, TLS_CLOSED_EARLY))
CHANGE(closed_after_loss, fail_tls(p, TLS_CLOSED_EARLY);
       p->keys.details.lost = p->time.plain_sent = true)
CHANGE(no_exchange, fail_at(p, KE_STAGE_EXCHANGE))
CHANGE(given_up, closed_with_time(p); p->keys.details.late = true)
CHANGE(given_up_later, no_exchange(p); p->keys.details.late = true)
CHANGE(silent, fail_tls(p, TLS_OK); p->keys.details.silent = true)
CHANGE(silent_and_lost, fail_tls(p, TLS_OK);
       p->keys.details.silent = p->keys.details.lost = true)
CHANGE(expired, refuse(p, CERTIFICATE_EXPIRED))
CHANGE(early, refuse(p, CERTIFICATE_EARLY))
CHANGE(old_root, refuse(p, CERTIFICATE_TRUSTED_DATES))
CHANGE(other_name, refuse(p, CERTIFICATE_WRONG_NAME))
CHANGE(stranger, refuse(p, CERTIFICATE_UNKNOWN_ISSUER))
CHANGE(weak, refuse(p, CERTIFICATE_OTHER_FAULT))
/* The server's time fits the dates: ours does not. */
CHANGE(our_dates, struct probe good = *p; refuse(p, CERTIFICATE_EARLY);
       p->keys.have_keys = p->keys.dates_refused = true; p->time = good.time)
CHANGE(its_dates, our_dates(p); p->keys.facts.not_after = NOW_S - 1;
       p->keys.details.certificate_fault = CERTIFICATE_EXPIRED)
CHANGE(bad_ntp_name, fail_at(p, KE_STAGE_NTP_NAME))
CHANGE(ntp_closed, no_sample(p, NTS_OK); p->time.network_error = ECONNREFUSED)
CHANGE(ntp_rejected, no_sample(p, NTS_OK);
       p->time.network_error = ICMP_PROHIBITED)
CHANGE(ntp_silent, no_sample(p, NTS_OK); p->time.plain_sent = true)
CHANGE(ntp_small, no_sample(p, NTS_OK);
       p->time.plain_sent = p->time.plain_answered = true)
CHANGE(ntp_never_sent, no_sample(p, NTS_OK); p->time.sent = 0)
CHANGE(ntp_not_bound, no_sample(p, NTS_OK);
       p->time.network_error = BINDING_FAILED + ENODEV)
CHANGE(ntp_no_route, no_sample(p, NTS_OK); p->time.network_error = ENETUNREACH)
/* The key server was reached by IPv6, and names an IPv4 address. */
CHANGE(ntp_other_family, ntp_no_route(p); p->keys.facts.peer.family = 6)
CHANGE(ntp_ipv6_off, no_sample(p, NTS_OK); p->keys.address.family = 6;
       p->time.network_error = EADDRNOTAVAIL)
CHANGE(ntp_own_firewall, no_sample(p, NTS_OK); p->time.network_error = EPERM)
CHANGE(forged, no_sample(p, NTP_NOT_AUTHENTICATED))
CHANGE(altered, no_sample(p, NTP_BAD_TAG))
CHANGE(nak, no_sample(p, NTP_NAK))
CHANGE(kiss, no_sample(p, NTP_KISS_DENY))
CHANGE(rate, no_sample(p, NTP_KISS_RATE))
CHANGE(unsynchronised, no_sample(p, NTP_UNSYNCHRONISED))
CHANGE(reversed, no_sample(p, NTP_BAD_TIMES))
CHANGE(crypto, no_sample(p, NTS_CRYPTO))
CHANGE(impossible, no_sample(p, NTS_OK); p->time.answered = 4;
       p->time.impossible = 3; p->time.impossible_ns = NS_PER_S)
CHANGE(far, p->time.sample.distance_ns = 3 * NS_PER_S + 1)
CHANGE(just_near, p->time.sample.distance_ns = 3 * NS_PER_S)
CHANGE(large_lost, p->time.lost_size = 852; p->time.passed_size = 228)
CHANGE(ends_soon, p->keys.facts.not_after = NOW_S + 14 * DAY_S - 1;
       p->keys.details.certificate.not_after = p->keys.facts.not_after)
CHANGE(ca_ends_soon, ends_soon(p); p->keys.details.certificate.not_after += 1)
CHANGE(ends_later, p->keys.facts.not_after = NOW_S + 14 * DAY_S)
CHANGE(cut_off, p->complete = false; p->time = (struct probe_time){0})
/* clang-format off */
static const struct {
	change_fn *change;
	enum probe_end end;
	enum obstacle obstacle;
	const char *seen;
} rows[] = {
	{nothing, PROBE_DONE, OBSTACLE_COUNT, ""},
	{no_store, PROBE_DONE, OBSTACLE_NO_CA_STORE, "the job says why"},
	{no_file, PROBE_DONE, OBSTACLE_TRUST, "the job says why"},
	{hidden_file, PROBE_DONE, OBSTACLE_TRUST, "the job says why"},
	{no_list, PROBE_DONE, OBSTACLE_REVOCATION, "the revocation list a.pem has expired"},
	{revoked, PROBE_DONE, OBSTACLE_CERTIFICATE, "the certificate was revoked, says the revocation list a.pem"},
	{no_device, PROBE_DONE, OBSTACLE_BINDING, "the job says why"},
	{no_aead, PROBE_DONE, OBSTACLE_CRYPTOGRAPHY, "the job says why"},
	{no_name, PROBE_DONE, OBSTACLE_NAME_UNKNOWN, "the job says why"},
	{no_data, PROBE_DONE, OBSTACLE_NO_ADDRESS, "the job says why"},
	{all_in_use, PROBE_DONE, OBSTACLE_POOL_SMALL, "the job says why"},
	{dns_again, PROBE_DONE, OBSTACLE_DNS_SILENT, "the job says why"},
	{dns_fail, PROBE_DONE, OBSTACLE_DNS, "the job says why"},
	{dns_late, PROBE_DONE, OBSTACLE_SLOW, "the job says why"},
	{dns_hangs, PROBE_LATE, OBSTACLE_DNS_SILENT, ""},
	{starved, PROBE_LATE, OBSTACLE_SLOW, ""},
	{refused, PROBE_DONE, OBSTACLE_KE_REFUSED, "the job says why"},
	{rejected, PROBE_DONE, OBSTACLE_KE_REJECTED, "the job says why"},
	{dropped, PROBE_DONE, OBSTACLE_KE_BLOCKED, "the job says why"},
	{no_route, PROBE_DONE, OBSTACLE_NO_ROUTE, "the job says why"},
	{broadcast, PROBE_DONE, OBSTACLE_NO_ADDRESS, "the job says why"},
	{host_down, PROBE_DONE, OBSTACLE_UNREACHABLE, "the job says why"},
	{own_firewall, PROBE_DONE, OBSTACLE_LOCAL_FIREWALL, "the job says why"},
	{ipv6_off, PROBE_DONE, OBSTACLE_NO_IPV6, "the job says why"},
	{no_host, PROBE_DONE, OBSTACLE_NO_ADDRESS, "the job says why"},
	{group, PROBE_DONE, OBSTACLE_NO_ADDRESS, "the job says why"},
	{both, PROBE_DONE, OBSTACLE_KE_REFUSED, "the job says why"},
	{not_tls, PROBE_DONE, OBSTACLE_WRONG_PORT, "the job says why"},
	{no_alpn, PROBE_DONE, OBSTACLE_NOT_NTS, "the job says why"},
	{old_tls, PROBE_DONE, OBSTACLE_TLS_OLD, "the job says why"},
	{wants_ours, PROBE_DONE, OBSTACLE_CLIENT_CERTIFICATE, "the job says why"},
	{wants_ours_late, PROBE_DONE, OBSTACLE_CLIENT_CERTIFICATE, "the job says why"},
	{unknown_sni, PROBE_DONE, OBSTACLE_CERTIFICATE_NAME, "the job says why"},
	{closed_and_mute, PROBE_DONE, OBSTACLE_NO_ALLOW, "the job says why"},
	{closed_with_time, PROBE_DONE, OBSTACLE_SERVER_KEY, "the job says why"},
	{closed_untried, PROBE_LATE, OBSTACLE_TLS, "the job says why"},
	{closed_after_loss, PROBE_DONE, OBSTACLE_LARGE_SEGMENTS, "the job says why"},
	{given_up, PROBE_DONE, OBSTACLE_GIVEN_UP, "the job says why"},
	{given_up_later, PROBE_DONE, OBSTACLE_GIVEN_UP, "the job says why"},
	{silent, PROBE_DONE, OBSTACLE_TLS_SILENT, "the job says why"},
	{silent_and_lost, PROBE_DONE, OBSTACLE_LARGE_SEGMENTS, "the job says why"},
	{expired, PROBE_DONE, OBSTACLE_CERTIFICATE_EXPIRED, "the job says why"},
	{early, PROBE_DONE, OBSTACLE_CERTIFICATE_EARLY, "the job says why"},
	{old_root, PROBE_DONE, OBSTACLE_TRUSTED_DATES, "the job says why"},
	{other_name, PROBE_DONE, OBSTACLE_CERTIFICATE_NAME, "the job says why"},
	{stranger, PROBE_DONE, OBSTACLE_UNKNOWN_ISSUER, "the job says why"},
	{weak, PROBE_DONE, OBSTACLE_CERTIFICATE, "the job says why"},
	{our_dates, PROBE_DONE, OBSTACLE_CLOCK_WRONG, "it is 0.000 s fast (ahead)"},
	{its_dates, PROBE_DONE, OBSTACLE_CERTIFICATE_EXPIRED, "the job says why"},
	{no_exchange, PROBE_DONE, OBSTACLE_NTS_KE, "the job says why"},
	{bad_ntp_name, PROBE_DONE, OBSTACLE_NTP_NAME, "the job says why"},
	{ntp_closed, PROBE_DONE, OBSTACLE_NTP_REFUSED, "Connection refused"},
	{ntp_rejected, PROBE_DONE, OBSTACLE_NTP_REJECTED, ""},
	{ntp_silent, PROBE_DONE, OBSTACLE_NTP_BLOCKED, ""},
	{ntp_small, PROBE_DONE, OBSTACLE_NTP_SIZE, ""},
	{ntp_never_sent, PROBE_DONE, OBSTACLE_SLOW, ""},
	{ntp_not_bound, PROBE_DONE, OBSTACLE_BINDING,
	    "bind-device = eth7: this host does not have this device"},
	{ntp_no_route, PROBE_DONE, OBSTACLE_NO_ROUTE, "Network is unreachable"},
	{ntp_other_family, PROBE_DONE, OBSTACLE_OTHER_FAMILY, "Network is unreachable"},
	{ntp_ipv6_off, PROBE_DONE, OBSTACLE_OTHER_FAMILY, "Cannot assign requested address"},
	{ntp_own_firewall, PROBE_DONE, OBSTACLE_LOCAL_FIREWALL, "Operation not permitted"},
	{forged, PROBE_DONE, OBSTACLE_INTERCEPTED, "an answer is not authenticated: something on the path answers without NTS"},
	{altered, PROBE_DONE, OBSTACLE_INTERCEPTED, "an answer fails authentication: it was altered, or the keys differ"},
	{nak, PROBE_DONE, OBSTACLE_NAK, "the server does not know our cookie any more (NTS NAK)"},
	{kiss, PROBE_DONE, OBSTACLE_DENIED, "the server refuses service (kiss code DENY)"},
	{rate, PROBE_DONE, OBSTACLE_RATE, "the server asks for fewer requests (kiss code RATE)"},
	{unsynchronised, PROBE_DONE, OBSTACLE_UNSYNCHRONISED, "the server says that it is not synchronised itself"},
	{reversed, PROBE_DONE, OBSTACLE_BAD_TIMES, "an answer has zero or reversed time stamps"},
	{crypto, PROBE_DONE, OBSTACLE_CRYPTOGRAPHY, "the cryptographic library failed"},
	{impossible, PROBE_DONE, OBSTACLE_IMPOSSIBLE_DELAY, "longer by 1.000000 s, in 3 of 4 answers"},
	{far, PROBE_DONE, OBSTACLE_DISTANCE, "it is 3.000 s, and maxdistance is 3.000 s"},
	{just_near, PROBE_DONE, OBSTACLE_COUNT, ""},
	{large_lost, PROBE_DONE, OBSTACLE_LARGE_PACKETS, "228 bytes pass and 852 do not"},
	{ends_soon, PROBE_DONE, OBSTACLE_CERTIFICATE_ENDS,
	    "in 14.0 days, that of the server"},
	{ca_ends_soon, PROBE_DONE, OBSTACLE_CERTIFICATE_ENDS,
	    "in 14.0 days, that of a CA"},
	{ends_later, PROBE_DONE, OBSTACLE_COUNT, ""},
	{cut_off, PROBE_LATE, OBSTACLE_SLOW, ""},
	{nothing, PROBE_CRASHED, OBSTACLE_CRASH, ""},
};
/* clang-format on */

static enum check_status status_of(enum obstacle o)
{
	if (o == OBSTACLE_COUNT)
		return CHECK_OK;
	return obstacle_is_warning(o) ? CHECK_WARNING : CHECK_CRITICAL;
}

/* Of this machine, of its library, and of several servers together. */
static const enum obstacle elsewhere[] = {OBSTACLE_USER_NAMESPACE,
    OBSTACLE_NO_SYS_TIME, OBSTACLE_INOTIFY, OBSTACLE_FIPS, OBSTACLE_APART,
    OBSTACLE_NO_MAJORITY, OBSTACLE_FALSETICKER};

static void each_obstacle_is_named(void **state)
{
	struct source_config s = good_source("ntp");
	bool named[OBSTACLE_COUNT + 1] = {false};

	(void)state;
	strcpy(s.binding.device, "eth7");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct probe p = good_probe();
		struct source_verdict v;

		rows[i].change(&p);
		judge_source(&s, &p, rows[i].end, &usual_limits, &v);
		if (v.obstacle != rows[i].obstacle)
			fail_msg("row %zu: expected '%s', saw '%s'", i,
			    obstacle_word(rows[i].obstacle),
			    obstacle_word(v.obstacle));
		assert_int_equal(v.status, status_of(v.obstacle));
		assert_string_equal(v.seen, rows[i].seen);
		assert_int_equal(
		    v.problem[0] == '\0', v.obstacle == OBSTACLE_COUNT);
		assert_int_equal(
		    v.to_do[0] == '\0', v.obstacle == OBSTACLE_COUNT);
		named[v.obstacle] = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
		named[elsewhere[i]] = true;
	for (int i = 0; i < OBSTACLE_COUNT; i++)
		if (!named[i])
			fail_msg("no row leads to '%s'",
			    obstacle_word((enum obstacle)i));
}

/* A server chooses the words of its certificate. */
static void foreign_words_change_no_obstacle(void **state)
{
	static const char *const names[] = {"CN=revocation list",
	    "CN=the revocation list of x has expired", "CN=x was revoked"};
	struct source_config s = good_source("ntp");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct probe p = good_probe();
		struct source_verdict v;

		stranger(&p);
		snprintf(p.keys.text, sizeof(p.keys.text),
		    "the certificate \"%s\" is self-signed", names[i]);
		judge_source(&s, &p, PROBE_DONE, &usual_limits, &v);
		assert_int_equal(v.obstacle, OBSTACLE_UNKNOWN_ISSUER);
		no_file(&p);
		snprintf(p.keys.text, sizeof(p.keys.text),
		    "the certificate \"%s\" cannot be checked: the "
		    "revocation list of \"CN=CA\" has expired",
		    names[i]);
		judge_source(&s, &p, PROBE_DONE, &usual_limits, &v);
		assert_int_equal(v.obstacle, OBSTACLE_REVOCATION);
	}
}

static void the_texts_name_what_was_asked(void **state)
{
	struct source_config s = good_source("first");
	struct probe p = good_probe();
	struct source_verdict v;

	(void)state;
	s.ke_port = 14460;
	ntp_silent(&p);
	p.keys.address = endpoint_of("192.0.2.77", 1123);
	judge_source(&s, &p, PROBE_DONE, &usual_limits, &v);
	assert_non_null(strstr(v.problem, "UDP port 1123,"));
	assert_string_equal(v.to_do,
	    "let UDP port 1123 to 192.0.2.77 and its answers through every "
	    "firewall");
	p = good_probe();
	refused(&p);
	judge_source(&s, &p, PROBE_DONE, &usual_limits, &v);
	assert_non_null(strstr(v.problem, "TCP port 14460 "));
	no_route(&p);
	judge_source(&s, &p, PROBE_DONE, &usual_limits, &v);
	assert_non_null(strstr(v.to_do, "ip route; ip -6 route"));
	no_name(&p);
	judge_source(&s, &p, PROBE_DONE, &usual_limits, &v);
	assert_non_null(strstr(v.to_do, "add first.example to DNS"));
}

/* An address needs no DNS server: this machine is too busy. */
static void a_process_without_a_name_does_not_hang_in_dns(void **state)
{
	static const char *const hosts[] = {"192.0.2.1", "2001:db8::1"};
	struct source_config s = good_source("ntp");
	struct probe p = good_probe();
	struct source_verdict v;

	(void)state;
	dns_hangs(&p);
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		strcpy(s.host, hosts[i]);
		judge_source(&s, &p, PROBE_LATE, &usual_limits, &v);
		assert_int_equal(v.obstacle, OBSTACLE_SLOW);
	}
}

static void a_check_that_was_not_made_is_unknown(void **state)
{
	const struct source_config s = good_source("ntp");
	const struct probe p = {.complete = false};
	struct source_verdict v;

	(void)state;
	judge_source(&s, &p, PROBE_NOT_RUN, &usual_limits, &v);
	assert_int_equal(v.status, CHECK_UNKNOWN);
	assert_int_equal(v.obstacle, OBSTACLE_COUNT);
	assert_string_not_equal(v.problem, "");
}

/* The agent may read what this user may not. */
static void another_user_does_not_judge_closed_files(void **state)
{
	const struct source_config s = good_source("ntp");
	struct judge_limits limits = usual_limits;
	struct probe p = good_probe();
	struct source_verdict v;

	(void)state;
	limits.other_user = true;
	hidden_file(&p);
	judge_source(&s, &p, PROBE_DONE, &limits, &v);
	assert_int_equal(v.status, CHECK_UNKNOWN);
	assert_int_equal(v.obstacle, OBSTACLE_TRUST);
	assert_string_equal(v.seen, "");
	assert_non_null(strstr(v.to_do, "sudo ntsctl check --live"));
	stranger(&p);
	p.keys.details.hidden = false;
	judge_source(&s, &p, PROBE_DONE, &limits, &v);
	assert_int_equal(v.status, CHECK_CRITICAL);
}

static void without_an_algorithm_fips_mode_is_named(void **state)
{
	const struct source_config s = good_source("ntp");
	struct judge_limits limits = usual_limits;
	struct probe p = good_probe();
	struct source_verdict v;

	(void)state;
	limits.fips = true;
	judge_source(&s, &p, PROBE_DONE, &limits, &v);
	assert_int_equal(v.obstacle, OBSTACLE_COUNT);
	no_aead(&p);
	judge_source(&s, &p, PROBE_DONE, &limits, &v);
	assert_int_equal(v.obstacle, OBSTACLE_FIPS);
	assert_non_null(strstr(v.to_do, "add 15 to aeads"));
}

/* All sources together. */

#define COUNT 3

struct all {
	struct source_config configs[COUNT];
	struct checked_source sources[COUNT];
	struct check_verdict verdict;
};

static void three_good(struct all *a)
{
	static const char *const names[COUNT] = {"one", "two", "three"};

	*a = (struct all){0};
	for (int i = 0; i < COUNT; i++) {
		a->configs[i] = good_source(names[i]);
		a->sources[i] = (struct checked_source){
		    .config = &a->configs[i],
		    .probe = good_probe(),
		    .end = PROBE_DONE,
		};
		a->sources[i].probe.keys.address.address[3] = (uint8_t)i;
	}
}

/* What shows one server behind two names. */
static void one_key(struct probe *p)
{
	p->keys.facts.key[0] = 7;
}

static void one_key_and_time(struct probe *p)
{
	one_key(p);
	p->time.sample.reference = 5;
}

static void one_address(struct probe *p)
{
	p->keys.address = endpoint_of("192.0.2.77", 123);
}

static void judge_them(struct all *a, unsigned min_sources)
{
	judge_all(a->sources, COUNT, min_sources, &usual_limits, &a->verdict);
}

static void the_status_counts_what_is_left(void **state)
{
	static const struct {
		change_fn *change[COUNT];
		unsigned min_sources;
		enum check_status status;
		const char *summary;
	} all[] = {
	    {{nothing, nothing, nothing}, 1, CHECK_OK,
		"3 of 3 sources can be used"},
	    {{nothing, ends_soon, nothing}, 1, CHECK_WARNING,
		"3 of 3 sources can be used; two: certificate-ends"},
	    {{nothing, ends_soon, refused}, 1, CHECK_WARNING,
		"2 of 3 sources can be used; three: ke-refused"},
	    {{nothing, refused, refused}, 2, CHECK_CRITICAL,
		"1 of 3 sources can be used; two: ke-refused"},
	    {{no_name, refused, far}, 1, CHECK_CRITICAL,
		"0 of 3 sources can be used; one: name-unknown"},
	    /* One administrator may have one key for all servers. */
	    {{one_key, one_key, one_key}, 3, CHECK_OK,
		"3 of 3 sources can be used"},
	    {{one_key_and_time, nothing, one_key_and_time}, 2, CHECK_OK,
		"3 of 3 sources can be used, but they are 2 servers"},
	    {{one_address, one_address, one_address}, 1, CHECK_OK,
		"3 of 3 sources can be used, but they are 1 server"},
	    {{one_address, one_address, refused}, 2, CHECK_CRITICAL,
		"2 of 3 sources can be used, but they are 1 server, and "
		"minsources asks for 2; three: ke-refused"},
	};
	struct all a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		three_good(&a);
		for (int k = 0; k < COUNT; k++)
			all[i].change[k](&a.sources[k].probe);
		judge_them(&a, all[i].min_sources);
		assert_int_equal(a.verdict.status, all[i].status);
		assert_string_equal(a.verdict.summary, all[i].summary);
		assert_false(a.verdict.clock_wrong);
	}
}

/* A source that is only measured brings no time. */
static void a_source_without_a_vote_is_not_counted(void **state)
{
	struct all a;

	(void)state;
	three_good(&a);
	for (int i = 0; i < COUNT; i++)
		a.configs[i].options.noselect = true;
	judge_them(&a, 1);
	assert_int_equal(a.verdict.good, 0);
	assert_int_equal(a.verdict.status, CHECK_CRITICAL);
}

static void a_check_that_could_not_be_made_at_all_is_unknown(void **state)
{
	struct all a;

	(void)state;
	three_good(&a);
	for (int i = 0; i < COUNT; i++)
		a.sources[i].end = PROBE_NOT_RUN;
	judge_them(&a, 1);
	assert_int_equal(a.verdict.status, CHECK_UNKNOWN);
	assert_string_equal(a.verdict.summary,
	    "0 of 3 sources can be used; one: this machine could not start "
	    "the check");
}

static void offsets(struct all *a, int64_t one, int64_t two, int64_t three)
{
	const int64_t ns[COUNT] = {one, two, three};

	three_good(a);
	for (int i = 0; i < COUNT; i++)
		a->sources[i].probe.time.sample.offset_ns = ns[i];
}

static void servers_that_agree_accuse_the_clock(void **state)
{
	struct all a;

	(void)state;
	offsets(
	    &a, -100 * NS_PER_S, -100 * NS_PER_S - NS_PER_MS, -100 * NS_PER_S);
	judge_them(&a, 1);
	assert_true(a.verdict.clock_wrong);
	assert_int_equal(a.verdict.status, CHECK_CRITICAL);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(
		    a.sources[i].verdict.obstacle, OBSTACLE_CLOCK_WRONG);
	assert_string_equal(
	    a.sources[0].verdict.seen, "it is 100.000 s slow (behind)");
	/* A source without an answer keeps its own obstacle. */
	offsets(&a, 50 * NS_PER_S, 50 * NS_PER_S, 0);
	refused(&a.sources[2].probe);
	judge_them(&a, 1);
	assert_true(a.verdict.clock_wrong);
	assert_string_equal(
	    a.sources[0].verdict.seen, "it is 50.000 s fast (ahead)");
	assert_int_equal(a.sources[2].verdict.obstacle, OBSTACLE_KE_REFUSED);
}

static void servers_that_disagree_do_not(void **state)
{
	struct all a;

	(void)state;
	/* One says that the clock is right. */
	offsets(&a, 100 * NS_PER_S, 100 * NS_PER_S, 0);
	judge_them(&a, 1);
	assert_false(a.verdict.clock_wrong);
	/* They differ in how wrong it is. */
	offsets(&a, 100 * NS_PER_S, 100 * NS_PER_S, 102 * NS_PER_S);
	judge_them(&a, 1);
	assert_false(a.verdict.clock_wrong);
	offsets(&a, 100 * NS_PER_S, 100 * NS_PER_S, -100 * NS_PER_S);
	judge_them(&a, 1);
	assert_false(a.verdict.clock_wrong);
	/* A second may be the path's, as far as the distances tell. */
	offsets(&a, NS_PER_S + NS_PER_MS, NS_PER_S + NS_PER_MS,
	    NS_PER_S + NS_PER_MS);
	judge_them(&a, 1);
	assert_false(a.verdict.clock_wrong);
	offsets(&a, NS_PER_S + NS_PER_MS + 1, NS_PER_S + NS_PER_MS + 1,
	    NS_PER_S + NS_PER_MS + 1);
	judge_them(&a, 1);
	assert_true(a.verdict.clock_wrong);
}

static void make_future(struct checked_source *c)
{
	c->probe.time.sample.offset_ns = -1000 * NS_PER_S;
	our_dates(&c->probe);
}

/* The server of a certificate that is not valid yet may have a wrong clock
 * itself. */
static void one_certificate_does_not_accuse_the_clock(void **state)
{
	struct all a;

	(void)state;
	three_good(&a);
	make_future(&a.sources[1]);
	judge_them(&a, 1);
	assert_false(a.verdict.clock_wrong);
	assert_int_equal(
	    a.sources[1].verdict.obstacle, OBSTACLE_CERTIFICATE_EARLY);
	assert_string_equal(a.sources[1].verdict.seen, "the job says why");
	assert_int_equal(a.sources[0].verdict.obstacle, OBSTACLE_COUNT);
	three_good(&a);
	for (int i = 0; i < COUNT; i++)
		make_future(&a.sources[i]);
	judge_them(&a, 1);
	assert_true(a.verdict.clock_wrong);
	assert_int_equal(a.sources[1].verdict.obstacle, OBSTACLE_CLOCK_WRONG);
	assert_int_equal(a.verdict.good, 0);
}

/* What the servers say, in ms; the distance of each is 1 ms. */
static void servers_that_contradict_each_other_are_named(void **state)
{
	static const struct {
		int64_t ms[COUNT];
		enum obstacle obstacles[COUNT];
		unsigned good;
		enum check_status status;
	} all[] = {
	    {{0, 1, 2}, {OBSTACLE_COUNT, OBSTACLE_COUNT, OBSTACLE_COUNT}, 3,
		CHECK_OK},
	    /* Two distances and the slack are 3 ms. */
	    {{0, 0, 3}, {OBSTACLE_COUNT, OBSTACLE_COUNT, OBSTACLE_COUNT}, 3,
		CHECK_OK},
	    {{0, 0, 4}, {OBSTACLE_COUNT, OBSTACLE_COUNT, OBSTACLE_FALSETICKER},
		2, CHECK_WARNING},
	    {{0, 200, 400},
		{OBSTACLE_NO_MAJORITY, OBSTACLE_NO_MAJORITY,
		    OBSTACLE_NO_MAJORITY},
		0, CHECK_CRITICAL},
	};
	struct all a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		offsets(&a, all[i].ms[0] * NS_PER_MS, all[i].ms[1] * NS_PER_MS,
		    all[i].ms[2] * NS_PER_MS);
		judge_them(&a, 1);
		for (int k = 0; k < COUNT; k++)
			if (a.sources[k].verdict.obstacle !=
			    all[i].obstacles[k])
				fail_msg("row %zu, source %d: '%s'", i, k,
				    obstacle_word(
					a.sources[k].verdict.obstacle));
		assert_int_equal(a.verdict.good, all[i].good);
		assert_int_equal(a.verdict.status, all[i].status);
	}
	assert_string_equal(a.sources[1].verdict.seen,
	    "by one, this clock is 0.000000 s fast, give or take 0.001000 s; "
	    "by two, this clock is 0.200000 s fast, give or take 0.001000 s; "
	    "by three, this clock is 0.400000 s fast, give or take 0.001000 s");
}

static void another_name_of_a_server_says_so(void **state)
{
	struct all a;

	(void)state;
	three_good(&a);
	one_address(&a.sources[0].probe);
	one_address(&a.sources[2].probe);
	judge_them(&a, 1);
	assert_string_equal(a.sources[0].verdict.seen, "");
	assert_string_equal(a.sources[1].verdict.seen, "");
	assert_string_equal(a.sources[2].verdict.seen,
	    "it is the server of one, and both have one vote");
	assert_int_equal(a.sources[2].verdict.obstacle, OBSTACLE_COUNT);
}

/* The third is not there, measured only, or another name of the first. */
static void two_servers_that_differ_have_no_judge(void **state)
{
	struct all a;

	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		offsets(&a, 0, 300 * NS_PER_MS, 0);
		if (kind == 0)
			refused(&a.sources[2].probe);
		a.configs[2].options.noselect = kind == 1;
		if (kind == 2) {
			one_key_and_time(&a.sources[0].probe);
			one_key_and_time(&a.sources[2].probe);
		}
		judge_them(&a, 1);
		assert_int_equal(a.sources[0].verdict.obstacle, OBSTACLE_APART);
		assert_int_equal(a.sources[1].verdict.obstacle, OBSTACLE_APART);
		assert_int_equal(a.verdict.status, CHECK_CRITICAL);
	}
}

/* The clock was stepped by 5 s between the answers of the two. */
static void a_step_in_between_is_no_contradiction(void **state)
{
	struct all a;

	(void)state;
	offsets(&a, -NS_PER_S / 2, 4 * NS_PER_S + NS_PER_S / 2, -NS_PER_S / 2);
	a.sources[0].probe.time.sample.wall_minus_raw_ns = NS_PER_S;
	a.sources[1].probe.time.sample.wall_minus_raw_ns = 6 * NS_PER_S;
	a.sources[2].probe.time.sample.wall_minus_raw_ns = NS_PER_S;
	judge_them(&a, 1);
	assert_int_equal(a.verdict.good, COUNT);
}

/* Sources marked trust decide alone. */
static void a_trusted_server_outvotes_two(void **state)
{
	struct all a;

	(void)state;
	offsets(&a, 0, 0, 300 * NS_PER_MS);
	a.configs[2].options.trust = true;
	judge_them(&a, 1);
	assert_int_equal(a.sources[0].verdict.obstacle, OBSTACLE_FALSETICKER);
	assert_int_equal(a.sources[1].verdict.obstacle, OBSTACLE_FALSETICKER);
	assert_int_equal(a.sources[2].verdict.obstacle, OBSTACLE_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_obstacle_is_named),
	    cmocka_unit_test(foreign_words_change_no_obstacle),
	    cmocka_unit_test(the_texts_name_what_was_asked),
	    cmocka_unit_test(a_process_without_a_name_does_not_hang_in_dns),
	    cmocka_unit_test(a_check_that_was_not_made_is_unknown),
	    cmocka_unit_test(another_user_does_not_judge_closed_files),
	    cmocka_unit_test(without_an_algorithm_fips_mode_is_named),
	    cmocka_unit_test(the_status_counts_what_is_left),
	    cmocka_unit_test(a_source_without_a_vote_is_not_counted),
	    cmocka_unit_test(a_check_that_could_not_be_made_at_all_is_unknown),
	    cmocka_unit_test(servers_that_agree_accuse_the_clock),
	    cmocka_unit_test(servers_that_disagree_do_not),
	    cmocka_unit_test(one_certificate_does_not_accuse_the_clock),
	    cmocka_unit_test(servers_that_contradict_each_other_are_named),
	    cmocka_unit_test(two_servers_that_differ_have_no_judge),
	    cmocka_unit_test(another_name_of_a_server_says_so),
	    cmocka_unit_test(a_step_in_between_is_no_contradiction),
	    cmocka_unit_test(a_trusted_server_outvotes_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
