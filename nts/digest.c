#include "nts/digest.h"

#include <openssl/evp.h>
#include <string.h>

static void free_state(struct digest *d)
{
	EVP_MD_CTX_free(d->state);
	d->state = NULL;
}

struct digest digest_begin(void)
{
	struct digest d = {EVP_MD_CTX_new()};

	if (d.state && EVP_DigestInit_ex(d.state, EVP_sha256(), NULL) != 1)
		free_state(&d);
	return d;
}

void digest_add(struct digest *d, const void *bytes, size_t len)
{
	if (d->state && EVP_DigestUpdate(d->state, bytes, len) != 1)
		free_state(d);
}

bool digest_end(struct digest *d, uint8_t out[DIGEST_LEN])
{
	bool done = d->state && EVP_DigestFinal_ex(d->state, out, NULL) == 1;

	free_state(d);
	return done;
}

bool digest_of(const void *bytes, size_t len, uint8_t out[DIGEST_LEN])
{
	struct digest d = digest_begin();

	digest_add(&d, bytes, len);
	return digest_end(&d, out);
}

void digest_put(struct writer *w)
{
	uint8_t sum[DIGEST_LEN];

	if (!w->ok || !digest_of(w->base, w->len, sum))
		w->ok = false;
	else
		put_bytes(w, sum, sizeof(sum));
}

bool digest_ends(const uint8_t *bytes, size_t len)
{
	uint8_t sum[DIGEST_LEN];

	return len >= DIGEST_LEN && digest_of(bytes, len - DIGEST_LEN, sum) &&
	       memcmp(sum, bytes + len - DIGEST_LEN, DIGEST_LEN) == 0;
}

bool digest_md5_of(const void *bytes, size_t len, uint8_t out[DIGEST_MD5_LEN])
{
	EVP_MD *md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	bool done = md5 && EVP_Digest(bytes, len, out, NULL, md5, NULL) == 1;

	EVP_MD_free(md5);
	return done;
}
