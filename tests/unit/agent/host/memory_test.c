/* Giving back memory: less is resident, and nothing is lost. */
#include "agent/host/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_PAGES 512
#define PAGE 4096

/* In a segment of the program that is read only. */
static const char table[TABLE_PAGES * PAGE] = {1, [TABLE_PAGES * PAGE - 1] = 2};
/* In one that is written to. */
static char written[TABLE_PAGES * PAGE] = {1};
/* Read only after its relocation. */
static const char *const pointers[] = {table, written, "text"};

/* How many pages of the table are in memory, but the first and the last. */
static unsigned resident_pages(void)
{
	unsigned count = 0;
	FILE *f = fopen("/proc/self/pagemap", "re");
	uint64_t entry;

	assert_non_null(f);
	for (unsigned i = 1; i < TABLE_PAGES - 1; i++) {
		uintptr_t page = (uintptr_t)(table + i * PAGE) / PAGE;

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
		there = resident_pages();
	}
	assert_true(there >= TABLE_PAGES / 4 * 3);
	for (int i = 0; i < 100 && left >= TABLE_PAGES / 4; i++) {
		memory_release_start();
		left = resident_pages();
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(constants_are_given_back),
	    cmocka_unit_test(what_was_written_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
