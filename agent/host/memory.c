#include "agent/host/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* The pages of a segment that no process can write to are those of the file, so
 * nothing is lost. Tables that are read-only only after the relocation
 * (PT_GNU_RELRO) lie in a segment with PF_W. */
static void release_segment(const struct dl_phdr_info *object,
    const ElfW(Phdr) * segment, uintptr_t page)
{
	uintptr_t from = object->dlpi_addr + segment->p_vaddr;
	uintptr_t to = from + segment->p_memsz;

	if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W))
		return;
	from &= ~(page - 1);
	to = (to + page - 1) & ~(page - 1);
	(void)madvise((void *)from, to - from, MADV_DONTNEED);
}

static int release_object(struct dl_phdr_info *object, size_t size, void *page)
{
	(void)size;
	for (int i = 0; i < object->dlpi_phnum; i++)
		release_segment(
		    object, &object->dlpi_phdr[i], *(const uintptr_t *)page);
	return 0;
}

void memory_release_start(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	malloc_trim(0);
	(void)dl_iterate_phdr(release_object, &page);
}
