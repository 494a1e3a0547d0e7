/* What the build and the kernel have of the sandbox, as a test says. The linker
 * prefers these functions to those of the room. */
#ifndef TESTS_UNIT_AGENT_HOST_SANDBOX_FAKE_SANDBOX_H
#define TESTS_UNIT_AGENT_HOST_SANDBOX_FAKE_SANDBOX_H

#include "agent/host/sandbox/sandbox.h"

#include <stdio.h>

static struct {
	const char *missing, *impossible; /* "": nothing is */
} fake_sandbox = {"", ""};

unsigned sandbox_missing(char text[SANDBOX_TEXT_MAX])
{
	snprintf(text, SANDBOX_TEXT_MAX, "%s", fake_sandbox.missing);
	return fake_sandbox.missing[0] ? 1 : 0;
}

enum sandbox_level sandbox_possible(char why[SANDBOX_TEXT_MAX])
{
	snprintf(why, SANDBOX_TEXT_MAX, "%s", fake_sandbox.impossible);
	return fake_sandbox.impossible[0] ? SANDBOX_OFF : SANDBOX_ON;
}

#endif
