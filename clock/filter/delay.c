#include "clock/filter/delay.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

/* sqrt(pi / 2): the smallest of n sums of two exponential delays of mean q
 * exceeds the floor by q * sqrt(pi / (2 n)) in the mean, for large n. */
#define FLOOR_GAP 1.2533141373155003
/* The factor 1 + FLOOR_GAP_FEW / sqrt(n) makes it right for small n, too. */
#define FLOOR_GAP_FEW 0.6

/* Log odds at which a longer route is believed. They are high because every
 * sample is tested in two dozen ways. A remembered route needs less. */
#define LONGER_LOG_ODDS 18.0
#define RETURN_LOG_ODDS 12.0
/* Below these log odds delays may be those of a remembered route. */
#define SAME_LOG_ODDS 5.0
/* Log odds below these decide nothing: they need not be exact. */
#define UNLIKELY_LEAST 5.0

/* When the samples before a longer route are so unlikely on the old route, too,
 * the floor did not step: it creeps. */
#define CREEP_LOG_ODDS 5.0
/* A floor that creeps slowly is seen before it is so many mean queues higher.
 */
#define CREEP_MOST 8.0

/* The law of a route's delays near its floor, by the k-th smallest of n: k is
 * n / LOWEST_SHARE, at least LOWEST_MIN. */
#define LOWEST_SHARE 4
#define LOWEST_MIN 3
/* The gap that follows from them counts if it is below this share of the gap
 * that follows from the mean queue. */
#define FEW_TELL_SHARE 0.33
/* The gap that fewer of the smallest delays show counts if it is below this
 * share of the one that follows from the mean queue. By chance that happens
 * once in a thousand. */
#define FREE_SHARE 0.03

/* How many of the latest samples show the quiet queue, and the median of the
 * sum of two exponential delays of mean 1. */
#define QUIET_SAMPLES 32
#define MEDIAN_OF_TWO 1.678
/* Few samples show the queue and the gap badly: what n of them show is
 * multiplied by 1 + FEW_DOUBT / sqrt(n). */
#define FEW_DOUBT 4.0
/* The latest few samples count if the queue that they show is below this share
 * of the quiet queue. */
#define LATELY_SHARE 0.33

/* The least mean queueing delay of a path: time stamps are no better. */
#define QUEUE_MIN 20e-9

/* The queue is measured in blocks of QUEUE_SAMPLES, and a change of its mean is
 * learned within QUEUE_MEMORY samples. One block counts as at most QUEUE_RISE
 * times the mean: a changed route is not a queue. */
#define QUEUE_SAMPLES 16
#define QUEUE_MEMORY 256.0
#define QUEUE_RISE 4.0
/* The gain of the first block after QUEUE_SAMPLES is 1 / QUEUE_FIRST_WEIGHT. */
#define QUEUE_FIRST_WEIGHT 4
/* The queue of a route is that of its OWN_SAMPLES latest samples. If it is so
 * many times as long as the path's, the route has other queues: with those of
 * the path, the few samples of a new route would be far too certain. */
#define OWN_SAMPLES 64
#define OWN_MEDIANS 2.0
#define OTHER_QUEUES 4.0
/* The latest samples whose queue counts as usual: about an hour's. */
#define USUAL_SAMPLES 64
/* Blocks in which a change of the rise is learned, and blocks before the rise
 * counts as known. */
#define RISE_MEMORY 64.0
#define RISE_BLOCKS 4

/* A shorter route needs a route with this many samples, and a delay below its
 * floor by this many floor gaps. By chance a delay is below it by g gaps with a
 * probability of less than exp(-pi g^2 / 4). A return to a remembered route
 * needs less. */
#define SETTLED_SAMPLES 16
#define SHORTER_GAPS 6.0
#define RETURN_GAPS 3.0
/* The same for delays that form a bell, in its standard deviations. */
#define BELL_SHORTER 6.0
#define BELL_RETURN 4.5

/* When a congestion ends, the latest samples are the smallest of all. By chance
 * the latest m of n are the smallest with a probability of 1 / C(n, m). The end
 * is believed if the log odds against chance are above QUIETER_LOG_ODDS plus
 * log(n), and if the gap to the other samples is QUIETER_APART times as wide as
 * these m samples are apart. */
#define QUIETER_LOG_ODDS 3.6
#define QUIETER_LEAST 3
#define QUIETER_MOST 8
#define QUIETER_APART 3
/* After more than EMPTY_SAMPLES samples, one sample is enough if its delay is
 * below this share of the quiet queue: by chance that has a probability of
 * e^-9, whatever the floor is. */
#define EMPTY_SHARE 0.0157
#define EMPTY_SAMPLES 8
/* A congestion is at most so many mean queues above the free path. */
#define CONGESTION_QUEUES 6

/* The least number of latest samples in which a longer route can show. */
#define LONGER_SAMPLES 8

void delay_init(struct delay_track *t)
{
	*t = (struct delay_track){
	    .queue = QUEUE_MIN, .quiet = QUEUE_MIN, .lately = QUEUE_MIN};
}

const struct delay_route *delay_route(
    const struct delay_track *t, unsigned number)
{
	for (unsigned i = 0; i < DELAY_ROUTES; i++)
		if (t->routes[i].samples > 0 && t->routes[i].number == number)
			return &t->routes[i];
	return NULL;
}

static struct delay_route *current(struct delay_track *t)
{
	const struct delay_route *r = delay_route(t, t->route);

	return r ? &t->routes[r - t->routes] : NULL;
}

static double gap_of(double queue, unsigned samples)
{
	double root = sqrt((double)samples);

	return queue * FLOOR_GAP / root * (1 + FLOOR_GAP_FEW / root);
}

double delay_floor_gap(const struct delay_track *t, unsigned samples)
{
	return gap_of(t->queue, samples);
}

static bool has_other_queues(
    const struct delay_track *t, const struct delay_route *r)
{
	return r->queue >= OTHER_QUEUES * t->queue;
}

double delay_queue_gap(const struct delay_track *t, const struct delay_route *r)
{
	if (!has_other_queues(t, r))
		return gap_of(t->queue, r->samples);
	return gap_of(
	    r->queue * (1 + FEW_DOUBT / sqrt(r->samples)), r->samples);
}

/*
 * Near the floor F the chance of a delay below F + g grows with g^2, whatever
 * the laws of the two ways are. So the k-th smallest of the delays exceeds F by
 * s * sqrt(k - 1/4) in the mean, and the smallest by s * 0.886: two of them
 * tell s, and with it the gap.
 */
static double gap_by(const struct delay_route *r, unsigned k)
{
	return 0.886 * (r->lowest[k - 1] - r->lowest[0]) /
	       (sqrt(k - 0.25) - 0.886);
}

/* How many of the smallest delays tell the gap. */
static unsigned telling(const struct delay_route *r)
{
	unsigned k = r->samples / LOWEST_SHARE;

	return k < LOWEST_MIN	  ? LOWEST_MIN
	       : k < DELAY_LOWEST ? k
				  : DELAY_LOWEST;
}

/* The gap to the floor by the smallest delays alone; NAN: too few. */
static double gap_by_smallest(const struct delay_route *r)
{
	return r->samples > LOWEST_MIN ? gap_by(r, telling(r)) : NAN;
}

/* A queue that begins soon after the start leaves few samples of the free path,
 * and the k smallest delays have some of the queue. So this takes fewer of
 * them, with the doubt that these leave. */
static double gap_by_fewer(const struct delay_route *r)
{
	unsigned most = telling(r);
	double least = INFINITY;

	for (unsigned k = LOWEST_MIN; k < most; k++)
		least = fmin(least, gap_by(r, k) * (1 + FEW_DOUBT / sqrt(k)));
	return least;
}

double delay_route_gap(const struct delay_track *t, const struct delay_route *r)
{
	double by_queue = delay_queue_gap(t, r);
	double by_smallest = gap_by_smallest(r), by_fewer = gap_by_fewer(r);

	if (by_fewer < FREE_SHARE * by_queue)
		by_smallest = fmin(by_smallest, by_fewer);
	/* Over thousands of samples the mean queue tells more, unless rare long
	 * waits or an old congestion are in it. */
	return by_smallest <= FEW_TELL_SHARE * by_queue
		   ? fmax(by_smallest, QUEUE_MIN)
		   : by_queue;
}

double delay_edge_ratio(
    const struct delay_track *t, const struct delay_route *r)
{
	double by_smallest = gap_by_smallest(r);

	return isnan(by_smallest)
		   ? 1
		   : by_smallest / delay_floor_gap(t, r->samples);
}

const struct delay_route *delay_shortest_route(const struct delay_track *t)
{
	const struct delay_route *least = NULL;

	for (unsigned i = 0; i < DELAY_ROUTES; i++) {
		const struct delay_route *r = &t->routes[i];

		if (r->samples > 0 && !r->crept &&
		    (!least || r->floor < least->floor))
			least = r;
	}
	return least;
}

/* Counts one more delay of the route. */
static void add_to_route(struct delay_route *r, double delay)
{
	unsigned i = r->samples < DELAY_LOWEST ? r->samples : DELAY_LOWEST;

	r->samples++;
	if (i == DELAY_LOWEST && r->lowest[--i] <= delay)
		return;
	for (; i > 0 && r->lowest[i - 1] > delay; i--)
		r->lowest[i] = r->lowest[i - 1];
	r->lowest[i] = delay;
}

/* One way of a path in the latest samples, as far as the clock is known. */
struct side {
	double least, mean;
};

/* The latest n samples. */
struct window {
	unsigned n;
	double least, mean;
	struct side up, down;
};

static const struct window empty = {
    .least = INFINITY, .up.least = INFINITY, .down.least = INFINITY};

/* A function of the library would take longer than the rest. A delay may be
 * unknown (NAN). */
static void lower(double *least, double delay)
{
	if (delay < *least)
		*least = delay;
}

static void extend_side(struct side *side, unsigned n, double delay)
{
	lower(&side->least, delay);
	side->mean += (delay - side->mean) / n;
}

static void extend(struct window *w, const struct delay_track *t, unsigned n)
{
	while (w->n < n) {
		const struct delay_sample *s =
		    &t->recent[(t->seen - 1 - w->n) % DELAY_RECENT];

		w->n++;
		lower(&w->least, s->delay);
		w->mean += (s->delay - w->mean) / w->n;
		extend_side(&w->up, w->n, s->delay / 2 + s->asymmetry);
		extend_side(&w->down, w->n, s->delay / 2 - s->asymmetry);
	}
}

static struct window latest(const struct delay_track *t, unsigned n)
{
	struct window w = empty;

	extend(&w, t, n);
	return w;
}

/* The sum of the two ways' smallest values; NAN: unknown. */
static double sides_least(const struct window *w)
{
	return isnan(w->up.mean) ? NAN : w->up.least + w->down.least;
}

/* From the mean over the smallest delay: no error of the floor touches it. */
static double queue_of(const struct window *w)
{
	return (w->mean - w->least) / (2 - FLOOR_GAP / sqrt(w->n));
}

static void learn_queue(struct delay_track *t)
{
	unsigned n = t->since < QUEUE_SAMPLES ? t->since : QUEUE_SAMPLES;
	struct window w;
	double queue, gain, change;
	unsigned learned;

	if (n < 2)
		return;
	w = latest(t, n);
	queue = queue_of(&w);
	learned = t->seen - t->learning;
	if (learned <= QUEUE_SAMPLES) {
		t->queue = fmax(queue, QUEUE_MIN);
		return;
	}
	gain = fmax(1.0 / (learned - QUEUE_SAMPLES + QUEUE_FIRST_WEIGHT),
	    1.0 / QUEUE_MEMORY);
	change = fmin(queue, QUEUE_RISE * t->queue) - t->queue;
	t->queue = fmax(t->queue + gain * change, QUEUE_MIN);
}

/* The latest delays, the smallest first. */
struct sorted {
	unsigned n;
	double delays[QUIET_SAMPLES];
};

static void insert(struct sorted *s, double delay)
{
	unsigned i = s->n++;

	for (; i > 0 && s->delays[i - 1] > delay; i--)
		s->delays[i] = s->delays[i - 1];
	s->delays[i] = delay;
}

/* Estimates the mean queue from the latest n samples: from the height of their
 * median above the smallest of them. */
static double median_queue(
    const struct delay_track *t, struct sorted *s, unsigned n)
{
	double median;

	while (s->n < n)
		insert(s, t->recent[(t->seen - 1 - s->n) % DELAY_RECENT].delay);
	median = (s->delays[(n - 1) / 2] + s->delays[n / 2]) / 2;
	return (median - s->delays[0]) / (MEDIAN_OF_TWO - FLOOR_GAP / sqrt(n));
}

/* Learns the queue of the current route. A few long waits do not make it long.
 */
static void learn_own(struct delay_track *t)
{
	unsigned n = t->since < OWN_SAMPLES ? t->since : OWN_SAMPLES;
	struct sorted s = {.n = 0};
	struct window w;
	double usual;

	if (n < LOWEST_MIN)
		return;
	w = latest(t, n);
	usual = median_queue(t, &s, n < QUIET_SAMPLES ? n : QUIET_SAMPLES);
	current(t)->queue = fmin(queue_of(&w), OWN_MEDIANS * usual);
}

/* Learns `quiet` and `lately`. */
static void learn_quiet(struct delay_track *t)
{
	unsigned most = t->since < QUIET_SAMPLES ? t->since : QUIET_SAMPLES;
	struct sorted s = {.n = 0};

	t->quiet = t->lately = t->queue;
	for (unsigned n = LOWEST_MIN + 1; n <= most; n *= 2) {
		double queue = median_queue(t, &s, n);

		t->lately = fmin(t->lately, queue * (1 + FEW_DOUBT / sqrt(n)));
	}
	if (most > LOWEST_MIN)
		t->quiet = fmin(t->queue, median_queue(t, &s, most));
	t->quiet = fmax(t->quiet, QUEUE_MIN);
	t->lately = t->lately < LATELY_SHARE * t->quiet
			? fmax(t->lately, QUEUE_MIN)
			: t->quiet;
}

static void learn_height(double *usual, double height, unsigned blocks)
{
	if (isnan(height))
		return;
	if (blocks >= RISE_BLOCKS && *usual > 0)
		height = fmin(height, QUEUE_RISE * *usual);
	*usual += fmax(1.0 / (blocks + 1), 1.0 / RISE_MEMORY) *
		  (fmax(height, 0) - *usual);
}

/* On a path that is never empty, even the smallest of many delays stays above
 * the floor. This measures by how much, block by block. */
static void learn_rise(struct delay_track *t)
{
	struct window w;
	double floor;

	if (t->since % QUEUE_SAMPLES != 0)
		return;
	w = latest(t, QUEUE_SAMPLES);
	floor = current(t)->floor;
	learn_height(&t->rise, w.least - floor, t->blocks);
	learn_height(&t->sides_rise, sides_least(&w) - floor, t->blocks);
	t->blocks++;
}

/* The mean queue with which the smallest of a block of delays, each the sum of
 * two exponential ones, rises so far; and with which the two ways' smallest
 * values do. */
static double rise_queue(const struct delay_track *t)
{
	return t->rise * sqrt(QUEUE_SAMPLES) / FLOOR_GAP;
}

static double sides_rise_queue(const struct delay_track *t)
{
	return t->sides_rise * QUEUE_SAMPLES / 2;
}

/* delay_floor_gap() of a path that may never be empty. */
static double busy_floor_gap(const struct delay_track *t, unsigned samples)
{
	return delay_floor_gap(t, samples) * fmax(rise_queue(t) / t->queue, 1);
}

/* The mean queue of many samples. A route that has other queues than the path
 * has its own. */
static double lasting_queue(
    const struct delay_track *t, const struct delay_route *r)
{
	return fmax(
	    has_other_queues(t, r) ? r->queue : t->queue, rise_queue(t));
}

/* Mean queues that are nothing unusual: of both ways, and of one of them. Those
 * of the latest USUAL_SAMPLES count as well, because a few samples may be alike
 * by chance. The first samples of a longer route among them change little. */
struct usual {
	double both, one;
};

static double side_queue(const struct side *side, unsigned n)
{
	return (side->mean - side->least) * n / (n - 1);
}

/* NAN where the clock was not known. */
static double busier_queue(const struct window *w)
{
	double up = side_queue(&w->up, w->n);
	double down = side_queue(&w->down, w->n);

	return up > down ? up : down;
}

static struct usual usual_queues(
    const struct delay_track *t, const struct delay_route *r)
{
	unsigned n = t->since < USUAL_SAMPLES ? t->since : USUAL_SAMPLES;
	double queue = lasting_queue(t, r);
	bool known = t->blocks >= RISE_BLOCKS && t->sides_rise > 0;
	/* Before the rise of one way is known, any queue of it is usual. */
	double one = known ? fmax(queue, sides_rise_queue(t)) : INFINITY;
	struct window w;

	if (n < QUEUE_SAMPLES)
		return (struct usual){queue, one};
	w = latest(t, n);
	return (struct usual){
	    fmax(queue, queue_of(&w)), fmax(one, busier_queue(&w))};
}

/* n delays in a row exceed the floor by `gap` by chance with a probability of
 * ((1 + x) exp(-x))^n, x = gap / queue. In a busy hour the queues are longer
 * than usual, so the samples' own queue counts as well. */
static double both_log_odds(
    const struct usual *usual, double floor, const struct window *w)
{
	double queue = fmax(usual->both, queue_of(w));
	double x = (w->least - floor) / queue;
	/* It is never larger, and nobody asks for less than UNLIKELY_LEAST. */
	double most = w->n * x * x / 2;

	if (x <= 0)
		return 0;
	return most < UNLIKELY_LEAST ? most : w->n * (x - log1p(x));
}

/* That each way exceeds its own floor every time is far less likely: exp(-n x),
 * with x for both ways together. A constant error of the clock cancels; a
 * changing one only reduces the smallest values. */
static double sides_log_odds(
    const struct usual *usual, double floor, const struct window *w)
{
	double queue = fmax(usual->one, busier_queue(w));
	double gap = sides_least(w) - floor;

	return gap > 0 ? w->n * gap / queue : 0;
}

/* Do the floors differ by more than chance, so that they tell the two routes
 * apart? */
static bool apart(const struct delay_track *t, const struct delay_route *r)
{
	const struct delay_route *now = delay_route(t, t->route);
	unsigned samples;

	assert(now);
	samples = r->samples < now->samples ? r->samples : now->samples;
	return fabs(r->floor - now->floor) >
	       RETURN_GAPS * busy_floor_gap(t, samples);
}

/* May these delays be those of this remembered route? */
static bool may_be(const struct delay_track *t, const struct delay_route *r,
    const struct window *w)
{
	double drop = r->floor - w->least;
	struct usual usual;

	if (r->samples == 0 || r->number == t->route || !apart(t, r) ||
	    drop >= SHORTER_GAPS * delay_floor_gap(t, r->samples))
		return false;
	usual = usual_queues(t, r);
	return both_log_odds(&usual, r->floor, w) < SAME_LOG_ODDS;
}

/* Of two such routes, the one with the nearer floor. */
static const struct delay_route *remembered(
    const struct delay_track *t, const struct window *w)
{
	const struct delay_route *best = NULL;

	for (unsigned i = 0; i < DELAY_ROUTES; i++) {
		const struct delay_route *r = &t->routes[i];

		if (may_be(t, r, w) &&
		    (!best || fabs(r->floor - w->least) <
				  fabs(best->floor - w->least)))
			best = r;
	}
	return best;
}

static double log_odds(
    const struct usual *usual, double floor, const struct window *w)
{
	return fmax(
	    both_log_odds(usual, floor, w), sides_log_odds(usual, floor, w));
}

/* The smallest of many delays that form a bell lies far out by chance. So
 * their middle takes the place of a floor: n delays in a row are all above
 * some point with a probability of q^n, where q is that of one. */
static double bell_log_odds(const struct delay_track *t, const struct window *w)
{
	double above = (w->least - t->middle) / t->deviation;

	return w->n * -log(erfc(above / sqrt(2)) / 2);
}

/* Returns true if the samples before the longer ones, as many and on the same
 * route, were above its floor, too. Then the floor creeps, unless it is far
 * above and was more than half as far above it then. */
static bool creeps(const struct delay_track *t, const struct delay_route *r,
    const struct window *longer)
{
	const struct usual usual = usual_queues(t, r);
	struct delay_track before = *t;
	struct window w = empty;
	unsigned n = longer->n, m = t->since - n < n ? t->since - n : n;
	double rise = longer->least - r->floor, first;

	m = m < DELAY_RECENT - n ? m : DELAY_RECENT - n;
	if (m < LONGER_SAMPLES)
		return false;
	before.seen -= n;
	extend(&w, &before, m);
	first = w.least - r->floor;
	if (rise > CREEP_MOST * lasting_queue(t, r) && 2 * first > rise)
		return false;
	return first > 0 && log_odds(&usual, r->floor, &w) > CREEP_LOG_ODDS;
}

/* The latest samples that are least likely on this route, if they show a longer
 * one; else n is 0. */
static struct window longer_since(
    const struct delay_track *t, const struct delay_route *r)
{
	const struct usual usual = usual_queues(t, r);
	struct window w = empty, found = empty;
	double most = RETURN_LOG_ODDS;

	for (unsigned n = LONGER_SAMPLES; n <= t->since && n <= DELAY_RECENT;
	     n++) {
		double odds;

		extend(&w, t, n);
		/* A larger window contains this floor, too. */
		if (w.least <= r->floor)
			break;
		odds = t->deviation > 0 ? bell_log_odds(t, &w)
					: log_odds(&usual, r->floor, &w);
		if (odds > most) {
			most = odds;
			found = w;
		}
	}
	if (found.n > 0 && most < LONGER_LOG_ODDS && !remembered(t, &found))
		return empty;
	return found;
}

/* A free place, or that of the route that was left longest ago. */
static struct delay_route *place(struct delay_track *t)
{
	struct delay_route *oldest = &t->routes[0];

	for (unsigned i = 0; i < DELAY_ROUTES; i++) {
		if (t->routes[i].samples == 0)
			return &t->routes[i];
		if (t->routes[i].last < oldest->last)
			oldest = &t->routes[i];
	}
	return oldest;
}

static void take_route(struct delay_track *t, const struct window *w)
{
	const struct delay_route *left = current(t);
	const struct delay_route *before = remembered(t, w);
	struct delay_route *r =
	    before ? &t->routes[before - t->routes] : place(t);
	double from;

	assert(left);
	from = left->floor;
	if (!before)
		*r = (struct delay_route){.number = t->known++,
		    .floor = w->least,
		    .marks = {w->least, w->least}};
	for (unsigned i = w->n; i > 0; i--)
		add_to_route(r, t->recent[(t->seen - i) % DELAY_RECENT].delay);
	r->floor = fmin(r->floor, w->least);
	r->shift = r->floor - from;
	r->last = t->seen;
	t->route = r->number;
	t->since = w->n;
}

/* By chance a delay lies so far below the middle of a bell once in a thousand
 * million samples; a remembered route needs once in 300,000. */
static bool is_below_bell(const struct delay_track *t, double delay)
{
	const struct window w = latest(t, 1);
	double below = (t->middle - delay) / t->deviation;

	return below > BELL_SHORTER ||
	       (below > BELL_RETURN && remembered(t, &w));
}

/* A remembered route may come back soon after it was left. */
static bool is_shorter(
    const struct delay_track *t, const struct delay_route *r, double delay)
{
	const struct window w = latest(t, 1);
	/* The floor of now may come from the first samples of the shorter
	 * route. */
	double drop = r->marks[1] - delay;

	if (t->deviation > 0)
		return delay < r->floor && is_below_bell(t, delay);
	if (delay < r->floor &&
	    drop > RETURN_GAPS * fmax(busy_floor_gap(t, r->samples),
				     delay_queue_gap(t, r)) &&
	    remembered(t, &w))
		return true;
	return r->samples >= SETTLED_SAMPLES &&
	       r->floor - delay >
		   SHORTER_GAPS * delay_queue_gap(t, r) + t->queue;
}

/* The smallest delay of route `r` before the latest m samples, if these are its
 * smallest ones. The route has all of them but the last one. */
static double floor_before(const struct delay_route *r, unsigned m)
{
	return m <= r->samples ? r->lowest[m - 1] : INFINITY;
}

static bool is_empty_at_once(const struct delay_track *t, double delay)
{
	return t->since > EMPTY_SAMPLES && delay < EMPTY_SHARE * t->quiet;
}

/* Returns m if the latest m samples are by far the smallest, and smaller than
 * all others of the route; else 0. */
static unsigned quieter_since(
    const struct delay_track *t, const struct delay_route *r)
{
	unsigned n = t->since < DELAY_RECENT ? t->since : DELAY_RECENT;
	double least = INFINITY, most = 0, rest = INFINITY;
	double chance = 0; /* log C(n, m) */
	double floors[QUIETER_MOST + 1];

	/* floors[m]: the smallest of the samples before the latest m. */
	for (unsigned i = n; i > 0; i--) {
		rest =
		    fmin(rest, t->recent[(t->seen - i) % DELAY_RECENT].delay);
		if (i - 1 <= QUIETER_MOST)
			floors[i - 1] = rest;
	}
	for (unsigned m = 1; m <= QUIETER_MOST && 2 * m < n; m++) {
		double d = t->recent[(t->seen - m) % DELAY_RECENT].delay;

		least = fmin(least, d);
		most = fmax(most, d);
		chance += log((double)(n - m + 1) / m);
		if (m == 1 && d < floor_before(r, 1) && is_empty_at_once(t, d))
			return m;
		if (most >= fmin(floors[m], floor_before(r, m)))
			continue;
		if (m >= QUIETER_LEAST && chance > QUIETER_LOG_ODDS + log(n) &&
		    floors[m] - most > QUIETER_APART * (most - least))
			return m;
	}
	return 0;
}

static void remember(struct delay_track *t, double delay, double asymmetry)
{
	t->recent[t->seen % DELAY_RECENT] =
	    (struct delay_sample){delay, asymmetry};
	t->seen++;
	t->since++;
}

static void mark_floor(struct delay_route *r)
{
	if (r->samples % DELAY_MARK != 0)
		return;
	r->marks[1] = r->marks[0];
	r->marks[0] = r->floor;
}

static enum delay_event first_of_all(struct delay_track *t, double delay)
{
	t->routes[0] = (struct delay_route){
	    .floor = delay, .last = 1, .marks = {delay, delay}};
	add_to_route(&t->routes[0], delay);
	t->known = 1;
	return DELAY_NEW_FLOOR;
}

static enum delay_event shorter_route(
    struct delay_track *t, struct delay_route *left)
{
	struct window w = latest(t, 1);

	left->floor = left->marks[1];
	take_route(t, &w);
	return DELAY_SHORTER;
}

/* Takes the latest m samples away from the route: they belong to the next one.
 */
static void take_back(struct delay_track *t, struct delay_route *r, unsigned m)
{
	unsigned n = t->since < DELAY_RECENT ? t->since : DELAY_RECENT;

	r->samples = 0;
	r->floor = INFINITY;
	for (unsigned i = n; i > m; i--) {
		double d = t->recent[(t->seen - i) % DELAY_RECENT].delay;

		add_to_route(r, d);
		r->floor = fmin(r->floor, d);
	}
	r->marks[0] = r->marks[1] = r->floor;
	/* It was learned from them, too. */
	r->queue = 0;
}

/* The queues of a congestion say nothing about those of now: they are learned
 * as at a start. */
static void forget_queues(
    struct delay_track *t, const struct window *w, unsigned m)
{
	double queue = m < QUIETER_LEAST ? 0 : queue_of(w);

	t->learning = t->seen - m;
	t->queue = t->quiet = t->lately =
	    fmax(queue * (1 + FEW_DOUBT / sqrt(m)), QUEUE_MIN);
	t->rise = t->sides_rise = 0;
	t->blocks = 0;
}

/* The latest m samples are by far the smallest. The delays of a congestion are
 * spread, those of a longer route are not. */
static enum delay_event leave_longer(
    struct delay_track *t, struct delay_route *r, unsigned m)
{
	struct window w = latest(t, m);

	take_back(t, r, m);
	r->congested = r->floor - w.least < CONGESTION_QUEUES * t->queue;
	take_route(t, &w);
	if (!r->congested)
		return DELAY_SHORTER;
	forget_queues(t, &w, m);
	return DELAY_FREED;
}

static enum delay_event lower_floor(
    struct delay_track *t, struct delay_route *r, double delay)
{
	double drop = r->floor - delay;

	r->floor = delay;
	/* The first floor of a new route was only a first guess. */
	r->shift -= r->number > 0 ? drop : 0;
	learn_queue(t);
	learn_own(t);
	learn_quiet(t);
	return DELAY_NEW_FLOOR;
}

enum delay_event delay_add(
    struct delay_track *t, double delay, double asymmetry, unsigned *back)
{
	struct delay_route *r = current(t);
	struct window longer;
	unsigned quieter;

	remember(t, delay, asymmetry);
	*back = 1;
	if (!r)
		return first_of_all(t, delay);
	if (is_shorter(t, r, delay))
		return shorter_route(t, r);
	quieter = quieter_since(t, r);
	if (quieter > 0) {
		*back = quieter;
		return leave_longer(t, r, quieter);
	}
	add_to_route(r, delay);
	r->last = t->seen;
	mark_floor(r);
	if (delay < r->floor)
		return lower_floor(t, r, delay);
	longer = longer_since(t, r);
	if (longer.n != 0) {
		bool crept = creeps(t, r, &longer);

		/* The latest delays were not its own. */
		r->queue = 0;
		take_route(t, &longer);
		learn_own(t);
		current(t)->crept = crept;
		*back = longer.n;
		return DELAY_LONGER;
	}
	learn_queue(t);
	learn_own(t);
	learn_quiet(t);
	learn_rise(t);
	return DELAY_UNCHANGED;
}
