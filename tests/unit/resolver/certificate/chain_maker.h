/*
 * Makes certificates from one line of text each. A line is
 *     ID [by=ID] [WORD ...]
 * The first letter of an ID is its name ("CN=R") and its key, so R and R2 are
 * one CA with two certificates. "L" is the server's certificate; all others are
 * those of CAs, unless a word says otherwise. Without by=, a certificate signs
 * itself. Words:
 *     name=X key=X     another name or key
 *     from=D to=D      days from now (-1 and 30)
 *     san=X eku=X ku=X bc=X nc=X   the extension in OpenSSL's words, "-": none
 *     akid=X skid=X    in OpenSSL's words, "-": none (keyid:always, hash)
 *     md=X             the digest of the signature (sha256)
 *     ext=X            an extension of ours: "critical" or "plain"
 *     der=OID,DER:XX:XX   an extension with any bytes
 *     v1               version 1, without extensions
 *     enc=X            the name as "utf8" or "printable" text
 *     broken           a wrong signature
 *     twin=ID          a wrong key identifier: that of the certificate ID
 */
#ifndef TESTS_UNIT_RESOLVER_CERTIFICATE_CHAIN_MAKER_H
#define TESTS_UNIT_RESOLVER_CERTIFICATE_CHAIN_MAKER_H

#include "base/check.h"
#include "tests/unit/nts/pki.h"

#include <string.h>

#define CHAIN_CERTIFICATES_MAX 24
#define CHAIN_HOST "ntp.example"

struct chain_certificate {
	char id[8];
	X509 *certificate;
	EVP_PKEY *key; /* borrowed from the keys */
};

struct chain_maker {
	EVP_PKEY *keys[128]; /* by letter, made once */
	struct chain_certificate all[CHAIN_CERTIFICATES_MAX];
	unsigned count;
};

/* The value of NAME=VALUE in a line, or `otherwise`. */
static inline const char *chain_word(
    const char *line, const char *name, const char *otherwise, char out[160])
{
	char key[24];
	const char *at;

	snprintf(key, sizeof(key), " %s=", name);
	at = strstr(line, key);
	if (!at)
		return otherwise;
	at += strlen(key);
	snprintf(out, 160, "%.*s", (int)strcspn(at, " "), at);
	return out;
}

static inline EVP_PKEY *chain_key_of_kind(char letter)
{
	switch (letter) {
	case '1':
		return EVP_RSA_gen(1024);
	case '2':
		return EVP_RSA_gen(2048);
	case '3':
		return EVP_EC_gen("P-384");
	case '4':
		return EVP_EC_gen("P-224");
	case '5':
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	default:
		return EVP_EC_gen("P-256");
	}
}

static inline EVP_PKEY *chain_key(struct chain_maker *m, char letter)
{
	EVP_PKEY **key = &m->keys[letter & 0x7f];

	if (!*key)
		*key = chain_key_of_kind(letter);
	PKI_MUST(*key);
	return *key;
}

static inline struct chain_certificate *chain_find(
    struct chain_maker *m, const char *id)
{
	for (unsigned i = 0; i < m->count; i++)
		if (strcmp(m->all[i].id, id) == 0)
			return &m->all[i];
	fprintf(stderr, "no certificate %s\n", id);
	abort();
}

static inline void chain_set_name(X509 *c, const char *name, const char *enc)
{
	int kind = strcmp(enc, "utf8") == 0 ? V_ASN1_UTF8STRING
					    : V_ASN1_PRINTABLESTRING;

	PKI_MUST(X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN",
	    kind, (const unsigned char *)name, -1, -1, 0));
}

static inline void chain_extend(X509 *c, X509 *issuer, int nid,
    const char *line, const char *word, const char *otherwise)
{
	char value[160];
	const char *text = chain_word(line, word, otherwise, value);

	if (strcmp(text, "-") != 0)
		pki_extend(c, issuer, nid, text);
}

/* An extension that no library knows. */
static inline void chain_extend_ours(X509 *c, const char *line)
{
	char value[160];
	const char *kind = chain_word(line, "ext", NULL, value);
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.55555.1", 1);
	ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	PKI_MUST(
	    ASN1_OCTET_STRING_set(bytes, (const unsigned char *)"\x05\x00", 2));
	e = X509_EXTENSION_create_by_OBJ(
	    NULL, oid, kind && strcmp(kind, "critical") == 0, bytes);
	if (kind)
		PKI_MUST(X509_add_ext(c, e, -1));
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(bytes);
	ASN1_OBJECT_free(oid);
}

static inline void chain_extend_raw(X509 *c, const char *line)
{
	char value[160];
	const char *text = chain_word(line, "der", NULL, value);
	char oid[40];
	X509_EXTENSION *e;

	if (!text)
		return;
	snprintf(oid, sizeof(oid), "%.*s", (int)strcspn(text, ","), text);
	e = X509V3_EXT_conf(NULL, NULL, oid, text + strlen(oid) + 1);
	PKI_MUST(e && X509_add_ext(c, e, -1));
	X509_EXTENSION_free(e);
}

static inline void chain_extend_all(
    struct chain_maker *m, X509 *c, X509 *issuer, const char *line, bool self)
{
	char word[160];
	bool leaf = line[0] == 'L';
	const char *twin = chain_word(line, "twin", NULL, word);
	X509 *named = twin ? chain_find(m, twin)->certificate : issuer;

	chain_extend(c, issuer, NID_basic_constraints, line, "bc",
	    leaf ? "critical,CA:FALSE" : "critical,CA:TRUE");
	chain_extend(
	    c, issuer, NID_subject_key_identifier, line, "skid", "hash");
	chain_extend(c, named, NID_authority_key_identifier, line, "akid",
	    self ? "-" : "keyid:always");
	chain_extend(c, issuer, NID_key_usage, line, "ku",
	    leaf ? "critical,digitalSignature"
		 : "critical,keyCertSign,cRLSign");
	chain_extend(c, issuer, NID_ext_key_usage, line, "eku",
	    leaf ? "serverAuth" : "-");
	chain_extend(c, issuer, NID_subject_alt_name, line, "san",
	    leaf ? "DNS:" CHAIN_HOST : "-");
	chain_extend(c, issuer, NID_name_constraints, line, "nc", "-");
	chain_extend_ours(c, line);
	chain_extend_raw(c, line);
}

static inline void chain_break(X509 *c)
{
	const ASN1_BIT_STRING *signature;
	unsigned char *bytes;

	X509_get0_signature(&signature, NULL, c);
	memcpy(&bytes, &signature->data, sizeof(bytes));
	bytes[signature->length - 1] ^= 1;
}

static inline void chain_sign(X509 *c, EVP_PKEY *key, const char *line)
{
	char word[160];
	const EVP_MD *md =
	    EVP_get_digestbyname(chain_word(line, "md", "sha256", word));

	PKI_MUST(X509_sign(
	    c, key, EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : md));
	if (strstr(line, " broken"))
		chain_break(c);
}

static inline long chain_days(
    const char *line, const char *word, const char *otherwise)
{
	char value[160];

	return strtol(chain_word(line, word, otherwise, value), NULL, 10) *
	       PKI_DAY_S;
}

/* Makes the certificate of a line. */
static inline void chain_make(struct chain_maker *m, const char *line)
{
	static long serial = 1;
	struct chain_certificate *new = &m->all[m->count], *by;
	char issuer[160], name[160], key[160], enc[160];
	const char first[2] = {line[0], '\0'};
	X509 *c = X509_new();

	PKI_MUST(m->count < CHAIN_CERTIFICATES_MAX);
	snprintf(
	    new->id, sizeof(new->id), "%.*s", (int)strcspn(line, " "), line);
	new->certificate = c;
	new->key = chain_key(m, chain_word(line, "key", first, key)[0]);
	m->count++;
	by = chain_find(m, chain_word(line, "by", new->id, issuer));
	ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
	chain_set_name(c, chain_word(line, "name", first, name),
	    chain_word(line, "enc", "utf8", enc));
	X509_set_pubkey(c, new->key);
	X509_set_issuer_name(c, X509_get_subject_name(by->certificate));
	X509_gmtime_adj(X509_getm_notBefore(c), chain_days(line, "from", "-1"));
	X509_gmtime_adj(X509_getm_notAfter(c), chain_days(line, "to", "30"));
	if (!strstr(line, " v1")) {
		X509_set_version(c, X509_VERSION_3);
		chain_extend_all(m, c, by->certificate, line, by == new);
	}
	chain_sign(c, by->key, line);
}

/* Makes those of all lines, which "|" divides. */
static inline void chain_make_all(struct chain_maker *m, const char *lines)
{
	char line[200];

	while (*lines) {
		size_t len = strcspn(lines, "|");

		snprintf(line, sizeof(line), "%.*s", (int)len, lines);
		chain_make(m, line + strspn(line, " "));
		lines += len + (lines[len] == '|');
	}
}

/* The certificates of a list of IDs such as "L I R". */
static inline STACK_OF(X509) *
    chain_stack(struct chain_maker *m, const char *ids)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	char id[8];

	while (*ids) {
		size_t len = strcspn(ids, " ");

		snprintf(id, sizeof(id), "%.*s", (int)len, ids);
		PKI_MUST(sk_X509_push(all, chain_find(m, id)->certificate));
		ids += len + (ids[len] == ' ');
	}
	return all;
}

/* Frees the certificates and keeps the keys. */
static inline void chain_clear(struct chain_maker *m)
{
	for (unsigned i = 0; i < m->count; i++)
		X509_free(m->all[i].certificate);
	m->count = 0;
}

static inline void chain_free(struct chain_maker *m)
{
	chain_clear(m);
	for (size_t i = 0; i < ARRAY_LEN(m->keys); i++)
		EVP_PKEY_free(m->keys[i]);
}

#endif
