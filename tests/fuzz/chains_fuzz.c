/*
 * Chains of certificates, and revocation lists, that the input describes: who
 * signed which, the extensions of each, what the server sends, what is trusted
 * and what is revoked. Some bytes of what is sent may be altered afterwards. An
 * accepted path is judged again here, certificate by certificate. chains.h has
 * the shapes that the corpus begins with.
 *
 * The input is, in bytes:
 *     flags (bits 0 and 1: enum flag), host
 *     certificates: count, each: letter, issuer, count of words, the words
 *     sent: copies, count, each: certificate
 *     trusted: count, each: certificate
 *     lists: count, each: struct list_bytes
 *     alterations: count, each: place in sent, offset (2 bytes), bits to flip
 */
#include "nts/path.h"
#include "tests/fuzz/target.h"
#include "tests/unit/resolver/certificate/chain_maker.h"

#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <strings.h>

#define SENT_MAX 400
#define LISTS_MAX 4
#define ALTERATIONS_MAX 3
#define LEVEL 2
/* The limits that nts/path.c sets itself. */
#define SIGNATURES_MAX 200
#define PATHS_MAX 50
#define WORK_MAX 100000000

enum flag {
	IGNORE_DATES = 1,
	NO_LISTS = 2,
};

static const char *const hosts[] = {
    CHAIN_HOST, "192.0.2.1", "other.example", "2001:db8::1"};

/* New words stand at the end: the corpus counts on their order. */
static const char *const words[] = {"v1", "broken", "twin", "name=R", "name=I",
    "name=L", "name=ntp.example", "key=R", "key=I", "key=1", "key=2", "key=3",
    "key=4", "key=5", "from=-30", "from=-9", "from=-2", "from=1", "from=2",
    "to=-2", "to=-1", "to=5", "to=9", "eku=clientAuth", "eku=serverAuth",
    "eku=critical,serverAuth", "eku=clientAuth,serverAuth",
    "eku=anyExtendedKeyUsage", "eku=1.3.6.1.4.1.55555.2", "eku=-", "skid=-",
    "skid=00112233", "akid=-", "akid=keyid,issuer:always", "akid=issuer:always",
    "nc=permitted;DNS:other.example", "nc=permitted;DNS:example",
    "nc=critical,permitted;DNS:example", "nc=excluded;DNS:example",
    "nc=excluded;DNS:other.example",
    "nc=permitted;IP:198.51.100.0/255.255.255.0",
    "nc=permitted;IP:192.0.2.0/255.255.255.0", "bc=critical,CA:TRUE,pathlen:0",
    "bc=critical,CA:TRUE,pathlen:1", "bc=critical,CA:TRUE", "bc=CA:TRUE",
    "bc=critical,CA:FALSE", "bc=-", "ku=-",
    "ku=critical,digitalSignature,keyCertSign", "ku=critical,digitalSignature",
    "ku=critical,keyEncipherment", "ku=critical,keyAgreement",
    "ku=critical,cRLSign", "ku=critical,keyCertSign", "san=-",
    "san=IP:192.0.2.1", "san=IP:2001:db8::1", "san=IP:192.0.2.2",
    "san=email:ntp@ntp.example", "san=DNS:*.example", "san=DNS:*.net.example",
    "san=DNS:*", "san=DNS:nt*.example", "san=DNS:NTP.Example",
    "san=DNS:a.example", "san=DNS:192.0.2.1",
    "san=DNS:a.example,IP:192.0.2.1,DNS:ntp.example", "md=sha1", "md=sha224",
    "md=sha512", "ext=critical", "ext=plain", "enc=printable"};

/* What the input says of a list. */
struct list_bytes {
	uint8_t issuer, key, revoked, also, dates, scope, kind;
};

struct play {
	struct reader in;
	uint8_t flags;
	const char *host;
	bool has_skid[CHAIN_CERTIFICATES_MAX];
	X509 *altered[ALTERATIONS_MAX];
	STACK_OF(X509) * sent, *trusted;
	STACK_OF(X509_CRL) * lists;
};

/* Its keys are made once, because keys cost more than certificates. */
static struct chain_maker maker;

/* What the search costs: OpenSSL's own functions are called through these. */
static struct {
	bool counting;
	unsigned signatures, paths;
	uint64_t work;
} cost;

/* Multiplications of 64 bits that a signature takes at least. */
static uint64_t work_of(const EVP_PKEY *key)
{
	uint64_t bits = key ? (uint64_t)EVP_PKEY_get_bits(key) : 0;
	uint64_t square = (bits / 64) * (bits / 64);

	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC ? square * bits * 40
							: square * 17;
}

static void find_function(const char *name, void *function)
{
	void *found = dlsym(RTLD_NEXT, name);

	MUST(found != NULL);
	memcpy(function, &found, sizeof(found));
}

int X509_verify(X509 *c, EVP_PKEY *key)
{
	static int (*verify)(X509 *, EVP_PKEY *);

	if (!verify)
		find_function("X509_verify", &verify);
	if (cost.counting) {
		cost.signatures++;
		cost.work += work_of(key);
	}
	return verify(c, key);
}

int X509_verify_cert(X509_STORE_CTX *ctx)
{
	static int (*verify)(X509_STORE_CTX *);
	STACK_OF(X509) *path = X509_STORE_CTX_get0_untrusted(ctx);
	bool counting = cost.counting;
	int result;

	if (!verify)
		find_function("X509_verify_cert", &verify);
	if (counting) {
		cost.paths++;
		for (int i = 1; i < sk_X509_num(path); i++)
			cost.work +=
			    work_of(X509_get0_pubkey(sk_X509_value(path, i)));
	}
	cost.counting = false;
	result = verify(ctx);
	cost.counting = counting;
	return result;
}

/* ---- what the input describes ---- */

static struct chain_certificate *take_certificate(struct play *p)
{
	return &maker.all[take_u8(&p->in) % maker.count];
}

static void add_word(struct play *p, char *line, size_t size)
{
	const char *word = words[take_u8(&p->in) % ARRAY_LEN(words)];
	size_t len = strlen(line);
	unsigned twin;

	if (strcmp(word, "twin") != 0) {
		snprintf(line + len, size - len, " %s", word);
		return;
	}
	twin = take_u8(&p->in) % (maker.count + 1);
	if (twin < maker.count && p->has_skid[twin])
		snprintf(
		    line + len, size - len, " twin=%s", maker.all[twin].id);
}

static void take_line(struct play *p)
{
	char line[600];
	char letter = (char)('A' + take_u8(&p->in) % 26);
	unsigned by = take_u8(&p->in) % (maker.count + 1);
	unsigned self = maker.count, count;

	/* The index makes the ID unique. */
	snprintf(line, sizeof(line), "%c%02u by=%c%02u", letter, self,
	    by == self ? letter : maker.all[by].id[0], by);
	/* A key identifier of the issuer needs one there. */
	if (by != self && !p->has_skid[by])
		strcat(line, " akid=-");
	count = take_u8(&p->in) % 8;
	for (unsigned i = 0; i < count; i++)
		add_word(p, line, sizeof(line));
	p->has_skid[self] = !strstr(line, " skid=-") && !strstr(line, " v1");
	chain_make(&maker, line);
}

static void take_certificates(struct play *p)
{
	unsigned count = 1 + take_u8(&p->in) % CHAIN_CERTIFICATES_MAX;

	for (unsigned i = 0; i < count; i++)
		take_line(p);
}

static void take_sent(struct play *p)
{
	unsigned copies = 1 + take_u8(&p->in);
	unsigned count = take_u8(&p->in) % (CHAIN_CERTIFICATES_MAX + 1);
	X509 *all[CHAIN_CERTIFICATES_MAX];

	MUST(sk_X509_push(p->sent, take_certificate(p)->certificate));
	for (unsigned i = 0; i < count; i++)
		all[i] = take_certificate(p)->certificate;
	for (unsigned i = 0; i < copies * count && i < SENT_MAX; i++)
		MUST(sk_X509_push(p->sent, all[i % count]));
}

static void take_trusted(struct play *p)
{
	unsigned count = take_u8(&p->in) % (CHAIN_CERTIFICATES_MAX + 1);

	for (unsigned i = 0; i < count; i++)
		MUST(
		    sk_X509_push(p->trusted, take_certificate(p)->certificate));
}

static struct pki_list_spec list_of(struct list_bytes b)
{
	static const char *const scopes[] = {NULL, "critical,onlyuser:TRUE",
	    "critical,onlyCA:TRUE", "critical,onlyAA:TRUE",
	    "critical,fullname:URI:http://x.example/l",
	    "critical,onlysomereasons:keyCompromise"};
	static const long dates[][2] = {{0, 0}, {-9, -2}, {2, 9}, {-9, 9}};
	struct pki_list_spec spec = {
	    .from_s = dates[b.dates % ARRAY_LEN(dates)][0] * PKI_DAY_S,
	    .to_s = dates[b.dates % ARRAY_LEN(dates)][1] * PKI_DAY_S,
	    .endless = b.kind & 1,
	    .delta = b.kind & 2 ? 7 : 0,
	    /* 8: it takes the certificate from a list. */
	    .reason = b.kind & 4   ? 8
		      : b.kind & 8 ? 1
				   : 0,
	    .scope = scopes[b.scope % ARRAY_LEN(scopes)],
	    .authority = "issuer:always",
	};

	if (b.revoked != 0xff)
		spec.revoked = maker.all[b.revoked % maker.count].certificate;
	if (b.also != 0xff)
		spec.also = maker.all[b.also % maker.count].certificate;
	return spec;
}

static void take_lists(struct play *p)
{
	unsigned count = take_u8(&p->in) % (LISTS_MAX + 1);

	for (unsigned i = 0; i < count; i++) {
		struct list_bytes b = {0};
		uint8_t *bytes = (uint8_t *)&b;
		struct pki_pair by;

		for (size_t j = 0; j < sizeof(b); j++)
			bytes[j] = take_u8(&p->in);
		by.certificate = maker.all[b.issuer % maker.count].certificate;
		by.key = maker.all[b.key % maker.count].key;
		/* A digest belongs to no signature of Ed25519. */
		if (EVP_PKEY_get_base_id(by.key) == EVP_PKEY_ED25519)
			continue;
		MUST(sk_X509_CRL_push(p->lists, pki_list(&by, list_of(b))));
	}
}

/* A copy with some bits of its encoding flipped; NULL: it cannot be read. */
static X509 *alter(const X509 *c, size_t at, uint8_t bits)
{
	unsigned char *der = NULL;
	const unsigned char *from;
	int len = i2d_X509(c, &der);
	X509 *made;

	MUST(len > 0);
	der[at % (size_t)len] ^= bits ? bits : 1;
	from = der;
	made = d2i_X509(NULL, &from, len);
	OPENSSL_free(der);
	ERR_clear_error();
	return made;
}

static void take_alterations(struct play *p)
{
	unsigned count = take_u8(&p->in) % (ALTERATIONS_MAX + 1);

	for (unsigned i = 0; i < count; i++) {
		int place = take_u8(&p->in) % sk_X509_num(p->sent);
		size_t at = take_u16(&p->in);
		uint8_t bits = take_u8(&p->in);

		p->altered[i] = alter(sk_X509_value(p->sent, place), at, bits);
		if (p->altered[i])
			sk_X509_set(p->sent, place, p->altered[i]);
	}
}

/* ---- what must be true of an accepted path ---- */

static bool has_twin_in(const X509 *c, const STACK_OF(X509) * all)
{
	for (int i = 0; i < sk_X509_num(all); i++)
		if (X509_cmp(c, sk_X509_value(all, i)) == 0)
			return true;
	return false;
}

/* Nobody has altered it. */
static bool was_made(const X509 *c)
{
	for (unsigned i = 0; i < maker.count; i++)
		if (X509_cmp(c, maker.all[i].certificate) == 0)
			return true;
	return false;
}

static bool is_dns_name_of(const ASN1_IA5STRING *name, const char *host)
{
	const char *text = (const char *)ASN1_STRING_get0_data(name);
	const char *dot = strchr(host, '.');
	size_t len = (size_t)ASN1_STRING_length(name);

	if (len > 2 && memcmp(text, "*.", 2) == 0 && dot)
		return strlen(dot) == len - 1 &&
		       strncasecmp(text + 1, dot, len - 1) == 0;
	return strlen(host) == len && strncasecmp(text, host, len) == 0;
}

static bool is_name_of(const GENERAL_NAME *name, const char *host)
{
	ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
	bool fits = false;

	if (name->type == GEN_IPADD && address)
		fits = ASN1_OCTET_STRING_cmp(name->d.iPAddress, address) == 0;
	else if (name->type == GEN_DNS && !address)
		fits = is_dns_name_of(name->d.dNSName, host);
	ASN1_OCTET_STRING_free(address);
	return fits;
}

static bool is_certificate_of(const X509 *c, const char *host)
{
	GENERAL_NAMES *all =
	    X509_get_ext_d2i(c, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(all) && !found; i++)
		found = is_name_of(sk_GENERAL_NAME_value(all, i), host);
	GENERAL_NAMES_free(all);
	return found;
}

static bool is_now_between(const ASN1_TIME *since, const ASN1_TIME *until)
{
	return X509_cmp_current_time(since) < 0 &&
	       (!until || X509_cmp_current_time(until) > 0);
}

static void check_each(const struct play *p, X509 *c, bool server)
{
	uint32_t uses = X509_get_extended_key_usage(c);

	MUST(was_made(c));
	MUST((p->flags & IGNORE_DATES) ||
	     is_now_between(X509_get0_notBefore(c), X509_get0_notAfter(c)));
	MUST(!(X509_get_extension_flags(c) & EXFLAG_CRITICAL));
	MUST(uses & (XKU_SSL_SERVER | (server ? 0 : XKU_SGC)));
	MUST(EVP_PKEY_get_security_bits(X509_get0_pubkey(c)) >= 112);
}

/* What a CA allows below itself; `below` of its path are other CAs. */
static void check_authority(X509 *ca, long below, X509 *server)
{
	NAME_CONSTRAINTS *limits =
	    X509_get_ext_d2i(ca, NID_name_constraints, NULL, NULL);

	MUST(X509_check_ca(ca) > 0);
	MUST(X509_get_key_usage(ca) & KU_KEY_CERT_SIGN);
	MUST(X509_get_pathlen(ca) < 0 || below <= X509_get_pathlen(ca));
	MUST(!limits || NAME_CONSTRAINTS_check(server, limits) == X509_V_OK);
	NAME_CONSTRAINTS_free(limits);
}

static void check_signature(X509 *c, X509 *by)
{
	int bits = 0;

	MUST(X509_NAME_cmp(
		 X509_get_issuer_name(c), X509_get_subject_name(by)) == 0);
	MUST(X509_verify(c, X509_get0_pubkey(by)) == 1);
	MUST(X509_get_signature_info(c, NULL, NULL, &bits, NULL) == 1);
	MUST(bits >= 112);
}

/* 0: no; 1: revoked; -1: a newer list takes it from the older ones. */
static int revokes(X509_CRL *list, const X509 *c)
{
	const STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(list);
	int found = 0;

	for (int i = 0; i < sk_X509_REVOKED_num(all); i++) {
		const X509_REVOKED *e = sk_X509_REVOKED_value(all, i);
		ASN1_ENUMERATED *why =
		    X509_REVOKED_get_ext_d2i(e, NID_crl_reason, NULL, NULL);

		if (ASN1_INTEGER_cmp(X509_REVOKED_get0_serialNumber(e),
			X509_get0_serialNumber(c)) == 0)
			found = why && ASN1_ENUMERATED_get(why) == 8 ? -1 : 1;
		ASN1_ENUMERATED_free(why);
	}
	return found;
}

/* Is the list about certificates of this kind? */
static bool is_about(X509_CRL *list, X509 *c)
{
	ISSUING_DIST_POINT *scope = X509_CRL_get_ext_d2i(
	    list, NID_issuing_distribution_point, NULL, NULL);
	bool ca = X509_check_ca(c) > 0;
	bool about =
	    !scope || (scope->onlyattr <= 0 && !(scope->onlyuser > 0 && ca) &&
			  !(scope->onlyCA > 0 && !ca));

	ISSUING_DIST_POINT_free(scope);
	return about && X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) < 0;
}

/* A list of the issuer that is in force must not name the certificate. */
static void check_revocation(const struct play *p, X509 *c, X509 *by)
{
	for (int i = 0; i < sk_X509_CRL_num(p->lists); i++) {
		X509_CRL *list = sk_X509_CRL_value(p->lists, i);

		if (X509_NAME_cmp(X509_CRL_get_issuer(list),
			X509_get_subject_name(by)) != 0 ||
		    X509_CRL_verify(list, X509_get0_pubkey(by)) != 1 ||
		    !is_about(list, c) ||
		    !(X509_get_key_usage(by) & KU_CRL_SIGN))
			continue;
		if ((p->flags & IGNORE_DATES) ||
		    is_now_between(X509_CRL_get0_lastUpdate(list),
			X509_CRL_get0_nextUpdate(list)))
			MUST(revokes(list, c) <= 0);
	}
}

static void check_accepted(const struct play *p, const STACK_OF(X509) * path)
{
	int count = sk_X509_num(path);
	X509 *server = sk_X509_value(path, 0);
	long below = 0;

	MUST(count >= 1 && count <= PATH_LENGTH_MAX);
	MUST(server == sk_X509_value(p->sent, 0));
	MUST(has_twin_in(sk_X509_value(path, count - 1), p->trusted));
	MUST(is_certificate_of(server, p->host));
	MUST(X509_get_key_usage(server) & KU_DIGITAL_SIGNATURE);
	for (int i = 0; i < count; i++) {
		X509 *c = sk_X509_value(path, i);
		X509 *by = i + 1 < count ? sk_X509_value(path, i + 1) : NULL;

		check_each(p, c, i == 0);
		if (i > 0)
			check_authority(c, below, server);
		if (i > 0 && !(X509_get_extension_flags(c) & EXFLAG_SI))
			below++;
		if (!by)
			continue;
		check_signature(c, by);
		if (!(p->flags & NO_LISTS))
			check_revocation(p, c, by);
	}
}

static void check_refusal(const struct play *p, const struct tls_refusal *r)
{
	MUST(r->error != X509_V_OK);
	MUST(r->depth >= 0 && r->depth < PATH_LENGTH_MAX);
	MUST(!r->path ||
	     (sk_X509_num(r->path) <= PATH_LENGTH_MAX &&
		 sk_X509_value(r->path, 0) == sk_X509_value(p->sent, 0)));
	MUST(sk_X509_num(r->sent) == sk_X509_num(p->sent));
	MUST(!r->crl || !(p->flags & NO_LISTS));
}

/* ---- the judgement ---- */

static X509_STORE *store_of(const struct play *p)
{
	X509_STORE *store = X509_STORE_new();

	MUST(store != NULL);
	for (int i = 0; i < sk_X509_num(p->trusted); i++)
		MUST(X509_STORE_add_cert(store, sk_X509_value(p->trusted, i)));
	return store;
}

/* With the parameters that nts/tls.c gives to a session. */
static X509_STORE_CTX *context_of(const struct play *p, X509_STORE *store)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;

	MUST(ctx && X509_STORE_CTX_init(
			ctx, store, sk_X509_value(p->sent, 0), p->sent));
	X509_STORE_CTX_set_default(ctx, "ssl_server");
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (p->flags & IGNORE_DATES)
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
	X509_VERIFY_PARAM_set_auth_level(param, LEVEL);
	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (!X509_VERIFY_PARAM_set1_ip_asc(param, p->host))
		MUST(X509_VERIFY_PARAM_set1_host(param, p->host, 0));
	return ctx;
}

static bool openssl_accepts(const struct play *p, X509_STORE *store)
{
	X509_STORE_CTX *ctx = context_of(p, store);
	bool good = X509_verify_cert(ctx) > 0;

	X509_STORE_CTX_free(ctx);
	return good && (X509_get_key_usage(sk_X509_value(p->sent, 0)) &
			   KU_DIGITAL_SIGNATURE);
}

static void judge(const struct play *p)
{
	X509_STORE *store = store_of(p);
	X509_STORE_CTX *ctx = context_of(p, store);
	struct tls_refusal refusal = {0};
	bool accepted;

	memset(&cost, 0, sizeof(cost));
	cost.counting = true;
	accepted =
	    path_check(ctx, p->flags & NO_LISTS ? NULL : p->lists, &refusal);
	cost.counting = false;
	MUST(cost.signatures <= SIGNATURES_MAX && cost.paths <= PATHS_MAX);
	MUST(cost.work <= WORK_MAX);
	MUST(!accepted || cost.paths > 0);
	if (accepted)
		check_accepted(p, X509_STORE_CTX_get0_chain(ctx));
	else
		check_refusal(p, &refusal);
	/* So few certificates have fewer paths than are tried. */
	if (!accepted && (p->flags & NO_LISTS) && sk_X509_num(p->sent) <= 4 &&
	    sk_X509_num(p->trusted) <= 4)
		MUST(!openssl_accepts(p, store));
	path_refusal_free(&refusal);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play p = {.in = reader_of(data, size),
	    .sent = sk_X509_new_null(),
	    .trusted = sk_X509_new_null(),
	    .lists = sk_X509_CRL_new_null()};

	MUST(p.sent && p.trusted && p.lists);
	p.flags = take_u8(&p.in);
	p.host = hosts[take_u8(&p.in) % ARRAY_LEN(hosts)];
	take_certificates(&p);
	take_sent(&p);
	take_trusted(&p);
	take_lists(&p);
	take_alterations(&p);
	judge(&p);
	for (unsigned i = 0; i < ALTERATIONS_MAX; i++)
		X509_free(p.altered[i]);
	sk_X509_free(p.sent);
	sk_X509_free(p.trusted);
	sk_X509_CRL_pop_free(p.lists, X509_CRL_free);
	chain_clear(&maker);
	ERR_clear_error();
	return 0;
}
