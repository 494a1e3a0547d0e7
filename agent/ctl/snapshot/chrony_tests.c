#include "agent/ctl/snapshot/chrony_tests.h"

#include "base/check.h"

#include <string.h>

/* clang-format off */
static const struct {
	const char *check;
	unsigned test; /* the bit that is 0 */
} failed_tests[] = {
	{"origin",         1 << 8}, /* 2: an answer to this request */
	{"no-unique-id",   1 << 8},
	{"unique-id",      1 << 8},
	{"length",         1 << 7}, /* 3: valid, with time stamps */
	{"version",        1 << 7},
	{"mode",           1 << 7},
	{"fields",         1 << 7},
	{"stamps",         1 << 7},
	{"nak",            1 << 6}, /* 5: authentic */
	{"authenticator",  1 << 6},
	{"field-order",    1 << 6},
	{"authentication", 1 << 6},
	{"expired",        1 << 6},
	{"dates",          1 << 6},
	{"undated",        1 << 6},
	{"kiss-rate",      1 << 5}, /* 6: the server is synchronised */
	{"kiss-deny",      1 << 5},
	{"kiss-rstr",      1 << 5},
	{"kiss-other",     1 << 5},
	{"synchronised",   1 << 5},
	{"delay",          1 << 3}, /* A: the delay is possible and allowed */
	{"maxdelay",       1 << 3},
	{"pause",          1 << 3},
	{"maxdelayratio",  1 << 2}, /* B: against the shortest delay */
};
/* clang-format on */

/* A to D are made of an answer that passed the others. */
#define TESTS_A_TO_D 0xfU

unsigned chrony_tests(const struct status_source *s)
{
	const char *failed = s->answer.failed_check;
	unsigned zero = 1U << 7;

	if (!failed)
		return s->answer.version.known ? CHRONY_TESTS_ALL : 0;
	for (size_t i = 0; i < ARRAY_LEN(failed_tests); i++)
		if (strcmp(failed, failed_tests[i].check) == 0)
			zero = failed_tests[i].test;
	if (zero > TESTS_A_TO_D)
		zero |= TESTS_A_TO_D;
	return CHRONY_TESTS_ALL & ~zero;
}
