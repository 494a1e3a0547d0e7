/* Steps that an administrator orders. */
#include "clock/steering/remaining.h"
#include "clock/steering/state.h"
#include "clock/steering/steering.h"

#include <stdlib.h>

enum steering_order steering_step(struct steering *s, const struct timescale *t,
    struct wall now, struct clock_command *command, int64_t *offset_ns)
{
	struct discipline *d = &s->discipline;
	struct estimate_value v;
	struct osc at = timescale_osc(t, now);
	int64_t bound, sd;

	*offset_ns = 0;
	if (d->refused)
		return STEERING_ORDER_REFUSED;
	if (!s->reported_synchronised || s->selection.selected < 0)
		return STEERING_ORDER_UNKNOWN;
	*offset_ns = remaining_ns(s, t, now, &v);
	bound = remaining_bound_ns(s, &v, at);
	sd = remaining_sd_ns(s, &v, bound);
	if (llabs(*offset_ns) <= sd)
		return STEERING_ORDER_NEEDLESS;
	if (discipline_refuses(d, *offset_ns))
		return STEERING_ORDER_REFUSED;
	*command = (struct clock_command){
	    .freq_ppm = s->base_freq * 1e6,
	    .step_ns = *offset_ns,
	    .synchronised = true,
	    .leap = discipline_arms(d, s->leap, now),
	    .max_error_ns = bound,
	    .est_error_ns = sd,
	};
	s->ordered_freq = s->base_freq;
	d->pending = true;
	d->pending_step_ns = *offset_ns;
	d->pending_silent = false;
	return STEERING_ORDER_GIVEN;
}

void steering_step_refused(struct steering *s)
{
	s->discipline.pending = false;
}
