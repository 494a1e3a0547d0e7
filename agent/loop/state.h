/*
 * The process of the engine: the core and everything around it. Shared by the
 * files of this room.
 */
#ifndef AGENT_LOOP_STATE_H
#define AGENT_LOOP_STATE_H

#include "agent/engine/state.h"
#include "agent/host/rivals.h"
#include "agent/keeper/keeper_log.h"
#include "agent/link/config_link.h"
#include "agent/link/resolver_link.h"
#include "agent/loop/changes.h"
#include "agent/loop/history_file.h"
#include "agent/loop/links.h"
#include "agent/loop/sample_file.h"
#include "agent/loop/udp.h"
#include "agent/query/control_socket.h"
#include "agent/query/status_socket.h"
#include "agent/saved/keyring.h"

/* Reports of the keeper in --single-process that wait for the engine. */
#define REPORTS_MAX 8
/* getrandom(2) gives up to this many bytes whole or not at all. */
#define RANDOM_POOL 256

struct engine_loop {
	struct engine engine;
	const struct engine_links *links;
	const struct config *config;
	struct config *own_config; /* `config` after a reload, else NULL */

	struct udp udp;
	/* The local address of each source's last request; family 0: there was
	 * no route. */
	struct endpoint from[SOURCES_MAX];
	struct endpoint from_to[SOURCES_MAX]; /* where that request went */
	struct status_socket status;
	struct control_socket control;
	struct changes changes;
	struct keyring keyring;
	struct sample_file samples;
	struct history_keeper history;
	struct resolver_link resolver;

	/* Clients of the control socket that wait for an answer; 0: none. */
	unsigned long step_client, reload_client;
	uint32_t reload_serial;
	struct reload_result reload;

	int signal_fd;		   /* -1: signals come to a handler */
	bool broken;		   /* another process is gone */
	bool log_gone, log_behind; /* the logger; told in the log */

	/* --single-process: reports to commands, given to the engine after the
	 * event. */
	unsigned report_count;
	struct keeper_report reports[REPORTS_MAX];
	struct mono look_at; /* when to look for other programs */
	struct keeper_log keeper_log;

	/* Unpredictable bytes for waits, fetched in one call. */
	unsigned random_left;
	uint8_t random[RANDOM_POOL];

	char rival[RIVALS_TEXT_MAX];
	/* Too large for the stack. */
	struct ke_answer answer;
	struct saved_keys saved;
	struct datagram datagram;
};

/* Reads the clocks. A simulator has no CLOCK_BOOTTIME. */
struct clock_reading loop_now(const struct engine_loop *p);

#endif
