/*
 * The engine: sources, the ledger of the clock and the steering, tied
 * together. Events and time come in; what goes out passes the ports, which are
 * the three seams of the design (UDP, resolver job, and the keeper before the
 * kernel clock) plus randomness. No socket, no clock read, no waiting here:
 * agent/loop/engine_loop.c does that, and tests/sim/ simulates it.
 */
#ifndef AGENT_ENGINE_ENGINE_H
#define AGENT_ENGINE_ENGINE_H

#include "agent/config/options.h"
#include "agent/engine/bootstrap.h"
#include "agent/engine/datagram.h"
#include "agent/link/keeper_link.h"
#include "agent/source/source.h"
#include "clock/pause.h"
#include "clock/timescale.h"

/* What is known of the clock before the first answer. */
struct engine_start {
	struct clock_change clock; /* where the ledger starts */
	int64_t earliest_ns; /* no time before it can be now; since 1970 */
	/* From the drift file; 0 and 100 when there is none. */
	double freq_ppm, freq_sd_ppm;
};

struct engine_ports {
	void *self;
	/* 0 or -errno; an answer comes as engine_on_datagram. */
	int (*send)(void *self, unsigned slot, const struct endpoint *to,
	    const uint8_t *bytes, size_t len);
	void (*close)(void *self, unsigned slot);
	/* The answer comes as engine_on_keys, never from inside the call. */
	void (*ask)(void *self, const struct ke_request *request);
	/* The report comes as engine_on_report, never from inside the call. */
	void (*command)(void *self, const struct keeper_message *message);
	/* Unpredictable bytes. */
	void (*random)(void *self, void *out, size_t len);
	/* Put these keys of a source on disk instead of those that are there;
	 * NULL: remove them. May take as long as a disk does. The port itself
	 * is NULL when nothing is saved. */
	void (*save_keys)(void *self, unsigned slot, struct saved_keys *keys);
	/* Another program that may have set the clock, in words; NULL: none is
	 * to be seen. */
	const char *(*rival)(void *self);
	/* Put the samples that the steering has on disk; likewise. */
	void (*save_samples)(void *self);
	/* After a change of the network: would a request leave from another
	 * address than the last one did, or again where there was no way?
	 * NULL: nobody knows. */
	bool (*rerouted)(void *self, unsigned slot, const struct endpoint *to);
};

/* -q and -Q end the run. */
enum engine_end {
	ENGINE_RUNS,
	ENGINE_DONE,	/* what -q or -Q was to do is done */
	ENGINE_STUCK,	/* the keeper or the resolver does not answer */
	ENGINE_TIMEOUT, /* -t passed before that */
};

struct engine {
	const struct config *config;
	const struct run_options *options;
	struct engine_ports ports;
	struct source *sources; /* config->source_count of them */
	unsigned source_count;
	struct steering *steering;
	struct timescale timescale;
	/* Command under way to the keeper: nothing is decided meanwhile. */
	uint32_t serial; /* of the last message of any kind */
	uint32_t command_serial;
	bool command_pending;
	struct mono command_by;	   /* when the keeper must have answered */
	unsigned resolver_strikes; /* overdue since its last answer */
	struct mono strike_after;  /* the next may count from then on */
	double good_freq_ppm;	   /* of the last command that was taken */
	uint32_t last_verdict;
	bool disclaimed;
	struct clock_command last_command;
	/* A step that an administrator ordered (agent/query/orders.h). */
	bool step_ordered;     /* the command under way is one */
	bool step_answered;    /* ... was one; the verdict of the keeper: */
	uint32_t step_verdict; /* enum keeper_verdict */
	bool slewing;
	struct clock_reading started, now;
	struct mono save_at;
	struct mono save_samples_at;
	struct mono steer_at; /* decide even if no sample comes */
	/* CLOCK_REALTIME minus CLOCK_MONOTONIC, our own steps included. */
	int64_t wall_minus_mono_ns;
	int64_t boot_minus_mono_ns; /* CLOCK_BOOTTIME minus CLOCK_MONOTONIC */
	bool ever_synchronised;
	struct clock_reading woke; /* at the event before this one */
	struct {
		enum leap armed;	  /* in the kernel, by us */
		bool executed;		  /* since it was armed */
		bool announced;		  /* by any source ... */
		struct mono announced_at; /* ... then, the last time */
		uint64_t smearers;	  /* one bit a source */
	} leap;				  /* agent/engine/leap_second.h */
	struct bootstrap bootstrap;	  /* agent/engine/wrong_clock.h */
	struct pause pause;		  /* agent/engine/pauses.h */
	struct {
		struct mono at;
		char text[SOURCE_TEXT_MAX]; /* "": never */
	} disturbed;		    /* agent/engine/disturbance.h, the last */
	struct log_budget meddling; /* of other programs ... */
	struct mono meddled_at;	    /* ... answered for the last time */
	enum engine_end end;
	char last_reason[160]; /* of tracking, to log changes only */
	bool last_synchronised;
	int last_selected;
	/* On its way to the disk; secret, and too large for a stack. */
	struct saved_keys saved;
};

/* False: out of memory. Everything is borrowed but what it allocates. */
bool engine_init(struct engine *e, const struct config *config,
    const struct run_options *options, const struct engine_start *start,
    const struct engine_ports *ports, struct clock_reading now) MUST_USE;

/* Right after engine_init: the source starts with keys of before the restart.
 */
void engine_on_saved(struct engine *e, unsigned slot,
    const struct saved_keys *keys, unsigned left, struct clock_reading now);

/* Saves keys, sends the last SAVE, wipes the secrets, frees. */
void engine_free(struct engine *e, struct clock_reading now);

/* The keeper shall carry out a step that was ordered, not decided. Only when no
 * command is under way. */
void engine_step(struct engine *e, const struct clock_command *command);

/* For the engine's other files. A source's action is carried out, its news are
 * logged. */
void engine_carry_out(struct engine *e, unsigned i, enum source_action action);
/* Other certificates are trusted by now: all sources exchange keys anew, within
 * a few minutes, lest all that trust the same do so at once. */
void engine_distrust(struct engine *e, struct clock_reading now);
/* These sources, one bit each, are asked now. */
void engine_hurry(struct engine *e, uint64_t sources);
/* The source's keys go if their certificate is not valid at that time, and all
 * that came by them. */
void engine_recheck(struct engine *e, unsigned i, struct wall now);

struct mono engine_deadline(const struct engine *e);
void engine_on_timer(struct engine *e, struct clock_reading now);
void engine_on_keys(
    struct engine *e, const struct ke_answer *answer, struct clock_reading now);
void engine_on_datagram(
    struct engine *e, const struct datagram *d, struct clock_reading now);
void engine_on_report(struct engine *e, const struct keeper_report *report,
    struct clock_reading now);

#endif
