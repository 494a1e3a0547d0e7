#include "tests/server/cookies.h"

#include <string.h>
#include <unistd.h>

#define HEAD_LEN 4
#define NONCE_LEN 16
#define SEALED_AT (HEAD_LEN + NONCE_LEN)

bool random_bytes(void *out, size_t len)
{
	return getentropy(out, len) == 0;
}

bool master_keys_rotate(struct master_keys *m)
{
	struct master_key fresh = {0};

	if (!random_bytes(fresh.key, sizeof(fresh.key)))
		return false;
	fresh.id = (uint16_t)(m->generation[0].id + 1);
	m->generation[1] = m->generation[0];
	m->generation[0] = fresh;
	if (m->count < MASTER_GENERATIONS)
		m->count++;
	explicit_bzero(&fresh, sizeof(fresh));
	return true;
}

bool master_keys_forget(struct master_keys *m)
{
	if (!master_keys_rotate(m))
		return false;
	explicit_bzero(&m->generation[1], sizeof(m->generation[1]));
	m->count = 1;
	return true;
}

size_t server_cookie_len(enum aead_id aead)
{
	return SEALED_AT + AEAD_TAG_LEN + 2 * aead_key_len(aead);
}

bool server_cookie_seal(const struct master_keys *m,
    const struct association *a, uint8_t out[SERVER_COOKIE_MAX])
{
	size_t key_len = aead_key_len(a->aead);
	uint8_t plain[2 * AEAD_KEY_MAX];
	struct writer head = writer_of(out, HEAD_LEN);
	bool good;

	put_u16(&head, m->generation[0].id);
	put_u16(&head, (uint16_t)a->aead);
	memcpy(plain, a->keys.c2s, key_len);
	memcpy(plain + key_len, a->keys.s2c, key_len);
	good = random_bytes(out + HEAD_LEN, NONCE_LEN) &&
	       aead_seal(AEAD_AES_SIV_CMAC_256, m->generation[0].key,
		   out + HEAD_LEN, NONCE_LEN, out, HEAD_LEN, plain, 2 * key_len,
		   out + SEALED_AT);
	explicit_bzero(plain, sizeof(plain));
	return good;
}

static const struct master_key *key_of(const struct master_keys *m, uint16_t id)
{
	for (unsigned i = 0; i < m->count; i++) {
		if (m->generation[i].id == id)
			return &m->generation[i];
	}
	return NULL;
}

bool server_cookie_open(const struct master_keys *m, const uint8_t *cookie,
    size_t len, struct association *out)
{
	struct reader r = reader_of(cookie, len);
	const struct master_key *key = key_of(m, take_u16(&r));
	enum aead_id aead = (enum aead_id)take_u16(&r);
	size_t key_len = aead_key_len(aead);
	uint8_t plain[2 * AEAD_KEY_MAX];
	bool good;

	if (!r.ok || !key || key_len == 0 || len < server_cookie_len(aead))
		return false;
	good = aead_open(AEAD_AES_SIV_CMAC_256, key->key, cookie + HEAD_LEN,
	    NONCE_LEN, cookie, HEAD_LEN, cookie + SEALED_AT,
	    AEAD_TAG_LEN + 2 * key_len, plain);
	if (good) {
		*out = (struct association){.aead = aead};
		memcpy(out->keys.c2s, plain, key_len);
		memcpy(out->keys.s2c, plain + key_len, key_len);
	}
	explicit_bzero(plain, sizeof(plain));
	return good;
}
