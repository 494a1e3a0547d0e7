/*
 * The keeper: the only part that may touch the kernel clock. A core without
 * I/O of its own but the clock seam: it checks every command against the
 * configured limits, whatever the engine believes, and ends every slew itself,
 * on time. agent/keeper/keeper_loop.c gives it a process.
 */
#ifndef CLOCK_KERNEL_KEEPER_H
#define CLOCK_KERNEL_KEEPER_H

#include "base/check.h"
#include "clock/command.h"
#include "clock/kernel/ops.h"

/* What the length of a tick alone can do (+-10 %, adjtimex(2)). */
#define KEEPER_TOTAL_MAX_PPM 100000.0
#define KEEPER_SLEW_DURATION_MAX_NS (100 * 86400 * NS_PER_S)

/*
 * The start window is the first hour after the first command: within it
 * `start_steps` steps of any size may happen. Later a step is an exception
 * (suspend, an administrator's order): not beyond `refuse_step_ns`, and not two
 * within KEEPER_STEP_GAP_NS. The finer rules are the steering's; these bound
 * what a broken or captured engine can do. After a lapse one step forward may
 * make up for those that were not made: it is no longer than `refuse_step_ns`
 * for each KEEPER_STEP_GAP_NS since the last step.
 */
#define KEEPER_START_WINDOW_NS (3600 * NS_PER_S)
#define KEEPER_STEP_GAP_NS (60 * NS_PER_S)

struct keeper_limits {
	bool no_clock; /* measure only: every command is KEEPER_NO_CLOCK */
	double max_freq_ppm;	/* of the base frequency */
	double max_slew_ppm;	/* of a slew, on top of the base */
	int64_t refuse_step_ns; /* no step beyond it; 0: no limit. Not applied
				   to steps in the start window. */
	int start_steps; /* allowed in the start window; -1: any, always */
	/* One bootstrap step of any size is allowed, whatever the limits of
	 * other steps, as long as no command has said that the clock is
	 * synchronised: but not to a time before earliest_ns (since 1970). */
	bool bootstrap;
	int64_t earliest_ns;
};

struct keeper {
	struct keeper_limits limits;
	struct clock_ops clock;
	double base_freq_ppm; /* what the clock gets when no slew is on */
	double became_ppm;    /* what it has now */
	bool slewing;
	struct mono slew_end, slew_start;
	int64_t slew_ns; /* wanted */
	int steps_used;
	bool bootstrap_over;	      /* used, or synchronised before it was */
	struct mono start_window_end; /* MONO_NEVER before the first command */
	struct mono next_step; /* none before it, outside the start window */
};

/*
 * Takes over the clock: a leftover slew of a crash is what get_freq says, so
 * the base becomes `saved_freq_ppm` when that is known, else the kernel's (and
 * 0 when that is beyond the limits: it can only be such a leftover).
 * The report carries the first change: the frequency at this moment.
 * Returns 0 or -errno; with no_clock a clock that cannot be read counts as
 * uncorrected, and the call succeeds.
 */
int keeper_start(struct keeper *k, const struct keeper_limits *limits,
    const struct clock_ops *clock, const double *saved_freq_ppm,
    struct keeper_report *report) MUST_USE;

/* Check, then act. The report is always filled. */
void keeper_apply(struct keeper *k, const struct clock_command *command,
    uint32_t serial, struct mono now, struct keeper_report *report);

/* When keeper_tick must run next; MONO_NEVER when no slew is on. */
struct mono keeper_deadline(const struct keeper *k);

/*
 * Ends a slew that is due. True: `report` has news for the engine. When the
 * kernel refuses (KEEPER_KERNEL), the slew is still on and due again in a
 * second.
 */
bool keeper_tick(
    struct keeper *k, struct mono now, struct keeper_report *report) MUST_USE;

/*
 * Is the frequency still what it was set to? No program is told when another
 * one changes it, so somebody has to look: every KEEPER_LOOK_NS, and before a
 * command. True: it was not, and was put right; `report` has news for the
 * engine (KEEPER_MEDDLED, or KEEPER_KERNEL).
 */
#define KEEPER_LOOK_NS (4 * NS_PER_S)
bool keeper_look(struct keeper *k, struct keeper_report *report) MUST_USE;

/* End any slew at once, leave the base frequency. Safe to call twice. */
void keeper_stop(struct keeper *k, struct mono now);

#endif
