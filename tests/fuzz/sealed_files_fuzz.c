/*
 * Files with a seal. The first byte says which: bytes that are read as a sealed
 * file, a sealed file with changed bytes, or a sealed drift file with changed
 * bytes. Only what the key has sealed is accepted, and only with its label;
 * what is not accepted leaves nothing behind.
 */
#include "agent/saved/sealed_text.h"
#include "tests/fuzz/target.h"

#include <errno.h>
#include <unistd.h>

#define PLAIN_MAX 300

enum kind { BYTES, CHANGED_FILE, CHANGED_TEXT, KINDS };

static const struct seal_key key = {.there = 1, .bytes = {1, 2, 3}};
static const struct seal_key other_key = {.there = 1, .bytes = {1, 2, 4}};
static const struct seal_key no_key;
static const struct seal_label label = {"keys", "one"};

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* Opens them; what is refused leaves zeros. */
static enum seal_result open_with(const struct seal_key *k,
    struct seal_label as, const uint8_t *sealed, size_t len, uint8_t *plain)
{
	const size_t room = len > SEAL_EXTRA ? len - SEAL_EXTRA : 0;
	enum seal_result result;

	memset(plain, 0xa5, room);
	result = seal_open(k, as, sealed, len, plain);
	MUST(result == SEAL_GOOD || is_zero(plain, room));
	return result;
}

/* The fuzzer sees what try_changed_file() compares, and may send it: bytes that
 * are accepted are those that sealing gives. */
static void try_bytes(struct reader r)
{
	const size_t nonce_at = SEAL_EXTRA - SEAL_NONCE_LEN - SEAL_TAG_LEN;
	uint8_t *plain = malloc(r.left + 1), *sealed = malloc(r.left + 1);
	uint8_t *again = malloc(r.left + 1);

	MUST(plain != NULL && sealed != NULL && again != NULL);
	if (r.left > 0)
		memcpy(sealed, r.at, r.left);
	if (open_with(&key, label, sealed, r.left, plain) == SEAL_GOOD) {
		MUST(seal_close(&key, label, sealed + nonce_at, plain,
		    r.left - SEAL_EXTRA, again));
		MUST(memcmp(again, sealed, r.left) == 0);
	}
	free(again);
	free(plain);
	free(sealed);
}

/* Each three bytes change one: offset and bits. The rest cuts it. */
static size_t change(struct reader *r, uint8_t *bytes, size_t len)
{
	while (r->left >= 3) {
		size_t at = take_u16(r);
		uint8_t bits = take_u8(r);

		if (len > 0)
			bytes[at % len] ^= bits;
	}
	return len - (r->left < len ? r->left : len);
}

static void try_changed_file(struct reader r)
{
	static const struct seal_label others[] = {{"keys", "two"},
	    {"samples", "one"}, {"key", "sone"}, {"keysone", ""}};
	uint8_t nonce[SEAL_NONCE_LEN] = {7};
	uint8_t sealed[PLAIN_MAX + SEAL_EXTRA], was[sizeof(sealed)];
	uint8_t plain[sizeof(sealed)];
	size_t len = take_u16(&r) % PLAIN_MAX, whole = len + SEAL_EXTRA, left;
	struct reader text = take_sub(&r, len < r.left ? len : r.left);
	uint8_t source[PLAIN_MAX] = {0};
	bool same;

	if (text.left > 0)
		memcpy(source, text.at, text.left);
	MUST(seal_close(&key, label, nonce, source, len, sealed));
	memcpy(was, sealed, whole);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		MUST(open_with(&key, others[i], sealed, whole, plain) ==
		     SEAL_BROKEN);
	MUST(open_with(&other_key, label, sealed, whole, plain) == SEAL_BROKEN);
	MUST(open_with(&no_key, label, sealed, whole, plain) == SEAL_NO_KEY);
	left = change(&r, sealed, whole);
	same = left == whole && memcmp(sealed, was, whole) == 0;
	MUST(
	    (open_with(&key, label, sealed, left, plain) == SEAL_GOOD) == same);
	MUST(!same || memcmp(plain, source, len) == 0);
}

static char path[64];

static size_t get_file(char *text, size_t size)
{
	FILE *f = fopen(path, "rb");
	size_t len;

	MUST(f != NULL);
	len = fread(text, 1, size, f);
	MUST(fclose(f) == 0);
	return len;
}

static void put_file(const char *text, size_t len)
{
	FILE *f = fopen(path, "wb");

	MUST(f && fwrite(text, 1, len, f) == len);
	MUST(fclose(f) == 0);
}

/* A line that begins so is a seal, wherever the change has put it. */
static bool has_seal(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);

	return end && len - (size_t)(end + 1 - text) >= 5 &&
	       memcmp(end + 1, "seal ", 5) == 0;
}

static void try_changed_text(struct reader r)
{
	const struct sealed_text t = {&key, DRIFT_KIND},
				 other = {&other_key, DRIFT_KIND};
	const struct sealed_text good_time = {&key, GOOD_TIME_KIND};
	const struct file_seal seal = sealed_text_of(&t);
	const struct file_seal others[] = {
	    sealed_text_of(&other), sealed_text_of(&good_time)};
	char text[512], was[512];
	double freq_ppm = 0, sd_ppm = 0;
	double given = (int16_t)take_u16(&r) / 100.0;
	size_t len, left;

	MUST(drift_file_save(path, &seal, given, 1) == 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		MUST(drift_file_load(path, &others[i], &freq_ppm, &sd_ppm) ==
		     SEAL_LINE_BROKEN);
	MUST(freq_ppm == 0 && sd_ppm == 0);
	len = get_file(text, sizeof(text));
	memcpy(was, text, len);
	left = change(&r, (uint8_t *)text, len);
	put_file(text, left);
	if (drift_file_load(path, &seal, &freq_ppm, &sd_ppm) != 0)
		MUST(freq_ppm == 0 && sd_ppm == 0);
	else if (has_seal(text, left))
		/* What follows the seal in its line is not part of it. */
		MUST(memcmp(text, was, left < len ? left : len) == 0 ||
		     memchr(text, '\0', left) != NULL);
}

static void remove_file(void)
{
	unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(data, size);
	unsigned kind = take_u8(&r) % KINDS;

	if (!path[0]) {
		snprintf(path, sizeof(path), "/tmp/sealed.%ld", (long)getpid());
		atexit(remove_file);
	}
	if (kind == BYTES)
		try_bytes(r);
	else if (kind == CHANGED_FILE)
		try_changed_file(r);
	else
		try_changed_text(r);
	return 0;
}
