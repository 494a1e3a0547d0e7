/*
 * A small world for the engine: true time, one drifting clock, a keeper, and
 * peers at fixed distances. Everything passes the ports of the engine; nothing
 * waits. Its configuration is the default one, but for `bootstrap = off`.
 */
#ifndef TESTS_UNIT_AGENT_ENGINE_WORLD_H
#define TESTS_UNIT_AGENT_ENGINE_WORLD_H

#include "agent/engine/engine.h"
#include "clock/kernel/keeper.h"
#include "tests/unit/agent/engine/peer.h"

#define WORLD_PEERS 5
#define WORLD_REPORTS 8
#define WORLD_COOKIES 65536

struct world_packet {
	bool there;
	int64_t arrives; /* true time */
	size_t len;
	uint8_t bytes[NTS_PACKET_MAX];
	struct wall tx;
};

struct world {
	struct engine engine;
	struct config config;
	struct run_options options;
	struct engine_start start;
	struct keeper_report started;
	struct keeper keeper;
	struct peer peers[WORLD_PEERS];
	int64_t peer_error_ns[WORLD_PEERS]; /* a lying server */
	int64_t way_ns[WORLD_PEERS];	    /* one way, both directions */
	int64_t thought_ns[WORLD_PEERS];    /* a server's claim */
	bool silent[WORLD_PEERS];
	int send_error;	  /* no request leaves the machine */
	bool no_resolver; /* it takes questions and says nothing */
	bool keys_fail[WORLD_PEERS];
	enum ke_stage fail_stage; /* of those; 0: at the certificate */
	char address[WORLD_PEERS][16];
	/* What lies on disk, and outlives the engine. */
	bool keep_keys;
	struct {
		bool there;
		struct saved_keys keys;
	} disk[WORLD_PEERS];
	unsigned writes, sample_writes, asks, reused_cookies;
	bool spent[WORLD_PEERS][WORLD_COOKIES];
	/* When its certificate is valid, seconds since 1970; 0, 0: always. */
	int64_t cert_from_s[WORLD_PEERS], cert_to_s[WORLD_PEERS];
	bool one_key;	       /* all certificates have it */
	unsigned undated_asks; /* key exchanges without a look at dates */
	struct world_packet packets[WORLD_PEERS];
	struct {
		bool there;
		struct ke_answer answer;
	} keys[WORLD_PEERS];
	unsigned report_count;
	struct keeper_report reports[WORLD_REPORTS];
	/* time */
	int64_t now; /* true, ns since 1970 */
	int64_t wall, mono;
	int64_t slept; /* CLOCK_BOOTTIME has, too */
	const char *rival;
	bool rerouted;	 /* all paths, at the next change of the network */
	double osc_ppm;	 /* of the oscillator: positive, it runs fast */
	double freq_ppm; /* what the kernel was told */
	unsigned steps, requests, saves;
	struct keeper_message saved;
	uint8_t random;
	struct kernel_status status;
	/* The lines for the log, each with a newline; "" at the start. */
	size_t log_len;
	char log[65536];
};

struct clock_reading world_moment(const struct world *w);

void world_advance(struct world *w, int64_t true_ns);

/* The machine sleeps. Its hardware clock is off by `wrong_ns` afterwards. */
void world_suspend(struct world *w, int64_t true_ns, int64_t wrong_ns);

/* It stands still: none of its clocks goes on. */
void world_pause(struct world *w, int64_t true_ns);

/* Has a line with this part been logged since the start, or since
 * world_forget_log? */
bool world_logged(const struct world *w, const char *part);
void world_forget_log(struct world *w);

/* A world with `offset_ns` on the clock (positive: it is fast). */
struct world *world_new(unsigned sources, int64_t offset_ns, double osc_ppm);

void world_start(struct world *w);

/* In an orderly way, or not. */
void world_restart(struct world *w, bool orderly);

void world_end(struct world *w);

void world_deliver_reports(struct world *w);

/* Lets `true_ns` pass. Key exchanges take 5 ms. */
void world_run(struct world *w, int64_t true_ns);

/* How far the clock is from the truth; positive: fast. */
int64_t world_error(const struct world *w);

#endif
