/*
 * Reads a guest's CLOCK_REALTIME from outside: the tests compare the clocks of
 * guests with it. A request is one datagram, and so is the answer: the time and
 * what the guest's kernel says of its error.
 *
 * timeofday serve
 * timeofday ask ADDRESS    waits five seconds at most for a first answer, asks
 *                          40 times, takes the shortest round trip, and
 *                          prints the guest's clock minus ours, this round
 *                          trip and our clock in the middle of it, in
 *                          nanoseconds
 * timeofday first ADDRESS  asks once and prints "asked"; waits up to a minute
 *                          for the answer, and prints "offset" and the guest's
 *                          clock minus ours, in nanoseconds
 * timeofday watch SERVER CLIENT...
 *                          compares the clients' clocks with the server's,
 * about four times a second. For each client it prints our CLOCK_MONOTONIC (s),
 * the number of the client from 0 on, its clock minus the server's and how well
 * that is known (us), its maxerror and esterror (us). A guest that does not
 * answer costs the line. Ends with its input.
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
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

enum {
	PORT = 7799,
	REQUESTS = 40,
	WATCH_REQUESTS = 8,
	WATCH_PAUSE_MS = 150,
	TIMEOUT_MS = 200,
	START_MS = 5000,
	REFUSED_PAUSE_MS = 20,
	FIRST_MS = 60000,
	CLIENTS_MAX = 4,
};

/* Guest and test run on one machine. */
struct answer {
	int64_t request_ns; /* as it stood in the request */
	int64_t at_ns;
	int64_t maxerror_us, esterror_us;
};

/* A clock minus ours, by the shortest of some round trips. */
struct reading {
	int64_t offset_ns, rtt_ns;
	int64_t at_ns; /* our clock in the middle of the round trip */
	struct answer answer;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double monotonic_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct answer answer_to(const struct answer *request)
{
	struct timex t = {.modes = 0};

	adjtimex(&t);
	return (struct answer){
	    .request_ns = request->request_ns,
	    .at_ns = now_ns(),
	    .maxerror_us = t.maxerror,
	    .esterror_us = t.esterror,
	};
}

static int serve(int s)
{
	struct sockaddr_in peer = {
	    .sin_family = AF_INET, .sin_port = htons(PORT)};
	socklen_t len = sizeof(peer);
	struct answer answer;

	if (bind(s, (struct sockaddr *)&peer, len) != 0) {
		perror("timeofday: bind");
		return 1;
	}
	for (;;) {
		len = sizeof(peer);
		if (recvfrom(s, &answer, sizeof(answer), 0,
			(struct sockaddr *)&peer, &len) != sizeof(answer))
			continue;
		answer = answer_to(&answer);
		sendto(s, &answer, sizeof(answer), 0, (struct sockaddr *)&peer,
		    len);
	}
}

/* Makes one round trip. Returns false if there is no answer in time. The answer
 * to an earlier request may come late. */
static bool ask_once(int s, struct reading *r)
{
	struct pollfd fd = {.fd = s, .events = POLLIN};
	struct answer request = {.request_ns = now_ns()};

	if (send(s, &request, sizeof(request), 0) < 0)
		return false;
	do {
		if (poll(&fd, 1, TIMEOUT_MS) != 1 ||
		    recv(s, &r->answer, sizeof(r->answer), 0) !=
			sizeof(r->answer))
			return false;
	} while (r->answer.request_ns != request.request_ns);
	r->rtt_ns = now_ns() - request.request_ns;
	r->at_ns = request.request_ns + r->rtt_ns / 2;
	r->offset_ns = r->answer.at_ns - r->at_ns;
	return true;
}

/* The first request that gets no answer ends the reading. */
static bool ask_times(int s, int times, struct reading *best)
{
	struct reading r;

	*best = (struct reading){.rtt_ns = INT64_MAX};
	for (int i = 0; i < times; i++) {
		if (!ask_once(s, &r))
			return best->rtt_ns < INT64_MAX && times == REQUESTS;
		if (r.rtt_ns < best->rtt_ns)
			*best = r;
	}
	return true;
}

/* Asks until there is an answer: a guest that is just up may refuse requests,
 * and one that waits for a processor may lose them. */
static bool await_answer(int s)
{
	double end_s = monotonic_s() + START_MS / 1e3;
	struct reading ignored;

	while (!ask_once(s, &ignored)) {
		if (monotonic_s() > end_s)
			return false;
		poll(NULL, 0, REFUSED_PAUSE_MS);
	}
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
	struct reading r;

	if (!reach(s, address))
		return 1;
	if (!await_answer(s) || !ask_times(s, REQUESTS, &r))
		return no_answer(address);
	printf("%" PRId64 " %" PRId64 " %" PRId64 "\n", r.offset_ns, r.rtt_ns,
	    r.at_ns);
	return 0;
}

static int first(int s, const char *address)
{
	struct pollfd fd = {.fd = s, .events = POLLIN};
	struct answer a = {.at_ns = 0};

	if (!reach(s, address))
		return 1;
	if (send(s, &a, sizeof(a), 0) == sizeof(a))
		puts("asked");
	fflush(stdout);
	if (poll(&fd, 1, FIRST_MS) != 1 ||
	    recv(s, &a, sizeof(a), 0) != sizeof(a))
		return no_answer(address);
	printf("offset %" PRId64 "\n", a.at_ns - now_ns());
	return 0;
}

/* What two readings of the server say of the moment between them, ns. */
static double offset_at(
    const struct reading *before, const struct reading *after, int64_t at_ns)
{
	double part = (double)(at_ns - before->at_ns) /
		      (double)(after->at_ns - before->at_ns);

	return (double)before->offset_ns +
	       part * (double)(after->offset_ns - before->offset_ns);
}

/* The server is asked before and after the client: both may run away from us.
 */
static void compare(const int *sockets, int client)
{
	struct reading before, there, after;
	double at_s = monotonic_s();

	if (!ask_times(sockets[0], WATCH_REQUESTS, &before) ||
	    !ask_times(sockets[1 + client], WATCH_REQUESTS, &there) ||
	    !ask_times(sockets[0], WATCH_REQUESTS, &after))
		return;
	printf("%.3f %d %.3f %.3f %" PRId64 " %" PRId64 "\n", at_s, client,
	    ((double)there.offset_ns -
		offset_at(&before, &after, there.at_ns)) /
		1e3,
	    ((double)there.rtt_ns +
		(double)(before.rtt_ns + after.rtt_ns) / 2) /
		2e3,
	    there.answer.maxerror_us, there.answer.esterror_us);
	fflush(stdout);
}

static int watch(char **addresses, int count)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	int sockets[1 + CLIENTS_MAX];

	for (int i = 0; i < count; i++) {
		sockets[i] = socket(AF_INET, SOCK_DGRAM, 0);
		if (!reach(sockets[i], addresses[i]))
			return 1;
	}
	while (poll(&input, 1, WATCH_PAUSE_MS) == 0)
		for (int i = 0; i < count - 1; i++)
			compare(sockets, i);
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
	if (argc >= 4 && argc - 3 <= CLIENTS_MAX &&
	    strcmp(argv[1], "watch") == 0)
		return watch(argv + 2, argc - 2);
	fprintf(stderr, "usage: timeofday serve | timeofday ask ADDRESS | "
			"timeofday first ADDRESS | "
			"timeofday watch SERVER CLIENT...\n");
	return 2;
}
