/*
 * What the discipline asks of the kernel clock, and the answer. The structs
 * cross a process boundary, so they are plain and fixed in size.
 *
 * Signs: positive offsets, slews and steps move the clock forward; positive
 * frequencies make it run faster.
 */
#ifndef CLOCK_COMMAND_H
#define CLOCK_COMMAND_H

#include "base/sample.h"
#include "base/time.h"

/* What the length of a tick alone can do (+-10 %, adjtimex(2)): no frequency is
 * larger, with the slew. */
#define CLOCK_FREQ_MAX_PPM 100000.0

/* The standard deviation of a frequency of which nothing is known, as without a
 * drift file. */
#define FREQ_SD_UNKNOWN_PPM 100.0

/*
 * From so long before a leap second until so long after it, the keeper leaves
 * what is armed as it is. Only a step, or a clock that is not right, ends it.
 * Linux needs up to two seconds to arm a leap second: later it would arm it for
 * the end of the next day. On a busy machine, a command comes late, the kernel
 * executes the second late, and the two clocks are not read at the same moment.
 */
#define LEAP_FIXED_BEFORE_NS (3 * NS_PER_S)
#define LEAP_FIXED_AFTER_NS (NS_PER_S / 2)

/* One decision of the discipline. It replaces any slew under way. */
struct clock_command {
	double freq_ppm;	  /* base frequency from now on */
	int64_t slew_ns;	  /* slewed on top of it, ... */
	int64_t slew_duration_ns; /* ... in this time; > 0 if slew_ns != 0 */
	int64_t step_ns;	  /* applied first; 0: no step */
	/* The step that makes the clock fit to check certificates (see struct
	 * keeper_limits). Such a command does nothing else. */
	bool bootstrap;
	/* With `bootstrap`: the clock stood still for longer than
	 * refuse-threshold and is set as at a start. */
	bool pause;
	/* Kernel status (adjtimex(2)), for timedatectl and node_exporter. */
	bool synchronised;
	enum leap leap;	      /* LEAP_INSERT and LEAP_DELETE arm the kernel */
	int64_t max_error_ns; /* bound: root distance */
	int64_t est_error_ns; /* standard deviation */
};

/* A change that was really made to the kernel clock, for the ledger of the
 * timescale. */
struct clock_change {
	struct wall at;	 /* CLOCK_REALTIME just before the change */
	int64_t step_ns; /* 0: no step */
	double freq_ppm; /* total frequency from then on, with the slew, as the
			    kernel quantised it */
};

/* clang-format off */
#define KEEPER_VERDICTS(X) \
	X(KEEPER_OK, "done") \
	X(KEEPER_NO_CLOCK, "the clock is not controlled (--no-clock)") \
	X(KEEPER_BAD_COMMAND, "the command is not valid") \
	X(KEEPER_FREQ_LIMIT, "the frequency is beyond what the kernel takes") \
	X(KEEPER_SLEW_LIMIT, "the slew is faster than max-slew") \
	X(KEEPER_STEP_FORBIDDEN, "a step is not allowed now") \
	X(KEEPER_STEP_LIMIT, "the step is larger than refuse-threshold") \
	X(KEEPER_STEP_EARLY, "the step leads to a time before the last good one") \
	X(KEEPER_STEP_BUDGET, "the steps that are allowed are used up") \
	X(KEEPER_KERNEL, "the kernel refused") \
	X(KEEPER_FREQ_CHANGED, "another program had changed the frequency") \
	X(KEEPER_SLEW_FOUND, "another program was slewing the clock") \
	X(KEEPER_OVERTAKEN, "the guard has ended a slew") \
	X(KEEPER_SAVED, "the saver has ended")
/* clang-format on */
enum keeper_verdict {
#define X(name, sentence) name,
	KEEPER_VERDICTS(X)
#undef X
	    KEEPER_VERDICT_COUNT
};
const char *keeper_verdict_text(enum keeper_verdict v);

/* Has the keeper refused a command because of its limits? */
bool keeper_refused(enum keeper_verdict v);

#define CLOCK_CHANGES_MAX 3

/*
 * The keeper's answer to a command, or a report of its own (serial 0): a slew
 * has ended, the guard has ended one that was overdue, another program changed
 * the frequency or started a slew and the keeper undid that, or the saver's
 * answer is there.
 */
struct keeper_report {
	uint32_t serial;   /* of the command; 0: the keeper's own report */
	uint32_t verdict;  /* enum keeper_verdict */
	int32_t sys_errno; /* with KEEPER_KERNEL; KEEPER_SAVED: its answer */
	uint16_t change_count;
	/* enum leap: what the keeper has armed; no meaning in KEEPER_SAVED. */
	uint16_t leap;
	struct clock_change changes[CLOCK_CHANGES_MAX];
	int64_t slew_done_ns; /* by a slew that ended or was replaced */
	/* With KEEPER_FREQ_CHANGED and KEEPER_SLEW_FOUND: the frequency that
	 * the kernel had, and what was left of the other program's slew. */
	double found_freq_ppm;
	int64_t found_slew_ns;
	uint32_t steps,
	    refused; /* steps and refused commands since the start */
};

#endif
