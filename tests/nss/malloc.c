/*
 * A malloc as hardened ones are: each block has pages of its own. It makes a
 * system call that no sandbox of the agent allows.
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096UL
#define HEAD 16UL /* keeps blocks aligned */

static size_t size_of(const void *block)
{
	return *(const size_t *)(const void *)((const char *)block - HEAD);
}

void *malloc(size_t size)
{
	size_t all = (size + HEAD + PAGE - 1) / PAGE * PAGE;
	char *pages;

	if (size > SIZE_MAX / 2)
		return NULL;
	pages = mmap(NULL, all, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return NULL;
	*(size_t *)(void *)pages = size;
	return pages + HEAD;
}

void free(void *block)
{
	size_t all;

	if (!block)
		return;
	all = (size_of(block) + HEAD + PAGE - 1) / PAGE * PAGE;
	/* Denied to each process of the agent. */
	(void)mincore((char *)block - HEAD, 1, &(unsigned char){0});
	munmap((char *)block - HEAD, all);
}

void *calloc(size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / 2 / size)
		return NULL;
	return malloc(count * size);
}

void *realloc(void *block, size_t size)
{
	void *bigger = malloc(size);

	if (bigger && block) {
		size_t old = size_of(block);

		memcpy(bigger, block, old < size ? old : size);
		free(block);
	}
	return bigger;
}
