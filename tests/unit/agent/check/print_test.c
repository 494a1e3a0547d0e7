/* The two forms of a result. The manual names each member. */
#include "tests/unit/agent/check/seen_by.h"

#include "agent/check/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/read_file.h"

#include <errno.h>
#include <jansson.h>

static struct source_config configs[2];
static struct checked_source sources[2];
static const char *lines[] = {
    "warning: 2 sources: more is better", "  see the manual"};

/* One good source, and one that a firewall blocks. */
static struct check example(void)
{
	struct check c = {
	    .config_path = "/etc/ntsagent/ntsagent.conf",
	    .live = true,
	    .remarks = {.lines = lines, .count = 2, .warnings = 1},
	    .now_s = NOW_S,
	    .duration_ms = 12,
	    .count = 2,
	    .sources = sources,
	};
	struct check_verdict v;

	configs[0] = good_source("one");
	configs[1] = good_source("two");
	for (int i = 0; i < 2; i++)
		sources[i] = (struct checked_source){.config = &configs[i],
		    .probe = good_probe(),
		    .end = PROBE_DONE};
	sources[1].probe.keys.stage = KE_STAGE_CONNECT;
	sources[1].probe.keys.have_keys = false;
	sources[1].probe.keys.facts = (struct ke_facts){.not_after = 0};
	memset(&sources[1].probe.keys.details.certificate, 0,
	    sizeof(struct certificate_facts));
	strcpy(sources[1].probe.keys.text, "no answer from 192.0.2.1");
	sources[1].probe.time = (struct probe_time){.sent = 0};
	judge_all(sources, 2, 1, &usual_limits, &v);
	c.status = v.status;
	memcpy(c.summary, v.summary, sizeof(c.summary));
	return c;
}

typedef void print_fn(const struct check *c, FILE *out);

/* The caller frees the text. */
static char *printed(print_fn *print, const struct check *c)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	print(c, out);
	fclose(out);
	return text;
}

static void the_text_has_all_that_was_seen(void **state)
{
	const struct check c = example();
	char *text = printed(check_print_text, &c);

	(void)state;
	assert_string_equal(text,
	    "WARNING: 1 of 2 sources can be used; two: ke-blocked\n"
	    "configuration: warning: 2 sources: more is better\n"
	    "  see the manual\n"
	    "\n"
	    "one: OK\n"
	    "  DNS          192.0.2.1\n"
	    "  TCP          192.0.2.1 port 4460\n"
	    "  TLS          TLSv1.3 TLS_AES_256_GCM_SHA384, group x25519, "
	    "ALPN ntske/1\n"
	    "  certificate  \"CN=ntp\", accepted\n"
	    "  issuer       \"CN=CA\"\n"
	    "  names        DNS \"ntp.example\"\n"
	    "  valid        2027-01-14 08:00:00 UTC to 2027-04-15 08:00:00 "
	    "UTC (90.0 days left)\n"
	    "  SHA-256      00ff\n"
	    "  NTS-KE       AES-SIV-CMAC-256, 8 cookies of 100 bytes, time "
	    "from 192.0.2.1 port 123\n"
	    "  NTP          4 of 4 requests answered\n"
	    "  size         a request of 852 bytes passes\n"
	    "  offset       +0.000001500 s: this clock is fast\n"
	    "  delay        0.000200000 s\n"
	    "  stratum      2, root distance 0.001000 s\n"
	    "\n"
	    "two: CRITICAL\n"
	    "  DNS          192.0.2.1\n"
	    "  obstacle     ke-blocked\n"
	    "  problem      nothing answers on TCP port 4460: a firewall "
	    "drops it, or the server or the way to it is down\n"
	    "  seen         no answer from 192.0.2.1\n"
	    "  To do        see whether the server is on: ping 192.0.2.1; if "
	    "it "
	    "is, let TCP port 4460 through every firewall, then see whether "
	    "it opens: openssl s_client -alpn ntske/1 -connect "
	    "two.example:4460 </dev/null\n");
	free(text);
}

/* On a terminal, the long texts are wrapped at blanks. */
static void long_texts_are_wrapped(void **state)
{
	struct check c = example();
	char *text, *last;

	(void)state;
	c.width = 48;
	text = printed(check_print_text, &c);
	last = strstr(text, "  obstacle ");
	assert_non_null(last);
	assert_string_equal(last,
	    "  obstacle     ke-blocked\n"
	    "  problem      nothing answers on TCP port 4460:\n"
	    "               a firewall drops it, or the\n"
	    "               server or the way to it is down\n"
	    "  seen         no answer from 192.0.2.1\n"
	    "  To do        see whether the server is on:\n"
	    "               ping 192.0.2.1; if it is, let TCP\n"
	    "               port 4460 through every firewall,\n"
	    "               then see whether it opens:\n"
	    "               openssl s_client -alpn ntske/1\n"
	    "               -connect two.example:4460\n"
	    "               </dev/null\n");
	free(text);
	/* A word that is longer than the room stands alone. */
	strcpy(sources[1].verdict.seen,
	    "a b012345678901234567890123456789012345678901234567890 c");
	c.width = 1;
	text = printed(check_print_text, &c);
	assert_non_null(strstr(text,
	    "  seen         a\n"
	    "               b0123456789012345678901234567890123456789"
	    "01234567890\n"
	    "               c\n"));
	free(text);
}

/* Each member of the object, and of the objects in it, is in the manual. */
static void look_up(json_t *o, const char *manual)
{
	for (void *i = json_object_iter(o); i;
	     i = json_object_iter_next(o, i)) {
		const char *name = json_object_iter_key(i);
		char entry[64];

		snprintf(entry, sizeof(entry), "Va %s", name);
		if (!strstr(manual, entry))
			fail_msg(
			    "'%s' is not in man/ntsctl-tools.8, CHECK", name);
		look_up(json_object_iter_value(i), manual);
	}
	for (size_t i = 0; i < json_array_size(o); i++)
		look_up(json_array_get(o, i), manual);
}

static json_t *parsed(const struct check *c)
{
	char *text = printed(check_print_json, c);
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(o);
	free(text);
	return o;
}

static void the_manual_has_each_member(void **state)
{
	const struct check c = example();
	char *manual = read_file("man/ntsctl-tools.8");
	char *section = strstr(manual, ".Sh CHECK\n"), *end;
	json_t *o = parsed(&c);

	(void)state;
	assert_non_null(section);
	end = strstr(section, ".Sh COMPARE\n");
	assert_non_null(end);
	*end = '\0';
	look_up(o, section);
	json_decref(o);
	free(manual);
}

/* Each line of the text, by its label in the source. */
static void the_manual_has_each_line(void **state)
{
	char *source = read_file("agent/check/text.c");
	char *manual = read_file("man/ntsctl-tools.8");
	char *section = strstr(manual, ".Sh CHECK\n");
	unsigned count = 0;

	(void)state;
	assert_non_null(section);
	*strstr(section, ".Ss A source of the check\n") = '\0';
	for (char *at = source; (at = strstr(at, "(\"")); at++) {
		char label[32], entry[48];

		if ((strncmp(at - 9, "put_label", 9) != 0 &&
			strncmp(at - 11, "put_wrapped", 11) != 0) ||
		    sscanf(at, "(\"%31[^\"]", label) != 1)
			continue;
		snprintf(entry, sizeof(entry), "\n.It %s\n", label);
		if (!strstr(section, entry))
			fail_msg("'%s' is not in man/ntsctl-tools.8", label);
		count++;
	}
	assert_int_equal(count, 18);
	free(manual);
	free(source);
}

static const char *text_of(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static void json_has_values_and_null(void **state)
{
	const struct check c = example();
	json_t *o = parsed(&c), *s = json_object_get(o, "sources");
	const json_t *one = json_array_get(s, 0), *two = json_array_get(s, 1);
	const json_t *ntp = json_object_get(one, "ntp");

	(void)state;
	assert_string_equal(text_of(o, "status"), "WARNING");
	assert_int_equal(
	    json_integer_value(json_object_get(o, "exit_status")), 1);
	assert_true(json_is_false(json_object_get(o, "clock_wrong")));
	assert_int_equal(
	    json_integer_value(json_object_get(ntp, "offset_ns")), 1500);
	assert_true(json_is_null(json_object_get(ntp, "size_lost")));
	assert_true(json_is_null(json_object_get(one, "obstacle")));
	assert_string_equal(text_of(two, "obstacle"), "ke-blocked");
	assert_string_equal(text_of(two, "seen"), "no answer from 192.0.2.1");
	assert_true(json_is_null(json_object_get(two, "certificate")));
	assert_true(json_is_null(json_object_get(two, "nts_ke")));
	assert_true(json_is_null(json_object_get(two, "ntp")));
	assert_true(json_is_null(json_object_get(two, "ke_address")));
	json_decref(o);
}

static void this_machine_stands_before_the_sources(void **state)
{
	const struct machine m = {.watch_error = -ENOSPC};
	struct check c = example();
	const json_t *first;
	char *text, *at;
	json_t *o;

	(void)state;
	c.machine_count = machine_judge(&m, c.machine);
	text = printed(check_print_text, &c);
	at = strstr(text, "\nthis machine: WARNING\n  obstacle     inotify\n");
	assert_non_null(at);
	assert_true(at < strstr(text, "\none: OK\n"));
	free(text);
	o = parsed(&c);
	first = json_array_get(json_object_get(o, "machine"), 0);
	assert_string_equal(text_of(first, "obstacle"), "inotify");
	assert_string_equal(text_of(first, "status"), "WARNING");
	json_decref(o);
}

/* Without --live, nothing is known of the servers. */
static void a_check_of_the_configuration_alone(void **state)
{
	struct check c = example();
	char *text;
	json_t *o;

	(void)state;
	c.live = false;
	c.count = 0;
	text = printed(check_print_text, &c);
	assert_null(strstr(text, "one: OK"));
	free(text);
	o = parsed(&c);
	assert_int_equal(json_array_size(json_object_get(o, "sources")), 0);
	assert_true(json_is_null(json_object_get(o, "clock_wrong")));
	json_decref(o);
}

/* The name of a file may have any bytes. */
static void a_name_that_is_not_utf8_leaves_json_whole(void **state)
{
	struct check c = example();
	const char *bad[] = {"error: cannot read /etc/\xff.pem"};
	json_t *o;

	(void)state;
	c.remarks = (struct remarks){.lines = bad, .count = 1, .errors = 1};
	c.config_path = "/etc/\xfe.conf";
	o = parsed(&c);
	assert_string_equal(text_of(o, "status"), "WARNING");
	assert_int_equal(json_array_size(json_object_get(o, "sources")), 2);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_text_has_all_that_was_seen),
	    cmocka_unit_test(long_texts_are_wrapped),
	    cmocka_unit_test(the_manual_has_each_member),
	    cmocka_unit_test(the_manual_has_each_line),
	    cmocka_unit_test(json_has_values_and_null),
	    cmocka_unit_test(this_machine_stands_before_the_sources),
	    cmocka_unit_test(a_check_of_the_configuration_alone),
	    cmocka_unit_test(a_name_that_is_not_utf8_leaves_json_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
