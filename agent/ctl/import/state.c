#include "agent/ctl/import/state.h"

#include "agent/ctl/import/values.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The limits of the agent's own file. */
#define FREQ_MAX_PPM 100000.0
#define SKEW_MAX_PPM 100000.0
/* ntpd does not say how sure it is. A clock in another temperature differs by
 * a few ppm. */
#define NTPD_SKEW_PPM 10.0

/* Copies the next word. False: there is none, or it is too long. */
static bool next_word(const char **text, char *out, size_t size)
{
	size_t len;

	*text += strspn(*text, " \t\r\n");
	len = strcspn(*text, " \t\r\n");
	if (len == 0 || len >= size)
		return false;
	memcpy(out, *text, len);
	out[len] = '\0';
	*text += len;
	return true;
}

static bool next_number(const char **text, double *out)
{
	char word[NUMBER_TEXT_MAX];

	return next_word(text, word, sizeof(word)) && number_read(word, out);
}

bool state_drift(
    enum foreign_program program, const char *text, char out[STATE_TEXT_MAX])
{
	bool ntpd = program == FOREIGN_NTPD;
	double freq, skew = NTPD_SKEW_PPM;

	if ((program != FOREIGN_CHRONY && !ntpd) || !next_number(&text, &freq))
		return false;
	if (!ntpd && (!next_number(&text, &skew) || skew < 0))
		return false;
	if (text[strspn(text, " \t\r\n")] != '\0' ||
	    fabs(freq) > FREQ_MAX_PPM || skew > SKEW_MAX_PPM)
		return false;
	/* ntpd writes the correction; chronyd and the agent write how fast the
	 * clock runs without one. */
	snprintf(
	    out, STATE_TEXT_MAX, "%20.6f %20.6f\n", ntpd ? -freq : freq, skew);
	return true;
}
