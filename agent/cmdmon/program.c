#include "agent/cmdmon/program.h"

#include "agent/cmdmon/loop.h"
#include "agent/ctl/connect.h"
#include "agent/host/privileges.h"
#include "agent/host/sandbox/confine.h"
#include "base/log.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER "ntsagent-cmdmon"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_BAD_USAGE = 2 };

struct choices {
	const char *status, *user, *path;
	uint16_t port; /* 0: none */
};

static const struct option longs[] = {
    {"socket", required_argument, NULL, 's'},
    {"port", required_argument, NULL, 'p'},
    {"unix", required_argument, NULL, 'u'},
    {"user", required_argument, NULL, 'U'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "usage: ntsagent-cmdmon [OPTION]...\n"
    "\n"
    "Answers chrony's monitoring protocol from the status of ntsagentd.\n"
    "\n"
    "  -p, --port PORT    listen on this UDP port of 127.0.0.1 and ::1\n"
    "  -u, --unix PATH    listen on this UNIX socket\n"
    "  -s, --socket PATH  the agent's status socket; also NTSAGENT_STATUS\n"
    "  -U, --user NAME    the user to become when root starts it\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n"
    "\n"
    "systemd passes the sockets: systemctl enable --now "
    "ntsagent-cmdmon.socket\n";

static int complain_usage(const char *what)
{
	fprintf(
	    stderr, "ntsagent-cmdmon: %s; see: ntsagent-cmdmon --help\n", what);
	return EXIT_BAD_USAGE;
}

static bool take_port(const char *text, uint16_t *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*out = (uint16_t)n;
	return end != text && *end == '\0' && n >= 1 && n <= UINT16_MAX;
}

/* -1: go on; else the exit status. */
static int take(struct choices *c, int letter)
{
	switch (letter) {
	case 's':
		c->status = optarg;
		return -1;
	case 'p':
		if (!take_port(optarg, &c->port))
			return complain_usage("a port is 1 to 65535");
		return -1;
	case 'u':
		c->path = optarg;
		return -1;
	case 'U':
		c->user = optarg;
		return -1;
	case 'h':
		fputs(help, stdout);
		return EXIT_DONE;
	case 'V':
		confine_print_version("ntsagent-cmdmon",
		    "chrony's monitoring protocol 6",
		    "jansson-" JANSSON_VERSION, stdout);
		return EXIT_DONE;
	default:
		return complain_usage("an option is not known, or lacks its "
				      "argument");
	}
}

static int parse(struct choices *c, int argc, char **argv)
{
	const char *status = getenv("NTSAGENT_STATUS");
	int letter;

	*c = (struct choices){.user = USER, .status = STATUS_SOCKET_PATH};
	if (status && *status)
		c->status = status;
	opterr = 0;
	optind = 0; /* makes getopt of glibc start again */
	while ((letter = getopt_long(argc, argv, "s:p:u:U:hV", longs, NULL)) !=
	       -1) {
		int result = take(c, letter);

		if (result >= 0)
			return result;
	}
	return optind < argc ? complain_usage("there are no arguments but "
					      "options")
			     : -1;
}

static bool open_sockets(
    struct sockets *s, const struct choices *c, char why[SOCKETS_TEXT_MAX])
{
	if (!sockets_take(s, why) ||
	    (c->port && !sockets_bind_port(s, c->port, why)) ||
	    (c->path && !sockets_bind_path(s, c->path, why)))
		return false;
	if (s->count == 0)
		snprintf(why, SOCKETS_TEXT_MAX,
		    "there is no socket to listen on: start "
		    "ntsagent-cmdmon.socket, or give -p or -u");
	return s->count > 0;
}

static bool drop_rights(
    const struct choices *c, char why[static PRIVILEGES_TEXT_MAX])
{
	struct identity id;

	return privileges_identity(c->user, &id, why) &&
	       privileges_drop(&id, false, why);
}

static bool confine(char why[SANDBOX_TEXT_MAX])
{
	/* jansson reads a random number from a file before its first object. */
	json_object_seed(0);
	return sandbox_confine(SANDBOX_CMDMON, why);
}

int cmdmon_main(int argc, char **argv)
{
	char why[PRIVILEGES_TEXT_MAX + SANDBOX_TEXT_MAX + SOCKETS_TEXT_MAX];
	struct sockets sockets = {0};
	struct choices c;
	int result = parse(&c, argc, argv);

	if (result >= 0)
		return result;
	log_program("ntsagent-cmdmon");
	log_open(LOG_TO_STDERR, LOG_LEVEL_INFO);
	if (!open_sockets(&sockets, &c, why) || !drop_rights(&c, why) ||
	    !confine(why)) {
		log_error("%s", why);
		return EXIT_FAILED;
	}
	return loop_run(&sockets, c.status) ? EXIT_DONE : EXIT_FAILED;
}
