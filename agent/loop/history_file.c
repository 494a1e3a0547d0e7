#include "agent/loop/history_file.h"

#include "agent/history/rings.h"
#include "agent/saved/saved_history.h"
#include "agent/saved/sealed_file.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAVE_EVERY_NS (3600 * NS_PER_S)
#define CELL_NS (HISTORY_FINE_S * NS_PER_S)
/* The loop wakes for the history alone when this number of cells is over. */
#define CELLS_LATE (HISTORY_LATE_S / HISTORY_FINE_S)

static const struct seal_label label = {"history", ""};

/* The launcher has made the file with a size that fits. Only our own user and
 * root can write to it, and it never shrinks. */
static struct history_file *map(int fd, unsigned *places)
{
	struct stat st;
	void *at;

	if (fd < 0 || fstat(fd, &st) != 0)
		return NULL;
	*places = 0;
	while (*places < SOURCES_MAX &&
	       history_size(*places + 1) <= (size_t)st.st_size)
		++*places;
	if (*places == 0)
		return NULL;
	at = mmap(NULL, history_size(*places), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	return at == MAP_FAILED ? NULL : at;
}

/* The time that the clock says has passed since the last save, in cells. */
static uint64_t cells_since(int64_t saved_ns, struct wall now)
{
	return now.ns > saved_ns ? (uint64_t)((now.ns - saved_ns) / CELL_NS)
				 : 0;
}

/* The sources that are configured, or the others, get the places from `place`
 * on; returns the next one. */
static unsigned take_sources(struct history_file *to,
    const struct history_file *from, const struct engine *e, bool configured,
    unsigned place)
{
	for (unsigned i = 0; i < from->head.sources; i++) {
		const struct history_source *s = &from->sources[i];

		if (s->name[0] != '\0' && place < to->head.sources &&
		    (config_find_source(e->config, s->name) != NULL) ==
			configured)
			to->sources[place++] = *s;
	}
	return place;
}

/* `f` is the saved history; the clock may still be wrong. */
static void take_over(struct history_keeper *h, const struct history_file *f,
    const struct engine *e)
{
	struct history_file *to = h->file;
	unsigned place;

	history_begin(to);
	to->head.cell = f->head.cell;
	to->head.written_ns = f->head.written_ns;
	to->head.events = f->head.events;
	memcpy(to->events, f->events, sizeof(to->events));
	to->clock = f->clock;
	place = take_sources(to, f, e, true, 0);
	(void)take_sources(to, f, e, false, place);
	history_end(to);
	h->base_cell =
	    f->head.cell + cells_since(f->head.written_ns, e->now.wall) + 1;
}

static void restore(struct history_keeper *h, const struct engine *e)
{
	size_t size = saved_history_max(SOURCES_MAX), len;
	struct history_file *f = malloc(history_size(SOURCES_MAX));
	uint8_t *bytes = malloc(size);
	const char *why = NULL;
	int err = f && bytes ? sealed_file_read(h->folder, HISTORY_FILE_NAME,
				   label, bytes, size, &len)
			     : -ENOMEM;

	if (!err)
		history_init(f, SOURCES_MAX);
	if (!err && saved_history_take(bytes, len, f))
		take_over(h, f, e);
	else if (!err)
		why = "is damaged or of another version";
	else if (err != -ENOENT)
		why = sealed_file_error(err);
	if (why)
		log_info("%s/%s %s: the history begins again", h->folder->path,
		    HISTORY_FILE_NAME, why);
	free(bytes);
	free(f);
}

void history_file_open(struct history_keeper *h, int fd,
    const struct saved_folder *folder, const struct engine *e)
{
	unsigned places = 0;

	*h = (struct history_keeper){
	    .file = map(fd, &places),
	    .folder = folder,
	    .base_cell = 1,
	    .base_ns = e->now.boot_ns,
	    .wall_minus_boot_ns = e->now.wall.ns - e->now.boot_ns,
	    .look_due = true,
	    .save_at = mono_after(e->now.mono, SAVE_EVERY_NS),
	};
	if (fd >= 0)
		close(fd);
	if (!h->file)
		return;
	history_init(h->file, places);
	if (folder)
		restore(h, e);
	observer_start(&h->observer, h->file, e);
}

void history_file_close(struct history_keeper *h)
{
	if (h->file)
		munmap(h->file, history_size(h->file->head.sources));
	h->file = NULL;
	h->observer.file = NULL;
	h->folder = NULL;
}

static uint64_t cell_at(
    const struct history_keeper *h, struct clock_reading now)
{
	int64_t passed_ns = now.boot_ns - h->base_ns;

	return h->base_cell +
	       (passed_ns > 0 ? (uint64_t)(passed_ns / CELL_NS) : 0);
}

/* Cells count the time that passes, not the clock. But a clock that was behind
 * at the start has hidden how long the agent did not run; the first step of the
 * clock tells it. */
static void follow_first_step(
    struct history_keeper *h, const struct engine *e, struct clock_reading now)
{
	int64_t apart_ns = now.wall.ns - now.boot_ns;
	int64_t ahead_ns = apart_ns - h->wall_minus_boot_ns;

	if (h->settled)
		return;
	h->wall_minus_boot_ns = apart_ns;
	if (ahead_ns >= CELL_NS && h->base_cell > 1)
		h->base_cell += (uint64_t)(ahead_ns / CELL_NS);
	h->settled = e->ever_synchronised;
}

/* The reading at the beginning of a cell that is over. */
static struct clock_reading reading_at(
    const struct history_keeper *h, uint64_t cell, struct clock_reading now)
{
	int64_t at_ns = h->base_ns + (int64_t)(cell - h->base_cell) * CELL_NS;
	int64_t ago_ns = now.boot_ns - at_ns;

	return (struct clock_reading){
	    .mono = {now.mono.ns - ago_ns},
	    .wall = {now.wall.ns - ago_ns},
	    .boot_ns = at_ns,
	};
}

void history_file_wake(
    struct history_keeper *h, const struct engine *e, struct clock_reading now)
{
	uint64_t present;

	if (!h->file)
		return;
	present = cell_at(h, now);
	/* More are over if the machine slept, or the first step has come. */
	if (h->look_due || present > h->file->head.cell + CELLS_LATE + 1)
		return;
	for (uint64_t c = h->file->head.cell + 1; c < present; c++)
		observer_look(&h->observer, e, c, reading_at(h, c, now));
}

void history_file_turn(
    struct history_keeper *h, const struct engine *e, struct clock_reading now)
{
	uint64_t cell;

	if (!h->file)
		return;
	follow_first_step(h, e, now);
	cell = cell_at(h, now);
	if (!h->look_due && cell <= h->file->head.cell)
		return;
	h->look_due = false;
	observer_look(&h->observer, e, cell, now);
}

struct mono history_file_deadline(
    const struct history_keeper *h, struct clock_reading now)
{
	uint64_t cell;
	int64_t due_ns;

	if (!h->file)
		return MONO_NEVER;
	cell = h->file->head.cell + CELLS_LATE;
	if (h->look_due || cell_at(h, now) >= cell)
		return now.mono;
	due_ns = h->base_ns + (int64_t)(cell - h->base_cell) * CELL_NS;
	return mono_after(now.mono, due_ns - now.boot_ns);
}

static int write_file(struct history_keeper *h)
{
	size_t size = saved_history_max(h->file->head.sources);
	uint8_t *bytes = malloc(size);
	struct writer w = writer_of(bytes, bytes ? size : 0);
	int err;

	if (!bytes)
		return -ENOMEM;
	saved_history_put(&w, h->file);
	err = w.ok ? sealed_file_replace(
			 h->folder, HISTORY_FILE_NAME, label, w.base, w.len)
		   : -EMSGSIZE;
	free(bytes);
	return err;
}

static void save_now(struct history_keeper *h, struct mono now)
{
	if (!h->file || !h->folder || h->folder->fd < 0)
		return;
	h->save_at = mono_after(now, SAVE_EVERY_NS);
	saved_trouble(
	    h->trouble, "write", h->folder, HISTORY_FILE_NAME, write_file(h));
}

void history_file_save(struct history_keeper *h, struct clock_reading now)
{
	if (mono_due(h->save_at, now.mono) || h->trouble[0])
		save_now(h, now.mono);
}

void history_file_end(struct history_keeper *h, struct clock_reading now)
{
	observer_end(&h->observer, now);
	save_now(h, now.mono);
}
