/*
 * The orders of chronyc: their arguments, the sources that an address or a
 * subnet names, and what the agent is told.
 */
#ifndef AGENT_CTL_CONTROL_H
#define AGENT_CTL_CONTROL_H

#include "agent/ctl/orders.h"
#include "agent/ctl/snapshot/snapshot.h"

/* Is `name` such an order? */
bool control_knows(const char *name);

/* Does `target`, a name, an address or a subnet, mean this source? */
bool control_means(const struct status_source *s, const char *target);

/* Is it GOOD/MAX, the length of a burst? */
bool control_is_burst(const char *text);

/* Carries it out. EXIT_USAGE: its arguments are wrong. The other results are
 * those of order_send(); EXIT_REFUSED also if no source is named so. */
enum exit_status control_run(
    const struct control *c, const char *name, int argc, char **argv);

/* Prints that no source is named so, and which one was perhaps meant; returns
 * EXIT_REFUSED. */
enum exit_status control_no_source(const char *program,
    const struct snapshot *s, const char *name, FILE *errors);

/* "ADDRESS/BITS" or "MASK/ADDRESS", of one family. */
struct subnet {
	int family;
	unsigned char address[16], mask[16];
};
bool subnet_parse(struct subnet *out, const char *text) MUST_USE;
bool subnet_has(const struct subnet *net, const char *address);

#endif
