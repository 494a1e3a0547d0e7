/*
 * Faults that the test server can be told to have. The list below is all there
 * is: names, values, help. To add one: a row here, and a hook in ke_faults.c
 * or ntp_faults.c (or a test of fault_on() where a connection is handled).
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
	X(TLS_SILENT, "tls-silent", NOTHING, 0, 0, 0, "accept a connection and say nothing") \
	X(TLS_CLOSE, "tls-close", NOTHING, 0, 0, 0, "accept a connection and close it at once") \
	X(TLS_HANGUP, "tls-hangup", NOTHING, 0, 0, 0, "close the connection in the middle of the handshake") \
	X(TLS_NOT_TLS, "tls-not-tls", NOTHING, 0, 0, 0, "greet like a mail server") \
	X(TLS_SLOW, "tls-slow", NUMBER, 100, 1, 60000, "send one byte of the handshake every N ms") \
	X(TLS_LONG_CHAIN, "tls-long-chain", NUMBER, 300, 1, 5000, "show the first CA's certificate N times more") \
	X(TLS_12, "tls-12", NOTHING, 0, 0, 0, "speak TLS 1.2 only") \
	X(TLS_NO_ALPN, "tls-no-alpn", NOTHING, 0, 0, 0, "select no protocol in ALPN") \
	X(TLS_WRONG_ALPN, "tls-wrong-alpn", NOTHING, 0, 0, 0, "select http/1.1 in ALPN, asked or not") \
	X(TLS_REFUSE_ALPN, "tls-refuse-alpn", NOTHING, 0, 0, 0, "refuse every protocol with an alert") \
	X(TLS_REFUSE_NAME, "tls-refuse-name", NOTHING, 0, 0, 0, "know no host of the name asked for") \
	X(TLS_WANT_CERTIFICATE, "tls-want-certificate", NOTHING, 0, 0, 0, "demand a client certificate") \
	/* the NTS-KE answer */ \
	X(KE_SILENT, "ke-silent", NOTHING, 0, 0, 0, "take the request and never answer") \
	X(KE_CLOSE, "ke-close", NOTHING, 0, 0, 0, "take the request and close") \
	X(KE_SLOW, "ke-slow", NUMBER, 100, 1, 60000, "send one byte every N ms") \
	X(KE_CUT, "ke-cut", NUMBER, 10, 0, 65535, "close after N bytes of the answer") \
	X(KE_ERROR_RECORD, "ke-error", NUMBER, 2, 0, 65535, "answer with error record N") \
	X(KE_WARNING_RECORD, "ke-warning", NUMBER, 1, 0, 65535, "put warning record N first") \
	X(KE_UNKNOWN_CRITICAL, "ke-unknown-critical", NUMBER, 16384, 8, 32767, "put a critical record of type N first") \
	X(KE_NO_PROTOCOL, "ke-no-protocol", NOTHING, 0, 0, 0, "leave the protocol record out") \
	X(KE_EMPTY_PROTOCOL, "ke-empty-protocol", NOTHING, 0, 0, 0, "agree on no protocol") \
	X(KE_PROTOCOL, "ke-protocol", NUMBER, 1, 0, 65535, "choose protocol N") \
	X(KE_NO_AEAD, "ke-no-aead", NOTHING, 0, 0, 0, "leave the AEAD record out") \
	X(KE_EMPTY_AEAD, "ke-empty-aead", NOTHING, 0, 0, 0, "agree on no AEAD algorithm") \
	X(KE_AEAD_ID, "ke-aead", NUMBER, 1, 0, 65535, "choose AEAD algorithm N, offered or not") \
	X(KE_TWO_AEADS, "ke-two-aeads", NOTHING, 0, 0, 0, "choose two AEAD algorithms") \
	X(KE_OLD_GCM_SIV, "ke-old-gcm-siv", NOTHING, 0, 0, 0, "export AEAD 30's keys like chrony 4.4 to 4.6.0") \
	X(KE_COOKIES, "ke-cookies", NUMBER, 0, 0, 1000, "send N cookies") \
	X(KE_COOKIE_LENGTH, "ke-cookie-length", NUMBER, 0, 0, 65535, "cut or fill each cookie to N bytes") \
	X(KE_JUNK, "ke-junk", NUMBER, 1000, 1, 20000, "put N unknown records in, none critical") \
	X(KE_SERVER, "ke-server", TEXT, 0, 0, 0, "name TEXT as the NTP server") \
	X(KE_NTP_PORT_NUMBER, "ke-port", NUMBER, 123, 0, 65535, "name N as the NTP port") \
	X(KE_ODD_PORT, "ke-odd-port", NOTHING, 0, 0, 0, "send a port record of three bytes") \
	X(KE_NO_END, "ke-no-end", NOTHING, 0, 0, 0, "leave the end record out, and close") \
	/* NTP: which requests are answered, and with what kind of answer */ \
	X(NTP_DROP, "ntp-drop", NOTHING, 0, 0, 0, "answer nothing") \
	X(NTP_DROP_EVERY, "ntp-drop-every", NUMBER, 2, 2, 1000000, "leave every Nth request unanswered") \
	X(NTP_DROP_FIRST, "ntp-drop-first", NUMBER, 1, 1, 1000000, "leave the first N requests unanswered") \
	X(NTP_DROP_LARGER, "ntp-drop-larger", NUMBER, 200, 0, 65535, "lose requests of more than N bytes") \
	X(NTP_LOSE, "ntp-lose", NUMBER, 50, 1, 100, "lose N of a hundred requests, by chance") \
	X(NTP_NAK_ALL, "ntp-nak", NOTHING, 0, 0, 0, "answer every request with an NTS NAK") \
	X(NTP_NAK_FIRST, "ntp-nak-first", NUMBER, 1, 1, 1000000, "answer the first N requests with an NTS NAK") \
	X(NTP_FORGED_NAK, "ntp-forged-nak", NUMBER, 1, 1, 1000, "send N NTS NAKs before each true answer") \
	X(NTP_KISS, "ntp-kiss", TEXT, 0, 0, 0, "answer with kiss code TEXT, authenticated") \
	X(NTP_PLAIN_KISS, "ntp-plain-kiss", TEXT, 0, 0, 0, "answer with kiss code TEXT, not authenticated") \
	/* NTP: what the answer says */ \
	X(NTP_LIE, "ntp-lie", NUMBER, 1000, -1000000000, 1000000000, "serve a time that is N ms ahead") \
	X(NTP_SMEAR, "ntp-smear", NUMBER, 100, -100000, 100000, "serve a time that runs N ppm fast from now on") \
	X(NTP_UNSYNC, "ntp-unsynchronised", NOTHING, 0, 0, 0, "say leap 3, stratum 0") \
	X(NTP_LEAP, "ntp-leap", NUMBER, 3, 0, 3, "say leap N") \
	X(NTP_STRATUM, "ntp-stratum", NUMBER, 16, 0, 255, "say stratum N") \
	X(NTP_MODE, "ntp-mode", NUMBER, 5, 0, 7, "say mode N") \
	X(NTP_VERSION_NUMBER, "ntp-version", NUMBER, 3, 0, 7, "say version N") \
	X(NTP_ZERO_TIMES, "ntp-zero-times", NOTHING, 0, 0, 0, "send receive and transmit stamps of zero") \
	X(NTP_REVERSED_TIMES, "ntp-reversed-times", NOTHING, 0, 0, 0, "send before receiving, by a second") \
	X(NTP_LONG_THOUGHT, "ntp-long-thought", NUMBER, 1000, 1, 1000000, "say that the answer took N ms longer") \
	X(NTP_WRONG_ORIGIN, "ntp-wrong-origin", NOTHING, 0, 0, 0, "return another origin stamp") \
	/* NTP: the NTS fields */ \
	X(NTP_WRONG_UID, "ntp-wrong-uid", NOTHING, 0, 0, 0, "return another unique identifier") \
	X(NTP_NO_UID, "ntp-no-uid", NOTHING, 0, 0, 0, "return no unique identifier") \
	X(NTP_PLAIN, "ntp-plain", NOTHING, 0, 0, 0, "answer as a server without NTS does") \
	X(NTP_NO_AUTHENTICATOR, "ntp-no-authenticator", NOTHING, 0, 0, 0, "leave the authenticator out") \
	X(NTP_NO_COOKIES, "ntp-no-cookies", NOTHING, 0, 0, 0, "send no new cookie") \
	X(NTP_COOKIE_LENGTH, "ntp-cookie-length", NUMBER, 0, 0, 2000, "cut or fill each new cookie to N bytes") \
	X(NTP_BIG, "ntp-big", NUMBER, 1400, 16, 3000, "fill the answer with N bytes") \
	X(NTP_TAIL, "ntp-tail", NOTHING, 0, 0, 0, "put a field behind the authenticator") \
	/* NTP: what becomes of the answer's bytes */ \
	X(NTP_FLIP_BIT, "ntp-flip-bit", NUMBER, 260, 0, 16383, "flip bit N of the answer") \
	X(NTP_TRUNCATE, "ntp-truncate", NUMBER, 60, 1, 2047, "send no more than N bytes") \
	X(NTP_DUPLICATE, "ntp-duplicate", NUMBER, 2, 2, 8, "send every answer N times") \
	X(NTP_REPLAY, "ntp-replay", NOTHING, 0, 0, 0, "send the last answer again before each true one") \
	X(NTP_STALE, "ntp-stale", NOTHING, 0, 0, 0, "send the last answer again and no true one") \
	X(NTP_DELAY, "ntp-delay", NUMBER, 100, 0, 60000, "hold every answer for N ms") \
	X(NTP_REORDER, "ntp-reorder", NUMBER, 100, 0, 60000, "hold every second answer for N ms")
/* clang-format on */

enum fault {
#define X(id, name, value, fallback, lowest, highest, help) FAULT_##id,
	FAULTS(X)
#undef X
	    FAULT_COUNT
};

struct fault_setting {
	bool on;
	long number;
	char text[FAULT_TEXT_MAX];
	unsigned long hits; /* counted by its hook, since it was switched on */
	struct mono since;  /* when it was switched on */
};

struct faults {
	struct fault_setting set[FAULT_COUNT];
};

bool fault_on(const struct faults *f, enum fault which);
long fault_number(const struct faults *f, enum fault which);

/* Switches on what "NAME" or "NAME=VALUE" says. False: `error` is a sentence
 * and nothing has changed. */
bool fault_switch_on(struct faults *f, const char *spec, struct mono now,
    char error[FAULT_ERROR_MAX]) MUST_USE;

/* One "NAME[=VALUE]" per line; blank lines and #-lines do not count. */
bool faults_read(struct faults *f, const char *path, struct mono now,
    char error[FAULT_ERROR_MAX]) MUST_USE;

/* Puts `wanted` in the place of `f`. A fault that stays as it was keeps its
 * counter and its beginning. */
void faults_replace(struct faults *f, const struct faults *wanted);

/* The table for --help. */
void faults_help(FILE *out);

#endif
