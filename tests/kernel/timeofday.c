/*
 * Reads a guest's CLOCK_REALTIME from outside: the tests compare the clocks of
 * two guests with it. A request is one datagram, and the answer is eight bytes
 * of nanoseconds.
 *
 * timeofday serve
 * timeofday ask ADDRESS    asks 40 times, takes the shortest round trip, and
 *                          prints the guest's clock minus ours and this round
 *                          trip, in nanoseconds
 * timeofday first ADDRESS  asks once and prints "asked"; waits up to a minute
 *                          for the answer, and prints "offset" and the guest's
 *                          clock minus ours, in nanoseconds
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 7799, REQUESTS = 40, TIMEOUT_MS = 200, FIRST_MS = 60000 };

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int serve(int s)
{
	struct sockaddr_in peer = {
	    .sin_family = AF_INET, .sin_port = htons(PORT)};
	socklen_t len = sizeof(peer);
	int64_t at_ns;

	if (bind(s, (struct sockaddr *)&peer, len) != 0) {
		perror("timeofday: bind");
		return 1;
	}
	for (;;) {
		len = sizeof(peer);
		if (recvfrom(s, &at_ns, sizeof(at_ns), 0,
			(struct sockaddr *)&peer, &len) != sizeof(at_ns))
			continue;
		at_ns = now_ns();
		sendto(
		    s, &at_ns, sizeof(at_ns), 0, (struct sockaddr *)&peer, len);
	}
}

/* Makes one round trip. Returns false if there is no answer in time. */
static bool ask_once(int s, int64_t *offset_ns, int64_t *rtt_ns)
{
	struct pollfd fd = {.fd = s, .events = POLLIN};
	int64_t sent_ns = now_ns(), there_ns, here_ns;

	if (send(s, &sent_ns, sizeof(sent_ns), 0) < 0 ||
	    poll(&fd, 1, TIMEOUT_MS) != 1 ||
	    recv(s, &there_ns, sizeof(there_ns), 0) != sizeof(there_ns))
		return false;
	here_ns = now_ns();
	*rtt_ns = here_ns - sent_ns;
	*offset_ns = there_ns - (sent_ns + *rtt_ns / 2);
	return true;
}

static bool reach(int s, const char *address)
{
	struct sockaddr_in peer = {
	    .sin_family = AF_INET, .sin_port = htons(PORT)};

	if (inet_pton(AF_INET, address, &peer.sin_addr) == 1 &&
	    connect(s, (struct sockaddr *)&peer, sizeof(peer)) == 0)
		return true;
	perror("timeofday: connect");
	return false;
}

static int no_answer(const char *address)
{
	fprintf(stderr, "timeofday: no answer from %s\n", address);
	return 1;
}

static int ask(int s, const char *address)
{
	int64_t best_ns = INT64_MAX, best_offset_ns = 0, offset_ns, rtt_ns;

	if (!reach(s, address))
		return 1;
	for (int i = 0; i < REQUESTS; i++) {
		if (ask_once(s, &offset_ns, &rtt_ns) && rtt_ns < best_ns) {
			best_ns = rtt_ns;
			best_offset_ns = offset_ns;
		}
	}
	if (best_ns == INT64_MAX)
		return no_answer(address);
	printf("%" PRId64 " %" PRId64 "\n", best_offset_ns, best_ns);
	return 0;
}

static int first(int s, const char *address)
{
	struct pollfd fd = {.fd = s, .events = POLLIN};
	int64_t ns = 0;

	if (!reach(s, address))
		return 1;
	if (send(s, &ns, sizeof(ns), 0) == sizeof(ns))
		puts("asked");
	fflush(stdout);
	if (poll(&fd, 1, FIRST_MS) != 1 ||
	    recv(s, &ns, sizeof(ns), 0) != sizeof(ns))
		return no_answer(address);
	printf("offset %" PRId64 "\n", ns - now_ns());
	return 0;
}

int main(int argc, char **argv)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		return serve(s);
	if (argc == 3 && strcmp(argv[1], "ask") == 0)
		return ask(s, argv[2]);
	if (argc == 3 && strcmp(argv[1], "first") == 0)
		return first(s, argv[2]);
	fprintf(stderr, "usage: timeofday serve | timeofday ask ADDRESS | "
			"timeofday first ADDRESS\n");
	return 2;
}
