/*
 * A load of real key exchanges for one NTS-KE server, made by the code of the
 * agent's own jobs, and of real requests for time with their keys.
 *
 *   load PORT CA PROCESSES SECONDS     exchanges, one after the other in each
 *                                      process, with localhost (IPv4)
 *   load PORT CA ntp REQUESTS          one exchange, then so many requests
 *
 * Prints what came of them, one line: "done=N STAGE=N ... seconds=S".
 */
#include "nts/fields.h"
#include "resolver/job.h"
#include "resolver/wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_MAX 64
#define ANSWER_S 2

struct counts {
	unsigned of[KE_STAGE_COUNT]; /* by the stage that ended the job */
};

static struct ke_request request_to(uint16_t port)
{
	return (struct ke_request){.host = "localhost",
	    .ke_port = port,
	    .family = FAMILY_IPV4,
	    .timeout_ms = 10000};
}

static void exchange(
    uint16_t port, const struct trust_config *trust, struct ke_answer *answer)
{
	struct ke_request q = request_to(port);

	resolver_job(&q, trust, answer);
}

static void exchange_until(struct mono end, uint16_t port,
    const struct trust_config *trust, struct counts *out)
{
	static struct ke_answer answer;

	while (!mono_due(end, mono_now())) {
		exchange(port, trust, &answer);
		out->of[answer.stage]++;
	}
}

static void child(
    struct mono end, uint16_t port, const struct trust_config *trust, int to)
{
	struct counts c = {0};

	exchange_until(end, port, trust, &c);
	_exit(write(to, &c, sizeof(c)) == (ssize_t)sizeof(c) ? 0 : 1);
}

static void print_counts(const struct counts *c, struct mono started)
{
	for (int i = 0; i < KE_STAGE_COUNT; i++)
		if (c->of[i] > 0)
			printf("%s=%u ", ke_stage_word((enum ke_stage)i),
			    c->of[i]);
	printf("seconds=%.3f\n", s_of_ns(mono_now().ns - started.ns));
}

static int load(uint16_t port, const struct trust_config *trust,
    unsigned processes, double seconds)
{
	struct mono started = mono_now();
	struct mono end = mono_after(started, (int64_t)(seconds * 1e9));
	struct counts sum = {0}, c;
	int link[2], status = 0;

	if (processes > PROCESSES_MAX || pipe(link) < 0)
		return 2;
	for (unsigned i = 0; i < processes; i++)
		if (fork() == 0)
			child(end, port, trust, link[1]);
	close(link[1]);
	for (unsigned i = 0; i < processes; i++) {
		if (read(link[0], &c, sizeof(c)) != (ssize_t)sizeof(c))
			status = 1;
		else
			for (int k = 0; k < KE_STAGE_COUNT; k++)
				sum.of[k] += c.of[k];
	}
	while (wait(NULL) > 0)
		;
	print_counts(&sum, started);
	return status;
}

static int open_udp(const struct endpoint *to)
{
	struct timeval wait = {ANSWER_S, 0};
	struct sockaddr_storage address;
	socklen_t len = endpoint_to_sockaddr(to, &address);
	int fd = socket(endpoint_af(to), SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
	    connect(fd, (const struct sockaddr *)&address, len) < 0)
		return -1;
	return fd;
}

/* True: an authentic answer came. */
static bool ask_time(struct nts_assoc *assoc, int fd)
{
	uint8_t bytes[NTS_PACKET_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));
	struct nts_pending pending;
	struct nts_random fresh;
	struct ntp_answer answer;
	ssize_t got;

	if (getrandom(&fresh, sizeof(fresh), 0) != (ssize_t)sizeof(fresh) ||
	    nts_request_seal(assoc, &fresh, 0, &pending, &w) != NTS_OK ||
	    send(fd, w.base, w.len, 0) < 0)
		return false;
	got = recv(fd, bytes, sizeof(bytes), 0);
	return got > 0 && nts_answer_open(assoc, &pending, bytes, (size_t)got,
			      &answer) == NTS_OK;
}

static int load_ntp(
    uint16_t port, const struct trust_config *trust, unsigned requests)
{
	static struct ke_answer a;
	struct nts_assoc assoc = {0};
	struct mono started;
	unsigned done = 0;
	int fd;

	exchange(port, trust, &a);
	if (a.stage != KE_STAGE_DONE) {
		fprintf(stderr, "load: %s\n", a.text);
		return 1;
	}
	assoc.aead = (enum aead_id)a.aead;
	assoc.keys = a.keys;
	for (unsigned i = 0; i < a.cookie_count; i++)
		cookie_jar_put(
		    &assoc.jar, a.cookies[i].bytes, a.cookies[i].len);
	fd = open_udp(&a.addresses[0]);
	started = mono_now();
	for (unsigned i = 0; i < requests && fd >= 0; i++)
		done += ask_time(&assoc, fd);
	printf("done=%u seconds=%.3f\n", done,
	    s_of_ns(mono_now().ns - started.ns));
	return done > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static struct trust_config trust;
	uint16_t port;

	if (argc != 5 || strlen(argv[2]) >= sizeof(trust.paths[0])) {
		fputs("usage: load PORT CA PROCESSES SECONDS\n"
		      "       load PORT CA ntp REQUESTS\n",
		    stderr);
		return 2;
	}
	port = (uint16_t)atoi(argv[1]);
	trust.path_count = 1;
	strcpy(trust.paths[0], argv[2]);
	if (strcmp(argv[3], "ntp") == 0)
		return load_ntp(port, &trust, (unsigned)atoi(argv[4]));
	return load(port, &trust, (unsigned)atoi(argv[3]), atof(argv[4]));
}
