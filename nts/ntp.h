/*
 * NTPv4 on the wire (RFC 5905 section 7.3, RFC 7822), client side. Pure.
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

/* As on the wire, in host byte order. */
struct ntp_header {
	uint8_t leap, version, mode, stratum;
	int8_t poll, precision;		      /* log2 seconds */
	uint32_t root_delay, root_dispersion; /* 16.16 seconds */
	uint32_t reference_id;
	uint64_t reference, origin, receive, transmit; /* 32.32, era unsaid */
};

/* Kiss codes and NTSN, as reference ids. */
#define NTP_REFID(a, b, c, d)                                                  \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 |      \
	    (uint32_t)(d))

/* A field's type and body; the body is borrowed. */
struct ntp_field {
	uint16_t type;
	struct reader body;
	size_t offset; /* of the field's first byte from the reader's start */
};

bool ntp_header_take(struct reader *r, struct ntp_header *out) MUST_USE;
void ntp_header_put(struct writer *w, const struct ntp_header *h);

/* RFC 7822: length counts the four bytes of the field's head, is a multiple of
 * four, at least 16. False at the end and on a malformed field (then !r->ok).
 */
bool ntp_field_take(
    struct reader *r, const uint8_t *start, struct ntp_field *out) MUST_USE;

size_t ntp_field_begin(struct writer *w, uint16_t type);
/* Pads with zeros to a multiple of four, and to min_len bytes in all. */
void ntp_field_end(struct writer *w, size_t mark, size_t min_len);

/*
 * The era is the one that brings the stamp nearest to `pivot` (RFC 5905
 * section 6; era 1 starts on 2036-02-07).
 */
struct wall ntp_to_wall(uint64_t stamp, struct wall pivot);
uint64_t ntp_from_wall(struct wall t);

int64_t ntp_short_to_ns(uint32_t value);

/* Name of a reference id: "GPS" for stratum 1 ASCII, dotted IPv4, else hex. */
void ntp_refid_text(uint32_t refid, unsigned stratum, char out[16]);

#endif
