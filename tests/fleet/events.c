#include "tests/fleet/events.h"

#include <stdlib.h>

#define ROOM_FIRST 1024

static void make_room(struct events *e)
{
	if (e->count < e->room)
		return;
	e->room = e->room > 0 ? 2 * e->room : ROOM_FIRST;
	e->heap = realloc(e->heap, e->room * sizeof(*e->heap));
	if (!e->heap)
		abort();
}

static void swap(struct event *a, struct event *b)
{
	struct event c = *a;

	*a = *b;
	*b = c;
}

void events_add(struct events *e, const struct event *what)
{
	size_t i = e->count;

	make_room(e);
	e->heap[e->count++] = *what;
	while (i > 0 && e->heap[i].at_ns < e->heap[(i - 1) / 2].at_ns) {
		swap(&e->heap[i], &e->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

static size_t earliest_of_three(const struct events *e, size_t i)
{
	size_t best = i;

	for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
		if (child < e->count &&
		    e->heap[child].at_ns < e->heap[best].at_ns)
			best = child;
	return best;
}

bool events_take(struct events *e, struct event *out)
{
	size_t i = 0, next;

	if (e->count == 0)
		return false;
	*out = e->heap[0];
	e->heap[0] = e->heap[--e->count];
	while ((next = earliest_of_three(e, i)) != i) {
		swap(&e->heap[i], &e->heap[next]);
		i = next;
	}
	return true;
}

void events_free(struct events *e)
{
	for (size_t i = 0; i < e->count; i++)
		free(e->heap[i].packet);
	free(e->heap);
	*e = (struct events){0};
}
