#include "base/obstacles.h"

#include "base/host.h"

#include <stdio.h>
#include <string.h>

#define NTS_KE_PORT 4460 /* RFC 8915 7.1 */
#define NTP_PORT 123

/* A table for each text, so that a program that never prints one of them does
 * not contain it. */
/* clang-format off */
static const char *const words[OBSTACLE_COUNT + 1] = {
#define X(id, word, warning, sentence, to_do) [id] = word,
	OBSTACLES(X)
#undef X
	[OBSTACLE_COUNT] = "",
};
static const char *const sentences[OBSTACLE_COUNT + 1] = {
#define X(id, word, warning, sentence, to_do) [id] = sentence,
	OBSTACLES(X)
#undef X
	[OBSTACLE_COUNT] = "",
};
static const char *const cures[OBSTACLE_COUNT + 1] = {
#define X(id, word, warning, sentence, to_do) [id] = to_do,
	OBSTACLES(X)
#undef X
	[OBSTACLE_COUNT] = "",
};
static const bool warnings[OBSTACLE_COUNT + 1] = {
#define X(id, word, warning, sentence, to_do) [id] = warning,
	OBSTACLES(X)
#undef X
	[OBSTACLE_COUNT] = false,
};
/* clang-format on */

const char *obstacle_word(enum obstacle o)
{
	return words[o];
}

bool obstacle_is_warning(enum obstacle o)
{
	return warnings[o];
}

/* Room for a host, and for the section of a source. */
#define VALUE_MAX HOST_MAX

/* "NAME#3" is the third source of [pool NAME]. */
static const char *section_of(const char *name, char out[static VALUE_MAX])
{
	size_t len = strcspn(name, "#");

	snprintf(out, VALUE_MAX, "[%s %.*s]",
	    name[len] == '#' ? "pool" : "source", (int)len, name);
	return out;
}

/* The text of a variable, in `room` if need be. NULL: it is no variable. */
static const char *value_of(
    char variable, const struct obstacle_place *p, char room[static VALUE_MAX])
{
	unsigned ke = p->ke_port ? p->ke_port : NTS_KE_PORT;
	unsigned ntp = p->ntp_port ? p->ntp_port : NTP_PORT;

	switch (variable) {
	case 'N':
		return p->name;
	case 'S':
		return p->name ? section_of(p->name, room) : NULL;
	case 'H':
		return p->host;
	case 'C':
		return p->host && host_in_certificate(p->host, room) ? room
								     : p->host;
	case 'A':
		return p->address ? p->address : p->host;
	case 'P':
	case 'U':
		snprintf(room, VALUE_MAX, "%u", variable == 'P' ? ke : ntp);
		return room;
	default:
		return NULL;
	}
}

void obstacle_fill_in(
    const char *text, const struct obstacle_place *p, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	while (*text != '\0' && len + 1 < size) {
		size_t plain = strcspn(text, "%");
		char room[VALUE_MAX];
		const char *value;

		snprintf(out + len, size - len, "%.*s", (int)plain, text);
		len += strlen(out + len);
		text += plain;
		if (*text == '\0')
			break;
		value = value_of(text[1], p, room);
		if (value)
			snprintf(out + len, size - len, "%s", value);
		len += strlen(out + len);
		text += value ? 2 : 1;
	}
}

void obstacle_sentence(
    enum obstacle o, const struct obstacle_place *p, char *out, size_t size)
{
	obstacle_fill_in(sentences[o], p, out, size);
}

const char *obstacle_phrase(const char *seen, const char *phrase)
{
	const bool after_quotation = phrase[0] == '"';
	bool quoted = false;

	for (; *seen != '\0'; seen++) {
		if (quoted == after_quotation &&
		    strncmp(seen, phrase, strlen(phrase)) == 0)
			return seen;
		quoted ^= *seen == '"';
	}
	return NULL;
}

/* Words of a server or of a certificate can follow, but not begin the sentence,
 * so what is found is our own. */
bool obstacle_cure(const char *seen, char *out, size_t size)
{
	static const char alone[] = "no certificate is trusted: ";
	static const char begin[] = "cannot read the ";
	static const char lead[] = "; fix it with: ";
	static const char rest[] = "; this may be the reason: ";
	const char *command, *end;

	if (strncmp(seen, alone, strlen(alone)) == 0)
		seen += strlen(alone);
	if (strncmp(seen, begin, strlen(begin)) != 0)
		return false;
	command = obstacle_phrase(seen, lead);
	end = obstacle_phrase(seen, rest);
	if (!command || (end && command > end))
		return false;
	command += strlen(lead);
	if (!end)
		end = command + strlen(command);
	/* A sentence that did not fit. */
	if (end - command >= 3 && memcmp(end - 3, "...", 3) == 0)
		return false;
	snprintf(out, size,
	    "run as root: %.*s; the agent notices it and tries again",
	    (int)(end - command), command);
	return true;
}

void obstacle_to_do(
    enum obstacle o, const struct obstacle_place *p, char *out, size_t size)
{
	obstacle_fill_in(cures[o], p, out, size);
}
