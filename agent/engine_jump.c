#include "agent/engine_jump.h"

#include "agent/relief.h"
#include "base/log.h"

/* BOOTTIME against MONOTONIC: a sleep, however short. */
#define SLEPT_NS (100 * NS_PER_MS)

/* Samples from before say nothing about now. */
static void measure_anew(struct engine *e)
{
	for (unsigned i = 0; i < e->source_count; i++) {
		steering_forget(e->steering, i);
		e->ports.close(e->ports.self, i);
		source_jumped(&e->sources[i], e->now.mono);
		engine_fulfil(e, i, source_recheck(&e->sources[i]));
	}
	bootstrap_forget(&e->bootstrap);
	steering_allow_step(e->steering);
}

static void say_moved(const struct engine *e, int64_t jump_ns)
{
	const char *rival = e->ports.rival(e->ports.self);

	log_warning("the clock was moved by %+.3f s from outside%s%s: "
		    "measuring anew",
	    s_of_ns(jump_ns),
	    rival ? ", perhaps by "
		  : " (an administrator or another program "
		    "set it)",
	    rival ? rival : "");
}

static void foreign_step(struct engine *e, int64_t jump_ns)
{
	if (jump_ns == 0)
		return;
	timescale_foreign_step(
	    &e->timescale, (struct wall){e->now.wall.ns - jump_ns}, jump_ns);
	e->wall_minus_mono_ns += jump_ns;
}

void engine_jumped(struct engine *e, int64_t jump_ns)
{
	say_moved(e, jump_ns);
	foreign_step(e, jump_ns);
	measure_anew(e);
}

/* The network may be another one, too. */
void engine_woke_up(struct engine *e, int64_t slept_ns, int64_t jump_ns)
{
	log_notice("the machine was suspended for %.1f s: measuring anew",
	    s_of_ns(slept_ns));
	e->wall_minus_mono_ns += slept_ns;
	foreign_step(e, jump_ns);
	measure_anew(e);
	relieve(e, RELIEF_NETWORK, NULL, e->now);
}

/* CLOCK_BOOTTIME goes on while the machine sleeps, CLOCK_MONOTONIC does not. */
int64_t engine_slept(struct engine *e, struct moment now)
{
	int64_t gap_ns = now.boot_ns - now.mono.ns - e->boot_minus_mono_ns;

	if (now.boot_ns == 0 || gap_ns < SLEPT_NS)
		return 0;
	e->boot_minus_mono_ns += gap_ns;
	return gap_ns;
}
