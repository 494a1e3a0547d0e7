#include "clock/filter/creep.h"

#include <math.h>

/* A line through the smallest delays of so many blocks or more is tried. */
#define BLOCKS_LEAST 8
/* The line is believed if its slope is so many times its standard deviation,
 * and if it rises or falls by so many mean queues. Both are lower while the
 * floor is known to creep. */
#define SLOPE_SURE 6.0
#define SLOPE_STILL 2.5
#define RISE_SURE 1.25
#define RISE_STILL 0.5
/* For short blocks, which differ more by chance. The floor must rise little by
 * little: between two of them by this share of the rise at most. */
#define RISE_SHORT 3.0
#define JUMP_SHORT 0.4

/* The smallest of n samples is above the floor by this many mean queues divided
 * by the root of n. */
#define FLOOR_GAP 1.2533141373155003

void creep_init(struct creep *c, unsigned block)
{
	*c = (struct creep){.block = block};
}

/* Moves the level to where the line leads now. */
static void advance(struct creep *c, double now)
{
	c->level += c->rate * (now - c->at);
	c->at = now;
	c->lowest = fmin(c->lowest, c->level);
	c->highest = fmax(c->highest, c->level);
}

void creep_restart(struct creep *c, double now)
{
	advance(c, now);
	c->count = c->filled = 0;
	c->creeps = false;
	c->rate = 0;
}

double creep_at(const struct creep *c, double at, double delay)
{
	return fmin(c->level + c->rate * (at - c->at), delay / 2);
}

double creep_range(const struct creep *c)
{
	return c->highest - c->lowest;
}

static const struct creep_block *latest(const struct creep *c, unsigned i)
{
	return &c->blocks[(c->count - 1 - i) % CREEP_BLOCKS];
}

struct line {
	unsigned blocks;
	double rate, sure; /* slope, and the slope in standard deviations */
	double span;	   /* s */
	double excess;	   /* mean delay above the smallest of a block */
};

static struct line fit(const struct creep *c, unsigned n)
{
	struct line l = {.blocks = n};
	double t = 0, d = 0, tt = 0, td = 0, dd = 0, rest;
	double part = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct creep_block *b = latest(c, i);

		t += b->at / n;
		d += b->least / n;
		part += (b->mean - b->least) / (0.5 * BLOCKS_LEAST);
		if ((i + 1) % (BLOCKS_LEAST / 2) != 0)
			continue;
		l.excess = fmax(l.excess, part);
		part = 0;
	}
	for (unsigned i = 0; i < n; i++) {
		double x = latest(c, i)->at - t, y = latest(c, i)->least - d;

		tt += x * x;
		td += x * y;
		dd += y * y;
	}
	l.span = latest(c, 0)->at - latest(c, n - 1)->at;
	if (tt <= 0 || l.span <= 0)
		return l;
	l.rate = td / tt;
	rest = fmax(dd - l.rate * td, 1e-6 * dd) / (n - 2);
	l.sure = rest > 0 ? fabs(l.rate) * sqrt(tt / rest) : 0;
	return l;
}

/* The line that the slope is surest of. */
static struct line surest(const struct creep *c)
{
	struct line best = {.blocks = 0};

	for (unsigned n = BLOCKS_LEAST; n <= c->count && n <= CREEP_BLOCKS;
	     n *= 2) {
		struct line l = fit(c, n);

		if (l.sure > best.sure)
			best = l;
	}
	return best;
}

static void follow(struct creep *c, const struct line *l, double now,
    double floor, double queue)
{
	double least = INFINITY, gap;

	for (unsigned i = 0; i < l->blocks; i++) {
		const struct creep_block *b = latest(c, i);

		least = fmin(least, b->least + l->rate * (now - b->at));
	}
	gap = queue * FLOOR_GAP / sqrt(l->blocks * c->block);
	c->level = least - gap - floor;
	c->rate = l->rate;
	c->lowest = fmin(c->lowest, c->level);
	c->highest = fmax(c->highest, c->level);
}

static double largest_jump(const struct creep *c, unsigned blocks)
{
	double most = 0;

	for (unsigned i = 0; i + 1 < blocks; i++)
		most = fmax(
		    most, fabs(latest(c, i)->least - latest(c, i + 1)->least));
	return most;
}

static bool follows_line(
    const struct creep *c, const struct line *l, double queue)
{
	double rise = fabs(l->rate) * l->span;
	/* With exponential queues, the mean of 8 samples is 1.5 mean queues
	 * above the smallest. */
	double usual = fmax(queue, l->excess / 1.5);

	if (c->creeps)
		return l->sure > SLOPE_STILL && rise > RISE_STILL * usual;
	if (l->sure <= SLOPE_SURE)
		return false;
	if (c->block == CREEP_BLOCK)
		return rise > RISE_SURE * usual;
	return rise > RISE_SHORT * usual &&
	       largest_jump(c, l->blocks) < JUMP_SHORT * rise;
}

static void judge(struct creep *c, double now, double floor, double queue)
{
	struct line l = surest(c);

	advance(c, now);
	c->creeps = follows_line(c, &l, queue);
	if (c->creeps)
		follow(c, &l, now, floor, queue);
	else
		c->rate = 0;
}

void creep_add(
    struct creep *c, double at, double delay, double floor, double queue)
{
	struct creep_block *b = &c->filling;

	if (c->filled == 0)
		*b = (struct creep_block){at, delay, 0};
	if (delay < b->least) {
		b->least = delay;
		b->at = at;
	}
	b->mean += delay / c->block;
	if (++c->filled < c->block)
		return;
	c->filled = 0;
	c->blocks[c->count++ % CREEP_BLOCKS] = *b;
	judge(c, at, floor, queue);
}
