/*
 * What is wrong with a source, as questions that several reports ask.
 */
#ifndef AGENT_CTL_REPORT_HEALTH_H
#define AGENT_CTL_REPORT_HEALTH_H

#include "agent/ctl/print/format.h"
#include "agent/ctl/snapshot/snapshot.h"
#include "base/failures.h"

/* A certificate that ends sooner than this gets a warning. */
#define CERT_DAYS_WARN 14

/* It ends within CERT_DAYS_WARN days or has ended; false when not known. */
bool source_cert_ends_soon(const struct status_source *s);

/* "ends in 3 days", "ended 1 day ago"; "" when not known. */
#define CERT_TEXT_MAX 80
void source_cert_days_text(
    char out[static CERT_TEXT_MAX], const struct status_source *s);

/* FAILURE_COUNT: nothing has failed, or this ntsctl does not know the word. */
enum failure source_failure(const struct status_source *s);

/* Something has failed since its last success, or it is switched off. */
bool source_has_failed(const struct status_source *s);

/* It has failed or is not usable. A source with noselect is only measured, and
 * is in no trouble as long as it answers. */
bool source_is_in_trouble(const struct status_source *s);

/* An administrator has switched all sources off, so none is asked. */
bool sources_are_switched_off(const struct snapshot *s);

/* None of the sources has answered any of its last eight requests. Then `out`
 * has the time since the latest answer, as "24 h". */
bool sources_are_silent(const struct snapshot *s, char out[static FORMAT_MAX]);

/* The clock is known to be wrong by more than SLEW_SHOWN_NS, and is corrected
 * bit by bit. */
#define SLEW_SHOWN_NS (10 * 1000000)
bool clock_is_corrected(const struct snapshot *s);

/* Appends "; next try in 7 s" to `out`, a text in `size` bytes, or nothing if
 * no try is planned. */
void source_append_next_try(
    char *out, size_t size, const struct status_source *s);

/* Appends ": its time is 700 ms ahead" to `out` if the majority outvotes the
 * source and both times are known. */
void source_append_difference(char *out, size_t size,
    const struct status_source *s, const struct snapshot *all);

#endif
