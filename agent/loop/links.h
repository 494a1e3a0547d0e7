/* What the launcher gives to the process of the engine. */
#ifndef AGENT_LOOP_LINKS_H
#define AGENT_LOOP_LINKS_H

#include "agent/engine/state.h"
#include "clock/kernel/keeper.h"
#include "nts/seal.h"

/* Descriptors; -1: none. */
struct engine_links {
	int keeper_fd;	       /* none with --single-process */
	int resolver_fd;       /* none with --single-process */
	int status_fd;	       /* listening; bound before rights were dropped */
	int control_fd;	       /* listening, for orders */
	int history_fd;	       /* the history file, empty */
	int config_fd;	       /* to the keeper, for reloads */
	int log_fd;	       /* to the logger */
	struct keeper *keeper; /* --single-process only, else NULL */
	struct engine_start start;
	bool own_orders; /* our own user may give orders */
	const char
	    *not_saved;	      /* why nothing can be saved; NULL or "": it can */
	struct seal_key seal; /* secret */
};

#endif
