#include "agent/engine/samples.h"

#include "agent/engine/disturbance.h"
#include "agent/engine/duplicates.h"
#include "agent/engine/sources.h"
#include "agent/engine/wrong_clock.h"
#include "agent/source/checks.h"

#include <math.h>

/* Reading error of our own clock: two readings of a vDSO clock. */
#define LOCAL_PRECISION_NS 100
/* The steering may wait this long for sources that are still on their way; then
 * it must decide, even if no other sample comes. */
#define FIRST_DECISION_NS (3 * NS_PER_S + 100 * NS_PER_MS)

/* A sample on its way through the filters. */
struct candidate {
	unsigned source;
	int64_t
	    excess_ns; /* the server held the request for too long by this */
	struct sample sample;
	struct wall told; /* the server's time now */
	struct bootstrap_offer offer;
	enum pause_verdict pause;
	int64_t lag_ns;		/* of the clock, with `pause` */
	int64_t least_delay_ns; /* of the latest answers, with this one */
};

static void measure(const struct engine *e, const struct datagram *d,
    const struct ntp_answer *a, struct candidate *c)
{
	c->excess_ns = -nts_answer_sample(a,
	    timescale_osc(&e->timescale, d->tx),
	    timescale_osc(&e->timescale, d->rx), wrong_clock_pivot(e, d->slot),
	    LOCAL_PRECISION_NS + e->granularity_ns, &c->sample);
	c->sample.tx_stamp = d->tx_kind;
	c->sample.rx_stamp = d->rx_kind;
	/* A clock of the year 2222 and a server that lies. */
	if (__builtin_add_overflow(timescale_osc(&e->timescale, e->now.wall).ns,
		c->sample.offset_ns, &c->told.ns))
		c->told.ns = INT64_MAX;
}

/*
 * The filters. Each answers whether the sample fails its check; what follows
 * from that is in conclude().
 */

/* The clock was set between the stamps, or the server claims to have held the
 * request for longer than the whole exchange took. */
static bool fails_delay(struct engine *e, struct candidate *c)
{
	return ntp_delay_impossible(-c->excess_ns, e->granularity_ns);
}

static bool fails_maxdelay(struct engine *e, struct candidate *c)
{
	return c->sample.delay_ns > e->sources[c->source].config->max_delay_ns;
}

static bool fails_maxdelayratio(struct engine *e, struct candidate *c)
{
	struct source *s = &e->sources[c->source];
	double ratio = s->config->max_delay_ratio;

	c->least_delay_ns = source_note_delay(s, c->sample.delay_ns);
	return ratio > 0 &&
	       (double)c->sample.delay_ns > ratio * (double)c->least_delay_ns;
}

static bool fails_expired(struct engine *e, struct candidate *c)
{
	return !wrong_clock_settled(e) &&
	       wrong_clock_expired(e, c->source, &c->offer);
}

static bool fails_dates(struct engine *e, struct candidate *c)
{
	return !wrong_clock_settled(e) &&
	       !wrong_clock_plausible(e, &c->offer, c->told);
}

static bool fails_undated(struct engine *e, struct candidate *c)
{
	return !wrong_clock_settled(e) && c->offer.undated;
}

static bool fails_pause(struct engine *e, struct candidate *c)
{
	c->pause = engine_judge_pause(e, c->source, &c->sample, &c->lag_ns);
	return c->pause != PAUSE_NONE;
}

static const struct filter {
	enum answer_check check;
	bool (*fails)(struct engine *e, struct candidate *c);
} filters[] = {
    {CHECK_DELAY, fails_delay},
    {CHECK_MAXDELAY, fails_maxdelay},
    {CHECK_MAXDELAYRATIO, fails_maxdelayratio},
    {CHECK_EXPIRED, fails_expired},
    {CHECK_DATES, fails_dates},
    {CHECK_UNDATED, fails_undated},
    {CHECK_PAUSE, fails_pause},
};

/* The first check that fails, or ANSWER_CHECK_COUNT. */
static enum answer_check failed_check(struct engine *e, struct candidate *c)
{
	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		if (filters[i].fails(e, c))
			return filters[i].check;
	return ANSWER_CHECK_COUNT;
}

/* One source says twice what nothing explains: either the clock has changed,
 * which the others can tell, or the source has. */
static void ask_the_others(struct engine *e, unsigned source)
{
	if (steering_outlier_count(e->steering, source) == 2)
		engine_hurry(e, ~(UINT64_C(1) << source));
}

/* The files of measurements. */

static bool is_logged(const struct engine *e, enum log_kind kind)
{
	return e->ports.log && log_wanted(e->config, kind);
}

static struct log_record record_of(
    const struct engine *e, enum log_kind kind, const struct candidate *c)
{
	return (struct log_record){
	    .at_ns = e->now.wall.ns,
	    .kind = (uint32_t)kind,
	    .leap = (uint8_t)c->sample.leap,
	    .stratum = c->sample.stratum,
	    .address = *source_address(&e->sources[c->source]),
	};
}

/* As in chronyd, an answer that the tests 1 to 7 of RFC 5905 refuse has no
 * line, and one that took too long has one. */
static void log_measurement(struct engine *e, const struct datagram *d,
    const struct ntp_answer *a, const struct candidate *c,
    enum answer_check check)
{
	struct log_record r;
	/* What was added to the clock: the sample is of the uncorrected one. */
	int64_t added_ns = d->rx.ns - timescale_osc(&e->timescale, d->rx).ns;

	if (!is_logged(e, LOG_MEASUREMENT) ||
	    (check != ANSWER_CHECK_COUNT && check != CHECK_MAXDELAY &&
		check != CHECK_MAXDELAYRATIO))
		return;
	r = record_of(e, LOG_MEASUREMENT, c);
	r.at_ns = d->rx.ns;
	r.measurement = (struct log_measurement){
	    .offset = s_of_ns(c->sample.offset_ns - added_ns),
	    .delay = s_of_ns(c->sample.delay_ns),
	    .dispersion = s_of_ns(c->sample.dispersion_ns),
	    .root_delay = s_of_ns(c->sample.root_delay_ns),
	    .root_dispersion = s_of_ns(c->sample.root_dispersion_ns),
	    .reference_id = a->header.reference_id,
	    .local_poll = e->sources[c->source].pace.poll_log2_s,
	    .remote_poll = a->header.poll,
	    .max_delay = check != CHECK_MAXDELAY,
	    .max_delay_ratio = check != CHECK_MAXDELAYRATIO,
	    .tx_stamp = (uint8_t)d->tx_kind,
	    .rx_stamp = (uint8_t)d->rx_kind,
	};
	(void)e->ports.log(e->ports.self, &r);
}

/* A straight line needs three samples. */
#define SAMPLES_OF_LINE 3

/* `before`: the view without the new sample. */
static void log_statistics(struct engine *e, const struct candidate *c,
    const struct source_view *before)
{
	struct source_view v = {.samples = 0};
	struct log_record r;
	double moved;

	steering_source_details(
	    e->steering, c->source, &e->timescale, e->now.wall, &v);
	if (v.samples < SAMPLES_OF_LINE)
		return;
	moved = fabs(v.freq_ppm - before->freq_ppm);
	r = record_of(e, LOG_STATISTICS, c);
	r.statistics = (struct log_statistics){
	    .std_dev = s_of_ns(v.std_dev_ns),
	    .offset = s_of_ns(-v.offset_ns),
	    .offset_sd = s_of_ns(v.std_dev_ns) / sqrt(v.samples),
	    .freq = (0.0 - v.freq_ppm) * 1e-6,
	    .skew = v.skew_ppm * 1e-6,
	    .stress = before->samples >= SAMPLES_OF_LINE && before->skew_ppm > 0
			  ? moved / before->skew_ppm
			  : 0,
	    .samples = v.samples,
	    .runs = v.runs,
	};
	(void)e->ports.log(e->ports.self, &r);
}

/* Gives the sample to the steering, and its statistics to the file. */
static void add(struct engine *e, const struct candidate *c)
{
	struct source_view before = {.samples = 0};
	bool logged = is_logged(e, LOG_STATISTICS);

	if (logged)
		steering_source_details(e->steering, c->source, &e->timescale,
		    e->now.wall, &before);
	steering_add(e->steering, c->source, &c->sample);
	if (logged)
		log_statistics(e, c, &before);
}

static void take(struct engine *e, const struct candidate *c)
{
	unsigned i = c->source;
	struct source *s = &e->sources[i];

	if (!s->heard)
		e->decide_at = mono_after(e->now.mono, FIRST_DECISION_NS);
	engine_notice_duplicate(e, i);
	add(e, c);
	engine_look_for_freq_jump(e);
	source_sampled(s, c->sample.delay_ns,
	    steering_poll_vote(e->steering, i, ldexp(1, s->pace.poll_log2_s)),
	    e->now.mono, engine_random(e));
	ask_the_others(e, i);
}

static void hold_for_pause(struct engine *e, const struct candidate *c)
{
	struct source *s = &e->sources[c->source];

	source_sampled(s, c->sample.delay_ns, POLL_CONTRADICTED, e->now.mono,
	    engine_random(e));
	engine_say(e, LOG_LEVEL_DEBUG, "%s: the clock has lost %.3f s",
	    s->config->name, s_of_ns(c->lag_ns));
	if (c->pause == PAUSE_FOUND)
		engine_stood_still(e, c->lag_ns);
	else
		engine_ask_about_pause(e, c->source, c->lag_ns);
}

static void drop_for_dates(struct engine *e, const struct candidate *c)
{
	struct source *s = &e->sources[c->source];

	if (c->offer.undated)
		source_outdated(s, c->told, e->now.mono, engine_random(e));
	else
		source_disbelieved(s, c->told,
		    (struct wall){e->bootstrap.earliest_ns}, e->now.mono);
}

/* All that follows from the first check that failed, or from none. */
static void conclude(
    struct engine *e, enum answer_check check, const struct candidate *c)
{
	struct source *s = &e->sources[c->source];
	struct mono now = e->now.mono;

	if (check > CHECK_EXPIRED && !wrong_clock_settled(e))
		wrong_clock_take(e, c->source, &c->offer);
	if (check < ANSWER_CHECK_COUNT)
		source_check_failed(s, check);
	if (check == CHECK_DELAY)
		source_contradicts(s, c->excess_ns, now);
	else if (check == CHECK_MAXDELAY)
		source_too_slow(s, c->sample.delay_ns, now);
	else if (check == CHECK_MAXDELAYRATIO)
		source_too_slow_for_path(
		    s, c->sample.delay_ns, c->least_delay_ns, now);
	else if (check == CHECK_EXPIRED)
		engine_recheck(e, c->source, c->told);
	else if (check == CHECK_DATES)
		drop_for_dates(e, c);
	else if (check == CHECK_UNDATED)
		source_undated_sample(
		    s, c->sample.delay_ns, now, engine_random(e));
	else if (check == CHECK_PAUSE)
		hold_for_pause(e, c);
	else
		take(e, c);
}

void engine_take_sample(
    struct engine *e, const struct datagram *d, const struct ntp_answer *answer)
{
	struct candidate c = {.source = d->slot};
	struct source *s = &e->sources[d->slot];
	enum answer_check check;

	measure(e, d, answer, &c);
	if (!wrong_clock_settled(e))
		c.offer = wrong_clock_offer(s, &c.sample);
	check = failed_check(e, &c);
	source_arrived(s, &d->local);
	if (check != CHECK_DELAY)
		source_stamped(s, d->tx_kind, d->rx_kind);
	log_measurement(e, d, answer, &c, check);
	conclude(e, check, &c);
}
