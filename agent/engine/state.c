#include "agent/engine/state.h"

#include <stdarg.h>
#include <stdio.h>

void engine_say(struct engine *e, enum log_level level, const char *fmt, ...)
{
	char text[SOURCE_LINE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	e->noticed = true;
	e->ports.report(e->ports.self, level, text);
}

uint32_t engine_random(struct engine *e)
{
	uint32_t r;

	e->ports.random(e->ports.self, &r, sizeof(r));
	return r;
}
