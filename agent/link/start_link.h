/*
 * What a process learns when it starts: fixed-size structs over its first
 * descriptor, a SOCK_SEQPACKET socket. The first message is a start_head, and
 * says who the process is and what it becomes. Once it has dropped its rights,
 * the process takes the second message, its request:
 *
 *   engine     start_engine
 *   resolver   trust_config (resolver/certificate/trust_config.h)
 *   guard      none
 *   loader     load_order (agent/link/config_link.h)
 *   saver      save_order (agent/link/keeper_link.h)
 *   logger     log_order (agent/link/log_link.h); then the engine's records
 *   job        ke_request, then trust_config (resolver/job.h)
 */
#ifndef AGENT_LINK_START_LINK_H
#define AGENT_LINK_START_LINK_H

#include "agent/config/config.h"
#include "agent/config/options.h"
#include "clock/command.h"
#include "nts/seal.h"

#define START_VERSION_MAX 32
#define START_REASON_MAX 64
#define START_NOT_SAVED_MAX 512

/* How the process is confined; the levels of agent/host/sandbox. */
enum start_sandbox {
	START_SANDBOX_OFF,
	START_SANDBOX_LOG,
	START_SANDBOX_ON,
};

struct start_head {
	/* First, so that a program of another version finds it. */
	char version[START_VERSION_MAX];
	uint32_t process;     /* the row in agent/launch/processes.h */
	uint32_t descriptors; /* bit i: the process has its i-th descriptor */
	int32_t parent;	      /* process id */
	uint32_t uid, gid;
	uint32_t log_target, log_level; /* enum log_target, enum log_level */
	uint8_t change_user;		/* 1: become uid and gid */
	uint8_t no_clock;		/* 1: no process keeps CAP_SYS_TIME */
	uint8_t sandbox;		/* enum start_sandbox */
	uint8_t binds;			/* BINDING_NEEDS_... of any source */
};

struct start_engine {
	struct clock_change clock; /* where the ledger starts */
	int64_t earliest_ns; /* no time before it can be now; since 1970 */
	double freq_ppm, freq_sd_ppm; /* as in clock_command; +- of it */
	int64_t max_bound_ns;	      /* of struct run_options, as the rest */
	int32_t timeout_s;
	uint8_t once, print_only, no_clock;
	uint8_t own_orders; /* 1: the engine's user may give orders */
	char no_clock_reason[START_REASON_MAX]; /* "" without no_clock */
	char not_saved[START_NOT_SAVED_MAX]; /* why nothing is saved, or "" */
	struct seal_key seal; /* secret: what is saved gets its seal */
	struct config config;
};

/* A head of this version for `process`; the caller fills the rest. */
struct start_head start_head_of(uint32_t process);

/* False: another version of the program wrote it. */
bool start_head_is_ours(const struct start_head *h) MUST_USE;
bool start_head_valid(const struct start_head *h) MUST_USE;
bool start_engine_valid(const struct start_engine *s) MUST_USE;

/* The options of a run as they go to the engine, and as it takes them; the
 * reason is borrowed from `s`. */
void start_put_options(struct start_engine *s, const struct run_options *run);
struct run_options start_options_of(const struct start_engine *s);

/* Never blocks: the link of a process that starts is empty. False: the peer is
 * gone. */
bool start_send(int fd, const void *message, size_t len) MUST_USE;

/*
 * Waits for a message of `len` bytes. True: it is in `out`, to be judged.
 * False: the peer is gone, or it is another message.
 */
bool start_receive(int fd, void *out, size_t len) MUST_USE;

/* Waits for the message, too, and leaves it for the next start_receive(). */
bool start_peek(int fd, void *out, size_t len) MUST_USE;

#endif
