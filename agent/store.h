/*
 * The keys and cookies of one source as they lie on disk. Pure: values to
 * bytes and back, and whether what was read may be used. agent/keyring.h has
 * the files.
 *
 * A file is secret. It holds cookies that are nowhere else: what is read from
 * it is taken off it before it is spent (RFC 8915 5.7: no cookie twice).
 */
#ifndef AGENT_STORE_H
#define AGENT_STORE_H

#include "agent/config.h"
#include "nts/bytes.h"
#include "resolver/frame.h"

/* Longer than any encoding of a struct saved_keys. */
#define STORE_BYTES_MAX (NTS_COOKIES * (NTS_COOKIE_MAX + 2) + 4096)
/* A file name, with the closing NUL. */
#define STORE_NAME_MAX (3 * CONFIG_NAME_MAX + 16)
#define STORE_SUFFIX ".ntskeys"
/* Servers forget the keys of their cookies; most keep them longer than this. */
#define STORE_AGE_MAX_S (INT64_C(7) * 86400)
#define STORE_BINDING_LEN 32

struct saved_keys {
	/* Whose keys these are. */
	char name[CONFIG_NAME_MAX];
	char host[KE_HOST_MAX];
	uint16_t ke_port, ntp_port; /* as configured */
	uint8_t family;		    /* enum family_choice */
	/* Under which trust they were made, and on which machine. */
	uint8_t binding[STORE_BINDING_LEN];
	int64_t saved_s;  /* seconds since 1970, by the local clock */
	int64_t keyed_s;  /* the key exchange, likewise */
	uint32_t address; /* index of the one in use */
	/* A success. Its source, serial and duration_ms are not saved. */
	struct ke_answer answer;
};

/* clang-format off */
#define STORE_VERDICTS(X) \
	X(STORE_OK,      "can be used") \
	X(STORE_DAMAGED, "is damaged") \
	X(STORE_VERSION, "was written by another version of ntsagentd") \
	X(STORE_FOREIGN, "belongs to another source (name, host, ntsport, port or family differ)") \
	X(STORE_TRUST,   "was made on another machine, or when other certificates were trusted or other ciphers offered") \
	X(STORE_OLD,     "is more than seven days old") \
	X(STORE_EXPIRED, "came with a certificate that has expired by now")
/* clang-format on */
enum store_verdict {
#define X(id, text) id,
	STORE_VERDICTS(X)
#undef X
	    STORE_VERDICT_COUNT
};
/* What stands behind the name of the file in a sentence. */
const char *store_verdict_text(enum store_verdict v);

/* The name, host, ports and family of `source`, and the binding. */
void store_identify(struct saved_keys *k, const struct source_config *source,
    const uint8_t binding[STORE_BINDING_LEN]);

/* !out->ok: no room, or `k` is not what store_read would take. */
void store_write(const struct saved_keys *k, struct writer *out);

/* STORE_OK, STORE_DAMAGED or STORE_VERSION. Else than with STORE_OK, `out` is
 * wiped. */
enum store_verdict store_read(
    struct saved_keys *out, const uint8_t *bytes, size_t len) MUST_USE;

/* May they be used for `source` now? All verdicts but the two of reading. */
enum store_verdict store_judge(const struct saved_keys *k,
    const struct source_config *source,
    const uint8_t binding[STORE_BINDING_LEN], struct wall now) MUST_USE;

/* The newest cookies, half of them, go to `rest`, which becomes a copy of `k`
 * but for that; with one cookie `rest` has none. */
void store_split(struct saved_keys *k, struct saved_keys *rest);

/* The file of a source: what may trouble a file system, or hide the file,
 * becomes "%" and two hexadecimal digits. No two names share a file. */
void store_file_name(const char *name, char out[STORE_NAME_MAX]);

#endif
