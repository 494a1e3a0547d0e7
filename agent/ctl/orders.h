/*
 * Sends an order to the agent's control socket and prints the answer.
 */
#ifndef AGENT_CTL_ORDERS_H
#define AGENT_CTL_ORDERS_H

#include "agent/ctl/connect.h"
#include "agent/ctl/report/report.h"

#define ORDER_PATH_MAX 300

/* The path of the control socket, by the rule of control_socket_path in
 * agent/query/control_socket.h: control.sock in the folder of status.sock. */
void order_path(const char *status_socket, char out[static ORDER_PATH_MAX]);

struct control {
	const char *program; /* begins each line to `errors` */
	const char *socket;  /* of the status */
	FILE *out, *errors;
};

/*
 * Sends "VERB" or, if `name` is not NULL, "VERB NAME". Prints the answer to
 * `out`, or a refusal to `errors`. EXIT_OK, EXIT_REFUSED, EXIT_USAGE for a name
 * that no source can have, EXIT_NO_STATUS without an answer of an agent.
 */
enum exit_status order_send(
    const struct control *c, const char *verb, const char *name);

#endif
