#include "agent/config/values.h"

#include "agent/config/config.h"
#include "base/time.h"
#include "resolver/binding.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool value_bool(const char *text, bool *out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
	    {"yes", true},
	    {"true", true},
	    {"on", true},
	    {"1", true},
	    {"no", false},
	    {"false", false},
	    {"off", false},
	    {"0", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(text, words[i].word) != 0)
			continue;
		*out = words[i].value;
		return true;
	}
	return false;
}

bool value_integer(const char *text, int64_t min, int64_t max, int64_t *out)
{
	long long value;
	char *end;

	/* strtoll() would skip leading blanks. */
	if (!isdigit((unsigned char)text[text[0] == '-' || text[0] == '+']))
		return false;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || value < min || value > max)
		return false;
	*out = value;
	return true;
}

/* The number before a unit. Refuses hexadecimal, "inf" and "nan". */
static bool number(const char *text, double *out, const char **unit)
{
	size_t sign = text[0] == '-' || text[0] == '+';
	char *end;

	if (!isdigit((unsigned char)text[sign]) && text[sign] != '.')
		return false;
	if (text[sign] == '0' && tolower((unsigned char)text[sign + 1]) == 'x')
		return false;
	errno = 0;
	*out = strtod(text, &end);
	if (errno != 0 || end == text || !isfinite(*out))
		return false;
	while (*end == ' ' || *end == '\t')
		end++;
	*unit = end;
	return true;
}

struct unit {
	const char *name;
	double factor;
};

static bool scaled(const char *text, const struct unit *units, size_t count,
    double min, double max, double *out)
{
	const char *unit;
	double value;

	if (!number(text, &value, &unit))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(unit, units[i].name) != 0)
			continue;
		value *= units[i].factor;
		if (value < min || value > max)
			return false;
		*out = value;
		return true;
	}
	return false;
}

bool value_duration(
    const char *text, int64_t min_ns, int64_t max_ns, int64_t *out)
{
	static const struct unit units[] = {
	    {"", 1e9},
	    {"s", 1e9},
	    {"ms", 1e6},
	    {"us", 1e3},
	    {"ns", 1},
	    {"m", 60e9},
	    {"min", 60e9},
	    {"h", 3600e9},
	    {"d", 86400e9},
	};
	double ns;

	if (!scaled(text, units, ARRAY_LEN(units), (double)min_ns,
		(double)max_ns, &ns))
		return false;
	*out = (int64_t)llround(ns);
	return true;
}

bool value_number(const char *text, double min, double max, double *out)
{
	static const struct unit units[] = {{"", 1}};

	return scaled(text, units, ARRAY_LEN(units), min, max, out);
}

bool value_ppm(const char *text, double min, double max, double *out)
{
	static const struct unit units[] = {
	    {"", 1},
	    {"ppm", 1},
	    {"ppb", 1e-3},
	};

	return scaled(text, units, ARRAY_LEN(units), min, max, out);
}

static bool power_of_two(int64_t ns, int *log2_s)
{
	for (int log2 = POLL_LOG2_MIN; log2 <= POLL_LOG2_MAX; log2++) {
		if (ns != (log2 >= 0 ? NS_PER_S << log2 : NS_PER_S >> -log2))
			continue;
		*log2_s = log2;
		return true;
	}
	return false;
}

bool value_poll(const char *text, int *out)
{
	size_t len = strlen(text);
	int64_t value;

	if (strcasecmp(text, "auto") == 0) {
		*out = POLL_AUTO;
		return true;
	}
	/* A number without a unit is log2 seconds, as in chrony. */
	if (len > 0 && isalpha((unsigned char)text[len - 1]))
		return value_duration(text, 1, INT64_MAX / 2, &value) &&
		       power_of_two(value, out);
	if (!value_integer(text, POLL_LOG2_MIN, POLL_LOG2_MAX, &value))
		return false;
	*out = (int)value;
	return true;
}

bool value_text(const char *text, char *out, size_t size)
{
	size_t len = strlen(text);

	if (len == 0 || len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)text[i]))
			return false;
	memcpy(out, text, len + 1);
	return true;
}

bool value_host(const char *text, char *out, size_t size)
{
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-._:%", *c))
			return false;
	return value_text(text, out, size);
}

bool value_host_and_port(
    const char *text, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(text, ':');
	bool bracketed = text[0] == '[';
	size_t len;

	if (!colon || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    colon[1] == '\0')
		return false;
	len = (size_t)(colon - text);
	if (bracketed ? len < 3 || colon[-1] != ']'
		      : memchr(text, ':', len) != NULL)
		return false;
	if (bracketed) {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= size)
		return false;
	snprintf(host, size, "%.*s", (int)len, text);
	*port = colon + 1;
	return true;
}

size_t value_word(const char **rest, char *out, size_t size)
{
	size_t len;

	*rest += strspn(*rest, " \t,");
	len = strcspn(*rest, " \t,");
	if (len < size) {
		memcpy(out, *rest, len);
		out[len] = '\0';
	}
	*rest += len;
	return len;
}

static bool own_address(const char *text, struct endpoint *out)
{
	struct in6_addr v6;
	struct in_addr v4;

	*out = (struct endpoint){0};
	if (inet_pton(AF_INET, text, &v4) == 1) {
		out->family = 4;
		memcpy(out->address, &v4, sizeof(v4));
	} else if (inet_pton(AF_INET6, text, &v6) == 1) {
		out->family = 6;
		memcpy(out->address, &v6, sizeof(v6));
	} else {
		return false;
	}
	return binding_may_be_from(out);
}

bool value_own_addresses(
    const char *text, struct endpoint *ipv4, struct endpoint *ipv6)
{
	struct endpoint one, v4 = {0}, v6 = {0};
	const bool any = strcasecmp(text, "any") == 0;
	char word[INET6_ADDRSTRLEN];
	size_t len;

	while (!any && (len = value_word(&text, word, sizeof(word))) > 0) {
		struct endpoint *place;

		if (len >= sizeof(word) || !own_address(word, &one))
			return false;
		place = one.family == 4 ? &v4 : &v6;
		if (place->family != 0)
			return false;
		*place = one;
	}
	*ipv4 = v4;
	*ipv6 = v6;
	return any || v4.family != 0 || v6.family != 0;
}
