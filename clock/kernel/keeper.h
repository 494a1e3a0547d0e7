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

#define KEEPER_SLEW_DURATION_MAX_NS (100 * 86400 * NS_PER_S)

/* A larger frequency that the kernel shows at the start counts as the slew of a
 * program that was killed, unless the drift file says so, too, or the limits
 * say that it stays. */
#define KEEPER_BELIEVED_PPM 500.0
/* The error of a clock of which nothing is known. */
#define KEEPER_UNKNOWN_NS (16 * NS_PER_S)

/*
 * The start window is the first hour after the first command. Within it
 * `start_steps` steps of any size are allowed, even after a command has said
 * that the clock is synchronised. The first server that answered may have been
 * wrong, and the others correct it. To end the window at that command would not
 * stop a captured engine: it would not send the command. After the window, a
 * step is an exception (a suspend, an administrator's order): it must not
 * exceed `refuse_step_ns`, must come KEEPER_STEP_GAP_NS after the last step,
 * and must fit into two budgets. In any day there are at most KEEPER_DAY_STEPS
 * steps, together at most KEEPER_DAY_SHARE * `refuse_step_ns`. In the keeper's
 * life all of them are together at most KEEPER_LIFE_SHARE * `refuse_step_ns`.
 * The steering has finer rules; these bound what a broken or captured engine
 * can do.
 *
 * After a pause one larger step forward may replace the steps that were allowed
 * and not made: at most `refuse_step_ns` for each KEEPER_STEP_GAP_NS since the
 * last step. It needs `bootstrap` and a clock that was synchronised before.
 * Such steps are KEEPER_PAUSE_GAP_NS apart, and in the keeper's life together
 * at most KEEPER_PAUSE_SHARE * `refuse_step_ns`. It is not one exception in a
 * life, on purpose: a virtual machine that is paused every night needs one
 * after each working day. A captured engine can order as many, but only for the
 * time that it has left out before.
 */
#define KEEPER_START_WINDOW_NS (3600 * NS_PER_S)
#define KEEPER_STEP_GAP_NS (60 * NS_PER_S)
#define KEEPER_DAY_NS (86400 * NS_PER_S)
#define KEEPER_DAY_STEPS 48
#define KEEPER_DAY_SHARE 8
#define KEEPER_LIFE_SHARE 1000
#define KEEPER_PAUSE_GAP_NS (4 * 3600 * NS_PER_S)
#define KEEPER_PAUSE_SHARE 3000

/*
 * A leap second moves the clock by a second outside the limits of steps. It is
 * armed on the last day of June or December only. After the time at which it
 * was due, none is armed for KEEPER_LEAP_REST_NS: the clock shows the old day
 * once more then, and a second could be inserted again and again. The next look
 * of the keeper disarms a leap second that is armed on another day. So the
 * kernel executes such a one only if a machine that slept over midnight wakes
 * up less than KEEPER_LOOK_NS before the end of a later day.
 */
#define KEEPER_LEAP_REST_NS (7 * KEEPER_DAY_NS)

struct keeper_limits {
	bool no_clock; /* measure only: every command is KEEPER_NO_CLOCK */
	/* Believe any frequency of the kernel within max_freq_ppm. */
	bool keeps_freq;
	double max_freq_ppm;	/* of the base frequency */
	double max_slew_ppm;	/* of a slew, on top of the base */
	int64_t refuse_step_ns; /* largest step outside the start window; 0: no
				   limit, and no budget but the number */
	int start_steps; /* allowed in the start window; -1: any, always */
	/* One bootstrap step of any size is allowed, whatever the limits above,
	 * until a command says that the clock is synchronised. It must not lead
	 * to a time before earliest_ns (since 1970). */
	bool bootstrap;
	int64_t earliest_ns;
};

/* A step outside the start window. */
struct keeper_step {
	struct mono at;
	int64_t size_ns; /* without its sign */
};

struct keeper {
	struct keeper_limits limits;
	struct clock_ops clock;
	struct kernel_found found; /* in the kernel, before keeper_start() */
	double base_freq_ppm;	   /* of the clock while no slew is under way */
	double became_ppm; /* of the clock now, as the kernel quantised it */
	bool slewing;
	struct mono slew_end, slew_start;
	int64_t slew_ns; /* ordered */
	int steps_used;
	bool bootstrap_over;	      /* used, or no longer allowed */
	struct mono start_window_end; /* MONO_NEVER before the first command */
	struct mono next_step; /* earliest next step outside the start window */
	/* The latest steps outside the start window; a ring. */
	struct keeper_step recent[KEEPER_DAY_STEPS];
	unsigned oldest, recent_count;
	int64_t life_ns;	 /* all of them, ... */
	int64_t paused_ns;	 /* ... and all steps after a pause */
	struct mono next_pause;	 /* earliest next step after a pause */
	bool ever_synchronised;	 /* a command has said so */
	bool leap_known;	 /* one was armed, to come ... */
	struct mono leap_until;	 /* ... at this time, ... */
	struct wall leap_at;	 /* ... when the clock shows this */
	enum leap leap;		 /* what the last status has armed */
	uint32_t disarmed;	 /* leap seconds that others had armed */
	uint32_t steps, refused; /* steps made, commands refused */
};

/*
 * Takes over the clock. The frequency of the kernel may contain a slew of a
 * program that was killed. So the base frequency becomes `saved_freq_ppm` if it
 * is known (not NULL, within the limits), else the kernel's if it is believed,
 * else 0. The slews of other programs end, no leap second stays armed, and the
 * kernel is told that the clock is not known to be right. `report` carries the
 * first change: the frequency from this moment on. Returns 0 or -errno. With
 * no_clock, a clock that cannot be read counts as uncorrected, and the call
 * succeeds.
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
 * Compares the kernel's frequency with the one that the keeper set, and looks
 * for slews of other programs. Linux tells no program of either, so the keeper
 * looks every KEEPER_LOOK_NS and before each command. True: there was a change,
 * and it was undone; `report` is for the engine (KEEPER_FREQ_CHANGED,
 * KEEPER_SLEW_FOUND, or KEEPER_KERNEL). A leap second that is armed on any day
 * but the last of June and December is disarmed without a report (`disarmed`).
 */
#define KEEPER_LOOK_NS (4 * NS_PER_S)
bool keeper_look(struct keeper *k, struct keeper_report *report) MUST_USE;

/*
 * The guard has set the base frequency, because a slew was overdue
 * (agent/keeper/guard.h). When it did so is not known. Sets it once more, and
 * there is no slew any more. `report` is for the engine (KEEPER_OVERTAKEN, or
 * KEEPER_KERNEL).
 */
void keeper_overtaken(struct keeper *k, struct keeper_report *report);

/* Ends any slew at once and leaves the base frequency. A second call does
 * nothing. */
void keeper_stop(struct keeper *k, struct mono now);

#endif
