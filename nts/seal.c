#include "nts/seal.h"

#include "nts/aead.h"
#include "nts/bytes.h"

#include <string.h>

#define ALGORITHM AEAD_AES_SIV_CMAC_512
#define MAGIC "NTSASEAL"
#define MAGIC_LEN 8
#define HEAD_LEN (MAGIC_LEN + 2)
/* Increase it with each change of the format. */
#define VERSION 1
/* More than any label. */
#define LABEL_MAX 512

bool seal_key_valid(const struct seal_key *key)
{
	return key->there <= 1;
}

static void put_head(struct writer *w)
{
	put_bytes(w, MAGIC, MAGIC_LEN);
	put_u16(w, VERSION);
}

/* The associated data: the head, and the label. Each of its texts ends with a
 * NUL, so that two labels never give the same bytes. */
static bool put_label(struct writer *w, struct seal_label label)
{
	put_head(w);
	put_bytes(w, label.kind, strlen(label.kind) + 1);
	put_bytes(w, label.name, strlen(label.name) + 1);
	return w->ok;
}

bool seal_close(const struct seal_key *key, struct seal_label label,
    const uint8_t nonce[SEAL_NONCE_LEN], const uint8_t *plain, size_t len,
    uint8_t *out)
{
	uint8_t about[LABEL_MAX];
	struct writer a = writer_of(about, sizeof(about));
	struct writer w = writer_of(out, HEAD_LEN + SEAL_NONCE_LEN);

	put_head(&w);
	put_bytes(&w, nonce, SEAL_NONCE_LEN);
	return key->there && put_label(&a, label) && w.ok &&
	       aead_seal(ALGORITHM, key->bytes, nonce, SEAL_NONCE_LEN, a.base,
		   a.len, plain, len, out + w.len);
}

/* SEAL_GOOD: all but the tag is right. */
static enum seal_result judge_head(const uint8_t *sealed, size_t len)
{
	struct reader r = reader_of(sealed, len);
	const uint8_t *magic = take_bytes(&r, MAGIC_LEN);
	unsigned version = take_u16(&r);

	if (!r.ok || memcmp(magic, MAGIC, MAGIC_LEN) != 0)
		return SEAL_MISSING;
	if (version != VERSION)
		return SEAL_OTHER;
	return len < SEAL_EXTRA ? SEAL_BROKEN : SEAL_GOOD;
}

enum seal_result seal_open(const struct seal_key *key, struct seal_label label,
    const uint8_t *sealed, size_t len, uint8_t *plain)
{
	const uint8_t *nonce = sealed + HEAD_LEN;
	uint8_t about[LABEL_MAX];
	struct writer a = writer_of(about, sizeof(about));
	enum seal_result result = judge_head(sealed, len);

	if (result == SEAL_GOOD && !key->there)
		result = SEAL_NO_KEY;
	if (result == SEAL_GOOD &&
	    (!put_label(&a, label) ||
		!aead_open(ALGORITHM, key->bytes, nonce, SEAL_NONCE_LEN, a.base,
		    a.len, nonce + SEAL_NONCE_LEN,
		    len - HEAD_LEN - SEAL_NONCE_LEN, plain)))
		result = SEAL_BROKEN;
	if (result != SEAL_GOOD && len > SEAL_EXTRA)
		explicit_bzero(plain, len - SEAL_EXTRA);
	return result;
}

/* SIV needs no other nonce to authenticate: with an empty plaintext, its tag is
 * a MAC of the label and the text. */
bool seal_text(const struct seal_key *key, struct seal_label label,
    const char *text, uint8_t out[SEAL_TAG_LEN])
{
	static const uint8_t nonce[SEAL_NONCE_LEN];
	uint8_t about[LABEL_MAX];
	struct writer a = writer_of(about, sizeof(about));

	if (!key->there || !put_label(&a, label))
		return false;
	put_bytes(&a, text, strlen(text) + 1);
	return a.ok && aead_seal(ALGORITHM, key->bytes, nonce, SEAL_NONCE_LEN,
			   a.base, a.len, NULL, 0, out);
}
