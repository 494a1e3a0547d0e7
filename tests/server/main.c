/*
 * ntsserver: an NTS time server for tests. Do not use it on a network: it has
 * no access control, and its purpose is to have faults.
 */
#include "tests/server/ke.h"
#include "tests/server/ntp.h"
#include "tests/server/options.h"
#include "tests/server/outbox.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* The pollfd table: signals, then two sockets per address, then clients. */
#define FD_SIGNALS 0
#define FD_KE 1
#define FD_NTP (FD_KE + ADDRESSES_MAX)
#define FD_CLIENTS (FD_NTP + ADDRESSES_MAX)
#define FD_COUNT (FD_CLIENTS + KE_CONNECTIONS)

struct server {
	struct options options;
	struct service service;
	struct sockets sockets;
	struct ke ke;
	struct outbox outbox;
	int signals;
	int64_t sealing_ns; /* from reading the clock to sending */
	bool ending;
};

/* Loads the faults of the command line, then those of the file. */
static bool load_faults(struct server *s)
{
	struct faults wanted = s->options.faults;
	char error[FAULT_ERROR_MAX];

	if (s->options.fault_file &&
	    !faults_read(&wanted, s->options.fault_file, mono_now(), error)) {
		fprintf(stderr, "%s\n", error);
		return false;
	}
	faults_replace(&s->service.faults, &wanted);
	return true;
}

/* Loads the faults and the certificate again. */
static bool load_again(struct server *s)
{
	return load_faults(s) && ke_take_certificate(&s->ke,
				     s->options.certificate, s->options.key);
}

static void end(struct server *s)
{
	const struct counters *c = &s->service.counters;

	printf("done ke=%lu answered=%lu ntp=%lu answered=%lu naks=%lu "
	       "forged=%lu plain=%lu lost=%lu reused-cookies=%lu\n",
	    c->ke_accepted, c->ke_answered, c->ntp_received, c->ntp_answered,
	    c->naks, c->forged, c->not_nts, c->dropped, c->cookies_reused);
	s->ending = true;
}

/* A fault file with an error changes nothing, and the answer says so. */
static void take_signal(struct server *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGHUP:
		printf("%s\n", load_again(s) ? "faults" : "faults refused");
		break;
	case SIGUSR1:
		printf("%s\n", master_keys_rotate(&s->service.masters)
				   ? "rotated"
				   : "no new key");
		break;
	case SIGUSR2:
		printf("%s\n", master_keys_forget(&s->service.masters)
				   ? "forgot"
				   : "no new key");
		break;
	default:
		end(s);
	}
	fflush(stdout);
}

static bool watch_signals(struct server *s)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return s->signals >= 0;
}

/* Keeps the shortest time and lets it grow slowly. A timestamp later than the
 * true time of sending would be a wrong time; an earlier one only makes the
 * path look longer. */
static void note_sealing_time(struct server *s, int64_t took_ns)
{
	int64_t slower = s->sealing_ns + s->sealing_ns / 64;

	s->sealing_ns = took_ns < slower ? took_ns : slower;
}

/* The transmit timestamp is written before the answer is sealed. Sealing takes
 * some microseconds, nearly the same each time, which are added. */
static void serve_datagram(struct server *s, const uint8_t *bytes, size_t len,
    const struct client *from, struct wall received)
{
	struct datagram datagrams[NTP_DATAGRAMS];
	struct ntp_job job;
	struct wall sent;
	struct mono started;

	ntp_prepare(&s->service, bytes, len, mono_now(), &job);
	started = mono_now();
	sent = (struct wall){wall_now().ns + s->sealing_ns};
	ntp_finish(&s->service, &job, received, sent, datagrams);
	note_sealing_time(s, mono_now().ns - started.ns);
	for (unsigned i = 0; i < NTP_DATAGRAMS; i++)
		outbox_post(&s->outbox, from, &datagrams[i], started);
}

static void serve_datagrams(struct server *s, int fd)
{
	uint8_t bytes[NTP_PACKET_MAX];
	struct wall received;
	struct client from;
	ssize_t got;

	while ((got = sockets_receive(
		    fd, bytes, sizeof(bytes), &from, &received)) >= 0)
		serve_datagram(s, bytes, (size_t)got, &from, received);
}

static void fill_table(const struct server *s, struct pollfd fds[FD_COUNT])
{
	for (unsigned i = 0; i < FD_CLIENTS; i++)
		fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	fds[FD_SIGNALS].fd = s->signals;
	for (unsigned i = 0; i < s->sockets.count; i++) {
		fds[FD_KE + i].fd = s->sockets.ke[i];
		fds[FD_NTP + i].fd = s->sockets.ntp[i];
	}
}

static void serve_ready(struct server *s, const struct pollfd fds[FD_COUNT])
{
	if (fds[FD_SIGNALS].revents)
		take_signal(s);
	for (unsigned i = 0; i < s->sockets.count; i++) {
		if (fds[FD_NTP + i].revents)
			serve_datagrams(s, fds[FD_NTP + i].fd);
	}
	ke_work(&s->ke, &fds[FD_CLIENTS], mono_now());
	for (unsigned i = 0; i < s->sockets.count; i++) {
		if (fds[FD_KE + i].revents)
			ke_accept(&s->ke, fds[FD_KE + i].fd, mono_now());
	}
}

/* Rounded up, so that poll() never returns before `due`. */
static int timeout_ms(struct mono due, struct mono now)
{
	int64_t left_ms;

	if (due.ns == MONO_NEVER.ns)
		return -1;
	left_ms = (due.ns - now.ns + NS_PER_MS - 1) / NS_PER_MS;
	return left_ms <= 0 ? 0 : left_ms > 60000 ? 60000 : (int)left_ms;
}

static void run(struct server *s)
{
	struct pollfd fds[FD_COUNT];

	while (!s->ending) {
		struct mono now = mono_now(), due;

		fill_table(s, fds);
		due = mono_earlier(outbox_work(&s->outbox, now),
		    ke_poll(&s->ke, &fds[FD_CLIENTS], now));
		if (poll(fds, FD_COUNT, timeout_ms(due, now)) >= 0)
			serve_ready(s, fds);
	}
}

/* The first use of the library takes ten times as long as the others, so it
 * must not be in an answer. */
static bool warm_up(struct server *s)
{
	struct association a = {.aead = AEAD_AES_SIV_CMAC_256};
	uint8_t cookie[SERVER_COOKIE_MAX];

	s->sealing_ns = INT64_MAX;
	for (int i = 0; i < 10; i++) {
		struct mono started = mono_now();
		int64_t took_ns;

		if (!server_cookie_seal(&s->service.masters, &a, cookie) ||
		    !server_cookie_open(&s->service.masters, cookie,
			server_cookie_len(a.aead), &a))
			return false;
		took_ns = mono_now().ns - started.ns;
		/* A longer time was interrupted. */
		if (took_ns < s->sealing_ns)
			s->sealing_ns = took_ns;
	}
	return true;
}

static bool open_server(struct server *s)
{
	const struct options *o = &s->options;

	s->service.identity = o->identity;
	s->service.verbose = o->verbose;
	if (!load_faults(s) || !master_keys_rotate(&s->service.masters) ||
	    !warm_up(s) || !watch_signals(s) ||
	    !ke_open(&s->ke, &s->service, o->certificate, o->key))
		return false;
	if (!sockets_open(&s->sockets, o->addresses, o->address_count,
		o->ke_port, o->ntp_port, o->default_addresses)) {
		ke_close(&s->ke);
		return false;
	}
	s->service.ntp_port = s->sockets.ntp_port;
	printf("ready ke=%u ntp=%u\n", s->sockets.ke_port, s->sockets.ntp_port);
	fflush(stdout);
	return true;
}

static int serve(struct server *s)
{
	if (!open_server(s))
		return EXIT_FAILURE;
	run(s);
	sockets_close(&s->sockets);
	ke_close(&s->ke);
	explicit_bzero(&s->service.masters, sizeof(s->service.masters));
	return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
	struct server *s = calloc(1, sizeof(*s));
	int status = EXIT_FAILURE;

	if (!s)
		return status;
	if (options_parse(&s->options, argc, argv)) {
		if (s->options.help)
			options_help(stdout);
		status = s->options.help ? EXIT_SUCCESS : serve(s);
	}
	free(s);
	return status;
}
