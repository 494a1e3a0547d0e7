/*
 * The keeper: the only part that may touch the kernel clock. It does no I/O but
 * through the clock seam. It checks every command against the configured
 * limits, whatever the engine decided, and it ends every slew itself, on time.
 * agent/keeper/keeper_loop.c is its process.
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
 * `start_steps` steps of any size are allowed. After that a step is an
 * exception (a suspend, an administrator's order): it must not exceed
 * `refuse_step_ns`, and must come KEEPER_STEP_GAP_NS after the last step. The
 * steering has finer rules; these bound what a broken or captured engine can
 * do. After a pause one step forward may replace the steps that were allowed
 * and not made: at most `refuse_step_ns` for each KEEPER_STEP_GAP_NS since the
 * last step.
 */
#define KEEPER_START_WINDOW_NS (3600 * NS_PER_S)
#define KEEPER_STEP_GAP_NS (60 * NS_PER_S)

struct keeper_limits {
	bool no_clock; /* measure only: every command is KEEPER_NO_CLOCK */
	double max_freq_ppm;	/* of the base frequency */
	double max_slew_ppm;	/* of a slew, on top of the base */
	int64_t refuse_step_ns; /* largest step outside the start window; 0: no
				   limit */
	int start_steps; /* allowed in the start window; -1: any, always */
	/* One bootstrap step of any size is allowed, whatever the limits above,
	 * until a command says that the clock is synchronised. It must not lead
	 * to a time before earliest_ns (since 1970). */
	bool bootstrap;
	int64_t earliest_ns;
};

struct keeper {
	struct keeper_limits limits;
	struct clock_ops clock;
	double base_freq_ppm; /* of the clock while no slew is under way */
	double became_ppm;    /* of the clock now, as the kernel quantised it */
	bool slewing;
	struct mono slew_end, slew_start;
	int64_t slew_ns; /* ordered */
	int steps_used;
	bool bootstrap_over;	      /* used, or no longer allowed */
	struct mono start_window_end; /* MONO_NEVER before the first command */
	struct mono next_step; /* earliest next step outside the start window */
};

/*
 * Takes over the clock. The frequency that get_freq reports may contain a slew
 * of an agent that was killed. So the base frequency becomes `saved_freq_ppm`
 * if it is known (not NULL, within the limits), else the kernel's, else 0.
 * `report` carries the first change: the frequency from this moment on.
 * Returns 0 or -errno. With no_clock, a clock that cannot be read counts as
 * uncorrected, and the call succeeds.
 */
int keeper_start(struct keeper *k, const struct keeper_limits *limits,
    const struct clock_ops *clock, const double *saved_freq_ppm,
    struct keeper_report *report) MUST_USE;

/* Checks, then acts. Always fills `report`. */
void keeper_apply(struct keeper *k, const struct clock_command *command,
    uint32_t serial, struct mono now, struct keeper_report *report);

/* When keeper_tick() must run next; MONO_NEVER without a slew. */
struct mono keeper_deadline(const struct keeper *k);

/*
 * Ends a slew that is due. True: `report` is for the engine. If the kernel
 * refuses (KEEPER_KERNEL), the slew goes on and is due again in a second.
 */
bool keeper_tick(
    struct keeper *k, struct mono now, struct keeper_report *report) MUST_USE;

/*
 * Compares the kernel's frequency with the one that the keeper set. Linux tells
 * no program when another one changes it, so the keeper looks every
 * KEEPER_LOOK_NS and before each command. True: it differed, and was restored;
 * `report` is for the engine (KEEPER_FREQ_CHANGED, or KEEPER_KERNEL).
 */
#define KEEPER_LOOK_NS (4 * NS_PER_S)
bool keeper_look(struct keeper *k, struct keeper_report *report) MUST_USE;

/* Ends any slew at once and leaves the base frequency. A second call does
 * nothing. */
void keeper_stop(struct keeper *k, struct mono now);

#endif
