#include "clock/leap.h"

#define DAY_NS (86400 * NS_PER_S)
/* Half a day of smearing, and an hour for a clock that is not right yet. */
#define SMEAR_NS (13 * 3600 * NS_PER_S)

static int64_t midnight_after(struct wall t)
{
	return (t.ns / DAY_NS + 1) * DAY_NS;
}

static bool near(int64_t a, int64_t b, int64_t tolerance_ns)
{
	return a - b <= tolerance_ns && b - a <= tolerance_ns;
}

/* Days since 1 March. */
#define JUNE_30 121
#define DECEMBER_31 305
/* 1 March 2000 began so many days after 1 January 1970. From then on each cycle
 * of the calendar has so many days. */
#define MARCH_2000 11017
#define DAYS_400_YEARS 146097
#define DAYS_100_YEARS 36524
#define DAYS_4_YEARS 1461
#define DAYS_YEAR 365

/* How many whole periods are in `days`; the last one may be a day longer. */
static int64_t periods(int64_t days, int64_t length, int64_t most)
{
	int64_t n = days / length;

	return n < most ? n : most;
}

/* Each answer leads to this question, and gmtime_r(3) costs more than all of
 * it. In years that begin in March, the leap day is the last one. */
static int64_t day_since_march(struct wall t)
{
	int64_t day = t.ns / DAY_NS - (t.ns % DAY_NS < 0) - MARCH_2000;

	day = (day % DAYS_400_YEARS + DAYS_400_YEARS) % DAYS_400_YEARS;
	day -= DAYS_100_YEARS * periods(day, DAYS_100_YEARS, 3);
	day %= DAYS_4_YEARS;
	return day - DAYS_YEAR * periods(day, DAYS_YEAR, 3);
}

/* ITU-R TF.460-6 allows the end of any month, with June and December first
 * and March and September second. All 27 leap seconds up to now came in June
 * or December, so an announcement on another day is far more likely a server's
 * error than the first of its kind. */
bool leap_day(struct wall now)
{
	int64_t day = day_since_march(now);

	return day == JUNE_30 || day == DECEMBER_31;
}

/* An inserted second shows the same reading twice. So the test looks at where
 * the clock would be without the jump. */
bool leap_executed(enum leap armed, struct wall before, struct wall after,
    int64_t jump_ns, int64_t tolerance_ns)
{
	int64_t leap_ns = armed == LEAP_INSERT ? -NS_PER_S : NS_PER_S;
	int64_t without_ns = after.ns - jump_ns;

	if (armed != LEAP_INSERT && armed != LEAP_DELETE)
		return false;
	return near(jump_ns, leap_ns, tolerance_ns) && leap_day(before) &&
	       without_ns + tolerance_ns >= leap_time(armed, before).ns;
}

struct wall leap_time(enum leap leap, struct wall before)
{
	int64_t end_ns = midnight_after(before);

	return (struct wall){leap == LEAP_DELETE ? end_ns - NS_PER_S : end_ns};
}

bool leap_smear_time(struct wall now)
{
	struct wall later = {now.ns + SMEAR_NS}, earlier = {now.ns - SMEAR_NS};

	/* Such a day ends within the time to come, or ended within the time
	 * that has passed. */
	return (leap_day(now) && !leap_day(later)) ||
	       (leap_day(earlier) && !leap_day(now));
}

static bool announces(const struct leap_view *v)
{
	return v->usable && (v->leap == LEAP_INSERT || v->leap == LEAP_DELETE);
}

static bool agrees(const struct leap_view *v)
{
	return v->usable && v->agrees;
}

static const struct leap_view *best_of(const struct leap_view *views,
    unsigned count, bool (*is)(const struct leap_view *))
{
	const struct leap_view *best = NULL;

	for (unsigned i = 0; i < count; i++)
		if (is(&views[i]) &&
		    (!best || views[i].bound_ns < best->bound_ns))
			best = &views[i];
	return best;
}

/* Without a majority, a source that announces the leap second: it does not
 * smear. */
static const struct leap_view *reference(
    const struct leap_view *views, unsigned count)
{
	const struct leap_view *best = best_of(views, count, agrees);

	return best ? best : best_of(views, count, announces);
}

bool leap_smears(const struct leap_view *views, unsigned count, unsigned source)
{
	const struct leap_view *s = &views[source];
	const struct leap_view *best = reference(views, count);
	int64_t apart_ns, bound_ns;

	if (!best || !s->usable || s->agrees)
		return false;
	apart_ns = s->offset_ns - best->offset_ns;
	if (apart_ns < 0)
		apart_ns = -apart_ns;
	bound_ns = s->bound_ns + best->bound_ns;
	return apart_ns > bound_ns && apart_ns <= NS_PER_S + bound_ns;
}

bool leap_announced(const struct leap_view *views, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (announces(&views[i]))
			return true;
	return false;
}
