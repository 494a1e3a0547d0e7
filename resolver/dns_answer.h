/*
 * The addresses in one answer of a DNS server (RFC 1035 section 4). Pure:
 * bytes in, addresses out.
 */
#ifndef RESOLVER_DNS_ANSWER_H
#define RESOLVER_DNS_ANSWER_H

#include "resolver/names.h"

/*
 * Adds the addresses of an answer to `out`, each with `port`, up to `limit` of
 * each family. Takes address records of any name: the answer may follow
 * aliases, and TLS proves which server an address belongs to. False, without a
 * change of `out`: it is no answer, says that it failed, or is malformed.
 */
bool dns_answer_read(const uint8_t *bytes, size_t len, uint16_t port,
    unsigned limit, struct names *out) MUST_USE;

#endif
