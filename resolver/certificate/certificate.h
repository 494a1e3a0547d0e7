/* Facts about a certificate, and texts about it for a log line. */
#ifndef RESOLVER_CERTIFICATE_CERTIFICATE_H
#define RESOLVER_CERTIFICATE_CERTIFICATE_H

#include "resolver/certificate/sentence.h"

#include <stdbool.h>
#include <stdint.h>

struct x509_st;
struct X509_name_st;
struct stack_st_X509;

#define CERTIFICATE_NAME_MAX 160
#define CERTIFICATE_DATE_MAX 32
#define CERTIFICATE_KEY_LEN 32

/* "CN=ntp1,O=Example"; "(no name)" for an empty name. */
void certificate_name(
    const struct X509_name_st *name, char out[CERTIFICATE_NAME_MAX]);
void certificate_subject(
    const struct x509_st *c, char out[CERTIFICATE_NAME_MAX]);
void certificate_issuer(
    const struct x509_st *c, char out[CERTIFICATE_NAME_MAX]);

/* In seconds since 1970; 0: the date is unreadable. */
int64_t certificate_not_before(const struct x509_st *c);
int64_t certificate_not_after(const struct x509_st *c);

/* "2026-01-31 12:00:00 UTC" */
void certificate_date(int64_t unix_s, char out[CERTIFICATE_DATE_MAX]);

/* Adds "DNS ntp1.example.org, IP 192.0.2.1", or "no name at all" and returns
 * false. */
bool certificate_valid_for(struct x509_st *c, struct sentence *out);

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

#endif
