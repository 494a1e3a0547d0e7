/* From the command line to running processes. */
#ifndef AGENT_LAUNCH_LAUNCH_H
#define AGENT_LAUNCH_LAUNCH_H

/* Returns the exit status of ntsagentd(8). */
int launch(int argc, char *argv[]);

#endif
