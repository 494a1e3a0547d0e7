#include "agent/exporter/program.h"

#include "agent/ctl/connect.h"
#include "agent/exporter/clients.h"
#include "agent/exporter/confine.h"
#include "agent/exporter/listen.h"
#include "agent/exporter/page.h"
#include "agent/host/clocks.h"
#include "agent/host/sandbox/confine.h"
#include "base/log.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LISTEN "127.0.0.1:10123"

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };

struct arguments {
	const char *listen; /* NULL: not given */
	const char *socket;
	bool help, version;
};

static const char help_text[] =
    "usage: ntsagent-exporter [OPTION]...\n\n"
    "Serves the metrics of ntsagentd over HTTP, at /metrics.\n\n"
    "  -l, --listen ADDRESS:PORT  where to listen; the default is\n"
    "                             " DEFAULT_LISTEN "; not with sockets of\n"
    "                             systemd\n"
    "  -s, --socket PATH          the agent's status socket\n"
    "  -h, --help                 this text\n"
    "  -V, --version              the version\n";

static bool parse_arguments(struct arguments *a, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"listen", required_argument, NULL, 'l'},
	    {"socket", required_argument, NULL, 's'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {0},
	};
	int letter;

	*a = (struct arguments){.socket = STATUS_SOCKET_PATH};
	while (
	    (letter = getopt_long(argc, argv, "l:s:hV", longs, NULL)) != -1) {
		switch (letter) {
		case 'l':
			a->listen = optarg;
			break;
		case 's':
			a->socket = optarg;
			break;
		case 'h':
			a->help = true;
			break;
		case 'V':
			a->version = true;
			break;
		default:
			return false;
		}
	}
	if (optind < argc)
		fprintf(stderr, "ntsagent-exporter: it takes no argument: %s\n",
		    argv[optind]);
	return optind == argc;
}

static const char *address_of(const struct arguments *a)
{
	return a->listen ? a->listen : DEFAULT_LISTEN;
}

/* `own`: none was inherited. Returns how many there are; 0: none, and the log
 * says why. */
static unsigned open_listeners(
    const struct arguments *a, int fds[LISTENERS_MAX], bool *own)
{
	char why[LISTEN_TEXT_MAX];
	int count = listen_inherited(fds, LISTENERS_MAX, why);

	*own = count == 0;
	if (*own) {
		fds[0] = listen_on(address_of(a), why);
		count = fds[0] < 0 ? -1 : 1;
	} else if (count > 0 && a->listen) {
		log_warning("--listen is not used: the service manager passes "
			    "sockets");
	}
	if (count < 0)
		log_error("%s", why);
	return count < 0 ? 0 : (unsigned)count;
}

static char *give_answer(void *self, const struct request *r, size_t *len)
{
	struct page *page = self;
	struct body metrics = {0};

	if (r->kind == REQUEST_METRICS)
		metrics = page_get(page, r->form, clocks_mono());
	if (r->kind == REQUEST_METRICS && metrics.len == 0)
		return NULL;
	return answer_make(
	    r, metrics, (struct wall){clocks_ns(CLOCK_REALTIME)}, len);
}

/* Until a signal ends it. */
static int serve(struct clients *c)
{
	struct pollfd polls[CLIENTS_POLLS_MAX];

	for (;;) {
		int timeout_ms;
		unsigned count =
		    clients_polls(c, clocks_mono(), polls, &timeout_ms);
		int n = poll(polls, count, timeout_ms);

		if (n < 0 && errno != EINTR) {
			log_error("poll: %s", strerror(errno));
			return STATUS_FAILED;
		}
		if (n < 0)
			continue;
		clients_ready(c, polls, count, clocks_mono());
	}
}

static int run(const struct arguments *a)
{
	struct clients *clients = calloc(1, sizeof(*clients));
	char why[CONFINE_EXPORTER_MAX];
	int fds[LISTENERS_MAX];
	bool own = false;
	struct page page;
	unsigned count;
	int status = STATUS_FAILED;

	log_program("ntsagent-exporter");
	log_open(LOG_TO_STDERR, LOG_LEVEL_INFO);
	count = clients ? open_listeners(a, fds, &own) : 0;
	if (count == 0) {
		free(clients);
		return STATUS_FAILED;
	}
	page_init(&page, a->socket);
	clients_init(clients, fds, count, give_answer, &page);
	if (confine_exporter(why)) {
		/* Not earlier: it may refuse to run as root. */
		if (own)
			log_notice("listens on %s", address_of(a));
		status = serve(clients);
	} else
		log_error("%s", why);
	clients_end(clients);
	page_end(&page);
	free(clients);
	return status;
}

int exporter_main(int argc, char **argv)
{
	struct arguments a;

	if (!parse_arguments(&a, argc, argv)) {
		fputs("ntsagent-exporter: see: ntsagent-exporter --help\n",
		    stderr);
		return STATUS_USAGE;
	}
	if (a.help)
		fputs(help_text, stdout);
	if (a.version)
		confine_print_version("ntsagent-exporter",
		    "Prometheus, OpenMetrics", "jansson-" JANSSON_VERSION,
		    stdout);
	if (a.help || a.version)
		return fflush(stdout) == 0 ? 0 : STATUS_FAILED;
	return run(&a);
}
