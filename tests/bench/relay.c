/*
 * Passes UDP packets on, later than they came. The delays count from the
 * kernel's receive stamps, and the last part of each is waited for without
 * sleep, so that the work in here and late wake-ups make no way longer than its
 * law says. (A delay below 0.2 ms cannot be kept.)
 * usage: relay ADDRESS SERVER-ADDRESS UP DOWN
 *
 * Both use port 123. UP delays requests and DOWN delays answers: terms with a
 * comma between, whose delays add up. Delays are in milliseconds; T is in
 * seconds since the start of the relay. const:D        always D exp:MEAN
 * exponential uniform:MOST   between 0 and MOST normal:SD      normal, never
 * below 0 in the sum spike:D:SHARE  D for this share of the packets, at random
 *   queue:MEAN:T   behind random cross traffic, until T
 *   until:D:T      D until T: a detour that ends
 *   level:MOST:T   one of four levels from 0 to MOST, chosen again each T
 */
#include "base/check.h"
#include "base/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 123
#define TERMS_MAX 8
/* A client asks from a new port each time: enough for the requests that are
 * under way. */
#define CLIENTS_MAX 64
#define HELD_MAX 256
#define PACKET_MAX 2048
/* So much before a packet is due, sleep ends. */
#define AWAKE_S 150e-6

/* Cross traffic: the share of the line that it fills, and how many bursts wait
 * on average (M/M/1). */
#define LOAD 0.8
#define BURSTS_WAITING (LOAD / (1 - LOAD))
#define LEVELS 4

struct term {
	double (*delay_ms)(struct term *t, double now_s);
	double a, b;
	double work_ms, at_s; /* of a queue or level: its state, since when */
};

struct path {
	struct term terms[TERMS_MAX];
	unsigned count;
};

/* Each address of a client has a socket of its own towards the server. */
struct client {
	struct sockaddr_in address;
	int fd;
};

struct held {
	double due_s;
	unsigned client;
	bool up;
	size_t len; /* 0: the place is free */
	char bytes[PACKET_MAX];
};

struct relay {
	int fd;
	struct sockaddr_in server;
	struct path up, down;
	struct client clients[CLIENTS_MAX];
	unsigned client_count, oldest;
	struct held held[HELD_MAX];
	double start_s;
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static double now_s(const struct relay *r)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return s_of_ns(ns_of_timespec(&ts)) - r->start_s;
}

/* ---- laws ---- */

static double exponential(double mean)
{
	return -mean * log(1 - drand48());
}

static double law_const(struct term *t, double now)
{
	(void)now;
	return t->a;
}

static double law_exp(struct term *t, double now)
{
	(void)now;
	return exponential(t->a);
}

static double law_uniform(struct term *t, double now)
{
	(void)now;
	return t->a * drand48();
}

static double law_normal(struct term *t, double now)
{
	double radius = sqrt(2 * exponential(1));

	(void)now;
	return t->a * radius * cos(2 * M_PI * drand48());
}

static double law_spike(struct term *t, double now)
{
	(void)now;
	return drand48() < t->b ? t->a : 0;
}

/* Bursts of others come at random; the line works through them. */
static double law_queue(struct term *t, double now)
{
	double burst_ms = t->a / BURSTS_WAITING;

	if (now >= t->b)
		return 0;
	while (t->at_s < now) {
		double gap_ms = exponential(burst_ms / LOAD);

		t->at_s += gap_ms / 1e3;
		t->work_ms =
		    fmax(t->work_ms - gap_ms, 0) + exponential(burst_ms);
	}
	return t->work_ms;
}

static double law_until(struct term *t, double now)
{
	return now < t->b ? t->a : 0;
}

static double law_level(struct term *t, double now)
{
	if (now >= t->at_s) {
		t->at_s += t->b;
		t->work_ms = t->a * floor(drand48() * LEVELS) / (LEVELS - 1);
	}
	return t->work_ms;
}

static const struct {
	const char *name;
	double (*delay_ms)(struct term *t, double now_s);
	int numbers;
} laws[] = {
    {"const", law_const, 1},
    {"exp", law_exp, 1},
    {"uniform", law_uniform, 1},
    {"normal", law_normal, 1},
    {"spike", law_spike, 2},
    {"queue", law_queue, 2},
    {"until", law_until, 2},
    {"level", law_level, 2},
};

static bool parse_term(char *text, struct term *t)
{
	char *numbers = strchr(text, ':');

	if (!numbers)
		return false;
	*numbers++ = '\0';
	for (size_t i = 0; i < ARRAY_LEN(laws); i++)
		if (strcmp(text, laws[i].name) == 0) {
			*t = (struct term){.delay_ms = laws[i].delay_ms};
			return sscanf(numbers, "%lf:%lf", &t->a, &t->b) ==
			       laws[i].numbers;
		}
	return false;
}

static void parse_path(char *text, struct path *p)
{
	char *rest = NULL;

	for (char *word = strtok_r(text, ",", &rest); word;
	     word = strtok_r(NULL, ",", &rest))
		if (p->count == TERMS_MAX ||
		    !parse_term(word, &p->terms[p->count++])) {
			fprintf(stderr, "relay: bad law %s\n", word);
			exit(2);
		}
}

static double path_delay_s(struct path *p, double now)
{
	double sum_ms = 0;

	for (unsigned i = 0; i < p->count; i++)
		sum_ms += p->terms[i].delay_ms(&p->terms[i], now);
	return fmax(sum_ms, 0) / 1e3;
}

/* ---- packets ---- */

static int open_udp(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0)
		die("SO_TIMESTAMPNS");
	return fd;
}

static struct sockaddr_in address(const char *text)
{
	struct sockaddr_in sa = {
	    .sin_family = AF_INET, .sin_port = htons(PORT)};

	if (inet_pton(AF_INET, text, &sa.sin_addr) != 1)
		die(text);
	return sa;
}

/* A new client takes the place of the oldest if all are taken. */
static unsigned client_of(struct relay *r, const struct sockaddr_in *from)
{
	unsigned i;

	for (i = 0; i < r->client_count; i++)
		if (r->clients[i].address.sin_port == from->sin_port &&
		    r->clients[i].address.sin_addr.s_addr ==
			from->sin_addr.s_addr)
			return i;
	if (r->client_count < CLIENTS_MAX) {
		r->client_count++;
	} else {
		i = r->oldest++ % CLIENTS_MAX;
		close(r->clients[i].fd);
	}
	r->clients[i] = (struct client){.address = *from, .fd = open_udp()};
	if (connect(r->clients[i].fd, (const struct sockaddr *)&r->server,
		sizeof(r->server)) != 0)
		die("connect");
	return i;
}

static void hold(struct relay *r, unsigned client, bool up, const char *bytes,
    size_t len, double now)
{
	struct path *p = up ? &r->up : &r->down;

	for (unsigned i = 0; i < HELD_MAX; i++) {
		struct held *h = &r->held[i];

		if (h->len != 0)
			continue;
		h->due_s = now + path_delay_s(p, now);
		h->client = client;
		h->up = up;
		h->len = len;
		memcpy(h->bytes, bytes, len);
		return;
	}
}

/* When the kernel got this packet, by the clock of now_s(). */
static double arrived_s(const struct relay *r, struct msghdr *m)
{
	struct timespec stamp, now;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
		clock_gettime(CLOCK_REALTIME, &now);
		return now_s(r) -
		       s_of_ns(ns_of_timespec(&now) - ns_of_timespec(&stamp));
	}
	return now_s(r);
}

static void take_all(struct relay *r, int fd, int client)
{
	char bytes[PACKET_MAX], control[CMSG_SPACE(sizeof(struct timespec))];
	struct sockaddr_in from;
	struct iovec into = {bytes, sizeof(bytes)};
	ssize_t n;

	for (;;) {
		struct msghdr m = {.msg_name = &from,
		    .msg_namelen = sizeof(from),
		    .msg_iov = &into,
		    .msg_iovlen = 1,
		    .msg_control = control,
		    .msg_controllen = sizeof(control)};
		double arrived;

		n = recvmsg(fd, &m, 0);
		if (n <= 0)
			return;
		arrived = arrived_s(r, &m);
		if (client < 0)
			hold(r, client_of(r, &from), true, bytes, (size_t)n,
			    arrived);
		else
			hold(r, (unsigned)client, false, bytes, (size_t)n,
			    arrived);
	}
}

static void pass_on(struct relay *r, struct held *h)
{
	const struct client *c = &r->clients[h->client];

	if (h->up)
		(void)send(c->fd, h->bytes, h->len, 0);
	else
		(void)sendto(r->fd, h->bytes, h->len, 0,
		    (const struct sockaddr *)&c->address, sizeof(c->address));
	h->len = 0;
}

/* Sends what is due, or will be at once. Returns the time of the next packet.
 */
static double pass_due(struct relay *r)
{
	double next = INFINITY;

	for (unsigned i = 0; i < HELD_MAX; i++) {
		if (r->held[i].len == 0)
			continue;
		if (r->held[i].due_s > now_s(r) + AWAKE_S) {
			next = fmin(next, r->held[i].due_s);
			continue;
		}
		while (now_s(r) < r->held[i].due_s)
			;
		pass_on(r, &r->held[i]);
	}
	return next - AWAKE_S;
}

static void wait_for_packets(struct relay *r, double until_s)
{
	struct pollfd p[CLIENTS_MAX + 1] = {{.fd = r->fd, .events = POLLIN}};
	unsigned count = r->client_count;
	int64_t ns = isinf(until_s) ? NS_PER_S : ns_of_s(until_s - now_s(r));
	struct timespec limit = {.tv_sec = (ns > 0 ? ns : 0) / NS_PER_S,
	    .tv_nsec = (ns > 0 ? ns : 0) % NS_PER_S};

	for (unsigned i = 0; i < count; i++)
		p[i + 1] =
		    (struct pollfd){.fd = r->clients[i].fd, .events = POLLIN};
	if (ppoll(p, count + 1, &limit, NULL) <= 0)
		return;
	for (unsigned i = 0; i < count; i++)
		if (p[i + 1].revents)
			take_all(r, p[i + 1].fd, (int)i);
	if (p[0].revents)
		take_all(r, r->fd, -1);
}

int main(int argc, char **argv)
{
	static struct relay r;
	struct sockaddr_in here;
	long seed;

	if (argc != 5) {
		fputs("usage: relay ADDRESS SERVER-ADDRESS UP DOWN\n", stderr);
		return 2;
	}
	here = address(argv[1]);
	r.server = address(argv[2]);
	parse_path(argv[3], &r.up);
	parse_path(argv[4], &r.down);
	r.fd = open_udp();
	if (bind(r.fd, (struct sockaddr *)&here, sizeof(here)) != 0)
		die("bind");
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		die("getrandom");
	srand48(seed);
	/* By default Linux lets a timer be late by 50 us. */
	prctl(PR_SET_TIMERSLACK, 1UL);
	r.start_s = now_s(&r);
	for (;;)
		wait_for_packets(&r, pass_due(&r));
}
