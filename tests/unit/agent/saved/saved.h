/* A source and its saved keys, for the tests of this folder. */
#ifndef TESTS_UNIT_AGENT_SAVED_SAVED_H
#define TESTS_UNIT_AGENT_SAVED_SAVED_H

#include "agent/saved/keys.h"
#include "tests/unit/agent/engine/peer.h"

#define SAVED_NOW_S INT64_C(1800000000)

static inline struct source_config saved_source(const char *name)
{
	struct source_config c;

	config_source_defaults(&c);
	c.ntp_port = 123;
	snprintf(c.name, sizeof(c.name), "%s", name);
	snprintf(c.host, sizeof(c.host), "ntp.example.net");
	return c;
}

/* Eight cookies of 100 bytes. All bytes of the i-th cookie but its last four
 * are i + 1, counted from i = 0. Saved at SAVED_NOW_S. */
static inline struct saved_keys saved_keys_of(
    const struct source_config *source, uint8_t binding)
{
	const struct ke_request request = {.source = 0};
	struct peer p = peer_make(7);
	struct saved_keys k = {
	    .saved_s = SAVED_NOW_S,
	    .keyed_s = SAVED_NOW_S - 3600,
	    .answer = peer_keys(&p, &request, "192.0.2.1"),
	};
	uint8_t bytes[SAVED_KEYS_BINDING_LEN];

	memset(bytes, binding, sizeof(bytes));
	/* Bytes after the length of the algorithm's keys are not saved. */
	memset(k.answer.keys.c2s + 32, 0, sizeof(k.answer.keys.c2s) - 32);
	memset(k.answer.keys.s2c + 32, 0, sizeof(k.answer.keys.s2c) - 32);
	k.answer.addresses[1] = (struct endpoint){
	    .family = 6, .port = 124, .address = {0x20, 1, 0xd, 0xb8}};
	k.answer.addresses[1].address[15] = 1;
	k.answer.address_count = 2;
	k.address = 1;
	snprintf(k.answer.facts.tls, sizeof(k.answer.facts.tls), "TLSv1.3");
	saved_keys_identify(&k, source, bytes);
	return k;
}

#endif
