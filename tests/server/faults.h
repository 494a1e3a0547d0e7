/*
 * The faults that the test server can have, as one list of names, values and
 * help texts. A new fault needs a row here and a hook in ke_faults.c or
 * ntp_faults.c. A fault of the connection is a call of fault_on() in ke.c.
 */
#ifndef TESTS_SERVER_FAULTS_H
#define TESTS_SERVER_FAULTS_H

#include "base/check.h"
#include "base/time.h"

#include <stdio.h>

#define FAULT_TEXT_MAX 256
#define FAULT_ERROR_MAX 400

enum fault_value {
	NOTHING, /* NAME */
	NUMBER,	 /* NAME or NAME=N; a time is in milliseconds */
	TEXT,	 /* NAME=TEXT */
};

/* X(id, name, value, default, lowest, highest, help) */
/* clang-format off */
#define FAULTS(X) \
	/* before and during the TLS handshake */ \
	X(TLS_SILENT, "tls-silent", NOTHING, 0, 0, 0, "accept a connection and send nothing") \
	X(TLS_CLOSE, "tls-close", NOTHING, 0, 0, 0, "accept a connection and close it at once") \
	X(TLS_HANGUP, "tls-hangup", NOTHING, 0, 0, 0, "close the connection in the middle of the handshake") \
	X(TLS_NOT_TLS, "tls-not-tls", NOTHING, 0, 0, 0, "send the greeting of a mail server") \
	X(TLS_SLOW, "tls-slow", NUMBER, 100, 1, 60000, "send one byte of the handshake every N ms") \
	X(TLS_LONG_CHAIN, "tls-long-chain", NUMBER, 300, 1, 5000, "send the first CA certificate N more times") \
	X(TLS_12, "tls-12", NOTHING, 0, 0, 0, "speak TLS 1.2 only") \
	X(TLS_NO_ALPN, "tls-no-alpn", NOTHING, 0, 0, 0, "select no protocol in ALPN") \
	X(TLS_WRONG_ALPN, "tls-wrong-alpn", NOTHING, 0, 0, 0, "select http/1.1 in ALPN, offered or not") \
	X(TLS_REFUSE_ALPN, "tls-refuse-alpn", NOTHING, 0, 0, 0, "refuse every protocol with an alert") \
	X(TLS_REFUSE_NAME, "tls-refuse-name", NOTHING, 0, 0, 0, "refuse the host name with an alert") \
	X(TLS_WANT_CERTIFICATE, "tls-want-certificate", NOTHING, 0, 0, 0, "demand a client certificate") \
	/* the NTS-KE answer */ \
	X(KE_SILENT, "ke-silent", NOTHING, 0, 0, 0, "read the request and never answer") \
	X(KE_CLOSE, "ke-close", NOTHING, 0, 0, 0, "read the request and close") \
	X(KE_SLOW, "ke-slow", NUMBER, 100, 1, 60000, "send one byte every N ms") \
	X(KE_CUT, "ke-cut", NUMBER, 10, 0, 65535, "close after N bytes of the answer") \
	X(KE_ERROR_RECORD, "ke-error", NUMBER, 2, 0, 65535, "answer with error record N") \
	X(KE_WARNING_RECORD, "ke-warning", NUMBER, 1, 0, 65535, "send warning record N first") \
	X(KE_UNKNOWN_CRITICAL, "ke-unknown-critical", NUMBER, 16384, 8, 32767, "send a critical record of type N first") \
	X(KE_NO_PROTOCOL, "ke-no-protocol", NOTHING, 0, 0, 0, "leave out the protocol record") \
	X(KE_EMPTY_PROTOCOL, "ke-empty-protocol", NOTHING, 0, 0, 0, "send an empty protocol record") \
	X(KE_PROTOCOL, "ke-protocol", NUMBER, 1, 0, 65535, "choose protocol N") \
	X(KE_NO_AEAD, "ke-no-aead", NOTHING, 0, 0, 0, "leave out the AEAD record") \
	X(KE_EMPTY_AEAD, "ke-empty-aead", NOTHING, 0, 0, 0, "send an empty AEAD record") \
	X(KE_AEAD_ID, "ke-aead", NUMBER, 1, 0, 65535, "choose AEAD algorithm N, offered or not") \
	X(KE_TWO_AEADS, "ke-two-aeads", NOTHING, 0, 0, 0, "choose two AEAD algorithms") \
	X(KE_OLD_GCM_SIV, "ke-old-gcm-siv", NOTHING, 0, 0, 0, "export the keys of AEAD 30 as chrony 4.4 to 4.6.0") \
	X(KE_COOKIES, "ke-cookies", NUMBER, 0, 0, 1000, "send N cookies") \
	X(KE_COOKIE_LENGTH, "ke-cookie-length", NUMBER, 0, 0, 65535, "cut or pad each cookie to N bytes") \
	X(KE_JUNK, "ke-junk", NUMBER, 1000, 1, 20000, "send N unknown records that are not critical") \
	X(KE_SERVER, "ke-server", TEXT, 0, 0, 0, "name TEXT as the NTP server") \
	X(KE_NTP_PORT_NUMBER, "ke-port", NUMBER, 123, 0, 65535, "name N as the NTP port") \
	X(KE_ODD_PORT, "ke-odd-port", NOTHING, 0, 0, 0, "send a port record of three bytes") \
	X(KE_NO_END, "ke-no-end", NOTHING, 0, 0, 0, "leave out the end record, and close") \
	/* NTP: the requests that are answered, and the kind of answer */ \
	X(NTP_DROP, "ntp-drop", NOTHING, 0, 0, 0, "answer no request") \
	X(NTP_DROP_EVERY, "ntp-drop-every", NUMBER, 2, 2, 1000000, "drop every Nth request") \
	X(NTP_DROP_FIRST, "ntp-drop-first", NUMBER, 1, 1, 1000000, "drop the first N requests") \
	X(NTP_DROP_LARGER, "ntp-drop-larger", NUMBER, 200, 0, 65535, "drop requests of more than N bytes") \
	X(NTP_LOSE, "ntp-lose", NUMBER, 50, 1, 100, "drop N percent of the requests, at random") \
	X(NTP_NAK_ALL, "ntp-nak", NOTHING, 0, 0, 0, "answer every request with an NTS NAK") \
	X(NTP_NAK_FIRST, "ntp-nak-first", NUMBER, 1, 1, 1000000, "answer the first N requests with an NTS NAK") \
	X(NTP_FORGED_NAK, "ntp-forged-nak", NUMBER, 1, 1, 1000, "send N NTS NAKs before each true answer") \
	X(NTP_KISS, "ntp-kiss", TEXT, 0, 0, 0, "answer with kiss code TEXT, authenticated") \
	X(NTP_PLAIN_KISS, "ntp-plain-kiss", TEXT, 0, 0, 0, "answer with kiss code TEXT, not authenticated") \
	/* NTP: the content of the answer */ \
	X(NTP_LIE, "ntp-lie", NUMBER, 1000, -1000000000, 1000000000, "serve a time that is N ms ahead") \
	X(NTP_SMEAR, "ntp-smear", NUMBER, 100, -100000, 100000, "serve a time that runs N ppm fast") \
	X(NTP_UNSYNC, "ntp-unsynchronised", NOTHING, 0, 0, 0, "send leap 3 and stratum 0") \
	X(NTP_LEAP, "ntp-leap", NUMBER, 3, 0, 3, "send leap N") \
	X(NTP_STRATUM, "ntp-stratum", NUMBER, 16, 0, 255, "send stratum N") \
	X(NTP_MODE, "ntp-mode", NUMBER, 5, 0, 7, "send mode N") \
	X(NTP_VERSION_NUMBER, "ntp-version", NUMBER, 3, 0, 7, "send version N") \
	X(NTP_ZERO_TIMES, "ntp-zero-times", NOTHING, 0, 0, 0, "send zero as receive and transmit timestamp") \
	X(NTP_REVERSED_TIMES, "ntp-reversed-times", NOTHING, 0, 0, 0, "send a transmit timestamp 1 s before receive") \
	X(NTP_LONG_THOUGHT, "ntp-long-thought", NUMBER, 1000, 1, 1000000, "send a transmit timestamp that is N ms late") \
	X(NTP_WRONG_ORIGIN, "ntp-wrong-origin", NOTHING, 0, 0, 0, "return a wrong origin timestamp") \
	/* NTP: the NTS fields */ \
	X(NTP_WRONG_UID, "ntp-wrong-uid", NOTHING, 0, 0, 0, "return a wrong unique identifier") \
	X(NTP_NO_UID, "ntp-no-uid", NOTHING, 0, 0, 0, "return no unique identifier") \
	X(NTP_PLAIN, "ntp-plain", NOTHING, 0, 0, 0, "answer like a server without NTS") \
	X(NTP_NO_AUTHENTICATOR, "ntp-no-authenticator", NOTHING, 0, 0, 0, "leave out the authenticator") \
	X(NTP_NO_COOKIES, "ntp-no-cookies", NOTHING, 0, 0, 0, "send no new cookie") \
	X(NTP_COOKIE_LENGTH, "ntp-cookie-length", NUMBER, 0, 0, 2000, "cut or pad each new cookie to N bytes") \
	X(NTP_BIG, "ntp-big", NUMBER, 1400, 16, 3000, "add an unknown field of N bytes to the answer") \
	X(NTP_TAIL, "ntp-tail", NOTHING, 0, 0, 0, "add a field behind the authenticator") \
	/* NTP: the bytes of the answer, and sending them */ \
	X(NTP_FLIP_BIT, "ntp-flip-bit", NUMBER, 260, 0, 16383, "flip bit N of the answer") \
	X(NTP_TRUNCATE, "ntp-truncate", NUMBER, 60, 1, 2047, "send no more than N bytes") \
	X(NTP_DUPLICATE, "ntp-duplicate", NUMBER, 2, 2, 8, "send every answer N times") \
	X(NTP_REPLAY, "ntp-replay", NOTHING, 0, 0, 0, "repeat the last answer before each true answer") \
	X(NTP_STALE, "ntp-stale", NOTHING, 0, 0, 0, "repeat the last answer instead of the true answer") \
	X(NTP_DELAY, "ntp-delay", NUMBER, 100, 0, 60000, "delay every answer by N ms") \
	X(NTP_REORDER, "ntp-reorder", NUMBER, 100, 0, 60000, "delay every second answer by N ms")
/* clang-format on */

enum fault {
#define X(id, name, value, default_value, lowest, highest, help) FAULT_##id,
	FAULTS(X)
#undef X
	    FAULT_COUNT
};

struct fault_setting {
	bool on;
	long number;
	char text[FAULT_TEXT_MAX];
	unsigned long hits; /* requests counted since it was switched on */
	struct mono since;  /* when it was switched on */
};

struct faults {
	struct fault_setting set[FAULT_COUNT];
};

bool fault_on(const struct faults *f, enum fault which);
long fault_number(const struct faults *f, enum fault which);

/* Switches on the fault in "NAME" or "NAME=VALUE". On failure returns false,
 * writes a sentence to `error` and changes nothing. */
bool fault_switch_on(struct faults *f, const char *spec, struct mono now,
    char error[FAULT_ERROR_MAX]) MUST_USE;

/* Reads a file with one "NAME[=VALUE]" in a line. Ignores blank lines and lines
 * that begin with #. */
bool faults_read(struct faults *f, const char *path, struct mono now,
    char error[FAULT_ERROR_MAX]) MUST_USE;

/* Replaces `f` with `wanted`. A fault that does not change keeps its counter
 * and the time at which it was switched on. */
void faults_replace(struct faults *f, const struct faults *wanted);

/* Prints the table of --help. */
void faults_help(FILE *out);

#endif
