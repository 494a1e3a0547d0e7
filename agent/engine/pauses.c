#include "agent/engine/pauses.h"

#include "agent/engine/disturbance.h"
#include "base/log.h"

/* Those that have answered of late and agreed. */
static uint64_t voters(const struct engine *e)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < e->source_count; i++) {
		struct source_view v;

		steering_source_view(
		    e->steering, i, &e->timescale, e->now.wall, &v);
		if (e->sources[i].reach != 0 &&
		    (v.state == SELECT_SELECTED || v.state == SELECT_COMBINED))
			bits |= UINT64_C(1) << i;
	}
	return bits;
}

static struct pause_voice voice_of(
    const struct engine *e, const struct tracking *t, const struct sample *m)
{
	int64_t offset_ns =
	    m->offset_ns - timescale_added_ns(&e->timescale, e->now.wall);

	return (struct pause_voice){
	    .first = e->now.mono,
	    .lag_ns = offset_ns - t->offset_ns,
	    .bound_ns = sample_distance_ns(m) + t->root_delay_ns / 2 +
			t->root_dispersion_ns,
	};
}

/* Those that have not said so yet. */
static void ask_the_others(struct engine *e, unsigned source)
{
	uint64_t others = 0;

	for (unsigned i = 0; i < e->source_count; i++)
		if (i != source && e->pause.voices[i].strikes == 0)
			others |= UINT64_C(1) << i;
	engine_hurry(e, others);
}

/* Those without a vote raise no doubt: they would do so all the time. */
static enum pause_verdict judge(
    struct engine *e, unsigned source, const struct sample *m, int64_t *lag_ns)
{
	uint64_t bits = voters(e);
	struct pause_voice voice;
	struct tracking t;

	if (!e->last_synchronised || !(bits >> source & 1))
		return PAUSE_NONE;
	steering_tracking(e->steering, &e->timescale, e->now.wall, &t);
	voice = voice_of(e, &t, m);
	*lag_ns = voice.lag_ns;
	return pause_judge(
	    &e->pause, source, voice, m->at.ns - t.updated.ns, bits);
}

bool engine_pause_holds(
    struct engine *e, unsigned source, const struct sample *m, uint32_t random)
{
	struct source *s = &e->sources[source];
	int64_t lag_ns;
	enum pause_verdict verdict = judge(e, source, m, &lag_ns);

	if (verdict == PAUSE_NONE)
		return false;
	source_sampled(s, m->delay_ns, POLL_DOUBTED, e->now.mono, random);
	log_debug(
	    "%s: the clock has lost %.3f s", s->config->name, s_of_ns(lag_ns));
	if (verdict == PAUSE_FOUND)
		engine_stood_still(e, lag_ns);
	else
		ask_the_others(e, source);
	return true;
}
