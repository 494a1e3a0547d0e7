#include "agent/ctl/import/toml.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Deeper values are refused. */
#define DEPTH_MAX 8

struct reader {
	const char *at, *end;
	unsigned line;
	const struct toml_handler *h;
	char table[TOML_PATH_MAX]; /* of the last head; "" at the top */
};

static bool is_end(const struct reader *r)
{
	return r->at == r->end;
}

/* -1 at the end. */
static int peek(const struct reader *r)
{
	return is_end(r) ? -1 : (unsigned char)*r->at;
}

static int next(struct reader *r)
{
	int c = peek(r);

	if (c >= 0)
		r->at++;
	r->line += c == '\n';
	return c;
}

static bool take(struct reader *r, char c)
{
	if (peek(r) != (unsigned char)c)
		return false;
	next(r);
	return true;
}

static void skip_line(struct reader *r)
{
	while (!is_end(r) && peek(r) != '\n')
		next(r);
}

static void skip_blanks(struct reader *r)
{
	while (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\r')
		next(r);
}

/* Blanks, comments and ends of lines. */
static void skip_space(struct reader *r)
{
	for (;;) {
		skip_blanks(r);
		if (peek(r) == '#')
			skip_line(r);
		else if (!take(r, '\n'))
			return;
	}
}

static bool fail(struct reader *r, const char *why)
{
	r->h->error(r->h->self, r->line, why);
	return false;
}

static bool put(char *out, size_t size, size_t *len, int c)
{
	if (*len + 1 >= size)
		return false;
	out[(*len)++] = (char)c;
	out[*len] = '\0';
	return true;
}

/* The letter of an escape, as it is: ours is no text with control characters.
 */
static int unescape(struct reader *r)
{
	int c = next(r);

	return c == 'n' || c == 't' || c == 'r' ? ' ' : c;
}

static bool read_string(struct reader *r, char *out, size_t size)
{
	int quote = next(r);
	size_t len = 0;

	out[0] = '\0';
	if (r->end - r->at >= 2 && r->at[0] == quote && r->at[1] == quote)
		return fail(r, "strings of several lines are not supported");
	while (!is_end(r) && peek(r) != '\n') {
		int c = next(r);

		if (c == quote)
			return true;
		if (c == '\\' && quote == '"')
			c = unescape(r);
		if (c <= 0 || !put(out, size, &len, c))
			return fail(r, "the string is too long or has a NUL");
	}
	return fail(r, "the string has no end");
}

static bool is_bare(int c)
{
	return c > 0 && (isalnum(c) || c == '_' || c == '-');
}

/* A key with its dots, appended to `path` after a dot. */
static bool read_key(struct reader *r, char path[TOML_PATH_MAX])
{
	do {
		char part[TOML_PATH_MAX] = "";
		size_t len = 0, old = strlen(path);

		skip_blanks(r);
		if (peek(r) == '"' || peek(r) == '\'') {
			if (!read_string(r, part, sizeof(part)))
				return false;
		} else {
			while (is_bare(peek(r)) &&
			       put(part, sizeof(part), &len, peek(r)))
				next(r);
		}
		if (part[0] == '\0')
			return fail(r, "expected KEY = VALUE");
		if (old + strlen(part) + 2 > TOML_PATH_MAX)
			return fail(r, "the key is too long");
		if (old > 0)
			path[old++] = '.';
		memcpy(path + old, part, strlen(part) + 1);
		skip_blanks(r);
	} while (take(r, '.'));
	return true;
}

static bool read_value(
    struct reader *r, const char *path, unsigned depth, bool in_array);

static bool read_pair(struct reader *r, const char *table, unsigned depth)
{
	char path[TOML_PATH_MAX];

	snprintf(path, sizeof(path), "%s", table);
	if (!read_key(r, path))
		return false;
	if (!take(r, '='))
		return fail(r, "expected KEY = VALUE");
	skip_blanks(r);
	return read_value(r, path, depth, false);
}

static bool read_table(struct reader *r, const char *path, unsigned depth)
{
	skip_space(r);
	while (!take(r, '}')) {
		if (!read_pair(r, path, depth))
			return false;
		skip_space(r);
		if (take(r, ','))
			skip_space(r);
		else if (peek(r) != '}')
			return fail(r, "expected , or }");
	}
	return true;
}

static bool read_array(struct reader *r, const char *path, unsigned depth)
{
	skip_space(r);
	while (!take(r, ']')) {
		if (!read_value(r, path, depth, true))
			return false;
		skip_space(r);
		if (take(r, ','))
			skip_space(r);
		else if (peek(r) != ']')
			return fail(r, "expected , or ]");
	}
	return true;
}

/* A number, a date, true or false. */
static bool read_word(struct reader *r, char out[TOML_VALUE_MAX])
{
	size_t len = 0;

	out[0] = '\0';
	while (is_bare(peek(r)) || (peek(r) > 0 && strchr("+.:", peek(r)))) {
		int c = next(r);

		/* 1_000 is a number. */
		if (c != '_' && !put(out, TOML_VALUE_MAX, &len, c))
			return fail(r, "the value is too long");
	}
	return len > 0 || fail(r, "expected a value");
}

static bool read_value(
    struct reader *r, const char *path, unsigned depth, bool in_array)
{
	char value[TOML_VALUE_MAX];
	unsigned line = r->line;
	int c = peek(r);

	if (depth == DEPTH_MAX)
		return fail(r, "the value is too deep");
	if (take(r, '['))
		return read_array(r, path, depth + 1);
	if (take(r, '{')) {
		if (in_array)
			r->h->element(r->h->self, line, path);
		return read_table(r, path, depth + 1);
	}
	if (c == '"' || c == '\'' ? !read_string(r, value, sizeof(value))
				  : !read_word(r, value))
		return false;
	r->h->value(r->h->self, line, path, value);
	return true;
}

/* [table] or [[element]] */
static bool read_head(struct reader *r)
{
	unsigned line = r->line;
	bool element;

	next(r);
	element = take(r, '[');
	r->table[0] = '\0';
	if (!read_key(r, r->table))
		return false;
	if (!take(r, ']') || (element && !take(r, ']')))
		return fail(r, "expected [TABLE] or [[TABLE]]");
	if (element)
		r->h->element(r->h->self, line, r->table);
	return true;
}

void toml_read(const char *text, size_t len, const struct toml_handler *h)
{
	struct reader r = {.at = text, .end = text + len, .line = 1, .h = h};

	for (skip_space(&r); !is_end(&r); skip_space(&r)) {
		bool good =
		    peek(&r) == '[' ? read_head(&r) : read_pair(&r, r.table, 0);

		skip_blanks(&r);
		if (good && !is_end(&r) && peek(&r) != '\n' && peek(&r) != '#')
			fail(&r, "something follows the value");
		skip_line(&r);
	}
}
