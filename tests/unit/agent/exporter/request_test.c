#include "agent/exporter/request.h"

#include "agent/exporter/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GET "GET /metrics HTTP/1.1\r\n"
#define HOST "Host: localhost:10123\r\n"

static enum request_kind kind_of(const char *text)
{
	return request_parse(text, strlen(text)).kind;
}

/* What Prometheus 2.42 sends. */
static const char prometheus[] =
    "GET /metrics HTTP/1.1\r\n"
    "Host: 127.0.0.1:10123\r\n"
    "User-Agent: Prometheus/2.42.0+ds\r\n"
    "Accept: application/openmetrics-text;version=1.0.0,"
    "application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n"
    "Accept-Encoding: gzip\r\n"
    "X-Prometheus-Scrape-Timeout-Seconds: 10\r\n"
    "\r\n";

static const struct {
	const char *text;
	enum request_kind kind;
} judged[] = {
    {GET HOST "\r\n", REQUEST_METRICS},
    {GET "hOsT:\r\n\r\n", REQUEST_METRICS},
    {"GET /metrics HTTP/1.1\nHost: x\n\n", REQUEST_METRICS},
    {"GET /metrics HTTP/1.0\r\n\r\n", REQUEST_METRICS},
    {"GET /metrics?x=1 HTTP/1.1\r\n" HOST "\r\n", REQUEST_METRICS},
    {"GET http://a:1/metrics HTTP/1.1\r\n" HOST "\r\n", REQUEST_METRICS},
    {"GET HTTP://a/metrics?b HTTP/1.1\r\n" HOST "\r\n", REQUEST_METRICS},
    {"GET / HTTP/1.1\r\n" HOST "\r\n", REQUEST_INDEX},
    {"GET http://a/ HTTP/1.1\r\n" HOST "\r\n", REQUEST_INDEX},
    {"GET /metrics/ HTTP/1.1\r\n" HOST "\r\n", REQUEST_NOT_FOUND},
    {"GET /../etc/passwd HTTP/1.1\r\n" HOST "\r\n", REQUEST_NOT_FOUND},
    {"GET //metrics HTTP/1.1\r\n" HOST "\r\n", REQUEST_NOT_FOUND},
    {"POST /metrics HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
	REQUEST_METHOD},
    {"get /metrics HTTP/1.1\r\n" HOST "\r\n", REQUEST_METHOD},
    {"GETX /metrics HTTP/1.1\r\n" HOST "\r\n", REQUEST_METHOD},
    {"GET /metrics HTTP/2.0\r\n" HOST "\r\n", REQUEST_VERSION},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REQUEST_VERSION},
    /* RFC 9112 3.2 */
    {GET "\r\n", REQUEST_BAD},
    {GET HOST HOST "\r\n", REQUEST_BAD},
    /* RFC 9112 5 */
    {GET "Host : x\r\n\r\n", REQUEST_BAD},
    {GET HOST " folded\r\n\r\n", REQUEST_BAD},
    {GET HOST "no colon\r\n\r\n", REQUEST_BAD},
    {GET HOST ": empty\r\n\r\n", REQUEST_BAD},
    {GET HOST "A: \x01\r\n\r\n", REQUEST_BAD},
    {GET HOST "A: \x1f\r\n\r\n", REQUEST_BAD},
    {GET HOST "A: \x7f\r\n\r\n", REQUEST_BAD},
    {GET HOST "A: \t\xff\r\n\r\n", REQUEST_METRICS},
    {"GET /\x7f HTTP/1.1\r\n" HOST "\r\n", REQUEST_BAD},
    {GET HOST "A: a\rb\r\n\r\n", REQUEST_BAD},
    {"GET  /metrics HTTP/1.1\r\n" HOST "\r\n", REQUEST_BAD},
    {"GET /metrics\r\n" HOST "\r\n", REQUEST_BAD},
    {"GET /metrics HTTP/1.1 x\r\n" HOST "\r\n", REQUEST_BAD},
    {"GET /metrics HTTX/1.1\r\n" HOST "\r\n", REQUEST_BAD},
    {"GET /metrics HTTP/11.\r\n" HOST "\r\n", REQUEST_BAD},
    {"GET metrics HTTP/1.1\r\n" HOST "\r\n", REQUEST_BAD},
    {"GET * HTTP/1.1\r\n" HOST "\r\n", REQUEST_BAD},
    {"GET http://a HTTP/1.1\r\n" HOST "\r\n", REQUEST_BAD},
    {"GET /m\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", REQUEST_BAD},
    /* At once, before any line is complete. */
    {"\x16\x03\x01", REQUEST_BAD},
    {" GET", REQUEST_BAD},
    {"\r\n", REQUEST_BAD},
    /* Not complete. */
    {"", REQUEST_MORE},
    {"GET /metrics", REQUEST_MORE},
    {GET, REQUEST_MORE},
    {GET HOST, REQUEST_MORE},
    {GET HOST "\r", REQUEST_MORE},
};

static void each_request_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(judged); i++)
		if (kind_of(judged[i].text) != judged[i].kind)
			fail_msg(
			    "%u: %s", kind_of(judged[i].text), judged[i].text);
}

static void every_prefix_of_a_request_is_incomplete(void **state)
{
	size_t whole = sizeof(prometheus) - 1;

	(void)state;
	for (size_t len = 0; len < whole; len++) {
		/* Of the right length, so that ASan sees a read beyond it. */
		char *copy = malloc(len > 0 ? len : 1);

		memcpy(copy, prometheus, len);
		assert_int_equal(request_parse(copy, len).kind, REQUEST_MORE);
		free(copy);
	}
	assert_int_equal(
	    request_parse(prometheus, whole).kind, REQUEST_METRICS);
}

static void a_nul_is_no_part_of_a_request(void **state)
{
	static const char in_header[] = GET HOST "A: \0\r\n\r\n",
			  in_target[] = "GET /metrics\0 HTTP/1.0\r\n\r\n";

	(void)state;
	assert_int_equal(
	    request_parse(in_header, sizeof(in_header) - 1).kind, REQUEST_BAD);
	assert_int_equal(
	    request_parse(in_target, sizeof(in_target) - 1).kind, REQUEST_BAD);
}

static void a_request_has_a_limit(void **state)
{
	char text[REQUEST_MAX];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(
	    request_parse(text, REQUEST_MAX - 1).kind, REQUEST_MORE);
	assert_int_equal(
	    request_parse(text, REQUEST_MAX).kind, REQUEST_TOO_LARGE);
	/* One that fits exactly is good. */
	memcpy(text, GET HOST "A: ", strlen(GET HOST "A: "));
	memcpy(text + REQUEST_MAX - 4, "\r\n\r\n", 4);
	assert_int_equal(
	    request_parse(text, REQUEST_MAX).kind, REQUEST_METRICS);
}

static void the_client_chooses_the_format(void **state)
{
	static const struct {
		const char *accept;
		enum exposition form;
	} cases[] = {
	    {"", EXPOSITION_PROMETHEUS},
	    {"Accept: */*\r\n", EXPOSITION_PROMETHEUS},
	    {"Accept: text/plain\r\n", EXPOSITION_PROMETHEUS},
	    {"accept: Application/OpenMetrics-Text; version=1.0.0\r\n",
		EXPOSITION_OPENMETRICS},
	    {"Accept: text/plain\r\nAccept: application/openmetrics-text\r\n",
		EXPOSITION_OPENMETRICS},
	    {"X-Accept: application/openmetrics-text\r\n",
		EXPOSITION_PROMETHEUS},
	};
	struct request r = request_parse(prometheus, sizeof(prometheus) - 1);

	(void)state;
	assert_int_equal(r.form, EXPOSITION_OPENMETRICS);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[256];

		snprintf(
		    text, sizeof(text), GET HOST "%s\r\n", cases[i].accept);
		r = request_parse(text, strlen(text));
		assert_int_equal(r.kind, REQUEST_METRICS);
		assert_int_equal(r.form, cases[i].form);
	}
}

/* Answers. */

static const struct wall now = {INT64_C(1795392000) * NS_PER_S};

static char *answer_to(struct request r, const char *metrics)
{
	struct body b = {metrics, strlen(metrics)};
	size_t len = 0;
	char *text = answer_make(&r, b, now, &len);

	assert_non_null(text);
	assert_int_equal(strlen(text), len);
	return text;
}

static void an_answer_has_head_and_body(void **state)
{
	char *text = answer_to(
	    (struct request){REQUEST_METRICS, false, EXPOSITION_OPENMETRICS},
	    "ntsagent_up 1\n# EOF\n");

	(void)state;
	assert_string_equal(text,
	    "HTTP/1.1 200 OK\r\n"
	    "Date: Mon, 23 Nov 2026 00:00:00 GMT\r\n"
	    "Content-Type: application/openmetrics-text; version=1.0.0; "
	    "charset=utf-8\r\n"
	    "Content-Length: 20\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Connection: close\r\n"
	    "\r\n"
	    "ntsagent_up 1\n# EOF\n");
	free(text);
}

static void head_has_the_length_and_no_body(void **state)
{
	char *text = answer_to(
	    (struct request){REQUEST_METRICS, true, EXPOSITION_PROMETHEUS},
	    "ntsagent_up 1\n");

	(void)state;
	assert_non_null(strstr(text, "\r\nContent-Length: 14\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Type: text/plain; "
				     "version=0.0.4; charset=utf-8\r\n"));
	assert_string_equal(text + strlen(text) - 4, "\r\n\r\n");
	free(text);
}

static void each_refusal_has_its_status(void **state)
{
	static const struct {
		enum request_kind kind;
		const char *status;
	} cases[] = {
	    {REQUEST_INDEX, "HTTP/1.1 200 "},
	    {REQUEST_NOT_FOUND, "HTTP/1.1 404 "},
	    {REQUEST_METHOD, "HTTP/1.1 405 "},
	    {REQUEST_TOO_LARGE, "HTTP/1.1 431 "},
	    {REQUEST_VERSION, "HTTP/1.1 505 "},
	    {REQUEST_BAD, "HTTP/1.1 400 "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = answer_to(
		    (struct request){.kind = cases[i].kind}, "not this");

		assert_int_equal(strncmp(text, cases[i].status, 13), 0);
		assert_null(strstr(text, "not this"));
		/* RFC 9110 15.5.6 */
		assert_int_equal(
		    strstr(text, "\r\nAllow: GET, HEAD\r\n") != NULL,
		    cases[i].kind == REQUEST_METHOD);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_request_is_judged),
	    cmocka_unit_test(every_prefix_of_a_request_is_incomplete),
	    cmocka_unit_test(a_nul_is_no_part_of_a_request),
	    cmocka_unit_test(a_request_has_a_limit),
	    cmocka_unit_test(the_client_chooses_the_format),
	    cmocka_unit_test(an_answer_has_head_and_body),
	    cmocka_unit_test(head_has_the_length_and_no_body),
	    cmocka_unit_test(each_refusal_has_its_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
