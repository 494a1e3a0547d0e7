/* Giving back memory: less is resident, and nothing is lost. */
#include "agent/host/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"

#define TABLE_PAGES 512
#define PAGE 4096

/* Which ranges were given back, while `on`. */
static struct {
	bool on;
	bool nowhere; /* the ranges are not in memory */
	unsigned count;
	struct {
		uintptr_t from, to;
	} ranges[1024];
} given;

int madvise(void *from, size_t len, int advice)
{
	if (given.on) {
		assert_int_equal(advice, MADV_DONTNEED);
		assert_true(given.count < ARRAY_LEN(given.ranges));
		given.ranges[given.count].from = (uintptr_t)from;
		given.ranges[given.count++].to = (uintptr_t)from + len;
	}
	return given.nowhere ? 0 : (int)syscall(SYS_madvise, from, len, advice);
}

/* Releases memory, and notes which. */
static void release(void)
{
	given.count = 0;
	given.on = true;
	memory_release_start();
	given.on = false;
}

/* A sanitizer needs the real list of objects, and has a heap of its own. */
#ifndef __SANITIZE_ADDRESS__

/* In place of the objects of this process, if a test has set them. */
static struct {
	struct dl_phdr_info *list;
	unsigned count;
} objects;

int dl_iterate_phdr(
    int (*each)(struct dl_phdr_info *, size_t, void *), void *data)
{
	int (*real)(int (*)(struct dl_phdr_info *, size_t, void *), void *);
	int result = 0;

	*(void **)&real = dlsym(RTLD_NEXT, "dl_iterate_phdr");
	if (!objects.list)
		return real(each, data);
	for (unsigned i = 0; i < objects.count && result == 0; i++)
		result = each(&objects.list[i], sizeof(objects.list[i]), data);
	return result;
}

static void release_of(struct dl_phdr_info *list, unsigned count)
{
	objects.list = list;
	objects.count = count;
	release();
	objects.list = NULL;
}

#endif

/* In a segment of the program that is read only. */
static const char table[TABLE_PAGES * PAGE] = {1, [TABLE_PAGES * PAGE - 1] = 2};
/* In one that is written to. */
static char written[TABLE_PAGES * PAGE] = {1};
/* Read only after its relocation. */
static const char *const pointers[] = {table, written, "text"};

static int sum_of_table(void)
{
	const volatile char *at = table;
	int sum = 0;

	for (size_t i = 0; i < sizeof(table); i += PAGE)
		sum += at[i];
	return sum + at[sizeof(table) - 1];
}

static void constants_are_given_back(void **state)
{
	const uintptr_t first = (uintptr_t)table;
	const uintptr_t last = first + sizeof(table) - 1;
	bool found = false;

	(void)state;
	release();
	for (unsigned i = 0; i < given.count; i++)
		found |=
		    given.ranges[i].from <= first && last < given.ranges[i].to;
	assert_true(found);
	assert_int_equal(sum_of_table(), 3);
}

static void what_was_written_stays(void **state)
{
	char *heap = strdup("heap");

	(void)state;
	memset(written, 'w', sizeof(written));
	memory_release_start();
	for (size_t i = 0; i < sizeof(written); i++)
		assert_int_equal(written[i], 'w');
	assert_ptr_equal(pointers[0], table);
	assert_ptr_equal(pointers[1], written);
	assert_string_equal(pointers[2], "text");
	assert_string_equal(heap, "heap");
	free(heap);
}

#ifndef __SANITIZE_ADDRESS__

/* How many of these pages are in memory. */
static unsigned resident_pages(const char *from, unsigned pages)
{
	unsigned count = 0;
	FILE *f = fopen("/proc/self/pagemap", "re");
	uint64_t entry;

	assert_non_null(f);
	for (unsigned i = 0; i < pages; i++) {
		uintptr_t page = (uintptr_t)(from + i * PAGE) / PAGE;

		assert_int_equal(
		    fseek(f, (long)(page * sizeof(entry)), SEEK_SET), 0);
		assert_int_equal(fread(&entry, sizeof(entry), 1, f), 1);
		count += (entry >> 63) != 0;
	}
	fclose(f);
	return count;
}

static void free_blocks_of_the_heap_are_given_back(void **state)
{
	enum { BLOCKS = 64, BLOCK_PAGES = 16 };
	char *blocks[BLOCKS], *top;
	const char *inner;

	(void)state;
	for (unsigned i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BLOCK_PAGES * PAGE);
		assert_non_null(blocks[i]);
		memset(blocks[i], 'h', BLOCK_PAGES * PAGE);
	}
	/* A block behind them, so that free(3) keeps their memory. */
	top = malloc(BLOCK_PAGES * PAGE);
	inner = blocks[1] + PAGE;
	for (unsigned i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	assert_int_not_equal(resident_pages(inner, BLOCK_PAGES - 2), 0);
	memory_release_start();
	assert_int_equal(resident_pages(inner, BLOCK_PAGES - 2), 0);
	free(top);
}

static void make_segment(
    ElfW(Phdr) * out, uint32_t type, uint32_t flags, uintptr_t at, size_t len)
{
	*out = (ElfW(Phdr)){
	    .p_type = type, .p_flags = flags, .p_vaddr = at, .p_memsz = len};
}

/* All pages of a segment that nobody writes to, also those that it shares. */
static void whole_pages_of_read_only_segments_are_released(void **state)
{
	static const struct {
		uint32_t type, flags;
		uintptr_t at;
		size_t len;
		uintptr_t from, to; /* 0, 0: nothing */
	} rows[] = {
	    {PT_LOAD, PF_R, PAGE, PAGE, PAGE, 2 * PAGE},
	    {PT_LOAD, PF_R | PF_X, PAGE, PAGE, PAGE, 2 * PAGE},
	    {PT_LOAD, PF_R, PAGE + 1, PAGE - 1, PAGE, 2 * PAGE},
	    {PT_LOAD, PF_R, PAGE + 1, PAGE, PAGE, 3 * PAGE},
	    {PT_LOAD, PF_R, 2 * PAGE - 1, 1, PAGE, 2 * PAGE},
	    {PT_LOAD, PF_R, 2 * PAGE - 1, 2, PAGE, 3 * PAGE},
	    {PT_LOAD, PF_R | PF_W, PAGE, PAGE, 0, 0},
	    {PT_LOAD, PF_R | PF_W | PF_X, PAGE, PAGE, 0, 0},
	    {PT_NOTE, PF_R, PAGE, PAGE, 0, 0},
	    {PT_GNU_RELRO, PF_R, PAGE, PAGE, 0, 0},
	};
	const uintptr_t base = 64 * PAGE;

	(void)state;
	given.nowhere = true;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ElfW(Phdr) one;
		struct dl_phdr_info info = {
		    .dlpi_addr = base, .dlpi_phdr = &one, .dlpi_phnum = 1};

		make_segment(
		    &one, rows[i].type, rows[i].flags, rows[i].at, rows[i].len);

		release_of(&info, 1);
		assert_int_equal(given.count, rows[i].to != 0);
		if (rows[i].to == 0)
			continue;
		assert_int_equal(given.ranges[0].from, base + rows[i].from);
		assert_int_equal(given.ranges[0].to, base + rows[i].to);
	}
	given.nowhere = false;
}

/* A file in memory, as a segment of a library is. */
static void released_pages_are_read_again_from_their_file(void **state)
{
	enum { PAGES = 16 };
	static char bytes[PAGES * PAGE];
	FILE *f = tmpfile();
	ElfW(Phdr) one;
	struct dl_phdr_info info = {.dlpi_phdr = &one, .dlpi_phnum = 1};
	char *at;

	(void)state;
	assert_non_null(f);
	memset(bytes, 'f', sizeof(bytes));
	assert_int_equal(fwrite(bytes, 1, sizeof(bytes), f), sizeof(bytes));
	assert_int_equal(fflush(f), 0);
	at = mmap(NULL, sizeof(bytes), PROT_READ, MAP_PRIVATE, fileno(f), 0);
	assert_true(at != MAP_FAILED);
	assert_memory_equal(at, bytes, sizeof(bytes));
	assert_int_not_equal(resident_pages(at, PAGES), 0);
	info.dlpi_addr = (uintptr_t)at;
	make_segment(&one, PT_LOAD, PF_R, 0, sizeof(bytes));
	release_of(&info, 1);
	assert_int_equal(resident_pages(at, PAGES), 0);
	assert_memory_equal(at, bytes, sizeof(bytes));
	munmap(at, sizeof(bytes));
	fclose(f);
}

/* And no segment behind the last one of an object. */
static void each_object_counts(void **state)
{
	ElfW(Phdr) three[3];
	struct dl_phdr_info two[2];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		make_segment(&three[i], PT_LOAD, PF_R, i * PAGE, PAGE);
	two[0] = two[1] = (struct dl_phdr_info){
	    .dlpi_addr = PAGE, .dlpi_phdr = three, .dlpi_phnum = 2};
	given.nowhere = true;
	release_of(two, ARRAY_LEN(two));
	given.nowhere = false;
	assert_int_equal(given.count, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(given.ranges[i].from, PAGE + i % 2 * PAGE);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(constants_are_given_back),
	    cmocka_unit_test(what_was_written_stays),
#ifndef __SANITIZE_ADDRESS__
	    cmocka_unit_test(free_blocks_of_the_heap_are_given_back),
	    cmocka_unit_test(whole_pages_of_read_only_segments_are_released),
	    cmocka_unit_test(released_pages_are_read_again_from_their_file),
	    cmocka_unit_test(each_object_counts),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
