/* Giving back memory: less is resident, and nothing is lost. */
#include "agent/host/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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

/* A sanitizer needs the real list of objects, and has a heap of its own. */
#ifndef __SANITIZE_ADDRESS__

/* In place of the objects of this process, once a test has set them; then no
 * page is given back, but its range is noted. */
static struct {
	struct dl_phdr_info *list;
	unsigned count;
} objects;
static struct {
	unsigned count;
	struct {
		uintptr_t from, to;
	} ranges[8];
} given;

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

int madvise(void *from, size_t len, int advice)
{
	if (!objects.list)
		return (int)syscall(SYS_madvise, from, len, advice);
	assert_int_equal(advice, MADV_DONTNEED);
	assert_true(given.count < ARRAY_LEN(given.ranges));
	given.ranges[given.count].from = (uintptr_t)from;
	given.ranges[given.count++].to = (uintptr_t)from + len;
	return 0;
}

#endif

/* In a segment of the program that is read only. */
static const char table[TABLE_PAGES * PAGE] = {1, [TABLE_PAGES * PAGE - 1] = 2};
/* In one that is written to. */
static char written[TABLE_PAGES * PAGE] = {1};
/* Read only after its relocation. */
static const char *const pointers[] = {table, written, "text"};

/* How many of the pages behind this one are in memory. */
static unsigned resident_pages(const char *from, unsigned pages)
{
	unsigned count = 0;
	FILE *f = fopen("/proc/self/pagemap", "re");
	uint64_t entry;

	assert_non_null(f);
	for (unsigned i = 1; i <= pages; i++) {
		uintptr_t page = (uintptr_t)(from + i * PAGE) / PAGE;

		assert_int_equal(
		    fseek(f, (long)(page * sizeof(entry)), SEEK_SET), 0);
		assert_int_equal(fread(&entry, sizeof(entry), 1, f), 1);
		count += (entry >> 63) != 0;
	}
	fclose(f);
	return count;
}

static int sum_of_table(void)
{
	const volatile char *at = table;
	int sum = 0;

	for (size_t i = 0; i < sizeof(table); i += PAGE)
		sum += at[i];
	return sum + at[sizeof(table) - 1];
}

/* The kernel maps and unmaps pages of a file for reasons of its own: several
 * tries. */
static void constants_are_given_back(void **state)
{
	unsigned there = 0, left = TABLE_PAGES;

	(void)state;
	for (int i = 0; i < 100 && there < TABLE_PAGES / 4 * 3; i++) {
		assert_int_equal(sum_of_table(), 3);
		there = resident_pages(table, TABLE_PAGES - 2);
	}
	assert_true(there >= TABLE_PAGES / 4 * 3);
	for (int i = 0; i < 100 && left >= TABLE_PAGES / 4; i++) {
		memory_release_start();
		left = resident_pages(table, TABLE_PAGES - 2);
	}
	assert_true(left < TABLE_PAGES / 4);
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

static void free_blocks_of_the_heap_are_given_back(void **state)
{
	enum { BLOCKS = 64, BLOCK_PAGES = 16 };
	char *blocks[BLOCKS], *top;

	(void)state;
	for (unsigned i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BLOCK_PAGES * PAGE);
		assert_non_null(blocks[i]);
		memset(blocks[i], 'h', BLOCK_PAGES * PAGE);
	}
	/* A block behind them, so that free(3) keeps their memory. */
	top = malloc(BLOCK_PAGES * PAGE);
	for (unsigned i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	assert_int_not_equal(resident_pages(blocks[1], BLOCK_PAGES - 2), 0);
	memory_release_start();
	assert_int_equal(resident_pages(blocks[1], BLOCK_PAGES - 2), 0);
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
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ElfW(Phdr) one;
		struct dl_phdr_info info = {
		    .dlpi_addr = base, .dlpi_phdr = &one, .dlpi_phnum = 1};

		make_segment(
		    &one, rows[i].type, rows[i].flags, rows[i].at, rows[i].len);

		given.count = 0;
		objects.list = &info;
		objects.count = 1;
		memory_release_start();
		objects.list = NULL;
		assert_int_equal(given.count, rows[i].to != 0);
		if (rows[i].to == 0)
			continue;
		assert_int_equal(given.ranges[0].from, base + rows[i].from);
		assert_int_equal(given.ranges[0].to, base + rows[i].to);
	}
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
	given.count = 0;
	objects.list = two;
	objects.count = 2;
	memory_release_start();
	objects.list = NULL;
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
	    cmocka_unit_test(each_object_counts),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
