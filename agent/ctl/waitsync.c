#include "agent/ctl/waitsync.h"

#include "agent/ctl/fetch.h"
#include "base/time.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL_DEFAULT_S 10
#define INTERVAL_MIN_S 0.1
#define INTERVAL_MAX_S 1e6

/* What one try found: a line of the output. */
struct attempt {
	struct field_int try;
	const char *reference_id;
	struct field_int correction_ns; /* without its sign */
	struct field_real skew_ppm;
	bool synchronised;
};

#define TRY(m) .field = FIELD(struct attempt, m)

static const struct column columns[] = {
    {TRY(try)},
    {TRY(reference_id)},
    {TRY(correction_ns)},
    {TRY(skew_ppm)},
    {TRY(synchronised)},
};

static bool take_number(const char *text, double most, double *out)
{
	char *end;

	errno = 0;
	*out = strtod(text, &end);
	return end != text && *end == '\0' && errno == 0 && *out >= 0 &&
	       *out <= most;
}

bool waitsync_arguments(struct waitsync *out, int argc, char **argv,
    char why[static WAITSYNC_ERROR_MAX])
{
	static const char *const names[] = {
	    "tries", "maxcorrection", "maxskew", "interval"};
	static const double most[] = {INT_MAX, 1e9, 1e9, INTERVAL_MAX_S};
	double value[] = {0, 0, 0, INTERVAL_DEFAULT_S};

	for (int i = 0; i < argc && i < (int)ARRAY_LEN(names); i++)
		if (!take_number(argv[i], most[i], &value[i])) {
			snprintf(why, WAITSYNC_ERROR_MAX,
			    "waitsync: %s has to be a number from 0 to %.0f, "
			    "not '%.40s'",
			    names[i], most[i], argv[i]);
			return false;
		}
	if (value[0] != floor(value[0])) {
		snprintf(why, WAITSYNC_ERROR_MAX,
		    "waitsync: tries has to be a whole number");
		return false;
	}
	out->form = WAITSYNC_OWN;
	out->no_agent = NULL;
	out->tries = (unsigned)value[0];
	out->max_correction_s = value[1];
	out->max_skew_ppm = value[2];
	out->interval_s = fmax(value[3], INTERVAL_MIN_S);
	return true;
}

static bool is_good(const struct waitsync *w, const struct attempt *t)
{
	/* A division: 1000 ns / 1e9 is exactly the literal 0.000001. */
	double correction_s = (double)t->correction_ns.n / 1e9;

	return t->synchronised &&
	       (w->max_correction_s <= 0 ||
		   (t->correction_ns.known &&
		       correction_s <= w->max_correction_s)) &&
	       (w->max_skew_ppm <= 0 ||
		   (t->skew_ppm.known && t->skew_ppm.x <= w->max_skew_ppm));
}

static void put_text(const struct attempt *t, FILE *out)
{
	char correction[FORMAT_MAX] = "-", skew[FORMAT_MAX] = "-";

	/* chronyc prints zeros for what it does not know. */
	if (t->correction_ns.known)
		snprintf(correction, sizeof(correction), "%.9f",
		    (double)t->correction_ns.n * 1e-9);
	if (t->skew_ppm.known)
		snprintf(skew, sizeof(skew), "%.3f", t->skew_ppm.x);
	fprintf(out, "try: %lld, refid: %s, correction: %s, skew: %s\n",
	    (long long)t->try.n, t->reference_id, correction, skew);
}

static void put_chronyc(
    const struct attempt *t, enum waitsync_form form, FILE *out)
{
	double correction_s =
	    t->correction_ns.known ? (double)t->correction_ns.n * 1e-9 : 0;
	double skew_ppm = t->skew_ppm.known ? t->skew_ppm.x : 0;

	fprintf(out,
	    form == WAITSYNC_CHRONYC_CSV
		? "%lld,%s,%.9f,%.3f\n"
		: "try: %lld, refid: %s, correction: %.9f, skew: %.3f\n",
	    (long long)t->try.n, t->reference_id, correction_s, skew_ppm);
}

/* Flushes, so that a pipe shows each try when it happens. */
static bool put_try(
    const struct attempt *t, enum waitsync_form form, const struct view *v)
{
	size_t count = ARRAY_LEN(columns);
	bool done = true;

	if (form != WAITSYNC_OWN)
		put_chronyc(t, form, v->out);
	else if (v->output == OUTPUT_TEXT)
		put_text(t, v->out);
	else if (v->output == OUTPUT_CSV)
		table_put_csv_row(columns, count, t, v->out);
	else
		done = table_put_json(
		    table_json_object(columns, count, t), 0, v->out);
	return fflush(v->out) == 0 && done;
}

static int64_t magnitude(int64_t x)
{
	return x >= 0 ? x : x == INT64_MIN ? INT64_MAX : -x;
}

/* The texts are borrowed from the snapshot. */
static struct attempt attempt_of(const struct snapshot *s, unsigned number)
{
	const struct status_clock *c = &s->clock;
	bool no_id = !c->reference_id || *c->reference_id == '\0';

	return (struct attempt){
	    .try = {.known = true, .n = number},
	    .reference_id = no_id ? "00000000" : c->reference_id,
	    .correction_ns = {.known = c->offset_ns.known,
		.n = magnitude(c->offset_ns.n)},
	    .skew_ppm = c->skew_ppm,
	    .synchronised = c->synchronised && !c->refused,
	};
}

/* What lasts from try to try. */
struct waiting {
	const struct waitsync *limits;
	const char *socket;
	const struct view *view;
	FILE *errors;
	char said[CONNECT_ERROR_MAX]; /* the last error printed */
	bool output_failed;
};

static void say_error(struct waiting *w, const char *why)
{
	if (strcmp(w->said, why) == 0)
		return;
	snprintf(w->said, sizeof(w->said), "%s", why);
	fprintf(w->errors, "%s: %s\n",
	    w->limits->no_agent ? "chronyc" : "ntsctl", why);
}

/* True: the wait is over. */
static bool try_once(struct waiting *w, unsigned number)
{
	char why[CONNECT_ERROR_MAX];
	struct snapshot s;
	struct attempt t;
	bool good;

	/* The agent may not have started yet: wait for that, too. */
	if (!snapshot_fetch(w->socket, &s, why)) {
		say_error(w, why);
		if (w->limits->no_agent)
			fputs(w->limits->no_agent, w->view->out);
		return false;
	}
	w->said[0] = '\0';
	t = attempt_of(&s, number);
	w->output_failed = !put_try(&t, w->limits->form, w->view);
	good = is_good(w->limits, &t);
	snapshot_free(&s);
	return good;
}

static void pause_for(double s)
{
	int64_t ns = ns_of_s(s);
	struct timespec left = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

enum exit_status waitsync_run(const struct waitsync *limits, const char *socket,
    const struct view *v, FILE *errors)
{
	struct waiting w = {limits, socket, v, errors, "", false};

	if (v->output == OUTPUT_CSV && limits->form == WAITSYNC_OWN)
		table_put_csv_heading(columns, ARRAY_LEN(columns), v->out);
	for (unsigned number = 1;; number++) {
		bool good = try_once(&w, number);

		if (w.output_failed)
			return EXIT_NO_STATUS;
		if (good)
			return EXIT_OK;
		if (number == limits->tries)
			return EXIT_NOT_SYNCHRONISED;
		pause_for(limits->interval_s);
	}
}
