/*
 * Reading the configuration again: what engine, keeper and loader say to each
 * other. Fixed-size structs over SOCK_SEQPACKET socketpairs; the receiver
 * judges all of a message before it uses any.
 */
#ifndef AGENT_LINK_CONFIG_LINK_H
#define AGENT_LINK_CONFIG_LINK_H

#include "agent/config/config.h"

#define RELOAD_TEXT_MAX 3072

/* Engine to keeper: somebody has ordered it. */
struct reload_request {
	uint32_t serial; /* never 0 */
};

/* Loader to keeper, keeper to engine. */
struct reload_result {
	uint32_t serial; /* of the request; 0: a signal asked */
	uint32_t ok;	 /* else `config` is not to be used */
	/* What is wrong, or what needs a restart: lines, "" when nothing. */
	char text[RELOAD_TEXT_MAX];
	struct config config;
};

/* Each: 1: done, 0: would block, -1: the other side is gone or broken. */
int reload_send_request(int fd, const struct reload_request *r) MUST_USE;
int reload_receive_request(int fd, struct reload_request *out) MUST_USE;
int reload_send_result(int fd, const struct reload_result *r) MUST_USE;
int reload_receive_result(int fd, struct reload_result *out) MUST_USE;

#endif
