/*
 * The answers in a message of a DNS server (RFC 1035 section 4), one by one.
 * Pure: it knows no type of record.
 */
#ifndef RESOLVER_DNS_MESSAGE_H
#define RESOLVER_DNS_MESSAGE_H

#include "nts/bytes.h"

struct dns_message {
	const uint8_t *base; /* borrowed */
	struct reader rest;  /* not ok: the message is broken */
	uint16_t flags;
	unsigned answers; /* that are left */
};

struct dns_record {
	uint16_t type, class;
	struct reader data;
};

/* Does a message answer this query, which has one question? Its number and its
 * question must be those of the query. Names may differ in case. */
bool dns_message_answers(const uint8_t *bytes, size_t len, const uint8_t *query,
    size_t query_len) MUST_USE;

/* Takes the header and leaves the questions out. */
struct dns_message dns_message_of(const uint8_t *bytes, size_t len);

/* Takes the next answer. False: there is none, or the message is broken. */
bool dns_message_next(struct dns_message *m, struct dns_record *out) MUST_USE;

#endif
