#include "agent/exporter/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT "text/plain; charset=utf-8"
#define DATE_MAX 40

/* clang-format off */
static const struct {
	const char *status, *type, *more, *body;
} kinds[REQUEST_KINDS] = {
	[REQUEST_METRICS] = {"200 OK", NULL, "", NULL},
	[REQUEST_INDEX] = {"200 OK", "text/html; charset=utf-8", "",
	    "<!DOCTYPE html>\n<title>ntsagent-exporter</title>\n"
	    "<p>ntsagent-exporter: <a href=\"/metrics\">metrics</a>\n"},
	[REQUEST_NOT_FOUND] = {"404 Not Found", TEXT, "",
	    "There is only /metrics\n"},
	[REQUEST_METHOD] = {"405 Method Not Allowed", TEXT,
	    "Allow: GET, HEAD\r\n", "There is only GET and HEAD\n"},
	[REQUEST_TOO_LARGE] = {"431 Request Header Fields Too Large", TEXT, "",
	    "The request is too long\n"},
	[REQUEST_VERSION] = {"505 HTTP Version Not Supported", TEXT, "",
	    "There is only HTTP/1.1\n"},
	[REQUEST_BAD] = {"400 Bad Request", TEXT, "",
	    "This is not a request of HTTP/1.1\n"},
};
/* clang-format on */

static const char *const metrics_types[] = {
    [EXPOSITION_OPENMETRICS] =
	"application/openmetrics-text; version=1.0.0; charset=utf-8",
    [EXPOSITION_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
};

/* RFC 9110 5.6.7; the locale is C. */
static void put_date(struct wall now, char out[DATE_MAX])
{
	const time_t s = (time_t)(now.ns / NS_PER_S);
	struct tm tm;

	out[0] = '\0';
	if (gmtime_r(&s, &tm))
		(void)strftime(out, DATE_MAX, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static void put_head(
    FILE *out, const struct request *r, size_t len, struct wall now)
{
	const char *type = kinds[r->kind].type;
	char date[DATE_MAX];

	put_date(now, date);
	fprintf(out,
	    "HTTP/1.1 %s\r\n"
	    "Date: %s\r\n"
	    "Content-Type: %s\r\n"
	    "Content-Length: %zu\r\n"
	    "%s"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Connection: close\r\n\r\n",
	    kinds[r->kind].status, date, type ? type : metrics_types[r->form],
	    len, kinds[r->kind].more);
}

char *answer_make(
    const struct request *r, struct body metrics, struct wall now, size_t *len)
{
	const char *sentence = kinds[r->kind].body;
	struct body b = metrics;
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!out)
		return NULL;
	if (sentence)
		b = (struct body){sentence, strlen(sentence)};
	put_head(out, r, b.len, now);
	if (!r->head && b.len > 0)
		(void)fwrite(b.text, 1, b.len, out);
	if (fclose(out) == 0 && text)
		return text;
	free(text);
	return NULL;
}
