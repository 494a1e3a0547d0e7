/* Samples from one engine to the next, with the real clocks and a real file. */
#include "agent/loop/sample_file.h"

#include "agent/engine/adopt.h"
#include "agent/saved/sealed_file.h"
#include "tests/unit/agent/engine/little_memory.h"
#include "tests/unit/agent/engine/world.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/agent/saved/made_folder.h"
#include "tests/unit/agent/saved/test_key.h"
#include "tests/unit/log_text.h"
#include "tests/unit/descriptors.h"

/* In place of the kernel's file, if a test sets it. */
static const char *boot_id;

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (boot_id && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0)
		path = boot_id;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static const struct seal_label samples_label = {"samples", ""};
static const struct seal_label drift_label = {"learned-drift", ""};

struct restart {
	char dir[32];
	struct saved_folder folder;
	struct world *world;
	struct sample_file file;
	struct sample before[STEERING_SAMPLES_MAX], after[STEERING_SAMPLES_MAX];
	unsigned before_count, after_count;
};

static int64_t reading(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ns_of_timespec(&ts);
}

static int64_t real_now(void)
{
	return reading(CLOCK_REALTIME);
}

/* The small world lives in another time than the real clock. */
static int set_up_at(void **state, int64_t since_now_ns)
{
	struct restart *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	snprintf(r->dir, sizeof(r->dir), "%s", "samples-XXXXXX");
	made_folder_open(&r->folder, r->dir);
	r->folder.seal = &test_key;
	r->world = world_new(2, 0, 0);
	r->world->now = r->world->wall = real_now() + since_now_ns;
	r->world->keep_keys = true;
	world_start(r->world);
	sample_file_open(&r->file, &r->folder, &r->world->engine);
	world_run(r->world, 100 * NS_PER_S);
	*state = r;
	return 0;
}

/* An hour ago, so that its samples are from the past. */
static int setup(void **state)
{
	return set_up_at(state, -3600 * NS_PER_S);
}

static int set_up_in_the_future(void **state)
{
	return set_up_at(state, 3600 * NS_PER_S);
}

static int teardown(void **state)
{
	struct restart *r = *state;

	sample_file_close(&r->file);
	world_end(r->world);
	made_folder_drop(&r->folder, r->dir);
	free(r);
	return 0;
}

/* Makes this process as old as that. */
static void grow_old(struct restart *r, int64_t ns)
{
	r->file.born.raw_ns -= ns;
	r->file.born.osc_ns -= ns;
	r->file.last = r->file.born;
}

static void save_without_growing(struct restart *r)
{
	r->before_count =
	    steering_copy_samples(r->world->engine.steering, 0, r->before);
	assert_true(r->before_count >= 4);
	sample_file_save(&r->file, &r->world->engine);
	sample_file_close(&r->file);
}

static void save(struct restart *r)
{
	grow_old(r, 100 * NS_PER_S);
	save_without_growing(r);
}

static bool saved(const struct restart *r)
{
	return faccessat(r->folder.fd, SAMPLE_FILE_NAME, F_OK, 0) == 0;
}

/* A sealed file has random bytes: a fixed one might be there already. */
static void flip_a_byte(const struct restart *r, const char *name, off_t at)
{
	int fd = openat(r->folder.fd, name, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0xff;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void start_again(struct restart *r)
{
	world_restart(r->world, false);
	sample_file_open(&r->file, &r->folder, &r->world->engine);
	r->after_count =
	    steering_copy_samples(r->world->engine.steering, 0, r->after);
}

static void samples_go_on_in_the_next_process(void **state)
{
	struct restart *r = *state;
	struct timescale old = r->world->engine.timescale;
	struct wall now;
	int64_t shift_ns;

	save(r);
	start_again(r);
	now.ns = real_now();
	shift_ns = timescale_osc(&r->world->engine.timescale, now).ns -
		   timescale_osc(&old, now).ns;
	assert_int_equal(r->after_count, r->before_count);
	for (unsigned i = 0; i < r->after_count; i++) {
		const struct sample *a = &r->after[i], *b = &r->before[i];

		assert_true(
		    llabs(a->at.ns - b->at.ns - shift_ns) < 5 * NS_PER_US);
		assert_int_equal(
		    a->at.ns + a->offset_ns, b->at.ns + b->offset_ns);
		assert_int_equal(a->delay_ns, b->delay_ns);
	}
}

/* The ledger of the first process knows of a step, that of the next does not.
 */
static void samples_move_to_the_timescale_of_the_next_process(void **state)
{
	struct restart *r = *state;
	struct timescale *ledger = &r->world->engine.timescale;
	struct timescale old;
	struct wall now;
	int64_t shift_ns;

	sample_file_close(&r->file);
	timescale_foreign_step(
	    ledger, (struct wall){real_now()}, -5 * NS_PER_S);
	sample_file_open(&r->file, &r->folder, &r->world->engine);
	old = *ledger;
	save(r);
	start_again(r);
	now.ns = real_now();
	shift_ns = timescale_osc(ledger, now).ns - timescale_osc(&old, now).ns;
	assert_true(llabs(shift_ns) > NS_PER_S);
	assert_int_equal(r->after_count, r->before_count);
	for (unsigned i = 0; i < r->after_count; i++) {
		const struct sample *a = &r->after[i], *b = &r->before[i];

		assert_true(llabs(a->at.ns - b->at.ns - shift_ns) < NS_PER_MS);
		assert_int_equal(
		    a->at.ns + a->offset_ns, b->at.ns + b->offset_ns);
	}
}

static void samples_of_another_server_are_not_restored(void **state)
{
	struct restart *r = *state;

	save(r);
	r->world->disk[0].keys.answer.addresses[0].address[3]++;
	start_again(r);
	assert_int_equal(r->after_count, 0);
	assert_true(
	    steering_copy_samples(r->world->engine.steering, 1, r->after) > 0);
}

static void a_short_life_saves_nothing(void **state)
{
	struct restart *r = *state;

	sample_file_save(&r->file, &r->world->engine);
	assert_false(saved(r));
}

/* The file, read by the functions of its format. */
static void read_file(const struct restart *r, uint8_t *bytes, size_t size,
    struct reader *from, struct timeline *t, unsigned *sources)
{
	size_t len;

	assert_int_equal(sealed_file_read(&r->folder, SAMPLE_FILE_NAME,
			     samples_label, bytes, size, &len),
	    0);
	assert_true(saved_samples_open(from, bytes, len, t, sources));
}

/* Saves as if the process were so old. Returns its age after that. */
static int64_t save_at_age(struct restart *r, int64_t age_ns)
{
	struct timeline *born = &r->file.born;
	struct wall now;
	int64_t born_ns;

	born_ns = born->raw_ns = reading(CLOCK_MONOTONIC_RAW);
	now.ns = real_now();
	born->osc_ns = timescale_osc(&r->world->engine.timescale, now).ns;
	grow_old(r, age_ns);
	sample_file_save(&r->file, &r->world->engine);
	return age_ns + reading(CLOCK_MONOTONIC_RAW) - born_ns;
}

static void the_rates_need_five_seconds(void **state)
{
	struct restart *r = *state;

	/* Again if other processes have interrupted it for too long. */
	while (save_at_age(r, 4500 * NS_PER_MS) >= 5 * NS_PER_S)
		(void)!saved_folder_remove(&r->folder, SAMPLE_FILE_NAME);
	assert_false(saved(r));
	(void)save_at_age(r, 5 * NS_PER_S);
	assert_true(saved(r));
}

/* The id of the boot as the kernel shows it, without its hyphens. */
static void read_boot_id(uint8_t out[BOOT_ID_LEN])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	unsigned byte;

	assert_non_null(f);
	for (unsigned i = 0; i < BOOT_ID_LEN; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			assert_int_equal(getc(f), '-');
		assert_int_equal(fscanf(f, "%2x", &byte), 1);
		out[i] = (uint8_t)byte;
	}
	fclose(f);
}

static void assert_between(int64_t low, int64_t value, int64_t high)
{
	assert_true(low <= value);
	assert_true(value <= high);
}

/* As in a simulator: there is nothing to compare the clocks with. */
static void without_the_id_of_a_boot_nothing_goes_on(void **state)
{
	static const char *const ids[] = {
	    "", "e0f4-1", "0123456789abcdef-0123456789ABCDEF\n"};
	struct restart *r = *state;
	char path[64];

	save(r);
	snprintf(path, sizeof(path), "%s/boot_id", r->dir);
	for (size_t i = 0; i <= ARRAY_LEN(ids); i++) {
		FILE *f;

		unlink(path);
		f = i < ARRAY_LEN(ids) ? fopen(path, "we") : NULL;
		if (f) {
			assert_true(fputs(ids[i], f) >= 0);
			assert_int_equal(fclose(f), 0);
		}
		steering_forget(r->world->engine.steering, 0);
		boot_id = path;
		sample_file_open(&r->file, &r->folder, &r->world->engine);
		boot_id = NULL;
		assert_int_equal(steering_copy_samples(
				     r->world->engine.steering, 0, r->after),
		    0);
		assert_null(r->file.folder);
		sample_file_close(&r->file);
	}
	start_again(r);
	assert_int_equal(r->after_count, r->before_count);
	unlink(path);
}

/* A file for another boot has the delays only. */
static void the_id_of_a_boot_is_read_in_hexadecimal(void **state)
{
	struct restart *r = *state;
	char path[64];
	FILE *f;

	sample_file_close(&r->file);
	snprintf(path, sizeof(path), "%s/boot_id", r->dir);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs("01234567-89ab-cdef-f0e1-d2c3b4a59687\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	boot_id = path;
	sample_file_open(&r->file, &r->folder, &r->world->engine);
	boot_id = NULL;
	unlink(path);
	assert_memory_equal(r->file.born.boot,
	    "\x01\x23\x45\x67\x89\xab\xcd\xef"
	    "\xf0\xe1\xd2\xc3\xb4\xa5\x96\x87",
	    BOOT_ID_LEN);
}

/* A daemon may start without a standard input. */
static void descriptor_0_is_as_good_as_any(void **state)
{
	struct restart *r = *state;
	int input, before, after;
	char why[SAVED_FOLDER_WHY_MAX];

	sample_file_close(&r->file);
	input = input_free();
	before = descriptors_open();
	sample_file_open(&r->file, &r->folder, &r->world->engine);
	after = descriptors_open();
	sample_file_close(&r->file);
	saved_folder_close(&r->folder);
	assert_true(saved_folder_open(&r->folder, r->dir, why));
	r->folder.seal = &test_key;
	assert_int_equal(r->folder.fd, STDIN_FILENO);
	sample_file_open(&r->file, &r->folder, &r->world->engine);
	save(r);
	saved_folder_close(&r->folder);
	input_back(input);
	assert_int_equal(after, before);
	assert_true(saved_folder_open(&r->folder, r->dir, why));
	r->folder.seal = &test_key;
	assert_true(saved(r));
}

static void all_clocks_are_read_together(void **state)
{
	struct restart *r = *state;
	const struct timescale *ledger = &r->world->engine.timescale;
	struct timeline *t = &r->file.born;
	uint8_t boot[BOOT_ID_LEN];
	int64_t raw_ns, wall_ns, mono_ns, asleep_ns;

	sample_file_close(&r->file);
	raw_ns = reading(CLOCK_MONOTONIC_RAW);
	wall_ns = real_now();
	mono_ns = reading(CLOCK_MONOTONIC);
	asleep_ns = reading(CLOCK_BOOTTIME) - mono_ns;
	sample_file_open(&r->file, &r->folder, &r->world->engine);
	/* Each difference is wrong by the time between its two readings. */
	assert_true(llabs(t->asleep_ns - asleep_ns) <=
		    reading(CLOCK_MONOTONIC) - mono_ns);
	assert_between(raw_ns, t->raw_ns, reading(CLOCK_MONOTONIC_RAW));
	assert_between(wall_ns, t->wall_ns, real_now());
	assert_int_equal(
	    t->osc_ns, timescale_osc(ledger, (struct wall){t->wall_ns}).ns);
	assert_int_equal(t->span_raw_ns, 0);
	assert_int_equal(t->rate_ppb, 0);
	read_boot_id(boot);
	assert_memory_equal(t->boot, boot, sizeof(boot));
	assert_memory_equal(&r->file.last, t, sizeof(*t));
}

static void the_file_has_the_clocks_and_all_sources(void **state)
{
	static uint8_t bytes[65536];
	static struct saved_source m;
	struct restart *r = *state;
	struct timeline t;
	struct reader from;
	unsigned sources;

	r->world->engine.good_freq_ppm = -12.3456;
	save(r);
	read_file(r, bytes, sizeof(bytes), &from, &t, &sources);
	assert_int_equal(t.rate_ppb, -12346);
	assert_between(
	    100 * NS_PER_S, t.span_raw_ns, 100 * NS_PER_S + 10 * NS_PER_S);
	assert_true(llabs(t.span_osc_ns - t.span_raw_ns) < NS_PER_MS);
	assert_int_equal(sources, 2);
	assert_true(saved_samples_take(&from, &m));
	assert_string_equal(m.name, "a");
	assert_true(endpoint_same_host(
	    &m.address, source_address(&r->world->engine.sources[0])));
	assert_int_equal(m.count, r->before_count);
	assert_memory_equal(
	    m.samples, r->before, m.count * sizeof(m.samples[0]));
	assert_true(saved_samples_take(&from, &m));
	assert_string_equal(m.name, "b");
	assert_true(m.count > 0);
}

/* A source without an address has no samples. */
static void a_source_without_keys_is_saved_by_its_name(void **state)
{
	static uint8_t bytes[65536];
	static struct saved_source m;
	struct restart *r = *state;
	struct timeline t;
	struct reader from;
	unsigned sources;

	r->world->engine.sources[1].address_count = 0;
	steering_forget(r->world->engine.steering, 1);
	save(r);
	read_file(r, bytes, sizeof(bytes), &from, &t, &sources);
	assert_int_equal(sources, 2);
	assert_true(saved_samples_take(&from, &m));
	assert_true(saved_samples_take(&from, &m));
	assert_string_equal(m.name, "b");
	assert_int_equal(m.address.family, 0);
	assert_int_equal(m.count, 0);
}

static void samples_of_a_removed_source_are_not_restored(void **state)
{
	static struct log_text log;
	struct restart *r = *state;

	save(r);
	snprintf(r->world->config.sources[0].name, SOURCE_NAME_MAX, "new");
	start_again(r);
	assert_int_equal(r->after_count, 0);
	assert_true(
	    steering_copy_samples(r->world->engine.steering, 1, r->after) > 0);
	sample_file_close(&r->file);
	snprintf(r->world->config.sources[1].name, SOURCE_NAME_MAX, "newer");
	log_text_begin(&log);
	start_again(r);
	assert_string_equal(log_text_end(&log), "");
}

static void samples_of_a_source_without_an_address_are_not_restored(
    void **state)
{
	struct restart *r = *state;

	save(r);
	r->world->disk[0].there = false;
	start_again(r);
	assert_int_equal(r->after_count, 0);
	assert_true(
	    steering_copy_samples(r->world->engine.steering, 1, r->after) > 0);
}

static void samples_of_the_future_are_not_restored(void **state)
{
	struct restart *r = *state;

	save(r);
	start_again(r);
	assert_int_equal(r->after_count, 0);
	assert_int_equal(
	    steering_copy_samples(r->world->engine.steering, 1, r->after), 0);
}

/* The number that follows `words` in the log of the next start. */
static unsigned long count_after(struct restart *r, const char *words)
{
	static struct log_text log;
	const char *text;

	log_text_begin(&log);
	start_again(r);
	text = strstr(log_text_end(&log), words);
	assert_non_null(text);
	return strtoul(text + strlen(words), NULL, 10);
}

static void the_log_counts_what_is_restored(void **state)
{
	struct restart *r = *state;
	int64_t before_ns = reading(CLOCK_MONOTONIC_RAW);
	unsigned long count;

	save(r);
	count = count_after(r, " samples, saved ");
	assert_in_range(
	    count, 0, (reading(CLOCK_MONOTONIC_RAW) - before_ns) / NS_PER_S);
	sample_file_close(&r->file);
	count = count_after(r, "goes on from ");
	assert_int_equal(count,
	    r->after_count +
		steering_copy_samples(r->world->engine.steering, 1, r->before));
}

/* A clock that was 5000 ppm fast cannot be carried over, and the paths are as
 * before. */
static void without_a_common_clock_samples_give_the_delays(void **state)
{
	struct restart *r = *state;
	unsigned of_b;

	of_b = steering_copy_samples(r->world->engine.steering, 1, r->before);
	grow_old(r, 100 * NS_PER_S);
	r->file.born.osc_ns -= 500 * NS_PER_MS;
	save_without_growing(r);
	assert_int_equal(
	    count_after(r, "or a long stop: "), r->before_count + of_b);
	assert_int_equal(r->after_count, 0);
}

static void delays_of_another_server_are_not_restored(void **state)
{
	struct restart *r = *state;

	grow_old(r, 100 * NS_PER_S);
	r->file.born.osc_ns -= 500 * NS_PER_MS;
	save_without_growing(r);
	r->world->disk[1].keys.answer.addresses[0].address[3]++;
	assert_int_equal(count_after(r, "or a long stop: "), r->before_count);
}

/* The two clocks differ by a second, and both are right. */
static void a_leap_second_ends_the_comparison(void **state)
{
	struct restart *r = *state;

	grow_old(r, 600 * NS_PER_S);
	r->file.last.osc_ns += NS_PER_S;
	sample_file_save(&r->file, &r->world->engine);
	assert_false(saved(r));
	/* Some time later. */
	grow_old(r, 100 * NS_PER_S);
	sample_file_save(&r->file, &r->world->engine);
	assert_true(saved(r));
}

/* Within 20 ms and one part in 20000, it is the drift of an oscillator. */
static void a_small_difference_is_no_leap_second(void **state)
{
	static const struct {
		int64_t raw_s, apart_ms;
		bool goes_on;
	} table[] = {
	    {10, 20, true},
	    {10, 21, false},
	    {10, -20, true},
	    {10, -21, false},
	    {1000, 69, true},
	    {1000, 71, false},
	    {1000, -69, true},
	    {1000, -71, false},
	};
	struct restart *r = *state;
	struct timeline now;

	now = r->file.born;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		r->file.born = now;
		grow_old(r, 2000 * NS_PER_S);
		r->file.last = now;
		r->file.last.raw_ns -= table[i].raw_s * NS_PER_S;
		r->file.last.osc_ns -=
		    table[i].raw_s * NS_PER_S + table[i].apart_ms * NS_PER_MS;
		sample_file_save(&r->file, &r->world->engine);
		assert_int_equal(saved(r), table[i].goes_on);
		assert_int_equal(r->file.born.raw_ns < now.raw_ns - NS_PER_S,
		    table[i].goes_on);
		(void)!saved_folder_remove(&r->folder, SAMPLE_FILE_NAME);
	}
}

static void a_closed_file_saves_nothing(void **state)
{
	struct restart *r = *state;

	grow_old(r, 100 * NS_PER_S);
	sample_file_close(&r->file);
	assert_null(r->file.folder);
	assert_null(r->file.bytes);
	sample_file_save(&r->file, &r->world->engine);
	assert_false(saved(r));
}

/* A reload: there are so many sources now. */
static void adopt_sources(struct world *w, unsigned count)
{
	static struct config fresh;
	char text[ADOPT_TEXT_MAX];
	struct source *room = calloc(count, sizeof(*room));

	assert_non_null(room);
	fresh = w->config;
	fresh.source_count = count;
	for (unsigned i = 2; i < count; i++) {
		fresh.sources[i] = fresh.sources[0];
		snprintf(fresh.sources[i].name, SOURCE_NAME_MAX, "%u", i);
	}
	assert_true(
	    engine_adopt(&w->engine, &fresh, room, world_reading(w), text));
}

static bool without_memory_nothing_is_saved(void *self)
{
	struct restart *r = self;

	little_memory_begin(0);
	sample_file_save(&r->file, &r->world->engine);
	return strstr(r->file.trouble, "Cannot allocate memory") && !saved(r);
}

static void a_lack_of_memory_is_told(void **state)
{
	struct restart *r = *state;

	adopt_sources(r->world, SOURCES_MAX);
	grow_old(r, 100 * NS_PER_S);
	if (LITTLE_MEMORY_WORKS)
		assert_true(
		    little_memory_holds(without_memory_nothing_is_saved, r));
	sample_file_save(&r->file, &r->world->engine);
	assert_true(saved(r));
}

static void there_is_room_for_the_sources_of_a_reload(void **state)
{
	struct restart *r = *state;
	struct world *w = r->world;
	size_t before = r->file.size;

	adopt_sources(w, 4);
	grow_old(r, 100 * NS_PER_S);
	sample_file_save(&r->file, &w->engine);
	assert_true(saved(r));
	assert_int_equal(r->file.size - before, 2 * SAVED_SOURCE_MAX);
}

static void only_a_missing_file_needs_no_line(void **state)
{
	static struct log_text log;
	struct restart *r = *state;

	save(r);
	log_text_begin(&log);
	assert_int_equal(fchmodat(r->folder.fd, SAMPLE_FILE_NAME, 0666, 0), 0);
	start_again(r);
	assert_non_null(strstr(log_text_end(&log), "measuring from"));
	sample_file_close(&r->file);
	unlinkat(r->folder.fd, SAMPLE_FILE_NAME, 0);
	log_text_begin(&log);
	start_again(r);
	assert_string_equal(log_text_end(&log), "");
}

static void a_damaged_file_is_replaced_by_the_next_save(void **state)
{
	struct restart *r = *state;

	save(r);
	flip_a_byte(r, SAMPLE_FILE_NAME, 200);
	start_again(r);
	assert_int_equal(r->after_count, 0);
	world_run(r->world, 100 * NS_PER_S);
	save(r);
	start_again(r);
	assert_true(r->after_count > 0);
}

/* A file that a job could write. */
static void an_unsealed_file_is_not_used(void **state)
{
	static uint8_t bytes[65536];
	static struct log_text log;
	struct restart *r = *state;
	size_t len;

	save(r);
	assert_int_equal(sealed_file_read(&r->folder, SAMPLE_FILE_NAME,
			     samples_label, bytes, sizeof(bytes), &len),
	    0);
	assert_int_equal(
	    saved_folder_replace(&r->folder, SAMPLE_FILE_NAME, bytes, len), 0);
	log_text_begin(&log);
	start_again(r);
	assert_non_null(strstr(log_text_end(&log),
	    "/samples.ntsclock has no seal: an older version saved it, or "
	    "somebody else put it there: measuring from the beginning"));
	assert_int_equal(r->after_count, 0);
}

static void learn(struct restart *r)
{
	struct drift_learned l = {.awake_s = 50};

	l.period[1].lag[2].worst = 3e-7;
	l.period[1].lag[2].windows = 30;
	steering_restore_drift(r->world->engine.steering, &l);
}

static void the_learned_drift_goes_on(void **state)
{
	struct restart *r = *state;
	struct drift_learned l;

	learn(r);
	save(r);
	start_again(r);
	steering_copy_drift(r->world->engine.steering, &l);
	assert_true(fabs(l.period[1].lag[2].worst - 3e-7) < 1e-14);
	assert_true(fabs(l.period[1].lag[2].windows - 30) < 1e-2);
	assert_true(fabs(l.awake_s - 50) < 1e-2);
}

/* The name of the file is taken by a folder. */
static void a_write_that_fails_is_a_trouble_until_the_next_one(void **state)
{
	static const char *const names[] = {SAMPLE_FILE_NAME, DRIFT_FILE_NAME};
	struct restart *r = *state;

	grow_old(r, 100 * NS_PER_S);
	learn(r);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		sample_file_save(&r->file, &r->world->engine);
		assert_string_equal(r->file.trouble, "");
		assert_int_equal(unlinkat(r->folder.fd, names[i], 0), 0);
		assert_int_equal(mkdirat(r->folder.fd, names[i], 0700), 0);
		sample_file_save(&r->file, &r->world->engine);
		assert_non_null(strstr(r->file.trouble, "cannot write "));
		assert_non_null(strstr(r->file.trouble, names[i]));
		unlinkat(r->folder.fd, names[i], AT_REMOVEDIR);
	}
	sample_file_save(&r->file, &r->world->engine);
	assert_string_equal(r->file.trouble, "");
}

/* Changes a byte of the file of the drift, with the right checksum. */
static void change_drift_file(struct restart *r, size_t at)
{
	uint8_t bytes[SAVED_DRIFT_LEN];
	uint8_t *sum = bytes + sizeof(bytes) - DIGEST_LEN;
	size_t len;

	assert_int_equal(sealed_file_read(&r->folder, DRIFT_FILE_NAME,
			     drift_label, bytes, sizeof(bytes), &len),
	    0);
	bytes[at] ^= 1;
	assert_true(digest_of(bytes, sizeof(bytes) - DIGEST_LEN, sum));
	assert_int_equal(sealed_file_replace(&r->folder, DRIFT_FILE_NAME,
			     drift_label, bytes, len),
	    0);
}

static void the_drift_of_another_machine_does_not_count(void **state)
{
	static struct log_text log;
	struct restart *r = *state;
	struct drift_learned l;

	learn(r);
	save(r);
	change_drift_file(r, 10);
	log_text_begin(&log);
	start_again(r);
	assert_non_null(strstr(log_text_end(&log),
	    "/drift.ntsclock is from another machine: learning the drift of "
	    "the clock from the beginning"));
	steering_copy_drift(r->world->engine.steering, &l);
	assert_int_equal(drift_bound_reason(&l), DRIFT_UNKNOWN);
}

static void after_another_boot_the_clock_was_not_watched_yet(void **state)
{
	struct restart *r = *state;
	struct drift_learned l;

	learn(r);
	save(r);
	change_drift_file(r, 10 + DIGEST_LEN);
	start_again(r);
	steering_copy_drift(r->world->engine.steering, &l);
	assert_true(l.awake_s == 0);
	assert_true(fabs(l.period[1].lag[2].windows - 30) < 1e-2);
	assert_int_equal(drift_bound_reason(&l), DRIFT_RESTARTED);
}

/* The file shows no more of the identity than a digest. */
static void the_identity_of_the_machine_is_not_saved(void **state)
{
	uint8_t bytes[SAVED_DRIFT_LEN], id[MACHINE_ID_MAX], own[DIGEST_LEN];
	struct restart *r = *state;
	size_t len, id_len = machine_id_read(id);

	learn(r);
	save(r);
	assert_int_equal(sealed_file_read(&r->folder, DRIFT_FILE_NAME,
			     drift_label, bytes, sizeof(bytes), &len),
	    0);
	assert_true(machine_digest(own));
	assert_memory_equal(bytes + 10, own, sizeof(own));
	if (id_len > 16)
		assert_null(memmem(bytes, len, id, 16));
}

static void a_damaged_file_of_the_drift_teaches_nothing(void **state)
{
	struct restart *r = *state;
	struct drift_learned l;

	learn(r);
	save(r);
	flip_a_byte(r, DRIFT_FILE_NAME, 20);
	start_again(r);
	steering_copy_drift(r->world->engine.steering, &l);
	assert_int_equal(drift_bound_reason(&l), DRIFT_UNKNOWN);
	assert_true(r->after_count > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(samples_go_on_in_the_next_process),
	    TEST(samples_move_to_the_timescale_of_the_next_process),
	    TEST(samples_of_another_server_are_not_restored),
	    TEST(a_short_life_saves_nothing),
	    TEST(a_leap_second_ends_the_comparison),
	    TEST(the_rates_need_five_seconds),
	    TEST(without_the_id_of_a_boot_nothing_goes_on),
	    TEST(the_id_of_a_boot_is_read_in_hexadecimal),
	    TEST(descriptor_0_is_as_good_as_any),
	    TEST(all_clocks_are_read_together),
	    TEST(the_file_has_the_clocks_and_all_sources),
	    TEST(a_source_without_keys_is_saved_by_its_name),
	    TEST(samples_of_a_removed_source_are_not_restored),
	    TEST(samples_of_a_source_without_an_address_are_not_restored),
	    cmocka_unit_test_setup_teardown(
		samples_of_the_future_are_not_restored, set_up_in_the_future,
		teardown),
	    TEST(the_log_counts_what_is_restored),
	    TEST(without_a_common_clock_samples_give_the_delays),
	    TEST(delays_of_another_server_are_not_restored),
	    TEST(a_small_difference_is_no_leap_second),
	    TEST(a_closed_file_saves_nothing),
	    TEST(there_is_room_for_the_sources_of_a_reload),
	    TEST(a_lack_of_memory_is_told),
	    TEST(a_write_that_fails_is_a_trouble_until_the_next_one),
	    TEST(only_a_missing_file_needs_no_line),
	    TEST(a_damaged_file_is_replaced_by_the_next_save),
	    TEST(an_unsealed_file_is_not_used),
	    TEST(the_learned_drift_goes_on),
	    TEST(the_drift_of_another_machine_does_not_count),
	    TEST(after_another_boot_the_clock_was_not_watched_yet),
	    TEST(the_identity_of_the_machine_is_not_saved),
	    TEST(a_damaged_file_of_the_drift_teaches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
