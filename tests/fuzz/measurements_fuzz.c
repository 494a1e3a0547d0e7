/*
 * Files of samples. The input has no checksum, because a fuzzer cannot guess
 * it; the checksum is added here. An accepted file is written with the same
 * bytes, and the steering can restore its samples.
 */
#include "agent/saved/samples.h"
#include "nts/digest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_restored(const struct saved_source *m)
{
	static const struct source_options options;
	static const struct steering_config config = {
	    .makestep_updates = 3,
	    .max_slew_ppm = 50000,
	    .max_distance_ns = 3 * NS_PER_S,
	    .max_jitter_ns = NS_PER_S,
	    .max_stratum = 15,
	    .min_sources = 1,
	    .max_clock_error_ppm = 1,
	};
	struct steering *s = steering_new(&config, &options, 1, 0, 100);
	struct sample again[STEERING_SAMPLES_MAX];

	check(s != NULL);
	steering_restore(s, 0, m->samples, m->count);
	check(steering_copy_samples(s, 0, again) == m->count);
	steering_free(s);
}

static void check_accepted(struct reader r, const struct timeline *t,
    unsigned sources, const uint8_t *bytes, size_t len)
{
	static struct saved_source m;
	uint8_t *again = malloc(len);
	struct writer w = writer_of(again, len);

	check(again != NULL);
	saved_samples_begin(&w, t, sources);
	for (unsigned i = 0; i < sources; i++) {
		check(saved_samples_take(&r, &m));
		check(m.count <= STEERING_SAMPLES_MAX);
		saved_samples_put(&w, &m);
		check_restored(&m);
	}
	saved_samples_end(&w);
	check(w.ok && w.len == len && memcmp(again, bytes, len) == 0);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *file = malloc(size + DIGEST_LEN);
	struct timeline t;
	struct reader r;
	unsigned sources;

	check(file != NULL);
	memcpy(file, data, size);
	check(digest_of(file, size, file + size));
	if (saved_samples_open(&r, file, size + DIGEST_LEN, &t, &sources))
		check_accepted(r, &t, sources, file, size + DIGEST_LEN);
	free(file);
	return 0;
}
