/*
 * Which hosts can exist, and how certificates name them. Pure.
 */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include "base/check.h"
#include "base/limits.h"

#include <stdbool.h>

/* Why no such host can exist: neither the IP address of a host (an IPv6 address
 * may have a zone, and one that is link-local must) nor a host name (RFC 1123
 * section 2.1; '_' is allowed). Whether the characters are those of a host is
 * not checked. NULL: it may exist. */
const char *host_fault(const char *host);

/* Copies the host without zone and final dot: certificates have neither. False:
 * nothing is left, or it does not fit. */
bool host_in_certificate(const char *host, char out[HOST_MAX]) MUST_USE;

#endif
