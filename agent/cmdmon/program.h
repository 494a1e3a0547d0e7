/* ntsagent-cmdmon as a function, so that a test can call it. */
#ifndef AGENT_CMDMON_PROGRAM_H
#define AGENT_CMDMON_PROGRAM_H

/* Returns the exit status. */
int cmdmon_main(int argc, char **argv);

#endif
