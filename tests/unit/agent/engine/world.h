/*
 * A small world for tests of the engine: true time, a machine with a drifting
 * oscillator, a keeper, a disk, and servers at fixed distances. Everything
 * passes the ports of the engine, and nothing waits. The configuration is the
 * default one with `bootstrap = off`. A test changes members between world_new
 * and world_start, and whenever something is to fail.
 */
#ifndef TESTS_UNIT_AGENT_ENGINE_WORLD_H
#define TESTS_UNIT_AGENT_ENGINE_WORLD_H

#include "agent/engine/engine.h"
#include "clock/kernel/keeper.h"
#include "tests/unit/agent/engine/peer.h"

#define WORLD_PEERS 5
#define WORLD_REPORTS 8
#define WORLD_COOKIES 65536
#define WORLD_LINES 1024

/* An answer on its way. */
struct world_packet {
	bool there;
	int64_t arrives; /* true time */
	size_t len;
	uint8_t bytes[NTS_PACKET_MAX];
	struct wall tx; /* of the request */
};

struct world {
	struct engine engine;
	struct config config;
	struct run_options options;
	struct engine_start start;

	/* Time. */
	int64_t now;	 /* true time, ns since 1970 */
	int64_t wall;	 /* CLOCK_REALTIME */
	int64_t mono;	 /* CLOCK_MONOTONIC */
	int64_t slept;	 /* CLOCK_BOOTTIME minus CLOCK_MONOTONIC */
	double osc_ppm;	 /* of the oscillator; positive: it runs fast */
	double freq_ppm; /* that the kernel was set to */

	/* The keeper. */
	struct keeper keeper;
	struct keeper_report started;
	unsigned report_count;
	struct keeper_report reports[WORLD_REPORTS];
	struct kernel_status status;
	bool keeper_hangs;	     /* it takes commands and does not answer */
	enum keeper_verdict refusal; /* of every command; KEEPER_OK: none */
	/* What only tells the kernel that the clock may be wrong is not
	 * refused. */
	bool refuses_steering_alone;
	unsigned commands, steps, saves;
	struct clock_command command; /* the last one */
	unsigned verdicts; /* of the true keeper: a bit for each kind */
	struct keeper_message saved; /* the last one */

	/* The servers. */
	struct peer peers[WORLD_PEERS];
	char address[WORLD_PEERS][16];
	int64_t peer_error_ns[WORLD_PEERS]; /* of its clock; positive: fast */
	int64_t way_ns[WORLD_PEERS];	    /* of a packet, in each direction */
	/* A server says that it held the request for so long, in no time. */
	int64_t held_ns[WORLD_PEERS];
	bool silent[WORLD_PEERS];
	int send_error; /* errno; 0: requests leave the machine */
	bool rerouted;	/* a change of the network changes all routes */
	struct world_packet packets[WORLD_PEERS];
	unsigned requests, closes;
	unsigned reused_cookies;
	bool spent[WORLD_PEERS][WORLD_COOKIES];

	/* The resolver. */
	bool no_resolver; /* it takes questions and does not answer */
	bool keys_fail[WORLD_PEERS];
	bool jobs_crash[WORLD_PEERS];
	enum ke_stage fail_stage; /* of these; 0: at the certificate */
	/* The dates of a certificate, seconds since 1970; 0, 0: any time. */
	int64_t cert_from_s[WORLD_PEERS], cert_to_s[WORLD_PEERS];
	bool one_key; /* all certificates have one key */
	/* So many servers are the addresses of one pool, whose sources have any
	 * of them; 0: server i is that of source i. */
	unsigned pool;
	unsigned open_asks, most_open_asks; /* key exchanges at one time */
	unsigned asks, undated_asks; /* undated: without a check of dates */
	unsigned unsure_asks;	     /* names may stay unvalidated */
	struct {
		bool there;
		struct ke_answer answer;
	} keys[WORLD_PEERS];

	/* The disk, which outlives the engine. */
	bool keep_keys;
	struct {
		bool there;
		struct saved_keys keys;
	} disk[WORLD_PEERS];
	unsigned writes, sample_writes;
	bool crash_marked;

	uint8_t random;
	const char *rival;
	/* The lines for the log, each with a newline; "" at the start. */
	size_t log_len;
	char log[65536];
	unsigned line_count;
	enum log_level levels[WORLD_LINES]; /* of the lines */
};

/* `offset_ns` is the error of the clock; positive: it is fast. Aborts if memory
 * is out; world_end frees. */
struct world *world_new(unsigned sources, int64_t offset_ns, double osc_ppm);
void world_start(struct world *w);
void world_end(struct world *w);

/* Before world_start(): the first `members` sources become those of a pool that
 * has all servers. */
void world_make_pool(struct world *w, unsigned members);

/* The server that a source asks; -1: it has no address. */
int world_server_of(const struct world *w, unsigned source);

/* A world that has started with a clock that was almost right, and has run for
 * so long. */
struct world *world_running(unsigned sources, int64_t true_ns);

/* Restarts the agent; not orderly: it crashes. */
void world_restart(struct world *w, bool orderly);

/* Lets `true_ns` pass, with all events. A key exchange takes 5 ms. */
void world_run(struct world *w, int64_t true_ns);

/* Lets time pass without an event. */
void world_advance(struct world *w, int64_t true_ns);

/* The machine sleeps without an event; its hardware clock is `wrong_ns` fast
 * afterwards. */
void world_suspend(struct world *w, int64_t true_ns, int64_t wrong_ns);

/* The virtual machine stands still: none of its clocks goes on. */
void world_pause(struct world *w, int64_t true_ns);

/* Gives the engine what the keeper has to report. */
void world_deliver_reports(struct world *w);

struct clock_reading world_reading(const struct world *w);

/* The error of the clock; positive: it is fast. */
int64_t world_error(const struct world *w);
bool world_within(const struct world *w, int64_t limit_ns);

/* What the steering shows now. */
struct tracking world_tracking(const struct world *w);
struct source_view world_view(const struct world *w, unsigned source);
bool world_synchronised(const struct world *w);

/* Returns true if a line with this part was logged since the start, or since
 * world_forget_log. */
bool world_logged(const struct world *w, const char *part);
void world_forget_log(struct world *w);

/* Returns true if the first such line has this level. */
bool world_logged_at(
    const struct world *w, enum log_level level, const char *part);

#endif
