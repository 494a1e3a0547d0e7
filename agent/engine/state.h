/*
 * The state of the engine and the ports through which it reaches the world.
 * Shared by the files of this room; agent/query reads it, agent/loop owns it.
 * Nobody outside this room writes a member.
 */
#ifndef AGENT_ENGINE_STATE_H
#define AGENT_ENGINE_STATE_H

#include "agent/config/options.h"
#include "agent/engine/bootstrap.h"
#include "agent/link/keeper_link.h"
#include "agent/link/log_link.h"
#include "agent/source/source.h"
#include "base/log.h"
#include "clock/pause.h"
#include "clock/timescale.h"

/* REALTIME against MONOTONIC: two readings that a busy machine pulled apart may
 * differ by this much although nobody has set the clock. */
#define JUMP_NS (20 * NS_PER_MS)

/* A smaller step cannot be told from the error of two good readings. */
#define SET_SEEN_NS (200 * NS_PER_US)

#define UNSAVED_TEXT_MAX 640

/* What is known of the clock before the first answer. */
struct engine_start {
	struct clock_change clock; /* where the ledger starts */
	int64_t earliest_ns; /* no time before it can be true; since 1970 */
	/* From the drift file; 0 and 100 without one. */
	double freq_ppm, freq_sd_ppm;
};

/* One datagram from a server, or the network's refusal of one. */
struct datagram {
	unsigned slot;
	struct wall tx, rx; /* of the request and of the answer */
	enum stamp_kind tx_kind, rx_kind;
	struct endpoint local; /* where the answer arrived; absent: unknown */
	int error;	       /* errno of an ICMP answer; 0: a datagram */
	size_t len;
	uint8_t bytes[NTS_PACKET_MAX];
};

/* What the engine asks of its process. A slot is the index of a source. */
struct engine_ports {
	void *self;
	/* 0, -errno, or an error of binding_apply() (resolver/binding.h). The
	 * answer comes as engine_on_datagram. */
	int (*send)(void *self, unsigned slot, const struct endpoint *to,
	    const uint8_t *bytes, size_t len);
	void (*close)(void *self, unsigned slot);
	/* The answer comes as engine_on_keys, never from inside the call. */
	void (*ask)(void *self, const struct ke_request *request);
	/* The report comes as engine_on_report, never from inside the call. */
	void (*command)(void *self, const struct keeper_message *message);
	/* Fills `out` with unpredictable bytes. */
	void (*random)(void *self, void *out, size_t len);
	/* A line for the log: one sentence without a full stop. */
	void (*report)(void *self, enum log_level level, const char *text);
	/* Replaces the keys of a source on disk; NULL removes them. It may take
	 * as long as a disk does. The port is NULL if nothing is saved. */
	void (*save_keys)(void *self, unsigned slot, struct saved_keys *keys);
	/* Describes another program that may have set the clock; NULL if none
	 * was found. */
	const char *(*rival)(void *self);
	/* Keeps a mark on disk, or removes it: a job has crashed, and saved
	 * keys must not be used at the next start. NULL if nothing is saved. */
	void (*mark_crash)(void *self, bool marked);
	/* Writes the samples of the steering to disk. It may take as long as a
	 * disk does. The port is NULL if nothing is saved. */
	void (*save_samples)(void *self);
	/* After a change of the network: would a request leave from another
	 * address than the last one, or is there a route again where there was
	 * none? The port is NULL if that cannot be known. */
	bool (*rerouted)(void *self, unsigned slot, const struct endpoint *to);
	/* A line for a file of measurements, or the order to open the files
	 * again. False: the logger cannot take it. The port is NULL if there is
	 * no logger. */
	bool (*log)(void *self, const struct log_record *r);
};

/* What is saved, and lost at the next start if it is not. */
enum unsaved_kind {
	UNSAVED_FOLDER, /* all of it: the folder cannot be used at all */
	UNSAVED_KEYS,
	UNSAVED_SAMPLES,
	UNSAVED_HISTORY,
	UNSAVED_CLOCK, /* drift and last good time */
	UNSAVED_LOGS,  /* the files of measurements */
	UNSAVED_KINDS,
};

/* The last try to save it. */
struct unsaved {
	char text[UNSAVED_TEXT_MAX]; /* what is wrong; "": nothing */
};

/* Why the run ends. */
enum engine_end {
	ENGINE_RUNS,
	ENGINE_DONE,	/* -q or -Q has done its work */
	ENGINE_STUCK,	/* the keeper or the resolver does not answer */
	ENGINE_TIMEOUT, /* -t passed before -q or -Q was done */
	ENGINE_BEYOND,	/* --max-bound: the clock is certainly not that right */
};

/* The command that the keeper has, or had last. */
struct engine_order {
	uint32_t serial; /* of the last command */
	bool pending;	 /* the keeper has not answered: decide nothing */
	struct mono answer_by;
	struct clock_command command;
	uint32_t last_verdict; /* enum keeper_verdict */
	bool disclaimed; /* the kernel knows that the clock may be wrong */
	bool slewing;
	/* What the keeper has counted since the start, by its last report. */
	uint32_t steps, refused;
	int64_t last_step_ns; /* the last of these steps; positive: forward */
};

/* A step that an administrator has ordered. */
struct engine_step {
	bool under_way;	  /* the command under way is this step */
	bool answered;	  /* the keeper has answered it ... */
	uint32_t verdict; /* ... with this enum keeper_verdict */
};

struct engine {
	const struct config *config;
	const struct run_options *options;
	struct engine_ports ports;
	struct source *sources; /* config->source_count of them */
	unsigned source_count;
	struct steering *steering;
	struct timescale timescale;

	struct clock_reading started, now;
	struct clock_reading woke; /* at the event before this one */
	/* Our own steps included. */
	int64_t wall_minus_mono_ns; /* CLOCK_REALTIME minus CLOCK_MONOTONIC */
	int64_t boot_minus_mono_ns; /* CLOCK_BOOTTIME minus CLOCK_MONOTONIC */
	int64_t granularity_ns;	    /* of CLOCK_REALTIME; 0: fine */
	struct {
		bool told;	/* the kernel says that the clock was set */
		bool explained; /* it will say so: the reason is known */
	} clock_set;

	uint32_t serial; /* of the last message to the keeper */
	struct engine_order order;
	struct engine_step step;
	double start_freq_sd_ppm;
	double good_freq_ppm;  /* of the last command that was carried out */
	struct mono decide_at; /* decide then even if no sample comes */
	struct mono save_at, save_samples_at;
	struct unsaved unsaved[UNSAVED_KINDS];

	/* One bit a source of a pool: its key exchange waits until another one
	 * of the pool has its address (agent/engine/duplicates.h). */
	uint64_t pool_waiting;

	/* The resolver's process: overdue answers since its last one. */
	unsigned resolver_strikes;
	struct mono strike_after; /* no other strike counts before this */

	/* What the log said last: only changes are logged. */
	bool ever_synchronised, last_synchronised;
	int last_selected; /* index, or -1 */
	/* Lines about why the clock is not steered, why it is not corrected as
	 * far as it needs, and the loss of synchronisation. */
	struct clock_trouble {
		struct log_budget budget;
		struct mono well_at; /* the last time without it; 0: never */
	} unsteered, limited, unsynchronised;
	/* The tracking of the last report, see engine_tracking(). */
	struct tracking tracked;
	struct mono tracked_at;	 /* 0: it is not true any more */
	bool noticed;		 /* see engine_take_noticed() */
	uint64_t logged_updates; /* of the clock, in tracking.log */

	struct {
		enum leap armed;	  /* in the kernel, or here if `ours` */
		bool ours;		  /* leapsecmode = slew or step */
		bool step_due;		  /* ours: the step is to be ordered */
		struct wall at;		  /* when it is due */
		bool executed;		  /* since it was armed */
		bool announced;		  /* by any source ... */
		struct mono announced_at; /* ... last at this time */
		uint64_t smearers;	  /* one bit a source */
	} leap;
	struct bootstrap bootstrap;
	struct pause pause;
	struct {
		struct mono at;
		char text[SOURCE_TEXT_MAX]; /* "": never */
		struct mono said_at; /* the last one with a line in the log */
		bool last_line;	     /* which said that no more follow */
	} disturbed;		     /* the last disturbance */
	struct mono bursts_paid; /* bursts after them are paid for until then */
	struct log_budget meddling; /* lines about other programs */
	struct mono meddled_at;	    /* no other burst for that before this */

	/* The mark of a crash is on disk: some keys are from before it. */
	bool crash_marked;

	enum engine_end end;
	/* -Q: what was measured, once `end` is ENGINE_DONE. Positive: the clock
	 * is slow; the truth is within offset +- bound. */
	int64_t measured_offset_ns, measured_bound_ns;
	/* On its way to the disk; secret, and too large for a stack. */
	struct saved_keys saved;
};

/* Gives one line to the log. */
void engine_say(struct engine *e, enum log_level level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

uint32_t engine_random(struct engine *e);

#endif
