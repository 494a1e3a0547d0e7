#include "agent/exporter/request.h"

#include <string.h>
#include <strings.h>

#define OPENMETRICS_TYPE "application/openmetrics-text"

/* A part of the request. */
struct part {
	const char *at;
	size_t len;
};

static bool is_word(struct part p, const char *word)
{
	return p.len == strlen(word) && memcmp(p.at, word, p.len) == 0;
}

/* Names of headers have no case. */
static bool is_name(struct part p, const char *name)
{
	return p.len == strlen(name) && strncasecmp(p.at, name, p.len) == 0;
}

static bool begins_with(struct part p, const char *word)
{
	return p.len >= strlen(word) && memcmp(p.at, word, strlen(word)) == 0;
}

static struct part behind(struct part p, size_t len)
{
	return (struct part){p.at + len, p.len - len};
}

/* Takes what stands before the first `separator`, and the separator. False:
 * there is none. */
static bool take_until(struct part *p, char separator, struct part *out)
{
	const char *end = memchr(p->at, separator, p->len);

	if (!end)
		return false;
	*out = (struct part){p->at, (size_t)(end - p->at)};
	*p = behind(*p, out->len + 1);
	return true;
}

/* Takes a line without its end. RFC 9112 2.2: a line feed alone ends it, too.
 * False: the line is not complete. */
static bool take_line(struct part *p, struct part *out)
{
	if (!take_until(p, '\n', out))
		return false;
	if (out->len > 0 && out->at[out->len - 1] == '\r')
		out->len--;
	return true;
}

/* RFC 9110 5.6.2 */
static bool is_token(struct part p)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < p.len; i++) {
		char c = p.at[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && !(c >= '0' && c <= '9') &&
		    (c == '\0' || !strchr(others, c)))
			return false;
	}
	return p.len > 0;
}

/* RFC 9110 5.5: a value has no control character but the tab. */
static bool is_value(struct part p)
{
	for (size_t i = 0; i < p.len; i++) {
		unsigned char c = (unsigned char)p.at[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_visible(struct part p)
{
	for (size_t i = 0; i < p.len; i++)
		if (p.at[i] <= ' ' || p.at[i] >= 0x7f)
			return false;
	return p.len > 0;
}

static bool contains_name(struct part p, const char *name)
{
	size_t len = strlen(name);

	for (; p.len >= len; p = behind(p, 1))
		if (strncasecmp(p.at, name, len) == 0)
			return true;
	return false;
}

/* RFC 9112 2.3 */
static enum request_kind judge_version(struct part p, bool *host_needed)
{
	if (p.len != strlen("HTTP/1.1") || !begins_with(p, "HTTP/") ||
	    p.at[5] < '0' || p.at[5] > '9' || p.at[6] != '.' || p.at[7] < '0' ||
	    p.at[7] > '9')
		return REQUEST_BAD;
	*host_needed = p.at[7] != '0';
	return p.at[5] == '1' ? REQUEST_METRICS : REQUEST_VERSION;
}

/* RFC 9112 3.2.2: the path may follow a scheme and a host. */
static enum request_kind judge_target(struct part p)
{
	struct part unused, path = p;

	if (contains_name(
		(struct part){p.at, p.len < 7 ? p.len : 7}, "http://")) {
		path = behind(p, strlen("http://"));
		while (path.len > 0 && *path.at != '/')
			path = behind(path, 1);
	}
	if (path.len == 0 || *path.at != '/')
		return REQUEST_BAD;
	p = path;
	if (take_until(&p, '?', &unused))
		path = unused;
	if (is_word(path, "/metrics"))
		return REQUEST_METRICS;
	return is_word(path, "/") ? REQUEST_INDEX : REQUEST_NOT_FOUND;
}

static enum request_kind judge_line(
    struct part line, struct request *r, bool *host_needed)
{
	struct part method, target;
	enum request_kind kind;

	if (!take_until(&line, ' ', &method) ||
	    !take_until(&line, ' ', &target) || !is_token(method) ||
	    !is_visible(target))
		return REQUEST_BAD;
	kind = judge_version(line, host_needed);
	if (kind != REQUEST_METRICS)
		return kind;
	r->head = is_word(method, "HEAD");
	if (!r->head && !is_word(method, "GET"))
		return REQUEST_METHOD;
	return judge_target(target);
}

/* RFC 9112 5: no blank before the colon, no line that goes on in the next. */
static bool take_header(struct part line, struct request *r, unsigned *hosts)
{
	struct part name;

	if (!take_until(&line, ':', &name) || !is_token(name) ||
	    !is_value(line))
		return false;
	*hosts += is_name(name, "Host");
	if (is_name(name, "Accept") && contains_name(line, OPENMETRICS_TYPE))
		r->form = EXPOSITION_OPENMETRICS;
	return true;
}

/* The head is complete when an empty line ends it. */
static bool take_headers(
    struct part rest, struct request *r, unsigned *hosts, bool *good)
{
	struct part line;

	*good = true;
	while (take_line(&rest, &line)) {
		if (line.len == 0)
			return true;
		*good = *good && take_header(line, r, hosts);
	}
	return false;
}

/* No method begins so: a client that speaks TLS learns it at once. */
static bool is_no_request(const char *bytes, size_t len)
{
	struct part first = {bytes, 1};

	return len > 0 && !is_token(first);
}

struct request request_parse(const char *bytes, size_t len)
{
	struct request r = {.form = EXPOSITION_PROMETHEUS};
	struct part rest = {bytes, len}, line;
	bool host_needed = false, good;
	unsigned hosts = 0;

	if (is_no_request(bytes, len))
		return (struct request){.kind = REQUEST_BAD};
	if (!take_line(&rest, &line) ||
	    !take_headers(rest, &r, &hosts, &good)) {
		r.kind = len < REQUEST_MAX ? REQUEST_MORE : REQUEST_TOO_LARGE;
		return r;
	}
	r.kind = judge_line(line, &r, &host_needed);
	/* RFC 9112 3.2: exactly one Host, which HTTP/1.0 does not need. */
	if (!good || hosts > 1 || (hosts == 0 && host_needed))
		r.kind = REQUEST_BAD;
	return r;
}
