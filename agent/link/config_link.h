/*
 * Reading the configuration again: what engine, keeper and loader send to each
 * other. Fixed-size structs over SOCK_SEQPACKET socketpairs; the receiver
 * judges all of a message before it uses any.
 */
#ifndef AGENT_LINK_CONFIG_LINK_H
#define AGENT_LINK_CONFIG_LINK_H

#include "agent/config/config.h"

#include <limits.h>

#define RELOAD_TEXT_MAX 3072

/* Engine to keeper: somebody has ordered a reload. */
struct reload_request {
	uint32_t serial;       /* never 0 */
	uint32_t only_dropped; /* 1: read the files of sources.d alone */
};

/* Keeper to loader: the file to read. */
struct load_order {
	uint32_t serial;       /* of the request; 0: a signal asked */
	uint32_t only_dropped; /* as in the request */
	char path[PATH_MAX];
	/* The configuration in force. With only_dropped its other parts stay.
	 * Without: no source, if it is not known. */
	struct config base;
};

/* Loader to keeper, keeper to engine. */
struct reload_result {
	uint32_t serial; /* of the request; 0: a signal asked */
	uint32_t ok;	 /* 1: `config` may be used; 0: there are errors */
	/* What is wrong, or what needs a restart: lines, "" for nothing. */
	char text[RELOAD_TEXT_MAX];
	struct config config;
};

bool load_order_valid(const struct load_order *o) MUST_USE;

/* Each returns 1: done, 0: it would block, -1: the peer is gone or broken. */
int reload_send_request(int fd, const struct reload_request *r) MUST_USE;
int reload_receive_request(int fd, struct reload_request *out) MUST_USE;
int reload_send_result(int fd, const struct reload_result *r) MUST_USE;
int reload_receive_result(int fd, struct reload_result *out) MUST_USE;

#endif
