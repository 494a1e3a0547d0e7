#include "agent/foreign/words.h"

#include "agent/foreign/tables.h"
#include "base/check.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	const struct foreign_word *words;
} programs[FOREIGN_PROGRAMS] = {
    [FOREIGN_CHRONY] = {"chrony", chrony_words},
    [FOREIGN_NTPD_RS] = {"ntpd-rs", ntpd_rs_words},
    [FOREIGN_NTPD] = {"ntpd", ntpd_words},
    [FOREIGN_TIMESYNCD] = {"timesyncd", timesyncd_words},
};

static const char *const *const reasons[FOREIGN_PROGRAMS] = {
    [FOREIGN_CHRONY] = chrony_reasons,
    [FOREIGN_NTPD_RS] = ntpd_rs_reasons,
    [FOREIGN_NTPD] = ntpd_reasons,
    [FOREIGN_TIMESYNCD] = timesyncd_reasons,
};

const char *foreign_program_name(enum foreign_program program)
{
	return programs[program].name;
}

size_t foreign_word_count(enum foreign_program program)
{
	size_t count = 0;

	while (programs[program].words[count].name)
		count++;
	return count;
}

const struct foreign_word *foreign_word_at(
    enum foreign_program program, size_t i)
{
	return &programs[program].words[i];
}

const struct foreign_word *foreign_word_find(
    enum foreign_program program, enum foreign_place place, const char *name)
{
	const struct foreign_word *w = programs[program].words;

	for (; w->name; w++)
		if ((w->place == place || w->place == PLACE_BOTH) &&
		    strcasecmp(w->name, name) == 0)
			return w;
	return NULL;
}

const char *foreign_word_reason(
    enum foreign_program program, const struct foreign_word *word)
{
	static const char *const begins[] = {
	    "leave it out: ", "impossible here, because "};
	const char *reason = reasons[program][word - programs[program].words];
	const char *advice = reason ? reason : word->advice;

	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		if (strncmp(advice, begins[i], strlen(begins[i])) == 0)
			return advice + strlen(begins[i]);
	return advice;
}

const char *foreign_chrony_advice(const char *name)
{
	const struct foreign_advice *a = chrony_advice;

	for (; a->name; a++)
		if (a->advice && strcasecmp(a->name, name) == 0)
			return a->advice;
	return NULL;
}
