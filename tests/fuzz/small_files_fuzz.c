/*
 * The small files that the agent reads at its start. The first byte says which:
 * drift, last good time, learned drift (the checksum is added here), or the
 * table of leap seconds. What is accepted is within its limits, and stays the
 * same when it is saved and loaded again.
 */
#include "agent/saved/learned_drift.h"
#include "clock/kernel/drift_file.h"
#include "clock/leap_table.h"
#include "tests/fuzz/target.h"

#include <math.h>
#include <unistd.h>

enum kind { DRIFT, GOOD_TIME, LEARNED_DRIFT, LEAP_TABLE, KINDS };

static char path[64];

static void write_file(struct reader r)
{
	FILE *f = fopen(path, "wb");

	MUST(f && fwrite(r.at, 1, r.left, f) == r.left);
	MUST(fclose(f) == 0);
}

static void try_drift(struct reader r)
{
	double freq_ppm = -1234567, sd_ppm = -1, again_ppm, sd_again_ppm;

	write_file(r);
	if (drift_file_load(path, NULL, &freq_ppm, &sd_ppm) != 0) {
		MUST(freq_ppm == -1234567 && sd_ppm == -1);
		return;
	}
	MUST(fabs(freq_ppm) <= 1e5 && sd_ppm > 0 && sd_ppm <= 1e5);
	MUST(drift_file_save(path, NULL, freq_ppm, sd_ppm) == 0);
	MUST(drift_file_load(path, NULL, &again_ppm, &sd_again_ppm) == 0);
	MUST(fabs(freq_ppm - again_ppm) < 1e-6);
	MUST(fabs(sd_ppm - sd_again_ppm) < 1e-6);
}

static void try_good_time(struct reader r)
{
	int64_t good_s = -1, again_s;

	write_file(r);
	if (last_good_time_load(path, NULL, &good_s) != 0) {
		MUST(good_s == -1);
		return;
	}
	MUST(good_s > 0 && good_s <= INT64_MAX / NS_PER_S);
	MUST(last_good_time_save(path, NULL, good_s) == 0);
	MUST(last_good_time_load(path, NULL, &again_s) == 0 &&
	     again_s == good_s);
}

static void try_learned_drift(struct reader r)
{
	static const struct timeline now = {.raw_ns = 1000 * NS_PER_S};
	uint8_t *file = malloc(r.left + DIGEST_LEN), again[SAVED_DRIFT_LEN];
	struct writer w = writer_of(again, sizeof(again));
	struct drift_learned learned;
	struct saved_drift d;

	MUST(file != NULL);
	memcpy(file, r.at, r.left);
	MUST(digest_of(file, r.left, file + r.left));
	if (saved_drift_take(file, r.left + DIGEST_LEN, &d)) {
		learned = saved_drift_now(&d, &now);
		MUST(drift_learned_valid(&learned));
		saved_drift_put(&w, &d);
		MUST(w.ok && w.len == r.left + DIGEST_LEN);
		MUST(memcmp(again, file, w.len) == 0);
	}
	free(file);
}

static void try_leap_table(struct reader r)
{
	const int64_t now_s = INT64_C(1800000000);
	char *text = malloc(r.left + 1), *line, *rest;
	struct leap_table t = {.known = false};
	unsigned taken = 0;

	MUST(text != NULL);
	memcpy(text, r.at, r.left);
	text[r.left] = '\0';
	rest = text;
	while ((line = strsep(&rest, "\n")))
		taken += leap_table_line(&t, line, now_s);
	if (t.known) {
		MUST(taken > 0 && t.since_s <= now_s);
		MUST(t.tai_s >= 0 && t.tai_s <= 100000);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[KINDS])(struct reader r) = {
	    [DRIFT] = try_drift,
	    [GOOD_TIME] = try_good_time,
	    [LEARNED_DRIFT] = try_learned_drift,
	    [LEAP_TABLE] = try_leap_table,
	};
	struct reader r = reader_of(data, size);
	unsigned kind = take_u8(&r) % KINDS;
	char folder[] = "/tmp/ntsagent-fuzz-XXXXXX";

	if (!r.ok)
		return 0;
	MUST(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	tries[kind](r);
	unlink(path);
	rmdir(folder);
	return 0;
}
