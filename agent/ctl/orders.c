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
static void print_lines(
    FILE *out, const char *first, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		size_t part = strcspn(text, "\n");
		char *clean = malloc(part * TEXT_CLEAN_GROWTH + 1);

		if (!clean)
			return;
		text_clean(clean, text, part);
		fprintf(out, "%s%s\n", first, clean);
		free(clean);
		text += part + 1;
	}
}

static bool begins(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

static enum exit_status show(const char *answer, FILE *out, FILE *errors)
{
	static const char good[] = "ok: ", bad[] = "error: ";
	const char *text;

	if (begins(answer, good)) {
		text = answer + sizeof(good) - 1;
		print_lines(out, "", text, strlen(text));
		return EXIT_OK;
	}
	if (begins(answer, bad)) {
		text = answer + sizeof(bad) - 1;
		print_lines(errors, "ntsctl: ", text, strlen(text));
		return EXIT_REFUSED;
	}
	fprintf(errors, "ntsctl: ntsagentd closed the connection without an "
			"answer: see: "
			"systemctl status ntsagent\n");
	return EXIT_NO_STATUS;
}

enum exit_status order_send(const char *status_socket, const char *verb,
    const char *name, FILE *out, FILE *errors)
{
	char line[LINE_MAX_BYTES], path[ORDER_PATH_MAX];
	char why[CONNECT_ERROR_MAX];
	enum exit_status status;
	char *answer;

	if (!make_line(line, verb, name)) {
		fprintf(errors, "ntsctl: this is not the name of a source\n");
		return EXIT_USAGE;
	}
	order_path(status_socket, path);
	answer = control_ask(path, line, &LIMITS, why);
	if (!answer) {
		fprintf(errors, "ntsctl: %s\n", why);
		return EXIT_NO_STATUS;
	}
	status = show(answer, out, errors);
	free(answer);
	return status;
}
