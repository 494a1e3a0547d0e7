/* What the voters must show before a few sources may change the frequency by
 * more than their limit. */
#include "clock/steering/confirmation.h"

#include "tests/unit/clock/steering/rig.h"

#define VOTERS 3
/* The answers before the change that count of a voter, and how old they are at
 * least, s. */
#define BEFORE 4
#define OLD_S 64
/* Of the estimate and of the latest answers, s. */
#define NOW_S 1000
/* The clock has lost this since the answers before, by this frequency. */
#define LOST_NS 12000000
#define FASTER 200e-6
/* Half of the delay, and the noise of the time stamps. */
#define QUEUE_NS (1000 + 20 + 100)
/* What the deviation of the frequency before explains in 100 s. */
#define FREQ_NS 200
/* In effect none: 0 would mean that the bound is learned. */
#define NO_ERROR_PPM 1e-12

static struct steering_source *source(struct rig *r, unsigned i)
{
	return &r->steering->sources[i];
}

/* One more record. Nothing is estimated from it. */
static struct record *put(
    struct rig *r, unsigned i, int64_t at_ns, int64_t offset_ns)
{
	struct steering_source *src = source(r, i);
	struct record *added = &src->records[src->next];

	*added = (struct record){
	    .sample = {.at = {RIG_START_NS + at_ns},
		.offset_ns = offset_ns,
		.delay_ns = 2000,
		.dispersion_ns = 300,
		.stratum = 2},
	    .measured_ns = offset_ns,
	    .noted = true,
	    .freq_sd = 1e-9,
	};
	src->next = (src->next + 1) % RECORDS;
	src->count++;
	return added;
}

/* An answer so long before the estimate, and by how much it was ahead then. */
static struct record *put_before(
    struct rig *r, unsigned i, int64_t age_ns, int64_t offset_ns)
{
	return put(r, i, NOW_S * NS_PER_S - age_ns, offset_ns);
}

static struct record *put_latest(struct rig *r, unsigned i, int64_t offset_ns)
{
	return put(r, i, NOW_S * NS_PER_S, offset_ns);
}

/* The estimate of a few sources. */
static void claim(
    struct rig *r, int64_t offset_ns, double freq, double sd, double freq_sd)
{
	const double bias_sd = 1e-9;
	struct estimate *e = &r->steering->estimate;

	estimate_init(e, freq, freq_sd, &bias_sd, 1);
	e->started = true;
	e->at.ns = RIG_START_NS + NOW_S * NS_PER_S;
	e->anchor_ns = offset_ns;
	for (unsigned i = 0; i < e->model_count; i++)
		e->models[i].state.cov[0] = sd * sd;
}

/* Nothing but the queues and the frequency explains a difference. */
static void begin(struct rig *r, unsigned sources)
{
	struct steering_config config = rig_usual;

	config.max_clock_error_ppm = NO_ERROR_PPM;
	rig_open(r, sources, NULL, &config);
	r->steering->selection.voters = sources;
	for (unsigned i = 0; i < sources; i++)
		source(r, i)->state = SELECT_COMBINED;
	claim(r, LOST_NS, FASTER, 0, 1e-12);
}

static bool end(struct rig *r)
{
	bool given = confirmation_given(r->steering);

	rig_close(r);
	return given;
}

/* Each path has a bias of its own. */
static void show_change(struct rig *r, unsigned i)
{
	const int64_t bias_ns = 1000000 * (int64_t)i;

	(void)put_before(r, i, 100 * NS_PER_S, bias_ns);
	(void)put_latest(r, i, bias_ns + LOST_NS);
}

static bool is_given_by(unsigned showing, unsigned voters)
{
	struct rig r;

	begin(&r, voters);
	for (unsigned i = 0; i < showing; i++)
		show_change(&r, i);
	return end(&r);
}

static void most_voters_must_show_the_change(void **state)
{
	(void)state;
	assert_true(is_given_by(3, 3));
	assert_true(is_given_by(2, 3));
	assert_false(is_given_by(1, 3));
	assert_false(is_given_by(0, 3));
	assert_true(is_given_by(3, 4));
	assert_false(is_given_by(2, 4));
	assert_true(is_given_by(3, 5));
	assert_false(is_given_by(2, 5));
}

static void two_names_of_a_server_are_one(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, VOTERS);
	show_change(&r, 0);
	show_change(&r, 2);
	source(&r, 2)->server = source(&r, 0)->server;
	assert_false(end(&r));
	begin(&r, VOTERS);
	show_change(&r, 0);
	show_change(&r, 2);
	source(&r, 2)->server = SOURCES_MAX - 1;
	assert_true(end(&r));
}

/* It is in the vote, whatever the vote says of it. */
static void a_source_without_a_vote_confirms_nothing(void **state)
{
	(void)state;
	for (int s = 0; s < SELECT_STATE_COUNT; s++) {
		struct rig r;

		begin(&r, 1);
		show_change(&r, 0);
		source(&r, 0)->state = (enum select_state)s;
		assert_int_equal(end(&r), s >= SELECT_FALSETICKER);
	}
}

static bool is_given_at(int64_t age_ns)
{
	struct rig r;

	begin(&r, 1);
	(void)put_before(&r, 0, age_ns, 0);
	(void)put_latest(&r, 0, LOST_NS);
	return end(&r);
}

static void younger_answers_may_be_from_after_the_change(void **state)
{
	(void)state;
	assert_true(is_given_at(OLD_S * NS_PER_S));
	assert_false(is_given_at(OLD_S * NS_PER_S - 1));
}

/* Answers before the change: the newest first. */
enum before { SHOWS, DENIES, SAYS_NOTHING, YOUNG, NOT_NOTED, NO_FREQ };

static void put_kind(struct rig *r, enum before kind, int64_t age_ns)
{
	struct record *added = put_before(
	    r, 0, age_ns, kind == SHOWS || kind == SAYS_NOTHING ? 0 : LOST_NS);

	/* It shows a change, but another error before it. */
	if (kind == SAYS_NOTHING)
		added->measured_ns = LOST_NS;
	added->noted = kind != NOT_NOTED;
	if (kind == NO_FREQ)
		added->freq_sd = 0;
}

static bool is_given_after(const enum before *before, unsigned n)
{
	struct rig r;

	begin(&r, 1);
	for (unsigned i = n; i-- > 0;)
		put_kind(&r, before[i],
		    (before[i] == YOUNG ? 1 : OLD_S + i) * NS_PER_S);
	(void)put_latest(&r, 0, LOST_NS);
	return end(&r);
}

static void four_answers_before_must_all_show_it(void **state)
{
	static const struct {
		enum before before[BEFORE + 2];
		bool given;
	} rows[] = {
	    {{SHOWS, SHOWS, SHOWS, SHOWS, SHOWS, SHOWS}, true},
	    {{DENIES, SHOWS, SHOWS, SHOWS, SHOWS, SHOWS}, false},
	    {{SHOWS, SHOWS, SHOWS, DENIES, SHOWS, SHOWS}, false},
	    {{SHOWS, SHOWS, SHOWS, SHOWS, DENIES, DENIES}, true},
	    /* One of them must tell how wrong the clock was. */
	    {{SAYS_NOTHING, SAYS_NOTHING, SAYS_NOTHING, SHOWS, SHOWS, SHOWS},
		true},
	    {{SHOWS, SAYS_NOTHING, SAYS_NOTHING, SAYS_NOTHING, SHOWS, SHOWS},
		true},
	    {{SAYS_NOTHING, SAYS_NOTHING, SAYS_NOTHING, SAYS_NOTHING, SHOWS,
		 SHOWS},
		false},
	    /* These are not of the four. */
	    {{YOUNG, YOUNG, SHOWS, SHOWS, SHOWS, SHOWS}, true},
	    {{YOUNG, YOUNG, SHOWS, SHOWS, SHOWS, DENIES}, false},
	    {{NOT_NOTED, NO_FREQ, SHOWS, SHOWS, SHOWS, SHOWS}, true},
	    {{SHOWS, NOT_NOTED, NO_FREQ, SHOWS, SHOWS, DENIES}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (is_given_after(rows[i].before, BEFORE + 2) != rows[i].given)
			fail_msg("row %zu", i);
}

static void an_answer_alone_shows_no_change(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, 1);
	(void)put_before(&r, 0, OLD_S * NS_PER_S, LOST_NS);
	assert_false(end(&r));
	begin(&r, 1);
	assert_false(end(&r));
}

/* The latest answer may be old: it is not its own witness. */
static void the_latest_answer_is_none_of_the_four(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, 1);
	(void)put_before(&r, 0, 200 * NS_PER_S, 0);
	(void)put_before(
	    &r, 0, 100 * NS_PER_S, LOST_NS - ns_of_s(100 * FASTER));
	assert_true(end(&r));
}

/* An answer 100 s before the estimate, which knew a frequency. The latest one
 * differs by `lost_ns` from what it foretold. */
static bool departs(int64_t lost_ns, double freq_sd, double ppm)
{
	const double freq = 30e-6;
	const int64_t now_ns = ns_of_s(100 * freq) + lost_ns;
	struct record *before;
	struct rig r;

	begin(&r, 1);
	claim(&r, now_ns, FASTER, 0, 1e-12);
	r.steering->config.max_clock_error_ppm = ppm;
	before = put_before(&r, 0, 100 * NS_PER_S, 0);
	before->freq = freq;
	before->freq_sd = freq_sd;
	(void)put_latest(&r, 0, now_ns);
	return end(&r);
}

static void what_queues_and_frequency_explain_is_no_change(void **state)
{
	static const struct {
		double freq_sd, ppm;
		int64_t most_ns;
	} rows[] = {
	    {1e-12, NO_ERROR_PPM, 2 * QUEUE_NS},
	    {1e-6, NO_ERROR_PPM, 2 * QUEUE_NS + 2 * 100000},
	    {1e-12, 1, 2 * QUEUE_NS + 100000},
	    {1e-6, 2, 2 * QUEUE_NS + 4 * 100000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const int64_t most = rows[i].most_ns;

		assert_true(departs(most + 5, rows[i].freq_sd, rows[i].ppm));
		assert_true(departs(-most - 5, rows[i].freq_sd, rows[i].ppm));
		assert_false(departs(most - 5, rows[i].freq_sd, rows[i].ppm));
		assert_false(departs(-most + 5, rows[i].freq_sd, rows[i].ppm));
	}
}

/* A long delay of the first answer, or of the latest one. */
static void the_queues_of_both_answers_explain_a_difference(void **state)
{
	(void)state;
	for (unsigned late = 0; late < 4; late++) {
		const int64_t most =
		    2 * QUEUE_NS + FREQ_NS +
		    1000 * (int64_t)(late / 2 + 2 * (late % 2));

		for (int side = -5; side <= 5; side += 10) {
			struct rig r;

			begin(&r, 1);
			claim(&r, most + side, FASTER, 0, 1e-12);
			put_before(&r, 0, 100 * NS_PER_S, 0)->sample.delay_ns +=
			    2000 * (int64_t)(late / 2);
			put_latest(&r, 0, most + side)->sample.delay_ns +=
			    4000 * (int64_t)(late % 2);
			assert_int_equal(end(&r), side > 0);
		}
	}
}

/* What was known of the frequency is what the estimate says: then the limit
 * does not come from a change. */
static void a_frequency_that_was_known_needs_no_departure(void **state)
{
	static const struct {
		double freq, known;
		bool given;
	} rows[] = {
	    {101e-6, 2e-6, true},
	    {103e-6, 2e-6, false},
	    {-101e-6, -2e-6, true},
	    {-103e-6, -2e-6, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const int64_t now_ns = ns_of_s(100 * rows[i].known);
		struct rig r;

		begin(&r, 1);
		claim(&r, now_ns, rows[i].freq, 0, 1e-12);
		put_before(&r, 0, 100 * NS_PER_S, 0)->freq = rows[i].known;
		(void)put_latest(&r, 0, now_ns);
		assert_int_equal(end(&r), rows[i].given);
	}
}

/* The clock was wrong by `wrong_ns` more at the first answer than the latest
 * one says, which is `age_s` older than the estimate. */
static bool fits(int64_t wrong_ns, int64_t age_s, double sd, double freq_sd)
{
	const int64_t now_ns = LOST_NS - ns_of_s((double)age_s * FASTER);
	struct rig r;

	begin(&r, 1);
	claim(&r, LOST_NS, FASTER, sd, freq_sd);
	put_before(&r, 0, (100 + age_s) * NS_PER_S, 0)->measured_ns = wrong_ns;
	(void)put_before(&r, 0, age_s * NS_PER_S, now_ns);
	return end(&r);
}

static void the_clock_must_have_been_as_wrong_before(void **state)
{
	static const struct {
		int64_t age_s;
		double sd, freq_sd;
		int64_t most_ns;
	} rows[] = {
	    {0, 0, 1e-12, 2 * QUEUE_NS},
	    {10, 0, 1e-12, 2 * QUEUE_NS},
	    {0, 1e-6, 1e-12, 2 * QUEUE_NS + 2000},
	    {0, 0, 1e-6, 2 * QUEUE_NS},
	    {10, 0, 1e-6, 2 * QUEUE_NS + 20000},
	    {10, 1e-6, 1e-6, 2 * QUEUE_NS + 22000},
	    /* The latest answer may be newer than the estimate. */
	    {-10, 0, 1e-6, 2 * QUEUE_NS + 20000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const int64_t most = rows[i].most_ns + FREQ_NS;

		for (int way = -1; way <= 1; way += 2) {
			if (!fits(way * (most - 5), rows[i].age_s, rows[i].sd,
				rows[i].freq_sd))
				fail_msg("row %zu: does not fit", i);
			if (fits(way * (most + 5), rows[i].age_s, rows[i].sd,
				rows[i].freq_sd))
				fail_msg("row %zu: fits", i);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(most_voters_must_show_the_change),
	    cmocka_unit_test(two_names_of_a_server_are_one),
	    cmocka_unit_test(a_source_without_a_vote_confirms_nothing),
	    cmocka_unit_test(younger_answers_may_be_from_after_the_change),
	    cmocka_unit_test(four_answers_before_must_all_show_it),
	    cmocka_unit_test(an_answer_alone_shows_no_change),
	    cmocka_unit_test(the_latest_answer_is_none_of_the_four),
	    cmocka_unit_test(what_queues_and_frequency_explain_is_no_change),
	    cmocka_unit_test(the_queues_of_both_answers_explain_a_difference),
	    cmocka_unit_test(a_frequency_that_was_known_needs_no_departure),
	    cmocka_unit_test(the_clock_must_have_been_as_wrong_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
