#include "nts/path.h"

#include "nts/revocation.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdint.h>

/* A server may send hundreds of certificates of one name. Real chains need
 * fewer than ten of these. */
#define SIGNATURES_MAX 200
#define PATHS_MAX 50
/* Nor do they need more work than about this many multiplications of 64 bits: a
 * tenth of a second. One signature of RSA with 2048 bits costs 20 thousand, of
 * P-256 300 thousand. But a server chooses the keys that it sends: 200 of keys
 * that are made to be slow cost a second. */
#define WORK_MAX 100000000
/* Of a signature by another method than RSA, DSA and elliptic curves. */
#define WORK_OTHER 400000

/* How much a failure says about what to fix; a higher one is told. */
enum rank {
	RANK_NONE,
	RANK_INCOMPLETE,
	RANK_REFUSED,
	RANK_DATES,
	RANK_REVOKED,
};

struct search {
	X509_STORE_CTX *ctx; /* of the TLS library: parameters, what is trusted
			      */
	X509_STORE *checks;  /* an empty store with our own check of issuers */
	const STACK_OF(X509_CRL) * crls;
	STACK_OF(X509) * sent;
	X509 *path[PATH_LENGTH_MAX];
	int length;
	unsigned signatures, paths; /* done so far */
	uint64_t work;		    /* of these, in multiplications */
	uint64_t path_work;	    /* of the signatures of this path alone */
	bool cut;		    /* a limit was reached */
	enum rank rank;		    /* of `refusal` */
	struct tls_refusal *refusal;
};

void path_refusal_free(struct tls_refusal *r)
{
	X509_free(r->certificate);
	sk_X509_pop_free(r->sent, X509_free);
	sk_X509_pop_free(r->path, X509_free);
	X509_CRL_free(r->crl);
	*r = (struct tls_refusal){0};
}

bool path_error_is_date(int error)
{
	return error == X509_V_ERR_CERT_HAS_EXPIRED ||
	       error == X509_V_ERR_CERT_NOT_YET_VALID ||
	       error == X509_V_ERR_CRL_HAS_EXPIRED ||
	       error == X509_V_ERR_CRL_NOT_YET_VALID;
}

static bool same_subject(const X509 *a, const X509 *b)
{
	return X509_NAME_cmp(
		   X509_get_subject_name(a), X509_get_subject_name(b)) == 0;
}

static bool is_issuer_by_name(const X509 *issuer, const X509 *c)
{
	return X509_NAME_cmp(
		   X509_get_subject_name(issuer), X509_get_issuer_name(c)) == 0;
}

/* For OpenSSL: the issuer is the next certificate of the path, whose signature
 * the search has verified. Names are not enough, because a CA with a new key
 * has several certificates in one path (RFC 4210 4.4). OpenSSL verifies the
 * signature again, and checks the key usage of the issuer. */
static int is_next_in_path(X509_STORE_CTX *ctx, X509 *c, X509 *issuer)
{
	const STACK_OF(X509) *path = X509_STORE_CTX_get0_untrusted(ctx);

	for (int i = 0; i + 1 < sk_X509_num(path); i++)
		if (sk_X509_value(path, i) == c)
			return sk_X509_value(path, i + 1) == issuer;
	return 0;
}

/* RFC 4158 5.2: the same name and key twice is a loop. */
static bool in_path(const struct search *s, X509 *c)
{
	for (int i = 0; i < s->length; i++)
		if (same_subject(s->path[i], c) &&
		    EVP_PKEY_eq(
			X509_get0_pubkey(s->path[i]), X509_get0_pubkey(c)) == 1)
			return true;
	return false;
}

/* The bits of the number that RSA raises to: up to 3072, because the owner of a
 * key chooses it. */
static unsigned exponent_bits(const EVP_PKEY *key)
{
	BIGNUM *e = NULL;
	unsigned bits = 17; /* of the usual one */

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e))
		bits = (unsigned)BN_num_bits(e);
	BN_free(e);
	return bits;
}

/* About how many multiplications it takes to verify a signature: the square of
 * the length of a number, for each bit of an exponent. */
static uint64_t work_of(const EVP_PKEY *key)
{
	const uint64_t bits = (uint64_t)EVP_PKEY_get_bits(key);
	const uint64_t square = (bits / 64 + 1) * (bits / 64 + 1);

	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		return square * exponent_bits(key);
	case EVP_PKEY_DSA:
		/* Two exponents of at most 256 bits. */
		return square * 512;
	case EVP_PKEY_EC:
		/* An addition of points takes about a dozen, and more on
		 * curves for which the library has no code of their own. */
		return square * bits * 40;
	default:
		return WORK_OTHER;
	}
}

/* False: no such work is left. */
static bool spend(struct search *s, uint64_t work)
{
	s->work += work;
	s->cut |= s->work > WORK_MAX;
	return s->work <= WORK_MAX;
}

/* The work is 0 if the key does not fit. */
static uint64_t work_if_fits(struct search *s, X509 *c, X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	uint64_t work = key ? work_of(key) : 0;
	bool fits;

	if (!key)
		return 0;
	if (s->signatures == SIGNATURES_MAX) {
		s->cut = true;
		return 0;
	}
	if (!spend(s, work))
		return 0;
	s->signatures++;
	fits = X509_verify(c, key) == 1;
	ERR_clear_error();
	return fits ? work : 0;
}

/* A copy of the path with its own references. */
static STACK_OF(X509) * copy_path(const struct search *s)
{
	STACK_OF(X509) *all = sk_X509_new_null();

	for (int i = 0; all && i < s->length; i++)
		if (X509_up_ref(s->path[i]) && !sk_X509_push(all, s->path[i]))
			X509_free(s->path[i]);
	return all;
}

/* Keeps a failure if it says more than the one before. */
static void note(struct search *s, enum rank rank, int error, int depth,
    X509 *certificate, X509_CRL *crl)
{
	struct tls_refusal *r = s->refusal;
	bool longer = rank == RANK_INCOMPLETE && s->rank == RANK_INCOMPLETE &&
		      depth > r->depth;

	if (rank <= s->rank && !longer)
		return;
	path_refusal_free(r);
	s->rank = rank;
	r->error = error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error;
	r->depth = depth;
	if (certificate && X509_up_ref(certificate))
		r->certificate = certificate;
	if (crl && X509_CRL_up_ref(crl))
		r->crl = crl;
	r->path = copy_path(s);
}

static enum rank rank_of(int error)
{
	if (error == X509_V_ERR_CERT_REVOKED)
		return RANK_REVOKED;
	return path_error_is_date(error) ? RANK_DATES : RANK_REFUSED;
}

/* A context that can build this path and no other. */
static bool prepare(const struct search *s, X509_STORE_CTX *check,
    STACK_OF(X509) * path, STACK_OF(X509) * anchor)
{
	X509_VERIFY_PARAM *param = X509_VERIFY_PARAM_new();

	if (!param ||
	    !X509_VERIFY_PARAM_set1(param, X509_STORE_CTX_get0_param(s->ctx)) ||
	    !X509_STORE_CTX_init(check, s->checks, s->path[0], path)) {
		X509_VERIFY_PARAM_free(param);
		return false;
	}
	X509_STORE_CTX_set0_param(check, param);
	X509_STORE_CTX_set0_trusted_stack(check, anchor);
	return true;
}

static bool is_unrevoked(struct search *s, X509_STORE_CTX *check)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(check);
	const struct revocation_policy policy = {
	    .check_dates = (X509_VERIFY_PARAM_get_flags(param) &
			       X509_V_FLAG_NO_CHECK_TIME) == 0,
	    .level = X509_VERIFY_PARAM_get_auth_level(param),
	};
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(check);
	struct revocation r;

	if (revocation_check(chain, s->crls, &policy, &r))
		return true;
	note(s, rank_of(r.error), r.error, r.depth,
	    sk_X509_value(chain, r.depth), r.crl);
	return false;
}

/* A server of TLS 1.3 signs with the key of its certificate (RFC 8446 section
 * 4.4.2.2). OpenSSL also takes what older versions of TLS did with it. */
static bool may_sign(struct search *s)
{
	X509 *server = s->path[0];

	if (X509_get_key_usage(server) & KU_DIGITAL_SIGNATURE)
		return true;
	note(s, RANK_REFUSED, X509_V_ERR_INVALID_PURPOSE, 0, server, NULL);
	return false;
}

/* The first certificate of the path with an extension that OpenSSL cannot read;
 * -1: none. */
static int unreadable_in(const struct search *s)
{
	for (int i = 0; i < s->length; i++)
		if (X509_get_extension_flags(s->path[i]) & EXFLAG_INVALID)
			return i;
	return -1;
}

/* The first CA whose name constraints give this error for the certificate at
 * `depth`; -1: none. */
static int constraining(const struct search *s, int depth, int error)
{
	for (int i = depth + 1; i < s->length; i++) {
		NAME_CONSTRAINTS *limits = X509_get_ext_d2i(
		    s->path[i], NID_name_constraints, NULL, NULL);
		bool found = limits && NAME_CONSTRAINTS_check(
					   s->path[depth], limits) == error;

		NAME_CONSTRAINTS_free(limits);
		if (found)
			return i;
	}
	return -1;
}

/* Where the fault is: OpenSSL does not say which certificate has an extension
 * that it cannot read, and names the one below the CA whose name constraints
 * are at fault. */
static int depth_of_fault(const struct search *s, int error, int depth)
{
	switch (error) {
	case X509_V_ERR_UNSPECIFIED:
		return unreadable_in(s);
	case X509_V_ERR_SUBTREE_MINMAX:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
		return constraining(s, depth, error);
	default:
		return -1;
	}
}

static void note_refused(struct search *s, X509_STORE_CTX *check)
{
	int error = X509_STORE_CTX_get_error(check);
	int depth = X509_STORE_CTX_get_error_depth(check);
	int at = depth_of_fault(s, error, depth);

	if (at >= 0)
		note(s, rank_of(error), error, at, s->path[at], NULL);
	else
		note(s, rank_of(error), error, depth,
		    X509_STORE_CTX_get_current_cert(check), NULL);
}

static bool verify(struct search *s, X509_STORE_CTX *check)
{
	if (X509_verify_cert(check) <= 0) {
		note_refused(s, check);
		return false;
	}
	if (!may_sign(s) || !is_unrevoked(s, check))
		return false;
	X509_STORE_CTX_set0_verified_chain(
	    s->ctx, X509_STORE_CTX_get1_chain(check));
	X509_STORE_CTX_set_error(s->ctx, X509_V_OK);
	return true;
}

/* The path is complete: its last certificate is trusted. */
static bool judge(struct search *s)
{
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	STACK_OF(X509) *path = copy_path(s), *anchor = sk_X509_new_null();
	bool good = false;

	if (s->paths == PATHS_MAX) {
		s->cut = true;
	} else if (spend(s, s->path_work)) { /* OpenSSL verifies all again */
		s->paths++;
		good = check && path && anchor &&
		       sk_X509_push(anchor, s->path[s->length - 1]) &&
		       prepare(s, check, path, anchor) && verify(s, check);
	}
	X509_STORE_CTX_free(check);
	sk_X509_free(anchor);
	sk_X509_pop_free(path, X509_free);
	ERR_clear_error();
	return good;
}

static bool in_time(const X509 *c)
{
	return X509_cmp_current_time(X509_get0_notBefore(c)) < 0 &&
	       X509_cmp_current_time(X509_get0_notAfter(c)) > 0;
}

static bool is_in(const STACK_OF(X509) * stack, const X509 *c)
{
	for (int i = 0; i < sk_X509_num(stack); i++)
		if (X509_cmp(sk_X509_value(stack, i), c) == 0)
			return true;
	return false;
}

static bool extend(struct search *s);

static bool try(struct search *s, X509 *issuer, bool trusted)
{
	X509 *last = s->path[s->length - 1];
	uint64_t work;
	bool good;

	if (in_path(s, issuer))
		return false;
	work = work_if_fits(s, last, issuer);
	if (work == 0)
		return false;
	if (s->length == PATH_LENGTH_MAX) {
		note(s, RANK_REFUSED, X509_V_ERR_CERT_CHAIN_TOO_LONG,
		    s->length - 1, last, NULL);
		return false;
	}
	s->path[s->length++] = issuer;
	s->path_work += work;
	good = trusted ? judge(s) : extend(s);
	s->path_work -= work;
	s->length--;
	return good;
}

/* Tries the issuers among `from` of the last certificate: first those within
 * their dates, so that an outdated copy costs nothing. */
static bool try_all(struct search *s, const STACK_OF(X509) * from, bool trusted)
{
	const X509 *last = s->path[s->length - 1];

	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < sk_X509_num(from); i++) {
			X509 *c = sk_X509_value(from, i);

			if (is_issuer_by_name(c, last) &&
			    in_time(c) == (pass == 0) && try(s, c, trusted))
				return true;
		}
	}
	return false;
}

/* The trusted certificates of this name; NULL: none. */
static STACK_OF(X509) * trusted_of(struct search *s, const X509_NAME *name)
{
	STACK_OF(X509) *found = X509_STORE_CTX_get1_certs(s->ctx, name);

	ERR_clear_error();
	return found;
}

static bool is_trusted(struct search *s, const X509 *c)
{
	STACK_OF(X509) *same = trusted_of(s, X509_get_subject_name(c));
	bool found = is_in(same, c);

	sk_X509_pop_free(same, X509_free);
	return found;
}

/* The error of a path that ends at a certificate without an issuer. */
static int why_incomplete(struct search *s)
{
	X509 *last = s->path[s->length - 1];

	if (X509_self_signed(last, 0) == 1)
		return s->length == 1 ? X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
				      : X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
	return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
}

/* Goes on from the last certificate of the path: to a trusted issuer, or over
 * one that was sent. At most PATH_LENGTH_MAX deep. */
static bool extend(struct search *s)
{
	X509 *last = s->path[s->length - 1];
	STACK_OF(X509) * trusted;
	bool good;

	/* Somebody trusts the intermediate certificate, or the server's own. */
	if (is_trusted(s, last) && judge(s))
		return true;
	trusted = trusted_of(s, X509_get_issuer_name(last));
	good = try_all(s, trusted, true) || try_all(s, s->sent, false);
	sk_X509_pop_free(trusted, X509_free);
	if (!good)
		note(s, RANK_INCOMPLETE, why_incomplete(s), s->length - 1, last,
		    NULL);
	return good;
}

static void finish(struct search *s)
{
	struct tls_refusal *r = s->refusal;

	if (s->cut && s->rank < RANK_REFUSED)
		r->error = X509_V_ERR_CERT_CHAIN_TOO_LONG;
	if (!r->error)
		r->error = X509_V_ERR_UNSPECIFIED;
	r->level =
	    X509_VERIFY_PARAM_get_auth_level(X509_STORE_CTX_get0_param(s->ctx));
	if (s->sent)
		r->sent = X509_chain_up_ref(s->sent);
	X509_STORE_CTX_set_error(s->ctx, r->error);
	X509_STORE_CTX_set_error_depth(s->ctx, r->depth);
}

bool path_check(X509_STORE_CTX *ctx, const STACK_OF(X509_CRL) * crls,
    struct tls_refusal *refusal)
{
	struct search s = {.ctx = ctx,
	    .crls = crls,
	    .checks = X509_STORE_new(),
	    .sent = X509_STORE_CTX_get0_untrusted(ctx),
	    .path = {X509_STORE_CTX_get0_cert(ctx)},
	    .length = 1,
	    .refusal = refusal};
	bool good = false;

	if (s.checks && s.path[0]) {
		X509_STORE_set_check_issued(s.checks, is_next_in_path);
		good = extend(&s);
	}
	if (!good)
		finish(&s);
	else
		path_refusal_free(refusal);
	X509_STORE_free(s.checks);
	return good;
}
