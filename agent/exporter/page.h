/*
 * The metrics as text, from the status socket. They are made when a client asks
 * and serve all clients for a short time, so a flood of requests does not
 * become a flood of questions to the agent.
 */
#ifndef AGENT_EXPORTER_PAGE_H
#define AGENT_EXPORTER_PAGE_H

#include "agent/exporter/answer.h"

#include <stdbool.h>

#define PAGE_LIFE_NS (200 * NS_PER_MS)
/* The agent answers at once, or it has stopped. */
#define PAGE_TIMEOUT_MS 1000

struct page {
	const char *socket;
	bool made, up;
	struct mono made_at;
	char *text[2]; /* by enum exposition */
	size_t len[2];
};

/* `socket` is borrowed for the life of `p`. Call page_end() at the end. */
void page_init(struct page *p, const char *socket);
void page_end(struct page *p);

/*
 * The metrics of now; the bytes are valid until the next call. Without a status
 * the text says so, and the first time the log says why. An empty text: no
 * memory is left.
 */
struct body page_get(
    struct page *p, enum exposition form, struct mono now) MUST_USE;

#endif
