/*
 * The checks that an answer must pass before its time is used, in their order,
 * as one list. The first ones are made on the bytes (nts/fields), the others on
 * the sample (agent/engine/samples). Each has a counter in every source.
 */
#ifndef AGENT_SOURCE_CHECKS_H
#define AGENT_SOURCE_CHECKS_H

#include "nts/error.h"

/* What becomes of an answer that fails a check. */
enum check_result {
	CHECK_TAKE,   /* no check has failed: the sample goes to the filter */
	CHECK_IGNORE, /* not authentic: the request waits for a true answer */
	CHECK_HOLD,   /* the sample waits for what other sources say */
	CHECK_DROP,   /* the answer brings no sample */
};

/* clang-format off */
/*  id                  name              result        error of nts/          where it stands    what is wrong */
#define ANSWER_CHECKS(X) \
	X(CHECK_LENGTH,     "length",         CHECK_IGNORE, NTP_SHORT,             "RFC 5905 7.3",    NULL) \
	X(CHECK_VERSION,    "version",        CHECK_IGNORE, NTP_BAD_VERSION,       "RFC 5905 7.3",    NULL) \
	X(CHECK_MODE,       "mode",           CHECK_IGNORE, NTP_BAD_MODE,          "RFC 5905 7.3",    NULL) \
	X(CHECK_ORIGIN,     "origin",         CHECK_IGNORE, NTP_BAD_ORIGIN,        "RFC 5905 8",      NULL) \
	X(CHECK_FIELDS,     "fields",         CHECK_IGNORE, NTP_BAD_FIELD,         "RFC 7822 3",      NULL) \
	X(CHECK_NO_ID,      "no-unique-id",   CHECK_IGNORE, NTP_NO_UNIQUE_ID,      "RFC 8915 5.3",    NULL) \
	X(CHECK_ID,         "unique-id",      CHECK_IGNORE, NTP_BAD_UNIQUE_ID,     "RFC 8915 5.3",    NULL) \
	X(CHECK_NAK,        "nak",            CHECK_IGNORE, NTP_NAK,               "RFC 8915 5.7",    NULL) \
	X(CHECK_NO_AEAD,    "authenticator",  CHECK_IGNORE, NTP_NOT_AUTHENTICATED, "RFC 8915 5.6",    NULL) \
	X(CHECK_AFTER,      "field-order",    CHECK_IGNORE, NTP_AFTER_AUTHENTICATOR, "RFC 8915 5.7",  NULL) \
	X(CHECK_TAG,        "authentication", CHECK_IGNORE, NTP_BAD_TAG,           "RFC 8915 5.7",    NULL) \
	X(CHECK_KISS_RATE,  "kiss-rate",      CHECK_DROP,   NTP_KISS_RATE,         "RFC 5905 7.4",    NULL) \
	X(CHECK_KISS_DENY,  "kiss-deny",      CHECK_DROP,   NTP_KISS_DENY,         "RFC 5905 7.4",    NULL) \
	X(CHECK_KISS_RSTR,  "kiss-rstr",      CHECK_DROP,   NTP_KISS_RSTR,         "RFC 5905 7.4",    NULL) \
	X(CHECK_KISS_OTHER, "kiss-other",     CHECK_DROP,   NTP_KISS_OTHER,        "RFC 5905 7.4",    NULL) \
	X(CHECK_SYNC,       "synchronised",   CHECK_DROP,   NTP_UNSYNCHRONISED,    "RFC 5905 7.3",    NULL) \
	X(CHECK_STAMPS,     "stamps",         CHECK_DROP,   NTP_BAD_TIMES,         "RFC 5905 8",      NULL) \
	X(CHECK_DELAY,      "delay",          CHECK_DROP,   NTS_OK, "RFC 5905 8",  "the server says that it held the request for longer than the exchange took") \
	X(CHECK_MAXDELAY,   "maxdelay",       CHECK_DROP,   NTS_OK, "maxdelay",    "the round trip took longer than maxdelay") \
	X(CHECK_MAXDELAYRATIO, "maxdelayratio", CHECK_DROP, NTS_OK, "maxdelayratio", "the round trip took much longer than the shortest one of the latest answers") \
	X(CHECK_EXPIRED,    "expired",        CHECK_DROP,   NTS_OK, "RFC 8915 3",  "the certificate expired while the clock stood still") \
	X(CHECK_DATES,      "dates",          CHECK_DROP,   NTS_OK, "RFC 8915 3",  "the time does not fit the certificate, or cannot be true") \
	X(CHECK_UNDATED,    "undated",        CHECK_HOLD,   NTS_OK, "bootstrap",   "the clock is too wrong to check certificates: the time is an offer to a majority") \
	X(CHECK_PAUSE,      "pause",          CHECK_HOLD,   NTS_OK, "pause",       "the clock seems to have stood still: other sources are asked")
/* clang-format on */
enum answer_check {
#define X(id, name, result, error, where, text) id,
	ANSWER_CHECKS(X)
#undef X
	    ANSWER_CHECK_COUNT
};

struct check_facts {
	const char *name; /* for JSON and for README.md */
	enum check_result result;
	enum nts_err error; /* NTS_OK: a check on the sample */
	const char *where;  /* section of an RFC, or a word of the manual */
	const char *text;   /* what is wrong */
};
struct check_facts check_facts(enum answer_check check);

/* The check that fails with this error; ANSWER_CHECK_COUNT: none. */
enum answer_check check_of_error(enum nts_err error);

#endif
