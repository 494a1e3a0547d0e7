/*
 * The words of other programs' configuration files, and what becomes of each
 * of them here. One table a program; ntsagentd's errors, `ntsctl import` and
 * ntsagent-migrate(7) all speak from it.
 */
#ifndef AGENT_FOREIGN_WORDS_H
#define AGENT_FOREIGN_WORDS_H

#include "agent/foreign/word.h"

#include <stddef.h>

enum foreign_program {
	FOREIGN_CHRONY,	   /* chrony.conf(5) */
	FOREIGN_NTPD_RS,   /* ntp.toml(5) */
	FOREIGN_NTPD,	   /* ntp.conf(5), of NTPsec and of ntpd */
	FOREIGN_TIMESYNCD, /* timesyncd.conf(5) */
	FOREIGN_PROGRAMS,
};

/* "chrony", "ntpd-rs", "ntpd", "timesyncd" */
const char *foreign_program_name(enum foreign_program program);

/* Words have indices from 0 to foreign_word_count() - 1. */
size_t foreign_word_count(enum foreign_program program);
const struct foreign_word *foreign_word_at(
    enum foreign_program program, size_t i);

/* Without regard to case. `place` is not PLACE_BOTH. NULL: unknown. */
const struct foreign_word *foreign_word_find(
    enum foreign_program program, enum foreign_place place, const char *name);

/* What replaces the word of that program, or why nothing does: a phrase without
 * a full stop that follows the word and a colon. */
const char *foreign_word_reason(
    enum foreign_program program, const struct foreign_word *word);

/* What ntsagentd says to write instead of a word of chrony.conf(5), which its
 * own configuration has; NULL: it says nothing. Without regard to case. */
const char *foreign_chrony_advice(const char *name);

#endif
