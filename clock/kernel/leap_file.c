#include "clock/kernel/leap_file.h"

#include "clock/leap_tzif.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A longer line of the table is no entry. */
#define LINE_MAX_LEN 256

static bool read_list(FILE *f, int64_t now_s, struct leap_table *table)
{
	char line[LINE_MAX_LEN];
	bool good = true;

	while (good && fgets(line, sizeof(line), f))
		good = leap_table_line(table, line, now_s);
	return good && !ferror(f) && table->known;
}

static bool read_zone(FILE *f, int64_t now_s, struct leap_table *table)
{
	unsigned char bytes[LEAP_TZIF_MAX];
	size_t len = fread(bytes, 1, sizeof(bytes), f);

	return !ferror(f) && leap_tzif_read(table, bytes, len, now_s);
}

static enum leap_file judge_expiry(const char *path, int64_t now_s,
    const struct leap_table *t, char text[LEAP_FILE_TEXT_MAX])
{
	time_t at = (time_t)t->expires_s;
	char date[16] = "";
	struct tm tm;

	if (t->expires_s == 0) {
		snprintf(text, LEAP_FILE_TEXT_MAX,
		    "TAI is %d s ahead of UTC, by %s, which does not say when "
		    "it expires",
		    t->tai_s, path);
		return LEAP_FILE_GOOD;
	}
	if (gmtime_r(&at, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	if (t->expires_s <= now_s) {
		snprintf(text, LEAP_FILE_TEXT_MAX,
		    "the table of leap seconds %s expired on %s: get a current "
		    "one, as in a new tzdata",
		    path, date);
		return LEAP_FILE_EXPIRED;
	}
	snprintf(text, LEAP_FILE_TEXT_MAX,
	    "TAI is %d s ahead of UTC, by %s, which expires on %s", t->tai_s,
	    path, date);
	return LEAP_FILE_GOOD;
}

enum leap_file leap_file_read(const char *path, bool is_zone, int64_t now_s,
    struct leap_table *out, char text[LEAP_FILE_TEXT_MAX])
{
	FILE *f = fopen(path, "re");
	bool good;

	*out = (struct leap_table){.known = false};
	if (!f) {
		snprintf(text, LEAP_FILE_TEXT_MAX,
		    "cannot read %s: %s: CLOCK_TAI is left as it is", path,
		    strerror(errno));
		return LEAP_FILE_UNREADABLE;
	}
	good = is_zone ? read_zone(f, now_s, out) : read_list(f, now_s, out);
	fclose(f);
	if (good)
		return judge_expiry(path, now_s, out, text);
	snprintf(text, LEAP_FILE_TEXT_MAX,
	    "%s is not a %s leap seconds: CLOCK_TAI is left as it is", path,
	    is_zone ? "time zone with" : "table of");
	return LEAP_FILE_OTHER;
}
