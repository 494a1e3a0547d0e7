/*
 * The saved keys and cookies of one source. Pure: a value to bytes, bytes to a
 * value, and whether that value may be used. agent/saved/keyring.h has the
 * files; README.md of this folder has the format and the rules.
 *
 * A file is secret, and no cookie of it is anywhere else: a cookie leaves the
 * file before it is sent (RFC 8915 5.7: no cookie is used twice).
 */
#ifndef AGENT_SAVED_KEYS_H
#define AGENT_SAVED_KEYS_H

#include "agent/config/config.h"
#include "nts/bytes.h"
#include "resolver/frame.h"

/* More than any struct saved_keys takes as bytes. */
#define SAVED_KEYS_BYTES_MAX (NTS_COOKIES * (NTS_COOKIE_MAX + 2) + 4096)
/* A file name, with the closing NUL. */
#define SAVED_KEYS_NAME_MAX (3 * SOURCE_NAME_MAX + 16)
#define SAVED_KEYS_SUFFIX ".ntskeys"
/* Servers forget the keys of their cookies; most keep them for longer. */
#define SAVED_KEYS_AGE_MAX_S (INT64_C(7) * 86400)
#define SAVED_KEYS_BINDING_LEN 32

struct saved_keys {
	/* The source that the keys belong to, as it was configured. */
	char name[SOURCE_NAME_MAX];
	char host[HOST_MAX];
	uint16_t ke_port, ntp_port;
	uint8_t family; /* enum family_choice */
	/* A digest of the trusted certificates, the ciphers on offer and the
	 * identity of the machine at the time of saving. */
	uint8_t binding[SAVED_KEYS_BINDING_LEN];
	/* Seconds since 1970 by the local clock: of saving, and of the key
	 * exchange. */
	int64_t saved_s, keyed_s;
	uint32_t address; /* index of the address in use */
	/* A success. Its source, serial and duration_ms are not saved. */
	struct ke_answer answer;
};

/* clang-format off */
#define SAVED_KEYS_RESULTS(X) \
	X(SAVED_KEYS_OK,      "can be used") \
	X(SAVED_KEYS_DAMAGED, "is damaged") \
	X(SAVED_KEYS_VERSION, "was written by another version of ntsagentd") \
	X(SAVED_KEYS_FOREIGN, "belongs to another source (name, host, ntsport, port or family differ)") \
	X(SAVED_KEYS_TRUST,   "was made on another machine, or when other certificates were trusted or other ciphers offered") \
	X(SAVED_KEYS_OLD,     "is more than seven days old") \
	X(SAVED_KEYS_EXPIRED, "has keys from a server whose certificate has expired")
/* clang-format on */
enum saved_keys_result {
#define X(id, text) id,
	SAVED_KEYS_RESULTS(X)
#undef X
	    SAVED_KEYS_RESULT_COUNT
};
/* Follows the name of the file in a sentence. */
const char *saved_keys_result_text(enum saved_keys_result r);

/* Sets the name, host, ports and family from `source`, and the binding. */
void saved_keys_identify(struct saved_keys *k,
    const struct source_config *source,
    const uint8_t binding[SAVED_KEYS_BINDING_LEN]);

/* !out->ok: no room, or saved_keys_read() would refuse `k`. */
void saved_keys_write(const struct saved_keys *k, struct writer *out);

/* Returns SAVED_KEYS_OK, SAVED_KEYS_DAMAGED or SAVED_KEYS_VERSION. Wipes `out`
 * unless it returns SAVED_KEYS_OK. */
enum saved_keys_result saved_keys_read(
    struct saved_keys *out, const uint8_t *bytes, size_t len) MUST_USE;

/* May the keys be used for `source` at the time `now`? Returns any result but
 * SAVED_KEYS_DAMAGED and SAVED_KEYS_VERSION. */
enum saved_keys_result saved_keys_judge(const struct saved_keys *k,
    const struct source_config *source,
    const uint8_t binding[SAVED_KEYS_BINDING_LEN], struct wall now) MUST_USE;

/* Makes `rest` a copy of `k` and moves the newer half of the cookies to it. An
 * odd cookie stays in `k`. */
void saved_keys_split(struct saved_keys *k, struct saved_keys *rest);

/* The file name of a source. Any character but A-Z a-z 0-9 - _ . becomes "%"
 * and two hexadecimal digits, and so does a dot at the beginning. Different
 * sources have different file names. */
void saved_keys_file_name(const char *name, char out[SAVED_KEYS_NAME_MAX]);

#endif
