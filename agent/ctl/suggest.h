/*
 * What ntsctl does instead of a command of chronyc(1) that it does not have.
 */
#ifndef AGENT_CTL_SUGGEST_H
#define AGENT_CTL_SUGGEST_H

/* What this agent does instead of the command of chronyc; NULL: chronyc has no
 * such command, or ntsctl has it too. */
const char *suggest_instead(const char *command);

#endif
