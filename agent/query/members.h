/*
 * Members of a JSON object. A value that is not known is null, never zero.
 * Without memory an object stays incomplete, and json_dumps() of it may fail.
 */
#ifndef AGENT_QUERY_MEMBERS_H
#define AGENT_QUERY_MEMBERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

void member_flag(json_t *o, const char *key, bool value);
void member_int(json_t *o, const char *key, int64_t value);

/* Null when not finite: JSON has no infinity and no NaN. */
void member_real(json_t *o, const char *key, double value);

/* The text may come from the network: if it is not UTF-8, it becomes "?". */
void member_text(json_t *o, const char *key, const char *text);

/* Null unless `known`. */
void member_flag_if(json_t *o, const char *key, bool known, bool value);
void member_int_if(json_t *o, const char *key, bool known, int64_t value);
void member_real_if(json_t *o, const char *key, bool known, double value);
void member_text_if(json_t *o, const char *key, bool known, const char *text);

/*
 * The cores count an offset and a frequency positive if our clock is slow; all
 * outputs count them positive if it is fast.
 */
void member_offset_if(
    json_t *o, const char *key, bool known, int64_t slow_by_ns);
void member_frequency_if(
    json_t *o, const char *key, bool known, double slow_by_ppm);

#endif
