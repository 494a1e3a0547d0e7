#include "clock/delay.h"

#include <math.h>
#include <stddef.h>

/* The smallest of n sums of two exponential delays of mean q is above the
 * floor by q * sqrt(pi / (2 n)) in the mean. */
#define FLOOR_GAP 1.2533141373155003

/* Odds against a longer route's being an accident, as a log; every sample is
 * tested in two dozen ways. */
#define LONGER_LOG_ODDS 18.0
#define RETURN_LOG_ODDS 9.0
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

/* Samples before a smaller delay can be a shorter route, and how far below the
 * floor it must be for that, in floor gaps; the chance to be below by g of them
 * is less than exp(-pi g^2 / 4). */
#define SETTLED_SAMPLES 16
#define SHORTER_GAPS 6.0
#define RETURN_GAPS 3.0

/* The numbers of latest samples in which a longer route is looked for: few show
 * one that is much longer soon, many show one that is hardly longer. */
static const unsigned windows[] = {128, 112, 96, 80, 64, 56, 48, 40, 32, 28, 24,
    20, 18, 16, 15, 14, 13, 12, 11, 10, 9, 8};
#define WINDOWS (sizeof windows / sizeof windows[0])

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

/* The latest n samples. */
struct window {
	unsigned n;
	double least, mean;
};

static void widen(struct window *w, const struct delay_track *t, unsigned n)
{
	double sum = w->mean * w->n;

	for (; w->n < n; w->n++) {
		double d = t->recent[(t->seen - 1 - w->n) % DELAY_RECENT];

		w->least = fmin(w->least, d);
		sum += d;
	}
	w->mean = sum / w->n;
}

static struct window latest(const struct delay_track *t, unsigned n)
{
	struct window w = {0, INFINITY, 0};

	widen(&w, t, n);
	return w;
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

/* A path that is never empty: even the least of many samples stays above the
 * floor. What is usual there is measured, block by block. */
static void learn_rise(struct delay_track *t)
{
	if (t->since % QUEUE_SAMPLES != 0)
		return;
	struct window w = latest(t, QUEUE_SAMPLES);
	double height = w.least - current(t)->floor;
	double gain = fmax(1.0 / (t->blocks + 1), 1.0 / RISE_MEMORY);

	if (t->blocks > 3)
		height = fmin(height, QUEUE_RISE * t->rise);
	t->rise += gain * (height - t->rise);
	t->blocks++;
}

/* The mean queue that would make blocks of two exponential delays rise so. */
static double rise_queue(const struct delay_track *t)
{
	return t->rise * sqrt(QUEUE_SAMPLES) / FLOOR_GAP;
}

/* The queues of the last hour or so: eight samples alone may be alike by
 * chance. That the first samples of a longer route are among them does not make
 * them much longer. */
static double lately(const struct delay_track *t)
{
	unsigned n = t->since < LATELY ? t->since : LATELY;
	struct window w = latest(t, n);

	return n >= QUEUE_SAMPLES ? queue_of(&w) : 0;
}

/* The chance that n samples in a row all exceed the floor by `gap` is
 * ((1 + x) exp(-x))^n, x = gap / queue. In a busy hour the queues are longer
 * than usual, so these samples' own measure of them counts as well. */
static double log_odds(
    const struct delay_track *t, double floor, const struct window *w)
{
	double queue =
	    fmax(fmax(t->queue, rise_queue(t)), fmax(queue_of(w), lately(t)));
	double x = (w->least - floor) / queue;

	return x > 0 ? w->n * (x - log1p(x)) : 0;
}

/* Can these delays be those of a route that was there before? */
static bool may_be(const struct delay_track *t, const struct delay_route *r,
    const struct window *w)
{
	double drop = r->floor - w->least;

	return r->samples > 0 && r->number != t->route &&
	       drop < 6 * delay_floor_gap(t, r->samples) &&
	       log_odds(t, r->floor, w) < SAME_LOG_ODDS;
}

/* Of two that may be it, the one with the nearer floor. */
static const struct delay_route *remembered(
    const struct delay_track *t, const struct window *w)
{
	const struct delay_route *best = NULL;

	for (unsigned i = 0; i < DELAY_ROUTES; i++) {
		const struct delay_route *r = &t->routes[i];

		if (may_be(t, r, w) &&
		    (best == NULL || fabs(r->floor - w->least) <
					 fabs(best->floor - w->least)))
			best = r;
	}
	return best;
}

/* A route that was there before needs less to be believed. */
static bool is_longer(
    const struct delay_track *t, double floor, const struct window *w)
{
	double odds = log_odds(t, floor, w);

	return odds > LONGER_LOG_ODDS ||
	       (odds > RETURN_LOG_ODDS && remembered(t, w) != NULL);
}

static struct window longer_since(const struct delay_track *t, double floor)
{
	struct window w = {0, INFINITY, 0}, found = {0, INFINITY, 0};

	for (unsigned i = WINDOWS; i-- > 0 && windows[i] <= t->since;) {
		widen(&w, t, windows[i]);
		/* No more of them can be above it. */
		if (w.least <= floor)
			break;
		if (is_longer(t, floor, &w))
			found = w;
	}
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
 * soon after it was left; where the path is never empty, that is chance. */
static bool is_shorter(
    const struct delay_track *t, const struct delay_route *r, double delay)
{
	const struct window w = {1, delay, delay};
	double drop = r->floor - delay;
	double gap = delay_floor_gap(t, r->samples);

	if (r->samples < SETTLED_SAMPLES)
		return drop > RETURN_GAPS * fmax(gap, t->rise) &&
		       remembered(t, &w) != NULL;
	return drop > SHORTER_GAPS * gap &&
	       (drop > SHORTER_GAPS * gap + t->queue ||
		   remembered(t, &w) != NULL);
}

static void remember(struct delay_track *t, double delay)
{
	t->recent[t->seen % DELAY_RECENT] = delay;
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

enum delay_news delay_add(struct delay_track *t, double delay, unsigned *back)
{
	struct delay_route *r = current(t);

	remember(t, delay);
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
