/* The sentences about a field of a certificate that fails, each with its fix.
 */
#ifndef RESOLVER_CERTIFICATE_FIELDS_H
#define RESOLVER_CERTIFICATE_FIELDS_H

#include "resolver/certificate/refused.h"

void say_wrong_name(const struct refusal *r);
void say_weak(const struct refusal *r);
void say_weak_signature(const struct refusal *r);
void say_unknown_signature(const struct refusal *r);
/* `issuer` has the key that the library cannot read. */
void say_unknown_key(const struct refusal *r, struct x509_st *issuer);
void say_wrong_purpose(const struct refusal *r);
void say_not_a_ca(const struct refusal *r);
void say_no_cert_sign(const struct refusal *r);
void say_path_too_long(const struct refusal *r);
void say_name_constraints(const struct refusal *r);
void say_bad_constraints(const struct refusal *r);
void say_bad_name(const struct refusal *r);
void say_unknown_extension(const struct refusal *r);
void say_bad_extension(const struct refusal *r);

/* Is the signature too weak for the security level, so that the library may
 * not even verify it? */
bool refusal_signature_is_weak(const struct refusal *r);

/* Does the library not know the algorithm of the signature? Then nobody can say
 * whose key made it. */
bool refusal_signature_is_unknown(const struct refusal *r);

#endif
