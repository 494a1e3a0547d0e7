/* The identity of this machine, for files that another machine must not use. */
#ifndef AGENT_SAVED_MACHINE_H
#define AGENT_SAVED_MACHINE_H

#include "nts/digest.h"

#define MACHINE_ID_MAX 64

/* Reads /etc/machine-id to `out`, and returns its length; 0: there is none. It
 * is confidential (machine-id(5)), so it is never saved or logged. */
size_t machine_id_read(uint8_t out[MACHINE_ID_MAX]);

/* A digest of it that no other application has; a machine without an identity
 * has one, too. False: the library failed, and `out` is 0. */
bool machine_digest(uint8_t out[DIGEST_LEN]) MUST_USE;

#endif
