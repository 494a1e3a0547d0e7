/*
 * The floating-point numbers of chrony's monitoring protocol, in 32 bits: a
 * signed exponent of 7 bits above a signed coefficient of 25 bits. The value is
 * coefficient * 2^(exponent - 25), so eight digits are kept.
 */
#ifndef AGENT_CMDMON_PROTOCOL_FLOAT_H
#define AGENT_CMDMON_PROTOCOL_FLOAT_H

#include <stdint.h>

/* Rounds to the nearest number. NaN and what is too small become 0; what is too
 * large becomes the largest number of its sign. */
uint32_t cmdmon_float_of(double x);

double cmdmon_float_value(uint32_t bits);

#endif
