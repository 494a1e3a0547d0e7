#include "agent/ctl/orders.h"

#include "agent/ctl/snapshot/clean.h"

#include <stdlib.h>
#include <string.h>

/* The agent reads no longer line; CONTROL_LINE_MAX there. */
#define LINE_MAX_BYTES 128
/* A reload reads the configuration, perhaps from a slow disk. */
#define LIMITS ((struct connect_limits){64 << 10, 30000})

void order_path(const char *status_socket, char out[static ORDER_PATH_MAX])
{
	static const char usual[] = "/status.sock";
	size_t len = strlen(status_socket);
	size_t tail = sizeof(usual) - 1;

	if (len >= tail && strcmp(status_socket + len - tail, usual) == 0)
		snprintf(out, ORDER_PATH_MAX, "%.*s/control.sock",
		    (int)(len - tail), status_socket);
	else
		snprintf(out, ORDER_PATH_MAX, "%s.control", status_socket);
}

static bool make_line(
    char line[static LINE_MAX_BYTES], const char *verb, const char *name)
{
	int len = snprintf(line, LINE_MAX_BYTES, "%s%s%s\n", verb,
	    name ? " " : "", name ? name : "");

	return len > 0 && len < LINE_MAX_BYTES &&
	       strcspn(line, "\n") == (size_t)len - 1;
}

/* Cleans each line: the agent may quote files that somebody else wrote. */
static void print_lines(FILE *out, const char *program, const char *text)
{
	const char *end = text + strlen(text);

	while (text < end) {
		size_t part = strcspn(text, "\n");
		char *clean = malloc(part * TEXT_CLEAN_GROWTH + 1);

		if (!clean)
			return;
		text_clean(clean, text, part);
		fprintf(out, "%s%s%s\n", program ? program : "",
		    program ? ": " : "", clean);
		free(clean);
		text += part + 1;
	}
}

static bool begins(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

static enum exit_status complain(
    const struct control *c, enum exit_status status, const char *why)
{
	fprintf(c->errors, "%s: %s\n", c->program, why);
	return status;
}

static enum exit_status show(const struct control *c, const char *answer)
{
	static const char good[] = "ok: ", bad[] = "error: ";

	if (begins(answer, good)) {
		print_lines(c->out, NULL, answer + sizeof(good) - 1);
		return EXIT_OK;
	}
	if (begins(answer, bad)) {
		print_lines(c->errors, c->program, answer + sizeof(bad) - 1);
		return EXIT_REFUSED;
	}
	return complain(c, EXIT_NO_STATUS,
	    "ntsagentd closed the connection without an answer: see: systemctl "
	    "status ntsagent");
}

enum exit_status order_send(
    const struct control *c, const char *verb, const char *name)
{
	char line[LINE_MAX_BYTES], path[ORDER_PATH_MAX];
	char why[CONNECT_ERROR_MAX];
	enum exit_status status;
	char *answer;

	if (!make_line(line, verb, name))
		return complain(
		    c, EXIT_USAGE, "this is not the name of a source");
	order_path(c->socket, path);
	answer = control_ask(path, line, &LIMITS, why);
	if (!answer)
		return complain(c, EXIT_NO_STATUS, why);
	status = show(c, answer);
	free(answer);
	return status;
}
