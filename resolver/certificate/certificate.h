/* Facts about a certificate, and texts about it for a log line. */
#ifndef RESOLVER_CERTIFICATE_CERTIFICATE_H
#define RESOLVER_CERTIFICATE_CERTIFICATE_H

#include "resolver/certificate/sentence.h"

#include <stdbool.h>
#include <stdint.h>

struct x509_st;
struct X509_name_st;
struct stack_st_X509;
struct asn1_string_st;

#define CERTIFICATE_NAME_MAX 160
#define CERTIFICATE_DATE_MAX 32
#define CERTIFICATE_KEY_LEN 32

/* "CN=ntp1,O=Example"; "(no name)" for an empty name. The text is foreign: put
 * it between double quotes. It has none itself: they become single ones. */
void certificate_name(
    const struct X509_name_st *name, char out[CERTIFICATE_NAME_MAX]);
void certificate_subject(
    const struct x509_st *c, char out[CERTIFICATE_NAME_MAX]);
void certificate_issuer(
    const struct x509_st *c, char out[CERTIFICATE_NAME_MAX]);

/* In seconds since 1970; 0: the date is missing or unreadable. */
int64_t certificate_time(const struct asn1_string_st *time);
int64_t certificate_not_before(const struct x509_st *c);
int64_t certificate_not_after(const struct x509_st *c);

/* "2026-01-31 12:00:00 UTC" */
void certificate_date(int64_t unix_s, char out[CERTIFICATE_DATE_MAX]);

/* Adds 'DNS "ntp1.example.org", IP 192.0.2.1', or that there is none. */
void certificate_valid_for(struct x509_st *c, struct sentence *out);

/* Is the name `host` there as a name of another kind than a server's? An
 * address may stand as a DNS name, a name in the common name alone. */
bool certificate_has_dns(struct x509_st *c, const char *host);
bool certificate_has_common_name(const struct x509_st *c, const char *host);

/* SHA-256 of the public key (SubjectPublicKeyInfo) in hexadecimal; "unknown" if
 * the library fails. The same as: openssl x509 -in FILE -noout -pubkey |
 * openssl pkey -pubin -outform DER | sha256sum */
#define CERTIFICATE_HASH_MAX 65
void certificate_key_hash(
    const struct x509_st *c, char out[CERTIFICATE_HASH_MAX]);

/* "2A00FF", cut to the field. */
#define CERTIFICATE_SERIAL_MAX 48
void certificate_serial(
    const struct x509_st *c, char out[CERTIFICATE_SERIAL_MAX]);

/* From when to when all certificates of the chain are valid, in seconds since
 * 1970; 0 and 0 for an empty chain. */
void certificate_chain_dates(
    const struct stack_st_X509 *chain, int64_t *not_before, int64_t *not_after);

/* SHA-256 of the public key of the server's certificate. Zeros: the chain is
 * empty, or the library failed. */
void certificate_chain_key(
    const struct stack_st_X509 *chain, uint8_t out[CERTIFICATE_KEY_LEN]);

/* The subject of the server's certificate; "" for an empty chain. */
void certificate_chain_subject(
    const struct stack_st_X509 *chain, char out[CERTIFICATE_NAME_MAX]);

/* What an administrator wants to see of a certificate. A plain struct, which
 * may cross to another process. */
#define CERTIFICATE_NAMES_MAX 400
struct certificate_facts {
	/* Foreign text: put it between double quotes. "" if none was shown. */
	char subject[CERTIFICATE_NAME_MAX], issuer[CERTIFICATE_NAME_MAX];
	char names[CERTIFICATE_NAMES_MAX];	/* see certificate_valid_for */
	char fingerprint[CERTIFICATE_HASH_MAX]; /* SHA-256 of it all, hex */
	int64_t not_before, not_after; /* seconds since 1970; 0: not known */
};

/* Describes the first certificate of a chain; all empty without one. */
void certificate_describe(
    const struct stack_st_X509 *chain, struct certificate_facts *out);

#endif
