/*
 * NTS-KE answers that arrive in pieces. The first byte is the number of pieces
 * that follow, one byte for the length of each; the rest is the answer. The
 * reader stops where the answer is complete, and the pieces do not change what
 * it is.
 */
#include "nts/ke.h"
#include "tests/fuzz/target.h"

static const enum aead_id offered[] = {
    AEAD_AES_128_GCM_SIV, AEAD_AES_SIV_CMAC_256, AEAD_AES_SIV_CMAC_512};

static enum nts_err judge(
    const uint8_t *bytes, size_t len, struct ke_response *out)
{
	*out = (struct ke_response){.aead = AEAD_NONE};
	return ke_response_parse(
	    out, bytes, len, offered, ARRAY_LEN(offered), NULL);
}

/* Reads pieces as resolver/exchange.c does. Returns the bytes that it had. */
static size_t read_pieces(
    struct reader pieces, const uint8_t *bytes, size_t len)
{
	uint8_t *message = malloc(len + 1);
	size_t got = 0, looked = 0;

	MUST(message != NULL);
	while (got < len && !ke_response_complete(message, got, &looked)) {
		size_t piece = pieces.left > 0 ? take_u8(&pieces) + 1u : len;

		if (piece > len - got)
			piece = len - got;
		memcpy(message + got, bytes + got, piece);
		got += piece;
	}
	free(message);
	return got;
}

/* The first prefix that is complete; `len` if none is. */
static size_t shortest(const uint8_t *bytes, size_t len)
{
	size_t n = 0;

	while (n < len && !ke_response_complete(bytes, n, NULL))
		n++;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ke_response by_pieces, by_bytes;
	struct reader r = reader_of(data, size);
	struct reader pieces = take_sub(&r, take_u8(&r));
	size_t got, least;

	if (!r.ok || r.left > 4096)
		return 0;
	got = read_pieces(pieces, r.at, r.left);
	least = shortest(r.at, r.left);
	MUST(least <= got);
	/* Once complete, it stays so. */
	MUST(ke_response_complete(r.at, least, NULL) ==
	     ke_response_complete(r.at, r.left, NULL));
	MUST(judge(r.at, got, &by_pieces) == judge(r.at, least, &by_bytes));
	MUST(memcmp(&by_pieces, &by_bytes, sizeof(by_bytes)) == 0);
	return 0;
}
