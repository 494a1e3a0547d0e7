#include "resolver/certificate/pem.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"

/* What a PEM label means. */
static const struct label {
	const char *name;
	enum pem_kind kind;
	bool aux; /* OpenSSL's settings of trust follow the certificate */
} labels[] = {
    {"CERTIFICATE", PEM_CERTIFICATE, false},
    {"X509 CERTIFICATE", PEM_CERTIFICATE, false},
    {"TRUSTED CERTIFICATE", PEM_CERTIFICATE, true},
    {"X509 CRL", PEM_CRL, false},
};

struct pem_reader pem_of(const char *bytes, size_t len, enum pem_kind kind)
{
	return (struct pem_reader){
	    .bytes = bytes, .len = len, .kind = kind, .line = 1};
}

/* The place of `word` in `from` to `to`, or `to`. */
static size_t find(
    const struct pem_reader *r, size_t from, size_t to, const char *word)
{
	const char *found =
	    memmem(r->bytes + from, to - from, word, strlen(word));

	return found ? (size_t)(found - r->bytes) : to;
}

bool pem_first_label(const char *bytes, size_t len, char out[PEM_LABEL_MAX])
{
	const struct pem_reader r = pem_of(bytes, len, PEM_CERTIFICATE);
	size_t from = find(&r, 0, len, BEGIN), to;

	if (from == len)
		return false;
	from += strlen(BEGIN);
	to = find(&r, from, len, DASHES);
	if (to == len || to == from || to - from >= PEM_LABEL_MAX)
		return false;
	memcpy(out, bytes + from, to - from);
	out[to - from] = '\0';
	return true;
}

static void go_to(struct pem_reader *r, size_t place)
{
	for (; r->at < place; r->at++)
		r->line += r->bytes[r->at] == '\n';
}

/* The label at `from`; NULL: not one that we read. *after: behind its dashes.
 */
static const struct label *label_at(
    const struct pem_reader *r, size_t from, size_t *after)
{
	for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
		size_t len = strlen(labels[i].name);

		*after = from + len + strlen(DASHES);
		if (*after <= r->len &&
		    memcmp(r->bytes + from, labels[i].name, len) == 0 &&
		    memcmp(r->bytes + from + len, DASHES, strlen(DASHES)) == 0)
			return &labels[i];
	}
	return NULL;
}

/* The bytes of the text in base64, which the caller frees. NULL: it is broken.
 */
static unsigned char *decode(const char *text, size_t len, long *size)
{
	char *compact = malloc(len + 1);
	unsigned char *bytes = malloc(len + 1);
	size_t n = 0, padding = 0;

	if (!compact || !bytes) {
		free(compact);
		free(bytes);
		return NULL;
	}
	for (size_t i = 0; i < len; i++)
		if (!isspace((unsigned char)text[i]))
			compact[n++] = text[i];
	/* EVP_DecodeBlock() counts the padding as bytes. */
	while (padding < 2 && padding < n && compact[n - 1 - padding] == '=')
		padding++;
	*size = n > 0 && n % 4 == 0 && !memchr(compact, '=', n - padding)
		    ? EVP_DecodeBlock(bytes, (unsigned char *)compact, (int)n)
		    : -1;
	free(compact);
	if (*size < (long)padding) {
		free(bytes);
		return NULL;
	}
	*size -= (long)padding;
	return bytes;
}

/* *end: behind what was taken. */
static bool take_der(const unsigned char *bytes, long len, enum pem_kind kind,
    bool aux, struct pem_block *out, const unsigned char **end)
{
	const unsigned char *at = bytes;

	if (kind == PEM_CRL)
		out->crl = d2i_X509_CRL(NULL, &at, len);
	else if (aux)
		out->c = d2i_X509_AUX(NULL, &at, len);
	else
		out->c = d2i_X509(NULL, &at, len);
	ERR_clear_error();
	*end = at;
	return out->c || out->crl;
}

static const char *const not_one[] = {
    [PEM_CERTIFICATE] = "its content is not a certificate",
    [PEM_CRL] = "its content is not a revocation list",
};

static void take_text(const struct pem_reader *r, size_t from, size_t to,
    const struct label *label, struct pem_block *out)
{
	const unsigned char *behind;
	long size;
	unsigned char *bytes = decode(r->bytes + from, to - from, &size);

	if (!bytes)
		out->fault = "it is not base64";
	else if (!take_der(bytes, size, label->kind, label->aux, out, &behind))
		out->fault = not_one[label->kind];
	free(bytes);
}

/* A file in DER begins with an ASN.1 sequence. More of them may follow. */
static bool is_der(const struct pem_reader *r)
{
	return (r->at == 0 || r->der) && r->at < r->len &&
	       r->bytes[r->at] == 0x30;
}

/* A text may begin with the digit 0, which is the same byte, but what follows
 * in DER is a length of more than 127 bytes. */
static bool is_broken_der(const struct pem_reader *r)
{
	return r->at + 1 == r->len || (r->bytes[r->at + 1] & 0x80) != 0;
}

/* Counts a block of another kind, whose label ends before `from`. */
static void skip(struct pem_reader *r, size_t from)
{
	size_t next = find(r, from, r->len, BEGIN);

	if (find(r, from, next, END) < next)
		r->whole++;
	else
		r->torn++;
	go_to(r, from);
}

/* False: it is not DER, and perhaps a text. */
static bool next_der(struct pem_reader *r, struct pem_block *out)
{
	const unsigned char *bytes = (const unsigned char *)r->bytes, *end;
	bool good = take_der(
	    bytes + r->at, (long)(r->len - r->at), r->kind, false, out, &end);

	if (!good && is_broken_der(r))
		out->fault = not_one[r->kind];
	r->der = good;
	go_to(r, good ? (size_t)(end - bytes) : r->at + 1);
	return good || out->fault;
}

bool pem_next(struct pem_reader *r, struct pem_block *out)
{
	*out = (struct pem_block){0};
	/* They may be joined with line ends. */
	while (
	    r->der && r->at < r->len && isspace((unsigned char)r->bytes[r->at]))
		go_to(r, r->at + 1);
	if (is_der(r) && next_der(r, out))
		return true;
	for (;;) {
		size_t begin = find(r, r->at, r->len, BEGIN), text, next, end;
		const struct label *label;

		if (begin == r->len)
			return false;
		go_to(r, begin);
		out->line = r->line;
		label = label_at(r, begin + strlen(BEGIN), &text);
		if (!label || label->kind != r->kind) {
			skip(r, begin + strlen(BEGIN));
			continue;
		}
		next = find(r, text, r->len, BEGIN);
		end = find(r, text, next, END);
		if (end == next)
			out->fault = "its line END is missing";
		else
			take_text(r, text, end, label, out);
		go_to(r, end);
		return true;
	}
}
