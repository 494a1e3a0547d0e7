#include "agent/loop/sample_file.h"

#include "agent/host/clocks.h"
#include "agent/saved/sealed_file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
/* If two readings took longer than this, the scheduler has interrupted them. */
#define READING_NS NS_PER_US
#define READING_TRIES 20
/* It takes this long to know the rate of one clock against the other. */
#define SPAN_MIN_NS (5 * NS_PER_S)

/* Between two saves, the raw clock and the ledger drift apart by less than one
 * part in RATES_APART; by LEAP_NS more only in a leap second. */
#define LEAP_NS (20 * NS_PER_MS)
#define RATES_APART 20000

static const struct seal_label samples_label = {"samples", ""};
static const struct seal_label drift_label = {"learned-drift", ""};

/* A UUID in hexadecimal. False: there is none, as in a simulator. */
static bool read_boot_id(uint8_t out[BOOT_ID_LEN])
{
	static const char digits[] = "0123456789abcdef";
	char text[64];
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));
	unsigned count = 0;

	if (fd >= 0)
		close(fd);
	memset(out, 0, BOOT_ID_LEN);
	for (ssize_t i = 0; i < n && count < 2 * BOOT_ID_LEN; i++) {
		const char *digit = strchr(digits, text[i]);

		if (!digit || text[i] == '\0')
			continue;
		out[count / 2] =
		    (uint8_t)(out[count / 2] << 4 | (digit - digits));
		count++;
	}
	return count == 2 * BOOT_ID_LEN;
}

/* The raw clock and the ledger's at one moment. */
static void read_both(const struct timescale *ledger, struct timeline *t)
{
	int64_t best_gap = INT64_MAX;

	for (int i = 0; i < READING_TRIES && best_gap > READING_NS; i++) {
		int64_t before = clocks_ns(CLOCK_MONOTONIC_RAW);
		struct wall wall = {clocks_ns(CLOCK_REALTIME)};
		int64_t gap = clocks_ns(CLOCK_MONOTONIC_RAW) - before;

		if (gap >= best_gap)
			continue;
		best_gap = gap;
		t->raw_ns = before + gap / 2;
		t->osc_ns = timescale_osc(ledger, wall).ns;
		t->wall_ns = wall.ns;
	}
}

static bool read_timeline(const struct timescale *ledger, struct timeline *t)
{
	*t = (struct timeline){.raw_ns = 0};
	if (!read_boot_id(t->boot))
		return false;
	read_both(ledger, t);
	t->asleep_ns = clocks_ns(CLOCK_BOOTTIME) - clocks_ns(CLOCK_MONOTONIC);
	return true;
}

/* Restoring. */

/* The source with this name and this address; -1: there is none. */
static int slot_of(const struct engine *e, const struct saved_source *m)
{
	for (unsigned i = 0; i < e->source_count; i++) {
		const struct source *s = &e->sources[i];

		if (strcmp(s->config->name, m->name) == 0 &&
		    s->address_count > 0 &&
		    endpoint_same_host(source_address(s), &m->address))
			return (int)i;
	}
	return -1;
}

/* Returns true if no sample is from the future. */
static bool past(const struct saved_source *m, int64_t osc_ns)
{
	for (unsigned i = 0; i < m->count; i++)
		if (m->samples[i].at.ns > osc_ns)
			return false;
	return true;
}

/* The timescale cannot be carried over, but the delays of the paths can. */
static unsigned restore_paths(struct sample_file *r, struct engine *e,
    struct reader *from, unsigned sources)
{
	unsigned total = 0;

	while (sources-- > 0 && saved_samples_take(from, &r->source)) {
		int slot = slot_of(e, &r->source);

		if (slot < 0)
			continue;
		steering_restore_path(e->steering, (unsigned)slot,
		    r->source.samples, r->source.count);
		total += r->source.count;
	}
	return total;
}

static unsigned restore(struct sample_file *r, struct engine *e,
    struct reader *from, unsigned sources, int64_t shift_ns)
{
	unsigned total = 0;

	while (sources-- > 0 && saved_samples_take(from, &r->source)) {
		int slot = slot_of(e, &r->source);

		saved_samples_shift(&r->source, shift_ns);
		if (slot < 0 || !past(&r->source, r->born.osc_ns))
			continue;
		steering_restore(e->steering, (unsigned)slot, r->source.samples,
		    r->source.count);
		total += r->source.count;
	}
	return total;
}

static void take_up(struct sample_file *r, struct engine *e, size_t len)
{
	struct timeline then;
	struct reader from;
	unsigned sources, total;
	int64_t shift_ns;

	if (!saved_samples_open(&from, r->bytes, len, &then, &sources)) {
		log_info("%s/%s is damaged or of another version: measuring "
			 "from the beginning",
		    r->folder->path, SAMPLE_FILE_NAME);
		return;
	}
	if (!timeline_bridge(&then, &r->born, &shift_ns)) {
		total = restore_paths(r, e, &from, sources);
		log_info("the saved samples are from before a boot, a step of "
			 "the clock, or a long stop: %u of them give the "
			 "delays, and the clock is measured from the "
			 "beginning",
		    total);
		return;
	}
	total = restore(r, e, &from, sources, shift_ns);
	if (total > 0)
		log_info("goes on from %u samples, saved %lld s ago", total,
		    (long long)((r->born.raw_ns - then.raw_ns) / NS_PER_S));
}

static void take_up_drift(const struct sample_file *r, struct engine *e,
    const char *folder, const struct saved_drift *d)
{
	struct drift_learned learned = saved_drift_now(d, &r->born);

	if (memcmp(d->machine, r->machine, sizeof(r->machine)) == 0)
		steering_restore_drift(e->steering, &learned);
	else
		log_info("%s/%s is from another machine: learning the drift of "
			 "the clock from the beginning",
		    folder, DRIFT_FILE_NAME);
}

static void restore_drift(const struct sample_file *r,
    const struct saved_folder *folder, struct engine *e)
{
	uint8_t bytes[SAVED_DRIFT_LEN];
	struct saved_drift saved;
	size_t len;
	int err = sealed_file_read(
	    folder, DRIFT_FILE_NAME, drift_label, bytes, sizeof(bytes), &len);

	if (err == -ENOENT)
		return;
	if (!err && saved_drift_take(bytes, len, &saved))
		take_up_drift(r, e, folder->path, &saved);
	else
		log_info("%s/%s %s: learning the drift of the clock from the "
			 "beginning",
		    folder->path, DRIFT_FILE_NAME,
		    err ? sealed_file_error(err)
			: "is damaged or of another version");
}

/* Called at each save, because a reload may bring more sources. */
static bool make_room(struct sample_file *r, const struct engine *e)
{
	size_t size =
	    SAVED_SAMPLES_HEAD_MAX + e->source_count * (size_t)SAVED_SOURCE_MAX;
	uint8_t *bytes;

	if (size <= r->size)
		return true;
	bytes = realloc(r->bytes, size);
	if (!bytes)
		return false;
	r->bytes = bytes;
	r->size = size;
	return true;
}

void sample_file_open(
    struct sample_file *r, const struct saved_folder *folder, struct engine *e)
{
	bool timed;
	size_t len;
	int err;

	*r = (struct sample_file){.size = 0};
	timed = read_timeline(&e->timescale, &r->born);
	if (machine_digest(r->machine))
		restore_drift(r, folder, e);
	if (!timed || !make_room(r, e))
		return;
	r->last = r->born;
	r->folder = folder;
	err = sealed_file_read(
	    folder, SAMPLE_FILE_NAME, samples_label, r->bytes, r->size, &len);
	if (!err)
		take_up(r, e, len);
	else if (err != -ENOENT)
		log_info("%s/%s %s: measuring from the beginning", folder->path,
		    SAMPLE_FILE_NAME, sealed_file_error(err));
}

void sample_file_close(struct sample_file *r)
{
	free(r->bytes);
	r->bytes = NULL;
	r->folder = NULL;
}

/* Saving. */

static void put_source(
    struct sample_file *r, const struct engine *e, unsigned i, struct writer *w)
{
	const struct source *s = &e->sources[i];
	struct saved_source *m = &r->source;

	*m = (struct saved_source){.count = 0};
	memcpy(m->name, s->config->name, sizeof(m->name));
	if (s->address_count > 0)
		m->address = *source_address(s);
	m->count = steering_copy_samples(e->steering, i, m->samples);
	saved_samples_put(w, m);
}

/* The ledger follows a leap second, because the servers do; the raw clock does
 * not. Then the comparison begins again. */
static void compare(struct sample_file *r, struct timeline *now)
{
	int64_t raw_ns = now->raw_ns - r->last.raw_ns;
	int64_t apart_ns = now->osc_ns - r->last.osc_ns - raw_ns;

	if (llabs(apart_ns) > LEAP_NS + raw_ns / RATES_APART)
		r->born = *now;
	r->last = *now;
	now->span_raw_ns = now->raw_ns - r->born.raw_ns;
	now->span_osc_ns = now->osc_ns - r->born.osc_ns;
}

static int save_drift(const struct sample_file *r, const struct engine *e,
    const struct timeline *now)
{
	uint8_t bytes[SAVED_DRIFT_LEN];
	struct writer w = writer_of(bytes, sizeof(bytes));
	struct saved_drift d = {.asleep_ns = now->asleep_ns};

	steering_copy_drift(e->steering, &d.learned);
	if (drift_bound_reason(&d.learned) == DRIFT_UNKNOWN)
		return 0;
	memcpy(d.machine, r->machine, sizeof(d.machine));
	memcpy(d.boot, now->boot, sizeof(d.boot));
	saved_drift_put(&w, &d);
	return w.ok ? sealed_file_replace(r->folder, DRIFT_FILE_NAME,
			  drift_label, w.base, w.len)
		    : -EMSGSIZE;
}

static int save_samples(
    struct sample_file *r, const struct engine *e, const struct timeline *now)
{
	struct writer w = writer_of(r->bytes, r->size);

	saved_samples_begin(&w, now, e->source_count);
	for (unsigned i = 0; i < e->source_count; i++)
		put_source(r, e, i, &w);
	saved_samples_end(&w);
	return w.ok ? sealed_file_replace(r->folder, SAMPLE_FILE_NAME,
			  samples_label, w.base, w.len)
		    : -EMSGSIZE;
}

void sample_file_save(struct sample_file *r, const struct engine *e)
{
	struct timeline now;
	int err;

	if (!r->folder || r->folder->fd < 0 ||
	    !read_timeline(&e->timescale, &now))
		return;
	compare(r, &now);
	now.rate_ppb = llround(e->good_freq_ppm * 1e3);
	if (now.span_raw_ns < SPAN_MIN_NS)
		return;
	err = make_room(r, e) ? save_samples(r, e, &now) : -ENOMEM;
	if (err)
		saved_trouble(
		    r->trouble, "write", r->folder, SAMPLE_FILE_NAME, err);
	else
		saved_trouble(r->trouble, "write", r->folder, DRIFT_FILE_NAME,
		    save_drift(r, e, &now));
}
