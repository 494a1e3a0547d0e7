/*
 * NTPv4 on the wire: header (RFC 5905 section 7.3), extension fields (RFC
 * 7822), time formats. No function here does I/O or allocates.
 */
#ifndef NTS_NTP_H
#define NTS_NTP_H

#include "base/sample.h"
#include "nts/bytes.h"
#include "nts/error.h"

#define NTP_PORT 123
#define NTP_HEADER_LEN 48
#define NTP_VERSION 4
#define NTP_MODE_CLIENT 3
#define NTP_MODE_SERVER 4
#define NTP_UNIX_EPOCH UINT64_C(2208988800) /* seconds from 1900 to 1970 */

/* Extension field types, RFC 8915 section 5. */
#define NTP_EF_UNIQUE_ID 0x0104
#define NTP_EF_COOKIE 0x0204
#define NTP_EF_PLACEHOLDER 0x0304
#define NTP_EF_AUTHENTICATOR 0x0404

/* The header, in host byte order. */
struct ntp_header {
	uint8_t leap, version, mode, stratum;
	int8_t poll, precision;		      /* log2 seconds */
	uint32_t root_delay, root_dispersion; /* 16.16 seconds */
	uint32_t reference_id;
	/* 32.32 seconds, without the era */
	uint64_t reference, origin, receive, transmit;
};

/* A reference identifier of four characters, such as a kiss code. */
#define NTP_REFID(a, b, c, d)                                                  \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 |      \
	    (uint32_t)(d))

/* An extension field; the body is borrowed. */
struct ntp_field {
	uint16_t type;
	struct reader body;
	size_t offset; /* of the field's first byte from the packet's start */
};

/* Returns false if the reader has fewer than NTP_HEADER_LEN bytes. */
bool ntp_header_take(struct reader *r, struct ntp_header *out) MUST_USE;
void ntp_header_put(struct writer *w, const struct ntp_header *h);

/* Takes the next field. Its length includes the four bytes of type and length,
 * is a multiple of four, and at least 16 (RFC 7822). `start` is the start of
 * the packet. Returns false at the end, and at a malformed field; r->ok is
 * false only in the second case. */
bool ntp_field_take(
    struct reader *r, const uint8_t *start, struct ntp_field *out) MUST_USE;

/* Begins a field; ntp_field_end() gets the returned mark. */
size_t ntp_field_begin(struct writer *w, uint16_t type);

/* Pads the field with zeros to at least min_len bytes and to a multiple of
 * four, and fills in its length. */
void ntp_field_end(struct writer *w, size_t mark, size_t min_len);

/* Converts a timestamp to the time of that era in which it is nearest to
 * `pivot` (RFC 5905 section 6). Era 1 starts on 2036-02-07. The result
 * saturates where int64_t ends. */
struct wall ntp_to_wall(uint64_t stamp, struct wall pivot);
uint64_t ntp_from_wall(struct wall t);

/* RFC 5905 section 8: the server claims to have held the request for longer
 * than the exchange took, or this clock was set between its stamps. The
 * precision of the two clocks may make the delay of a short path a little
 * negative. `granularity_ns`: the steps of this clock. */
bool ntp_delay_impossible(int64_t delay_ns, int64_t granularity_ns);

/* Converts 16.16 seconds to ns. */
int64_t ntp_short_to_ns(uint32_t value);

#endif
