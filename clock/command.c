#include "clock/command.h"

const char *keeper_verdict_text(enum keeper_verdict v)
{
	static const char *const texts[KEEPER_VERDICT_COUNT] = {
#define X(name, sentence) [name] = sentence,
	    KEEPER_VERDICTS(X)
#undef X
	};

	return (unsigned)v < KEEPER_VERDICT_COUNT ? texts[v] : "unknown";
}

bool keeper_refused(enum keeper_verdict v)
{
	return v >= KEEPER_BAD_COMMAND && v <= KEEPER_STEP_BUDGET;
}
