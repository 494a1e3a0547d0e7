#include "agent/ctl/snapshot/chrony_values.h"

#include "agent/ctl/snapshot/address.h"
#include "base/check.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define STRATUM_UNSYNCHRONISED 16
#define REFERENCE_DIGITS 8

enum chrony_leap chrony_leap(const char *leap)
{
	static const char *const words[] = {
	    [CHRONY_LEAP_NORMAL] = "normal",
	    [CHRONY_LEAP_INSERT] = "insert",
	    [CHRONY_LEAP_DELETE] = "delete",
	};

	for (size_t i = 0; leap && i < ARRAY_LEN(words); i++)
		if (strcmp(leap, words[i]) == 0)
			return (enum chrony_leap)i;
	return CHRONY_LEAP_UNSYNCHRONISED;
}

char chrony_letter(const char *state)
{
	static const struct {
		const char *state;
		char letter;
	} letters[] = {
	    {"no-samples", 'M'},
	    {"noselect", 'N'},
	    {"unsynchronised", 's'},
	    {"stratum", 'r'},
	    {"distance", 'd'},
	    {"stale", 'S'},
	    {"untrusted", 'T'},
	    {"no-majority", 'x'},
	    {"waits", 'W'},
	    /* Another name of the server is selected in its place. chrony's D
	     * says that the distance is too large, which is not true of it. */
	    {"duplicate", 'P'},
	    {"falseticker", 'x'},
	    {"variable", '~'},
	    {"not-combined", 'D'},
	    {"surplus", 'D'},
	    {"not-preferred", 'P'},
	    {"combined", '+'},
	    {"selected", '*'},
	};

	for (size_t i = 0; i < ARRAY_LEN(letters); i++)
		if (strcmp(state, letters[i].state) == 0)
			return letters[i].letter;
	return '?';
}

char chrony_stamp(const char *stamp)
{
	static const char *const words[] = {"daemon", "kernel", "hardware"};

	for (size_t i = 0; stamp && i < ARRAY_LEN(words); i++)
		if (strcmp(stamp, words[i]) == 0)
			return "DKH"[i];
	return '\0';
}

struct field_int chrony_stratum(const struct status_clock *c)
{
	struct field_int stratum = c->stratum;

	if (stratum.n == STRATUM_UNSYNCHRONISED)
		stratum.n = 0;
	return stratum;
}

uint32_t chrony_reference(const char *text)
{
	size_t len = text ? strlen(text) : 0;
	uint32_t id = 0;

	if (len == REFERENCE_DIGITS &&
	    strspn(text, "0123456789ABCDEFabcdef") == len)
		return (uint32_t)strtoul(text, NULL, 16);
	for (size_t i = 0; i < 4 && len > 0 && len <= 4; i++)
		id = id << 8 | (i < len ? (unsigned char)text[i] : 0);
	return id;
}

const char *chrony_address(const struct status_source *s)
{
	unsigned char bytes[ADDRESS_LEN];

	if (s->address)
		return s->address;
	return address_parse(s->host, bytes) != AF_UNSPEC ? s->host : NULL;
}

struct chrony_activity chrony_activity(const struct snapshot *s)
{
	struct chrony_activity a = {0};

	for (unsigned i = 0; i < s->source_count; i++) {
		if (source_is_switched_off(&s->sources[i]))
			a.offline++;
		else if (!chrony_address(&s->sources[i]))
			a.unknown_address++;
		else
			a.online++;
	}
	return a;
}
