/*
 * How a process of the agent begins, on the side of the child: it checks what
 * it inherits, drops its rights, and runs the main function of its row.
 */
#ifndef AGENT_LAUNCH_ENTRY_H
#define AGENT_LAUNCH_ENTRY_H

/* `name` follows CHILD_OPTION on the command line. Returns the exit status. */
int entry_run(const char *name);

#endif
