/* Selection: by table, and against brute force with random intervals. */
#include "base/check.h"
#include "clock/steering/select.h"

#include "base/time.h"

#include "tests/unit/clock/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define US NS_PER_US

static struct select_source source(int64_t offset_ns, int64_t distance_ns)
{
	return (struct select_source){.state = SELECT_COMBINED,
	    .offset_ns = offset_ns,
	    .distance_ns = distance_ns,
	    .own_distance_ns = distance_ns};
}

static void marks(const struct select_source *s, unsigned n, char *out)
{
	for (unsigned i = 0; i < n; i++)
		out[i] = select_state_mark(s[i].state);
	out[n] = '\0';
}

/* The most intervals that share a point, by trying every end. */
static unsigned brute_depth(const struct select_source *s, unsigned n)
{
	unsigned most = 0;

	for (unsigned i = 0; i < 2 * n; i++) {
		int64_t sign = i % 2 ? 1 : -1;
		int64_t point =
		    s[i / 2].offset_ns + sign * s[i / 2].distance_ns;
		unsigned depth = 0;

		for (unsigned k = 0; k < n; k++)
			depth +=
			    llabs(s[k].offset_ns - point) <= s[k].distance_ns;
		most = depth > most ? depth : most;
	}
	return most;
}

static void test_majority_matches_brute_force(void **state)
{
	struct chance c = {1};

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct select_source s[9];
		unsigned n = 1 + (unsigned)chance_between(&c, 0, 9);
		unsigned depth;
		struct select_result r;

		for (unsigned i = 0; i < n; i++)
			s[i] = source((int64_t)chance_between(&c, -1e6, 1e6),
			    (int64_t)chance_between(&c, 1, 1e6));
		depth = brute_depth(s, n);
		r = select_sources(s, n, 1, -1);

		assert_int_equal(r.voters, n);
		assert_int_equal(r.agreeing, depth);
		if (2 * depth > n) {
			assert_int_equal(r.outcome, SELECT_SELECTED);
			assert_in_range(r.selected, 0, n - 1);
			assert_int_equal(s[r.selected].state, SELECT_SELECTED);
		} else {
			assert_int_equal(r.outcome, SELECT_NO_MAJORITY);
			assert_int_equal(r.selected, -1);
		}
	}
}

static void without_a_majority_the_distance_is_known(void **state)
{
	struct select_source two[] = {
	    source(-2 * NS_PER_S, NS_PER_MS), source(3 * NS_PER_S, NS_PER_MS)};
	struct select_result r;

	(void)state;
	r = select_sources(two, 2, 1, -1);
	assert_int_equal(r.outcome, SELECT_NO_MAJORITY);
	assert_int_equal(r.apart_ns, 5 * NS_PER_S);
	/* A duplicate has no vote. */
	two[0].state = two[1].state = SELECT_COMBINED;
	two[1].duplicate = true;
	r = select_sources(two, 2, 1, -1);
	assert_int_equal(r.outcome, SELECT_SELECTED);
	assert_int_equal(r.apart_ns, 0);
}

/* While a majority is honest, no liar is selected, all honest sources may help,
 * and each liar is named. */
static void test_truth_prevails(void **state)
{
	struct chance c = {2};

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct select_source s[7];
		struct select_result r;

		for (unsigned i = 0; i < 7; i++) {
			int64_t d = (int64_t)chance_between(&c, 1e3, 1e6);
			double share = chance_between(&c, -1, 1);

			s[i] = source((int64_t)(share * (double)d), d);
			if (i >= 4)
				s[i].offset_ns +=
				    (int64_t)(share < 0 ? -1e7 : 1e7);
		}
		r = select_sources(s, 7, 1, -1);
		assert_in_range(r.selected, 0, 3);
		for (unsigned i = 0; i < 7; i++)
			assert_int_equal(
			    s[i].state == SELECT_FALSETICKER, i >= 4);
	}
}

struct row {
	const char *what;
	unsigned count, min_sources;
	int last;
	struct select_source s[4];
	const char *marks;
	int selected;
};

/* clang-format off */
#define S(...) {.state = SELECT_COMBINED, __VA_ARGS__}
#define AT(o, d) \
	.offset_ns = (o), .distance_ns = (d), .own_distance_ns = (d)
#define OPT(...) .options = {__VA_ARGS__}
static const struct row table[] = {
	{"one alone", 1, 1, -1, {S(AT(5000000, 100))}, "*", 0},
	{"one is too few", 1, 2, -1, {S(AT(0, 100))}, "?", -1},
	{"two that disagree", 2, 1, -1,
	    {S(AT(0, 100)), S(AT(1000, 100))}, "??", -1},
	{"the third decides", 3, 1, -1,
	    {S(AT(0, 100)), S(AT(1000, 100)), S(AT(50, 90))}, "+x*", 2},
	{"unusable ones have no vote", 3, 1, -1,
	    {S(AT(0, 100)), {.state = SELECT_UNSYNCED, AT(9000, 1)},
	     {.state = SELECT_DISTANCE, AT(9000, 1)}}, "*??", 0},
	{"distant ones agree but do not help", 2, 1, -1,
	    {S(AT(0, 100 * US)), S(AT(0, 5000 * US))}, "*-", 0},
	{"a combined one may get somewhat worse", 2, 1, 0,
	    {S(AT(0, 100 * US)), S(AT(0, 700 * US), .was_combined = true)},
	    "*+", 0},
	{"a second name of a server has no vote", 3, 1, -1,
	    {S(AT(0, 100)), S(AT(10, 100), .duplicate = true),
	     S(AT(1000, 90))}, "???", -1},
	{"... but helps", 2, 1, -1,
	    {S(AT(0, 100)), S(AT(10, 120), .duplicate = true)}, "*+", 0},
	{"... does not count for minsources", 2, 2, -1,
	    {S(AT(0, 100)), S(AT(10, 120), .duplicate = true)}, "??", -1},
	{"... and votes when the first is gone", 2, 1, -1,
	    {{.state = SELECT_STALE}, S(AT(10, 120), .duplicate = true)},
	    "?*", 1},
	{"prefer beats distance", 3, 1, -1,
	    {S(AT(0, 100)), S(AT(10, 500), OPT(.prefer = true)),
	     S(AT(20, 100))}, "-*-", 1},
	{"a preferred liar is a liar", 3, 1, -1,
	    {S(AT(0, 100)), S(AT(9000, 100), OPT(.prefer = true)),
	     S(AT(20, 110))}, "*x+", 0},
	{"require present", 2, 1, -1,
	    {S(AT(0, 100)), S(AT(0, 120), OPT(.require = true))}, "*+", 0},
	{"require missing", 2, 1, -1,
	    {S(AT(0, 100)),
	     {.state = SELECT_STALE, OPT(.require = true)}}, "??", -1},
	{"trust beats numbers", 3, 1, -1,
	    {S(AT(9000, 100)), S(AT(9000, 100)),
	     S(AT(0, 200), OPT(.trust = true))}, "??*", 2},
	{"preferred ones help each other", 3, 1, -1,
	    {S(AT(0, 100), OPT(.prefer = true)), S(AT(0, 90)),
	     S(AT(0, 120), OPT(.prefer = true))}, "*-+", 0},
	{"prefer without a sample changes nothing", 2, 1, -1,
	    {S(AT(0, 100)), {.state = SELECT_STALE, OPT(.prefer = true)}},
	    "*?", 0},
	{"require and prefer need not be one", 3, 1, -1,
	    {S(AT(0, 100), OPT(.prefer = true)), S(AT(0, 90)),
	     S(AT(0, 120), OPT(.require = true))}, "*--", 0},
	{"a required liar is missing", 3, 1, -1,
	    {S(AT(0, 100)), S(AT(10, 100)),
	     S(AT(9000, 100), OPT(.require = true))}, "??x", -1},
	{"one of two required ones is enough", 3, 1, -1,
	    {S(AT(0, 100)), S(AT(9000, 100), OPT(.require = true)),
	     S(AT(0, 110), OPT(.require = true))}, "*x+", 0},
	{"falsetickers do not count for minsources", 3, 3, -1,
	    {S(AT(0, 100)), S(AT(10, 100)), S(AT(9000, 100))}, "??x", -1},
	{"as many as minsources asks for", 3, 3, -1,
	    {S(AT(0, 100)), S(AT(10, 110)), S(AT(20, 120))}, "*++", 0},
	{"trusted ones must agree among themselves", 4, 1, -1,
	    {S(AT(0, 100), OPT(.trust = true)),
	     S(AT(900, 100), OPT(.trust = true)), S(AT(0, 90)),
	     S(AT(0, 90))}, "????", -1},
	{"a trusted liar is a liar", 4, 1, -1,
	    {S(AT(0, 100), OPT(.trust = true)),
	     S(AT(0, 110), OPT(.trust = true)),
	     S(AT(900, 100), OPT(.trust = true)), S(AT(0, 70))}, "++x*", 3},
	{"one that only touches the trusted one is not used", 3, 1, -1,
	    {S(AT(150, 100)), S(AT(150, 90)),
	     S(AT(0, 100), OPT(.trust = true))}, "??*", 2},
	{"... nor one that sticks out of its interval", 2, 1, -1,
	    {S(AT(31, 70)), S(AT(0, 100), OPT(.trust = true))}, "?*", 1},
	{"... nor one that is wider", 2, 1, -1,
	    {S(AT(0, 101)), S(AT(0, 100), OPT(.trust = true))}, "?*", 1},
	{"one that was combined may fill its interval", 2, 1, -1,
	    {S(AT(0, 100), .was_combined = true),
	     S(AT(0, 100), OPT(.trust = true))}, "*+", 0},
	{"... above and below, and no more", 2, 1, -1,
	    {S(AT(-31, 70), .was_combined = true),
	     S(AT(0, 100), OPT(.trust = true))}, "?*", 1},
	{"another one comes back with a quarter to spare", 2, 1, -1,
	    {S(AT(20, 64)), S(AT(0, 100), OPT(.trust = true))}, "*+", 0},
	{"... and not with less", 2, 1, -1,
	    {S(AT(21, 64)), S(AT(0, 100), OPT(.trust = true))}, "?*", 1},
	{"... on the other side, too", 2, 1, -1,
	    {S(AT(-21, 64)), S(AT(0, 100), OPT(.trust = true))}, "?*", 1},
	{"one whose latest answers disagree is not used", 2, 1, -1,
	    {S(AT(0, 60), .outside = true),
	     S(AT(0, 100), OPT(.trust = true))}, "?*", 1},
	{"trust leaves the choice of prefer", 3, 1, -1,
	    {S(AT(0, 60)), S(AT(0, 100), OPT(.trust = true)),
	     S(AT(0, 70), OPT(.prefer = true))}, "--*", 2},
	{"a preferred one that sticks out prefers nothing", 3, 1, -1,
	    {S(AT(0, 60)), S(AT(0, 100), OPT(.trust = true)),
	     S(AT(50, 70), OPT(.prefer = true))}, "*+?", 0},
	{"untrusted ones that agree help", 2, 1, -1,
	    {S(AT(0, 100)), S(AT(0, 200), OPT(.trust = true))}, "*+", 0},
	{"a duplicate marked trust has no vote either", 3, 1, -1,
	    {S(AT(0, 100)), S(AT(0, 110)),
	     S(AT(9000, 100), OPT(.trust = true), .duplicate = true)},
	    "*+x", 0},
	{"of two duplicates the first votes", 3, 1, -1,
	    {{.state = SELECT_STALE}, S(AT(0, 100), .duplicate = true),
	     S(AT(9000, 100), .duplicate = true)}, "?*x", 1},
	{"a far duplicate is called that", 2, 1, -1,
	    {S(AT(0, 100 * US)), S(AT(0, 5000 * US), .duplicate = true)},
	    "*-", 0},
	{"intervals that touch agree", 2, 1, -1,
	    {S(AT(0, 100)), S(AT(200, 100))}, "*+", 0},
	{"... and a nanosecond more does not", 2, 1, -1,
	    {S(AT(0, 100)), S(AT(201, 100))}, "??", -1},
	{"half of four is no majority", 4, 1, -1,
	    {S(AT(0, 100)), S(AT(0, 100)), S(AT(900, 100)),
	     S(AT(1800, 100))}, "????", -1},
	{"one outside votes against", 3, 1, -1,
	    {S(AT(0, 100)), S(AT(0, 110)), S(AT(0, 120), .outside = true)},
	    "*+x", 0},
	{"... and so no majority may be left", 2, 1, -1,
	    {S(AT(0, 100)), S(AT(0, 110), .outside = true)}, "??", -1},
	{"three times the best and 0.3 ms still help", 2, 1, -1,
	    {S(AT(0, 100 * US)), S(AT(0, 600 * US))}, "*+", 0},
	{"... and no more", 2, 1, -1,
	    {S(AT(0, 100 * US)), S(AT(0, 600 * US + 1))}, "*-", 0},
	{"one that helped may be half as far again", 2, 1, -1,
	    {S(AT(0, 100 * US)), S(AT(0, 900 * US), .was_combined = true)},
	    "*+", 0},
	{"... and no more", 2, 1, -1,
	    {S(AT(0, 100 * US)), S(AT(0, 900 * US + 1), .was_combined = true)},
	    "*-", 0},
	{"the best is chosen by what does not age", 2, 1, -1,
	    {{.state = SELECT_COMBINED, .distance_ns = 100,
	      .own_distance_ns = 90},
	     {.state = SELECT_COMBINED, .distance_ns = 200,
	      .own_distance_ns = 80}}, "+*", 1},
	{"just not better enough, no change", 2, 1, 1,
	    {S(AT(0, 71)), S(AT(0, 100))}, "+*", 1},
	{"just better enough, change", 2, 1, 1,
	    {S(AT(0, 70)), S(AT(0, 100))}, "*+", 0},
	{"the last one is unusable", 2, 1, 1,
	    {S(AT(0, 100)), {.state = SELECT_STALE, AT(0, 100)}}, "*?", 0},
	{"the last one is gone", 1, 1, 1, {S(AT(0, 100))}, "*", 0},
	{"no better, no change", 2, 1, 1,
	    {S(AT(0, 100)), S(AT(0, 120))}, "+*", 1},
	{"clearly better, change", 2, 1, 1,
	    {S(AT(0, 100)), S(AT(0, 200))}, "*+", 0},
	{"a former liar must agree well", 3, 1, -1,
	    {S(AT(0, 100)), S(AT(0, 110)),
	     S(AT(160, 100), .was_falseticker = true)}, "*+x", 0},
	{"... and then it is back", 3, 1, -1,
	    {S(AT(0, 100)), S(AT(0, 110)),
	     S(AT(120, 100), .was_falseticker = true)}, "*++", 0},
	{"... however small the part is that all others share", 4, 1, -1,
	    {S(AT(0, 100)), S(AT(0, 110)), S(AT(199, 110)),
	     S(AT(60, 120), .was_falseticker = true)}, "*+++", 0},
};
/* clang-format on */

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct row row = table[i];
		char got[5];
		struct select_result r =
		    select_sources(row.s, row.count, row.min_sources, row.last);

		marks(row.s, row.count, got);
		if (strcmp(got, row.marks) != 0 || r.selected != row.selected)
			fail_msg("%s: %s, not %s (selected %d)", row.what, got,
			    row.marks, r.selected);
	}
}

/* All fields of the result. */
static void test_results_are_complete(void **state)
{
	struct select_source s[] = {
	    S(AT(0, 100)),
	    S(AT(50, 100)),
	    S(AT(60, 100), .duplicate = true),
	    S(AT(9000, 100)),
	    {.state = SELECT_STALE, OPT(.require = true)},
	};
	struct select_result r;

	(void)state;
	r = select_sources(s, 5, 1, -1);
	assert_int_equal(r.voters, 3);
	assert_int_equal(r.agreeing, 2);
	assert_int_equal(r.truth_low_ns, -50);
	assert_int_equal(r.truth_high_ns, 100);
	assert_int_equal(r.independent, 2);
	assert_true(r.required_missing);
	assert_int_equal(r.outcome, SELECT_WAITS);
	assert_int_equal(s[0].state, SELECT_WAITS);
	assert_int_equal(s[3].state, SELECT_FALSETICKER);
	s[4].options.require = false;
	for (unsigned i = 0; i < 4; i++)
		s[i].state = SELECT_COMBINED;
	r = select_sources(s, 5, 1, -1);
	assert_int_equal(r.survivors, 3);
	assert_int_equal(r.outcome, SELECT_SELECTED);
	assert_false(r.required_missing);
}

/* Two pairs agree, each at another place: the interval of the truth spans both.
 */
static void test_truth_spans_all_that_so_many_share(void **state)
{
	struct select_source s[] = {
	    S(AT(0, 1000)),
	    S(AT(-900, 50)),
	    S(AT(800, 50)),
	};
	struct select_result r;

	(void)state;
	r = select_sources(s, 3, 1, -1);
	assert_int_equal(r.agreeing, 2);
	assert_int_equal(r.truth_low_ns, -950);
	assert_int_equal(r.truth_high_ns, 850);
}

static void test_nothing_usable(void **state)
{
	struct select_source s = {.state = SELECT_STALE};
	struct select_result r;

	(void)state;
	r = select_sources(&s, 1, 1, 0);
	assert_int_equal(r.selected, -1);
	assert_int_equal(r.outcome, SELECT_NO_SAMPLES);
	assert_int_equal(s.state, SELECT_STALE);
	r = select_sources(NULL, 0, 1, -1);
	assert_int_equal(r.selected, -1);
}

/* As many sources as there can be. */
static void test_sixty_four_sources(void **state)
{
	static struct select_source s[SOURCES_MAX];
	struct select_result r;

	(void)state;
	for (unsigned i = 0; i < SOURCES_MAX; i++)
		s[i] = source(i < 33 ? (int64_t)i : INT64_C(1) << 40, 1000 + i);
	r = select_sources(s, SOURCES_MAX, 1, -1);
	assert_int_equal(r.selected, 0);
	assert_int_equal(r.agreeing, 33);
	assert_int_equal(r.survivors, 33);
}

/* More sources agree than the filter holds: the nearest ones are combined, and
 * one that was stays unless it is clearly farther away. */
static void test_the_nearest_sources_are_combined(void **state)
{
	static struct select_source s[SOURCES_MAX];
	struct select_result r;
	unsigned combined = 0;

	(void)state;
	for (unsigned i = 0; i < SOURCES_MAX; i++)
		s[i] = source(0, 1000 + 10 * (int64_t)(SOURCES_MAX - i));
	s[SOURCES_MAX - 20].was_combined = true;
	r = select_sources(s, SOURCES_MAX, 1, -1);
	assert_int_equal(r.selected, SOURCES_MAX - 1);
	for (unsigned i = 0; i < SOURCES_MAX; i++)
		combined += s[i].state == SELECT_COMBINED;
	assert_int_equal(combined, SELECT_COMBINED_MAX - 1);
	assert_int_equal(s[0].state, SELECT_SURPLUS);
	assert_int_equal(s[SOURCES_MAX - 15].state, SELECT_COMBINED);
	assert_int_equal(s[SOURCES_MAX - 16].state, SELECT_SURPLUS);
	assert_int_equal(s[SOURCES_MAX - 19].state, SELECT_SURPLUS);
	assert_int_equal(s[SOURCES_MAX - 20].state, SELECT_COMBINED);
	/* As many as fit. */
	for (unsigned i = 0; i < SELECT_COMBINED_MAX; i++)
		s[i] = source(0, 1000 + i);
	(void)select_sources(s, SELECT_COMBINED_MAX, 1, -1);
	for (unsigned i = 1; i < SELECT_COMBINED_MAX; i++)
		assert_int_equal(s[i].state, SELECT_COMBINED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_majority_matches_brute_force),
	    cmocka_unit_test(without_a_majority_the_distance_is_known),
	    cmocka_unit_test(test_truth_prevails),
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_results_are_complete),
	    cmocka_unit_test(test_truth_spans_all_that_so_many_share),
	    cmocka_unit_test(test_nothing_usable),
	    cmocka_unit_test(test_sixty_four_sources),
	    cmocka_unit_test(test_the_nearest_sources_are_combined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
