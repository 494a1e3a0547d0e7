/* The sentences about a revocation list: a certificate that it revokes, and a
 * list that cannot be judged. RFC 5280 5. */
#ifndef RESOLVER_CERTIFICATE_LISTS_H
#define RESOLVER_CERTIFICATE_LISTS_H

#include "resolver/certificate/refused.h"

void say_revoked(const struct refusal *r);
void say_list_dates(const struct refusal *r);
void say_list_unknown(const struct refusal *r);
void say_list_unusable(const struct refusal *r);

#endif
