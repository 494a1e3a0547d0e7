#include "agent/check/box.h"

#include "agent/host/sandbox/sandbox.h"

#include <stdio.h>

bool box_judge(enum confinement wanted, char text[BOX_TEXT_MAX])
{
	char lacks[SANDBOX_TEXT_MAX];
	const bool required = wanted == CONFINEMENT_REQUIRE;

	text[0] = '\0';
	if (wanted == CONFINEMENT_NO)
		return true;
	if (sandbox_possible(lacks) == SANDBOX_OFF) {
		snprintf(text, BOX_TEXT_MAX, "there is no sandbox: %s%s", lacks,
		    required ? "; with sandbox = require the agent does not "
			       "start"
			     : "");
		return !required;
	}
	/* With `log`, nothing is denied. */
	if (wanted == CONFINEMENT_LOG || sandbox_missing(lacks) == 0)
		return true;
	snprintf(text, BOX_TEXT_MAX, "this kernel has no %s: %s", lacks,
	    required ? "with sandbox = require the agent does not start"
		     : "the sandbox works without");
	return !required;
}
