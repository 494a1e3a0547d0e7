#include "clock/filter/delay.h"

#include <math.h>
#include <stddef.h>

/* The smallest of n sums of two exponential delays of mean q is above the
 * floor by q * sqrt(pi / (2 n)) in the mean. */
#define FLOOR_GAP 1.2533141373155003

/* Odds against a longer route's being an accident, as a log; every sample is
 * tested in two dozen ways. */
#define LONGER_LOG_ODDS 18.0
#define RETURN_LOG_ODDS 12.0
/* Below these odds delays may well be those of a route that is remembered. */
#define SAME_LOG_ODDS 5.0

/* No path queues less than this, in the mean: stamps are not better. */
#define QUEUE_MIN 20e-9

/* Samples that measure the queues, windows in which a changed mean of them is
 * learned, and how much more than usual one window may claim: a changed route
 * is no queue. */
#define QUEUE_SAMPLES 16
#define QUEUE_MEMORY 256.0
#define LATELY 64
#define QUEUE_RISE 4.0
#define RISE_MEMORY 64.0
#define RISE_BLOCKS 4

/* Samples before a smaller delay can be a shorter route, and how far below the
 * floor it must be for that, in floor gaps; the chance to be below by g of them
 * is less than exp(-pi g^2 / 4). */
#define SETTLED_SAMPLES 16
#define SHORTER_GAPS 6.0
#define RETURN_GAPS 3.0

/* The least number of latest samples in which a longer route is looked for. */
#define LONGER_SAMPLES 8

void delay_init(struct delay_track *t)
{
	*t = (struct delay_track){.queue = QUEUE_MIN};
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

	return r != NULL ? &t->routes[r - t->routes] : NULL;
}

double delay_floor_gap(const struct delay_track *t, unsigned samples)
{
	double root = sqrt((double)samples);

	/* The bracket makes it right for one sample and for two as well. */
	return t->queue * FLOOR_GAP / root * (1 + 0.6 / root);
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

static void widen_side(struct side *side, unsigned n, double delay)
{
	side->least = fmin(side->least, delay);
	side->mean += (delay - side->mean) / n;
}

static void widen(struct window *w, const struct delay_track *t, unsigned n)
{
	while (w->n < n) {
		const struct delay_sample *s =
		    &t->recent[(t->seen - 1 - w->n) % DELAY_RECENT];

		w->n++;
		w->least = fmin(w->least, s->delay);
		w->mean += (s->delay - w->mean) / w->n;
		widen_side(&w->up, w->n, s->delay / 2 + s->lean);
		widen_side(&w->down, w->n, s->delay / 2 - s->lean);
	}
}

static struct window latest(const struct delay_track *t, unsigned n)
{
	struct window w = empty;

	widen(&w, t, n);
	return w;
}

/* Of both ways together, when each is looked at by itself; NAN: not known. */
static double sides_least(const struct window *w)
{
	return isnan(w->up.mean) ? NAN : w->up.least + w->down.least;
}

static double queue_of(const struct window *w)
{
	return (w->mean - w->least) / (2 - FLOOR_GAP / sqrt(w->n));
}

/* The spread of the latest samples over their own minimum: a measure of the
 * queues that no error of the floor can touch. */
static void learn_queue(struct delay_track *t)
{
	unsigned n = t->since < QUEUE_SAMPLES ? t->since : QUEUE_SAMPLES;

	if (n < 2)
		return;
	struct window w = latest(t, n);
	double queue = queue_of(&w);
	if (t->seen <= QUEUE_SAMPLES) {
		t->queue = fmax(queue, QUEUE_MIN);
		return;
	}
	double gain =
	    fmax(1.0 / (t->seen - QUEUE_SAMPLES + 4), 1.0 / QUEUE_MEMORY);
	double news = fmin(queue, QUEUE_RISE * t->queue) - t->queue;
	t->queue = fmax(t->queue + gain * news, QUEUE_MIN);
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

/* A path that is never empty: even the least of many samples stays above the
 * floor. What is usual there is measured, block by block. */
static void learn_rise(struct delay_track *t)
{
	if (t->since % QUEUE_SAMPLES != 0)
		return;
	struct window w = latest(t, QUEUE_SAMPLES);
	double floor = current(t)->floor;

	learn_height(&t->rise, w.least - floor, t->blocks);
	learn_height(&t->sides_rise, sides_least(&w) - floor, t->blocks);
	t->blocks++;
}

/* The mean queue that would make blocks of two exponential delays rise so, and
 * the least of each of them in blocks. */
static double rise_queue(const struct delay_track *t)
{
	return t->rise * sqrt(QUEUE_SAMPLES) / FLOOR_GAP;
}

static double sides_rise_queue(const struct delay_track *t)
{
	return t->sides_rise * QUEUE_SAMPLES / 2;
}

/* The same as delay_floor_gap, where a path may never be empty. */
static double busy_floor_gap(const struct delay_track *t, unsigned samples)
{
	return delay_floor_gap(t, samples) * fmax(rise_queue(t) / t->queue, 1);
}

/* Mean queues that are nothing unusual, of both ways and of one of them: those
 * of the last hour or so count as well, for eight samples alone may be alike by
 * chance. That the first samples of a longer route are among them does not make
 * them much longer. */
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

static struct usual usual_queues(const struct delay_track *t)
{
	unsigned n = t->since < LATELY ? t->since : LATELY;
	double queue = fmax(t->queue, rise_queue(t));
	bool known = t->blocks >= RISE_BLOCKS && t->sides_rise > 0;
	/* Nothing is unusual for one way before its rises are known. */
	double one = known ? fmax(queue, sides_rise_queue(t)) : INFINITY;

	if (n < QUEUE_SAMPLES)
		return (struct usual){queue, one};
	struct window w = latest(t, n);
	return (struct usual){
	    fmax(queue, queue_of(&w)), fmax(one, busier_queue(&w))};
}

/* The chance that n samples in a row all exceed the floor by `gap` is
 * ((1 + x) exp(-x))^n, x = gap / queue. In a busy hour the queues are longer
 * than usual, so these samples' own measure of them counts as well. */
static double both_log_odds(
    const struct usual *usual, double floor, const struct window *w)
{
	double queue = fmax(usual->both, queue_of(w));
	double x = (w->least - floor) / queue;

	return x > 0 ? w->n * (x - log1p(x)) : 0;
}

/* That each way exceeds its own floor every time is much less likely: exp(-n x)
 * with x for both together. A constant error of the clock cancels, a changing
 * one only makes the least delays less. */
static double sides_log_odds(
    const struct usual *usual, double floor, const struct window *w)
{
	double queue = fmax(usual->one, busier_queue(w));
	double gap = sides_least(w) - floor;

	return gap > 0 ? w->n * gap / queue : 0;
}

/* Floors that may differ by chance are no way to tell two routes apart. */
static bool apart(const struct delay_track *t, const struct delay_route *r)
{
	const struct delay_route *now = delay_route(t, t->route);
	unsigned samples =
	    r->samples < now->samples ? r->samples : now->samples;

	return fabs(r->floor - now->floor) >
	       RETURN_GAPS * busy_floor_gap(t, samples);
}

/* Can these delays be those of a route that was there before? */
static bool may_be(const struct delay_track *t, const struct delay_route *r,
    const struct usual *usual, const struct window *w)
{
	double drop = r->floor - w->least;

	return r->samples > 0 && r->number != t->route && apart(t, r) &&
	       drop < 6 * delay_floor_gap(t, r->samples) &&
	       both_log_odds(usual, r->floor, w) < SAME_LOG_ODDS;
}

/* Of two that may be it, the one with the nearer floor. */
static const struct delay_route *remembered(
    const struct delay_track *t, const struct window *w)
{
	const struct usual usual = usual_queues(t);
	const struct delay_route *best = NULL;

	for (unsigned i = 0; i < DELAY_ROUTES; i++) {
		const struct delay_route *r = &t->routes[i];

		if (may_be(t, r, &usual, w) &&
		    (best == NULL || fabs(r->floor - w->least) <
					 fabs(best->floor - w->least)))
			best = r;
	}
	return best;
}

/* The latest samples that are least likely on this route; none: n is 0. */
static struct window longer_since(const struct delay_track *t, double floor)
{
	const struct usual usual = usual_queues(t);
	struct window w = empty, found = empty;
	double most = RETURN_LOG_ODDS;

	for (unsigned n = LONGER_SAMPLES; n <= t->since && n <= DELAY_RECENT;
	     n++) {
		widen(&w, t, n);
		/* No more of them can be above it. */
		if (w.least <= floor)
			break;
		double odds = fmax(both_log_odds(&usual, floor, &w),
		    sides_log_odds(&usual, floor, &w));
		if (odds > most) {
			most = odds;
			found = w;
		}
	}
	/* A route that was there before needs less to be believed. */
	if (found.n > 0 && most < LONGER_LOG_ODDS &&
	    remembered(t, &found) == NULL)
		return empty;
	return found;
}

/* A free place, or that of the route not taken for longest. */
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
	double from = current(t)->floor;
	const struct delay_route *before = remembered(t, w);
	struct delay_route *r =
	    before != NULL ? &t->routes[before - t->routes] : place(t);

	if (before == NULL)
		*r = (struct delay_route){.number = t->known++,
		    .floor = w->least,
		    .marks = {w->least, w->least}};
	r->samples += w->n;
	r->floor = fmin(r->floor, w->least);
	r->shift = r->floor - from;
	r->last = t->seen;
	t->route = r->number;
	t->since = w->n;
}

/* A route that was there before needs less to be believed, and it may come back
 * soon after it was left. */
static bool is_shorter(
    const struct delay_track *t, const struct delay_route *r, double delay)
{
	const struct window w = latest(t, 1);
	/* Some of its first samples may have seemed a lower floor of the old
	 * one. */
	double drop = r->marks[1] - delay;

	if (delay < r->floor &&
	    drop > RETURN_GAPS * busy_floor_gap(t, r->samples) &&
	    remembered(t, &w) != NULL)
		return true;
	return r->samples >= SETTLED_SAMPLES &&
	       r->floor - delay >
		   SHORTER_GAPS * delay_floor_gap(t, r->samples) + t->queue;
}

static void remember(struct delay_track *t, double delay, double lean)
{
	t->recent[t->seen % DELAY_RECENT] = (struct delay_sample){delay, lean};
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

static void first_of_all(struct delay_track *t, double delay)
{
	t->routes[0] = (struct delay_route){
	    .samples = 1, .floor = delay, .last = 1, .marks = {delay, delay}};
	t->known = 1;
}

enum delay_news delay_add(
    struct delay_track *t, double delay, double lean, unsigned *back)
{
	struct delay_route *r = current(t);

	remember(t, delay, lean);
	*back = 1;
	if (r == NULL) {
		first_of_all(t, delay);
		return DELAY_NEW_FLOOR;
	}
	double drop = r->floor - delay;
	if (is_shorter(t, r, delay)) {
		struct window w = latest(t, 1);

		r->floor = r->marks[1];

		take_route(t, &w);
		return DELAY_SHORTER;
	}
	r->samples++;
	r->last = t->seen;
	mark_floor(r);
	if (drop > 0) {
		r->floor = delay;
		/* The first floor of a new route was only its first guess. */
		r->shift -= r->number > 0 ? drop : 0;
		learn_queue(t);
		return DELAY_NEW_FLOOR;
	}
	struct window w = longer_since(t, r->floor);
	if (w.n != 0) {
		take_route(t, &w);
		*back = w.n;
		return DELAY_LONGER;
	}
	learn_queue(t);
	learn_rise(t);
	return DELAY_USUAL;
}
