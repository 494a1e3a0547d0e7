/* Memory that a process needs for its start only. */
#ifndef AGENT_HOST_MEMORY_H
#define AGENT_HOST_MEMORY_H

/*
 * Gives back what the start has left behind: free blocks of the heap, and the
 * parts of the program and its libraries that only the dynamic linker has read.
 * The kernel reads such a page again from its cache when it is needed. Saves
 * about a megabyte for all processes of the agent together.
 */
void memory_release_start(void);

#endif
