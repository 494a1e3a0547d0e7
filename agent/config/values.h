/*
 * One value of the configuration from its text. Pure. Every function returns
 * false if the text as a whole is not a value of its kind: for text after the
 * value, an overflow, an unknown unit. `out` then stays as it was.
 */
#ifndef AGENT_CONFIG_VALUES_H
#define AGENT_CONFIG_VALUES_H

#include "base/check.h"
#include "resolver/endpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* yes no, true false, on off, 1 0; in upper or lower case */
bool value_bool(const char *text, bool *out) MUST_USE;

/* A decimal number with an optional sign. */
bool value_integer(
    const char *text, int64_t min, int64_t max, int64_t *out) MUST_USE;

/* A number with a unit: ns us ms s m min h d. No unit: seconds. */
bool value_duration(
    const char *text, int64_t min_ns, int64_t max_ns, int64_t *out) MUST_USE;

/* A number without a unit. */
bool value_number(
    const char *text, double min, double max, double *out) MUST_USE;

/* A number with a unit: ppm or ppb. No unit: ppm. */
bool value_ppm(const char *text, double min, double max, double *out) MUST_USE;

/* Log2 seconds, or a duration that is a power of two (16s), or auto. */
bool value_poll(const char *text, int *out) MUST_USE;

/* Text of 1 to `size` - 1 bytes without a control character. */
bool value_text(const char *text, char *out, size_t size) MUST_USE;

/* A host name or an IP address. Only the characters are checked: none of them
 * has a meaning in a shell, a log line or a URL. */
bool value_host(const char *text, char *out, size_t size) MUST_USE;

/* Is it a host name or an address with a port behind it ("ntp1:4460",
 * "[::1]:4460")? Then `host` gets the part before the port, and `port` points
 * into the text. */
bool value_host_and_port(
    const char *text, char *host, size_t size, const char **port) MUST_USE;

/* An IPv4 address, an IPv6 address, or one of each, which requests can leave
 * from; or `any`, for family 0 of both. */
bool value_own_addresses(
    const char *text, struct endpoint *ipv4, struct endpoint *ipv6) MUST_USE;

/* Takes the next word of a list with blanks or commas between the words, and
 * moves `*rest` after it. Returns the length of the word; 0: no word is left.
 * A word of `size` bytes or more is not copied. */
size_t value_word(const char **rest, char *out, size_t size);

#endif
