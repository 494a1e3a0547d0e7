/*
 * Files of saved keys. The input has no checksum, because a fuzzer cannot guess
 * it; the checksum is added here. An accepted file is within the limits of
 * agent/saved/keys.h and is written with the same bytes.
 */
#include "agent/saved/keys.h"
#include "nts/digest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_accepted(
    const struct saved_keys *k, const uint8_t *bytes, size_t len)
{
	static uint8_t again[SAVED_KEYS_BYTES_MAX];
	struct writer w = writer_of(again, sizeof(again));

	check(ke_answer_valid(&k->answer));
	check(k->address < k->answer.address_count);
	check(memchr(k->name, '\0', sizeof(k->name)) && k->name[0]);
	check(memchr(k->host, '\0', sizeof(k->host)) && k->host[0]);
	saved_keys_write(k, &w);
	check(w.ok && w.len == len && memcmp(again, bytes, len) == 0);
}

static void check_split(struct saved_keys *k)
{
	static struct saved_keys rest;
	uint32_t count = k->answer.cookie_count;

	saved_keys_split(k, &rest);
	check(k->answer.cookie_count + rest.answer.cookie_count == count);
	check(k->answer.cookie_count >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct saved_keys none;
	static struct saved_keys k;
	uint8_t *file = malloc(size + DIGEST_LEN);
	enum saved_keys_result verdict;

	check(file != NULL);
	memcpy(file, data, size);
	check(digest_of(file, size, file + size));
	verdict = saved_keys_read(&k, file, size + DIGEST_LEN);
	if (verdict == SAVED_KEYS_OK) {
		check_accepted(&k, file, size + DIGEST_LEN);
		check_split(&k);
	} else {
		check(verdict == SAVED_KEYS_DAMAGED ||
		      verdict == SAVED_KEYS_VERSION);
		check(memcmp(&k, &none, sizeof(k)) == 0);
	}
	free(file);
	return 0;
}
