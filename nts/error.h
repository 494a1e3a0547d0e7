/*
 * Everything that can be wrong with what a server sent, as one list: the name
 * in the code and the sentence that an administrator reads. nts/README.md
 * prints the list, and a unit test compares the two.
 */
#ifndef NTS_ERROR_H
#define NTS_ERROR_H

#include <stdbool.h>

/* clang-format off */
#define NTS_ERRORS(X) \
	X(NTS_OK, "no error") \
	/* NTS-KE, RFC 8915 section 4 */ \
	X(NTS_KE_TRUNCATED, "the NTS-KE answer ends in the middle of a record") \
	X(NTS_KE_EMPTY, "the server closed the connection without an NTS-KE answer") \
	X(NTS_KE_TOO_LONG, "the NTS-KE answer is longer than 65536 bytes") \
	X(NTS_KE_NO_END, "the NTS-KE answer has no end record") \
	X(NTS_KE_END_BODY, "the NTS-KE end record is malformed") \
	X(NTS_KE_UNKNOWN_CRITICAL, "the NTS-KE answer has an unknown critical record") \
	X(NTS_KE_BAD_RECORD, "the NTS-KE answer has a malformed record") \
	X(NTS_KE_DUPLICATE, "the NTS-KE answer repeats a record that may occur only once") \
	X(NTS_KE_ERROR_CRITICAL, "the server did not understand a critical record of the request (NTS-KE error 0)") \
	X(NTS_KE_ERROR_BAD_REQUEST, "the server rejects the request as malformed (NTS-KE error 1)") \
	X(NTS_KE_ERROR_INTERNAL, "the server has an internal error (NTS-KE error 2)") \
	X(NTS_KE_ERROR_OTHER, "the server sent an NTS-KE error with an unknown code") \
	X(NTS_KE_WARNING, "the server sent an NTS-KE warning, which the agent treats as an error") \
	X(NTS_KE_NO_PROTOCOL, "the server does not offer NTPv4 over NTS") \
	X(NTS_KE_NO_AEAD, "the server and this agent have no AEAD algorithm in common") \
	X(NTS_KE_AEAD_NOT_OFFERED, "the server chose an AEAD algorithm that was not offered") \
	X(NTS_KE_NO_COOKIES, "the server sent no cookies") \
	X(NTS_KE_COOKIE_SIZE, "the server sent a cookie that does not fit into an NTP request") \
	X(NTS_KE_BAD_SERVER, "the server named an NTP server with an invalid host name") \
	X(NTS_KE_BAD_PORT, "the server named an invalid NTP port (has its chrony.conf 'port 0'?)") \
	/* NTPv4 and its NTS fields, RFC 5905, RFC 7822, RFC 8915 section 5 */ \
	X(NTP_SHORT, "an answer is shorter than an NTP header") \
	X(NTP_BAD_VERSION, "an answer is not NTP version 4") \
	X(NTP_BAD_MODE, "an answer is not in server mode") \
	X(NTP_BAD_ORIGIN, "an answer does not carry the request's time stamp") \
	X(NTP_BAD_FIELD, "an answer has a malformed extension field") \
	X(NTP_NO_UNIQUE_ID, "an answer has no unique identifier: the path or the server strips NTS") \
	X(NTP_BAD_UNIQUE_ID, "an answer has a wrong unique identifier") \
	X(NTP_NOT_AUTHENTICATED, "an answer is not authenticated: something on the path answers without NTS") \
	X(NTP_BAD_TAG, "an answer fails authentication: it was altered, or the keys differ") \
	X(NTP_AFTER_AUTHENTICATOR, "an answer has fields after its authenticator") \
	X(NTP_BAD_TIMES, "an answer has zero or reversed time stamps") \
	X(NTP_UNSYNCHRONISED, "the server says that it is not synchronised itself") \
	X(NTP_NAK, "the server does not know our cookie any more (NTS NAK)") \
	X(NTP_KISS_RATE, "the server asks for fewer requests (kiss code RATE)") \
	X(NTP_KISS_DENY, "the server refuses service (kiss code DENY)") \
	X(NTP_KISS_RSTR, "the server refuses service (kiss code RSTR)") \
	X(NTP_KISS_OTHER, "the server sent an unknown kiss code") \
	/* failures of this agent */ \
	X(NTS_NO_COOKIE_LEFT, "no cookie is left") \
	X(NTS_NO_ROOM, "the request does not fit into a packet") \
	X(NTS_CRYPTO, "the cryptographic library failed")
/* clang-format on */

enum nts_err {
#define X(name, sentence) name,
	NTS_ERRORS(X)
#undef X
	    NTS_ERR_COUNT
};

/* Returns the sentence, without a full stop; never NULL. */
const char *nts_err_text(enum nts_err err);

/* True for the kiss codes, but not for a NAK. Only an authenticated kiss code
 * may change what a client does (RFC 8915 section 5.7). */
bool nts_err_is_kiss(enum nts_err err);

#endif
