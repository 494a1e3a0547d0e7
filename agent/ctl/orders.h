/*
 * Orders to the agent: one line to its control socket, which lies beside the
 * status socket, and the answer to the terminal.
 */
#ifndef AGENT_CTL_ORDERS_H
#define AGENT_CTL_ORDERS_H

#include "agent/ctl/connect.h"
#include "agent/ctl/report/report.h"

#define ORDER_PATH_MAX 300

/* As the agent names it: control.sock beside status.sock. */
void order_path(const char *status_socket, char out[static ORDER_PATH_MAX]);

/*
 * Sends `verb`, and `name` unless NULL. What was done goes to `out`, what was
 * refused to `errors`. EXIT_OK, EXIT_REFUSED, EXIT_USAGE for a name that cannot
 * be one, EXIT_NO_STATUS when there is no agent to order.
 */
enum exit_status order_send(const char *status_socket, const char *verb,
    const char *name, FILE *out, FILE *errors);

#endif
