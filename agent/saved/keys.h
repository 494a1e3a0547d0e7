/*
 * The keys and cookies of one source as they lie on disk. Pure: values to
 * bytes and back, and whether what was read may be used. agent/saved/keyring.h
 * has the files.
 *
 * A file is secret. It holds cookies that are nowhere else: what is read from
 * it is taken off it before it is spent (RFC 8915 5.7: no cookie twice).
 */
#ifndef AGENT_SAVED_KEYS_H
#define AGENT_SAVED_KEYS_H

#include "agent/config/config.h"
#include "nts/bytes.h"
#include "resolver/frame.h"

/* Longer than any encoding of a struct saved_keys. */
#define SAVED_KEYS_BYTES_MAX (NTS_COOKIES * (NTS_COOKIE_MAX + 2) + 4096)
/* A file name, with the closing NUL. */
#define SAVED_KEYS_NAME_MAX (3 * SOURCE_NAME_MAX + 16)
#define SAVED_KEYS_SUFFIX ".ntskeys"
/* Servers forget the keys of their cookies; most keep them longer than this. */
#define SAVED_KEYS_AGE_MAX_S (INT64_C(7) * 86400)
#define SAVED_KEYS_BINDING_LEN 32

struct saved_keys {
	/* Whose keys these are. */
	char name[SOURCE_NAME_MAX];
	char host[HOST_MAX];
	uint16_t ke_port, ntp_port; /* as configured */
	uint8_t family;		    /* enum family_choice */
	/* Under which trust they were made, and on which machine. */
	uint8_t binding[SAVED_KEYS_BINDING_LEN];
	int64_t saved_s;  /* seconds since 1970, by the local clock */
	int64_t keyed_s;  /* the key exchange, likewise */
	uint32_t address; /* index of the one in use */
	/* A success. Its source, serial and duration_ms are not saved. */
	struct ke_answer answer;
};

/* clang-format off */
#define SAVED_KEYS_VERDICTS(X) \
	X(SAVED_KEYS_OK,      "can be used") \
	X(SAVED_KEYS_DAMAGED, "is damaged") \
	X(SAVED_KEYS_VERSION, "was written by another version of ntsagentd") \
	X(SAVED_KEYS_FOREIGN, "belongs to another source (name, host, ntsport, port or family differ)") \
	X(SAVED_KEYS_TRUST,   "was made on another machine, or when other certificates were trusted or other ciphers offered") \
	X(SAVED_KEYS_OLD,     "is more than seven days old") \
	X(SAVED_KEYS_EXPIRED, "came with a certificate that has expired by now")
/* clang-format on */
enum saved_keys_verdict {
#define X(id, text) id,
	SAVED_KEYS_VERDICTS(X)
#undef X
	    SAVED_KEYS_VERDICT_COUNT
};
/* What stands behind the name of the file in a sentence. */
const char *saved_keys_verdict_text(enum saved_keys_verdict v);

/* The name, host, ports and family of `source`, and the binding. */
void saved_keys_identify(struct saved_keys *k,
    const struct source_config *source,
    const uint8_t binding[SAVED_KEYS_BINDING_LEN]);

/* !out->ok: no room, or `k` is not what saved_keys_read would take. */
void saved_keys_write(const struct saved_keys *k, struct writer *out);

/* SAVED_KEYS_OK, SAVED_KEYS_DAMAGED or SAVED_KEYS_VERSION. Else than with
 * SAVED_KEYS_OK, `out` is wiped. */
enum saved_keys_verdict saved_keys_read(
    struct saved_keys *out, const uint8_t *bytes, size_t len) MUST_USE;

/* May they be used for `source` now? All verdicts but the two of reading. */
enum saved_keys_verdict saved_keys_judge(const struct saved_keys *k,
    const struct source_config *source,
    const uint8_t binding[SAVED_KEYS_BINDING_LEN], struct wall now) MUST_USE;

/* The newest cookies, half of them, go to `rest`, which becomes a copy of `k`
 * but for that; with one cookie `rest` has none. */
void saved_keys_split(struct saved_keys *k, struct saved_keys *rest);

/* The file of a source: what may trouble a file system, or hide the file,
 * becomes "%" and two hexadecimal digits. No two names share a file. */
void saved_keys_file_name(const char *name, char out[SAVED_KEYS_NAME_MAX]);

#endif
