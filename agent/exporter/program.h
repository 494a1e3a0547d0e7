/* ntsagent-exporter: the command line, the rights, and the loop. */
#ifndef AGENT_EXPORTER_PROGRAM_H
#define AGENT_EXPORTER_PROGRAM_H

/* As main(3): 0, or 1 if it cannot go on, or 2 if the command line is wrong. */
int exporter_main(int argc, char **argv);

#endif
