#include "agent/history/events.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Clears what is left of the place, too: an older text may have been longer. */
static void put_text(char *out, size_t size, const char *text)
{
	size_t len = strlen(text);

	memset(out, 0, size);
	for (size_t i = 0; i < len && i < size - 1; i++)
		out[i] =
		    (char)(text[i] >= 0x20 && text[i] <= 0x7e ? text[i] : '?');
	for (size_t i = size - 4; len >= size && i < size - 1; i++)
		out[i] = '.';
}

void history_add_event(struct history_file *f, int64_t time_ns,
    enum history_event_kind kind, const char *source, const char *fmt, ...)
{
	struct history_event *e = &f->events[f->head.events % HISTORY_EVENTS];
	char text[2 * HISTORY_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	*e = (struct history_event){.time_ns = time_ns, .kind = kind};
	put_text(e->source, sizeof(e->source), source);
	put_text(e->text, sizeof(e->text), text);
	f->head.events++;
}
