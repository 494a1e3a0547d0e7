/*
 * The process of the engine as a whole: a child runs engine_loop_run, and the
 * test is its keeper, its resolver, its server and its administrator.
 */
#include "agent/loop/engine_loop.h"

#include "agent/link/config_link.h"
#include "agent/link/keeper_link.h"
#include "agent/loop/state.h"
#include "tests/unit/agent/engine/little_memory.h"
#include "tests/unit/agent/engine/peer.h"
#include "tests/unit/agent/loop/locked_memory.h"
#include "tests/unit/agent/saved/test_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/descriptors.h"
#include "tests/unit/lingering.h"
#include "tests/unit/one_timer.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 20000
#define LOOK_MS 2
#define TESTS_MAX 64
#define LEAKS 77

/* The clock of --single-process, in memory that the child shares. */
struct shared_clock {
	unsigned changes;
	struct kernel_status status;
};

struct stage {
	char folder[64], status[96], control[96], keys[96];
	struct config config;
	struct run_options options;
	struct engine_links links;    /* the child's ends */
	int keeper, resolver, reload; /* ours */
	int udp, out;
	FILE *log; /* what the child writes to standard error */
	struct peer peer;
	pid_t child;
	int exit_status; /* -1: it runs */
	/* What the child has sent. */
	unsigned commands, saves, asks, trusts, requests, reloads;
	uint32_t alive;	 /* the serial of the last answer to a question */
	unsigned wanted; /* requests, for has_wanted_requests */
	int wanted_descriptors; /* of the child */
	struct keeper_message command;
	struct ke_request asked;
	uint32_t reload_serial;
	struct shared_clock *clock;
	/* What the world does. */
	bool server_silent, keeper_silent, resolver_silent, resolver_stopped;
	bool steps_wait;  /* the keeper does not answer a step */
	int order_fd;	  /* of the client that has ordered one */
	unsigned forged;  /* packets that come before each answer */
	bool forged_long; /* they fill the queue with fewer of them */
	size_t memory;	  /* that the child gets; 0: no limit */
	int64_t server_error_ns;
	char
	    text[1 << 18]; /* the last answer of a socket, or standard output */
};

/* In the place of that of the C library: a client that does not read soon makes
 * its connection full. */
int accept4(int fd, struct sockaddr *from, socklen_t *len, int flags)
{
	const int room = 4096;
	int client = (int)syscall(SYS_accept4, fd, from, len, flags);

	if (client >= 0)
		(void)setsockopt(
		    client, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return client;
}

static struct wall now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct wall){ns_of_timespec(&ts)};
}

static void make_pair(int *ours, int *theirs)
{
	int fds[2];

	assert_int_equal(
	    socketpair(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	    0);
	*ours = fds[0];
	*theirs = fds[1];
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	unlink(path);
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static int setup(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));
	struct sockaddr_in any = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct source_config *source;

	assert_non_null(s);
	strcpy(s->folder, P_tmpdir "/ntsagent-loop-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->status, sizeof(s->status), "%s/status.sock", s->folder);
	snprintf(s->control, sizeof(s->control), "%s/control.sock", s->folder);
	snprintf(s->keys, sizeof(s->keys), "%s/keys", s->folder);
	config_defaults(&s->config);
	s->config.saved_keys[0] = '\0';
	s->config.driftfile[0] = s->config.goodtime_file[0] = '\0';
	s->config.source_count = 1;
	source = &s->config.sources[0];
	config_source_defaults(source);
	strcpy(source->name, "here");
	strcpy(source->host, "here.test");
	s->peer = peer_make(1);
	s->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->udp, (struct sockaddr *)&any, sizeof(any)), 0);
	s->clock = mmap(NULL, sizeof(*s->clock), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(s->clock != MAP_FAILED);
	s->log = tmpfile();
	assert_non_null(s->log);
	*state = s;
	return 0;
}

static void remove_folder(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	char name[512];

	while (d && (e = readdir(d))) {
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			(void)remove(name);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static int teardown(void **state)
{
	struct stage *s = *state;

	if (s->child > 0 && s->exit_status < 0) {
		kill(s->child, SIGKILL);
		waitpid(s->child, NULL, 0);
	}
	remove_folder(s->keys);
	remove_folder(s->folder);
	fclose(s->log);
	munmap(s->clock, sizeof(*s->clock));
	free(s);
	return 0;
}

static struct wall clock_now(void *self)
{
	(void)self;
	return now();
}

static int clock_look(void *self, struct kernel_found *found)
{
	(void)self;
	*found = (struct kernel_found){.freq_ppm = 0};
	return 0;
}

static int clock_set_freq(void *self, double freq_ppm, double *became_ppm)
{
	struct shared_clock *c = self;

	c->changes++;
	*became_ppm = freq_ppm;
	return 0;
}

static int clock_step(void *self, int64_t step_ns)
{
	(void)self;
	(void)step_ns;
	return -EPERM;
}

static int clock_set_status(void *self, const struct kernel_status *status)
{
	struct shared_clock *c = self;

	c->status = *status;
	return 0;
}

/* What --single-process has in the place of keeper and resolver. */
static void have_no_links(struct stage *s, struct keeper *keeper)
{
	const struct clock_ops ops = {clock_now, clock_look, clock_set_freq,
	    clock_step, clock_set_status, NULL, NULL, s->clock};
	const struct keeper_limits limits = {
	    .max_freq_ppm = s->config.max_freq_ppm,
	    .max_slew_ppm = s->config.steering.max_slew_ppm,
	};
	struct keeper_report started;

	if (keeper_start(keeper, &limits, &ops, NULL, &started) != 0)
		abort();
	s->links.start.clock = started.changes[0];
	s->links.keeper = keeper;
	s->links.keeper_fd = s->links.resolver_fd = s->links.config_fd = -1;
	s->links.log_fd = -1;
}

/* The linker prefers these functions to those of the C library. */
static bool no_random, no_timers;

ssize_t getrandom(void *out, size_t len, unsigned flags)
{
	if (no_random) {
		errno = ENOSYS;
		return -1;
	}
	return syscall(SYS_getrandom, out, len, flags);
}

int timerfd_create(clockid_t clock, int flags)
{
	if (no_timers) {
		errno = ENOSYS;
		return -1;
	}
	return (int)syscall(SYS_timerfd_create, clock, flags);
}

/* Exits with the status of the loop, or with LEAKS: it must leave no descriptor
 * open but the links, and no timer running. */
static void run_child(struct stage *s, int out)
{
	struct keeper keeper;
	int status, before;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(s->keeper);
	close(s->resolver);
	close(s->reload);
	/* Descriptor 0 is as good as any. */
	close(STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(fileno(s->log), STDERR_FILENO);
	if (s->options.single_process)
		have_no_links(s, &keeper);
	if (s->memory > 0)
		little_memory_begin(s->memory);
	before = descriptors_open();
	status = engine_loop_run(&s->config, &s->options, &s->links);
	/* Both listening sockets are the loop's own. */
	if (s->memory == 0 && !no_random && descriptors_open() != before - 2)
		status = LEAKS;
	if (timer_runs)
		status = LEAKS;
	exit(status);
}

static void start(struct stage *s)
{
	int out[2];

	make_pair(&s->keeper, &s->links.keeper_fd);
	make_pair(&s->resolver, &s->links.resolver_fd);
	make_pair(&s->reload, &s->links.config_fd);
	if (s->options.once || s->options.print_only)
		s->links.config_fd = -1;
	s->links.status_fd = listen_at(s->status);
	s->links.control_fd = listen_at(s->control);
	s->links.history_fd = -1;
	s->links.start.clock.at = now();
	s->links.start.freq_sd_ppm = 100;
	s->links.seal = test_key;
	assert_int_equal(pipe(out), 0);
	s->exit_status = -1;
	s->commands = s->saves = s->asks = s->trusts = 0;
	s->requests = s->reloads = 0;
	fflush(NULL);
	s->child = fork();
	assert_true(s->child >= 0);
	if (s->child == 0)
		run_child(s, out[1]);
	close(s->links.keeper_fd);
	close(s->links.resolver_fd);
	close(s->links.config_fd);
	close(s->links.status_fd);
	close(s->links.control_fd);
	close(out[1]);
	s->out = out[0];
}

static uint16_t port_of(const struct stage *s)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	assert_int_equal(getsockname(s->udp, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

/* A child that has just ended takes no report. */
static void report_done(struct stage *s)
{
	const struct clock_command *c = &s->command.command;
	struct keeper_report report = {
	    .serial = s->command.serial,
	    .verdict = KEEPER_OK,
	    .change_count = c->step_ns != 0,
	    .changes[0] = {now(), c->step_ns, c->freq_ppm},
	};

	(void)!keeper_send_report(s->keeper, &report);
	/* The slew has ended, unless a test looks at it. */
	report.serial = report.change_count = 0;
	if (c->slew_ns != 0 && s->server_error_ns == 0)
		(void)!keeper_send_report(s->keeper, &report);
}

static void be_the_keeper(struct stage *s)
{
	struct keeper_message m;

	while (keeper_receive_message(s->keeper, &m) == 1) {
		if (m.kind == KEEPER_MESSAGE_SAVE) {
			s->saves++;
			continue;
		}
		if (m.kind == KEEPER_MESSAGE_ALIVE) {
			s->alive = m.serial;
			continue;
		}
		s->commands++;
		s->command = m;
		if (!s->keeper_silent &&
		    !(s->steps_wait && m.command.step_ns != 0))
			report_done(s);
	}
}

/* As the resolver does: waits while the link is full. A child that has just
 * ended takes no answer. */
static void send_answer(struct stage *s, const struct ke_answer *answer)
{
	struct pollfd room = {.fd = s->resolver, .events = POLLOUT};

	while (frame_send(s->resolver, answer, sizeof(*answer)) == 0)
		assert_int_equal(poll(&room, 1, 5000), 1);
}

static void be_the_resolver(struct stage *s)
{
	static struct trust_config trust;
	struct ke_answer answer;
	ssize_t len;

	while (!s->resolver_stopped &&
	       (len = recv(s->resolver, NULL, 0, MSG_PEEK | MSG_TRUNC)) > 0) {
		if ((size_t)len == sizeof(trust)) {
			assert_int_equal(
			    frame_receive(s->resolver, &trust, sizeof(trust)),
			    1);
			s->trusts++;
			continue;
		}
		assert_int_equal(
		    frame_receive_request(s->resolver, &s->asked), 1);
		s->asks++;
		if (s->resolver_silent)
			continue;
		answer = peer_keys(&s->peer, &s->asked, "127.0.0.1");
		answer.addresses[0].port = port_of(s);
		send_answer(s, &answer);
	}
}

/* Somebody on the path is quicker than the server. The child sleeps meanwhile:
 * a busy machine runs it only when all of them are in its queue. */
static void forge(struct stage *s, const struct sockaddr_in *to)
{
	const uint8_t forged[4000] = {0x24, 1};
	const size_t len = s->forged_long ? sizeof(forged) : NTP_HEADER_LEN;

	kill(s->child, SIGSTOP);
	while (s->forged > 0) {
		assert_int_equal(sendto(s->udp, forged, len, 0,
				     (const struct sockaddr *)to, sizeof(*to)),
		    len);
		s->forged--;
	}
}

static void be_the_server(struct stage *s)
{
	uint8_t in[NTS_PACKET_MAX], out[NTS_PACKET_MAX];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	struct wall at;
	ssize_t n;
	size_t size;

	while ((n = recvfrom(s->udp, in, sizeof(in), 0,
		    (struct sockaddr *)&from, &len)) > 0) {
		s->requests++;
		if (s->forged > 0)
			forge(s, &from);
		if (s->server_silent)
			continue;
		at.ns = now().ns + s->server_error_ns;
		size = peer_answer(
		    &s->peer, in, (size_t)n, at, at, out, sizeof(out));
		assert_true(size > 0);
		assert_int_equal(
		    sendto(s->udp, out, size, 0, (struct sockaddr *)&from, len),
		    size);
	}
}

static void be_the_config(struct stage *s)
{
	struct reload_request q;

	while (reload_receive_request(s->reload, &q) == 1) {
		s->reloads++;
		s->reload_serial = q.serial;
	}
}

typedef bool condition(struct stage *s);

/* Plays all parts until the condition holds. */
static void play_until(struct stage *s, condition *holds)
{
	int status;

	for (int waited = 0; !holds(s); waited += LOOK_MS) {
		if (waited > LIMIT_MS)
			fail_msg("waited for %d ms", waited);
		be_the_keeper(s);
		be_the_resolver(s);
		be_the_server(s);
		be_the_config(s);
		if (s->exit_status < 0 &&
		    waitpid(s->child, &status, WNOHANG) == s->child)
			s->exit_status =
			    WIFEXITED(status) ? WEXITSTATUS(status) : 128;
		poll(NULL, 0, LOOK_MS);
	}
	be_the_keeper(s);
}

static bool has_ended(struct stage *s)
{
	return s->exit_status >= 0;
}
static bool is_synchronised(struct stage *s)
{
	return s->commands > 0 && s->command.command.synchronised;
}
static bool has_four_requests(struct stage *s)
{
	return s->requests >= 4;
}
static bool has_wanted_requests(struct stage *s)
{
	return s->requests >= s->wanted;
}
static bool wants_a_reload(struct stage *s)
{
	return s->reloads > 0;
}
static bool has_a_request(struct stage *s)
{
	return s->requests > 0;
}
static bool has_asked_twice(struct stage *s)
{
	return s->asks >= 2;
}
static bool has_other_trust(struct stage *s)
{
	return s->trusts > 0;
}
static bool has_answered(struct stage *s)
{
	return s->alive == 4242;
}
static bool wants_a_step(struct stage *s)
{
	return s->command.command.step_ns != 0;
}
static bool has_saved_keys(struct stage *s)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/here.ntskeys", s->keys);
	return access(path, R_OK) == 0;
}
static bool has_logged(const struct stage *s, const char *part)
{
	static char text[65536];
	ssize_t n = pread(fileno(s->log), text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strstr(text, part) != NULL;
}
static bool knows_other_certificates(struct stage *s)
{
	return has_logged(s, "revocation lists have changed: new keys");
}
static bool has_set_its_clock(struct stage *s)
{
	return s->clock->changes > 0 && s->clock->status.synchronised;
}

/* A client of one of the sockets. */
static int ask(const char *path, const char *line)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(
	    connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	/* The status comes without an order, and the socket may be closed. */
	if (line[0] != '\0')
		assert_int_equal(write(fd, line, strlen(line)), strlen(line));
	return fd;
}

/* Plays on until the socket is closed; what was read is in s->text. */
static const char *answer_of(struct stage *s, int fd)
{
	size_t len = 0;
	ssize_t n = -1;

	for (int waited = 0; n != 0; waited += LOOK_MS) {
		assert_true(waited < LIMIT_MS);
		be_the_keeper(s);
		be_the_resolver(s);
		be_the_server(s);
		be_the_config(s);
		while ((n = read(
			    fd, s->text + len, sizeof(s->text) - 1 - len)) > 0)
			len += (size_t)n;
		if (n < 0)
			poll(NULL, 0, LOOK_MS);
	}
	s->text[len] = '\0';
	close(fd);
	return s->text;
}

static void end(struct stage *s, int expected)
{
	kill(s->child, SIGTERM);
	play_until(s, has_ended);
	assert_int_equal(s->exit_status, expected);
}

static void the_clock_is_synchronised_and_saved(void **state)
{
	struct stage *s = *state;

	start(s);
	play_until(s, is_synchronised);
	assert_int_equal(s->asks, 1);
	assert_int_equal(s->saves, 0);
	/* The burst has four requests. */
	play_until(s, has_four_requests);
	end(s, 0);
	assert_int_equal(s->saves, 1);
}

static void the_status_is_read(void **state)
{
	struct stage *s = *state;

	start(s);
	play_until(s, is_synchronised);
	assert_non_null(
	    strstr(answer_of(s, ask(s->status, "")), "\"synchronised\":true"));
	assert_non_null(strstr(s->text, "\"name\":\"here\""));
	end(s, 0);
}

/* It is sent before the engine can answer, which closes the socket. */
static int ask_with_a_descriptor(struct stage *s, struct lingering *l)
{
	int fd;

	kill(s->child, SIGSTOP);
	fd = ask(s->status, "");
	assert_true(lingering_send(l, fd));
	kill(s->child, SIGCONT);
	return fd;
}

/* To close such a socket also closes that descriptor, which takes an hour. */
static void a_client_that_sends_a_descriptor_does_not_stop_it(void **state)
{
	struct stage *s = *state;
	struct lingering l;

	start(s);
	l = lingering_open();
	play_until(s, is_synchronised);
	(void)answer_of(s, ask_with_a_descriptor(s, &l));
	assert_non_null(
	    strstr(answer_of(s, ask(s->status, "")), "\"synchronised\":true"));
	end(s, 0);
	lingering_close(&l);
}

/* One turn of the loop takes one of them; the others still wait at its end. */
static void clients_that_send_descriptors_do_not_hold_up_its_end(void **state)
{
	struct stage *s = *state;
	struct lingering l[4];

	start(s);
	play_until(s, is_synchronised);
	kill(s->child, SIGSTOP);
	for (size_t i = 0; i < ARRAY_LEN(l); i++) {
		l[i] = lingering_open();
		assert_true(lingering_send(&l[i], ask(s->status, "")));
	}
	kill(s->child, SIGTERM);
	kill(s->child, SIGCONT);
	end(s, 0);
	for (size_t i = 0; i < ARRAY_LEN(l); i++)
		lingering_close(&l[i]);
}

static void orders_are_answered(void **state)
{
	struct stage *s = *state;

	start(s);
	play_until(s, is_synchronised);
	assert_string_equal(answer_of(s, ask(s->control, "nonsense\n")),
	    "error: unknown order: do ntsctl and ntsagentd have the same "
	    "version?\n");
	play_until(s, has_four_requests);
	s->wanted = s->requests + 2;
	assert_string_equal(answer_of(s, ask(s->control, "burst here\n")),
	    "ok: 1 source asked in a burst\n");
	play_until(s, has_wanted_requests);
	/* The offset is a few microseconds, or less than its own deviation. A
	 * command may be on its way to the keeper. */
	do
		(void)answer_of(s, ask(s->control, "step\n"));
	while (strstr(s->text, "the clock is being adjusted"));
	if (strncmp(s->text, "ok: ", 4) != 0)
		fail_msg("%s", s->text);
	end(s, 0);
}

/* The status that was made before the order is not given again. */
static void who_gave_an_order_sees_what_it_did(void **state)
{
	static const char offline[] = "\"failure\":\"offline\"";
	struct stage *s = *state;

	start(s);
	play_until(s, is_synchronised);
	for (int i = 0; i < 5; i++) {
		assert_null(strstr(answer_of(s, ask(s->status, "")), offline));
		(void)answer_of(s, ask(s->control, "offline\n"));
		assert_non_null(
		    strstr(answer_of(s, ask(s->status, "")), offline));
		(void)answer_of(s, ask(s->control, "online\n"));
	}
	end(s, 0);
}

/* Its uptime tells when a status was made. While nothing happens, clients get
 * the same one for STATUS_FRESH_NS. */
static void a_status_is_made_once_for_all_who_ask(void **state)
{
	enum { READERS = 40 };
	struct stage *s = *state;
	double made, last = -1;
	int64_t started_ns, most;
	unsigned count = 0;

	start(s);
	play_until(s, is_synchronised);
	s->server_silent = true;
	(void)answer_of(s, ask(s->control, "offline\n"));
	started_ns = now().ns;
	for (int i = 0; i < READERS; i++) {
		const char *uptime =
		    strstr(answer_of(s, ask(s->status, "")), "\"uptime_s\":");

		assert_non_null(uptime);
		made = strtod(uptime + strlen("\"uptime_s\":"), NULL);
		count += made > last;
		last = made;
	}
	most = 1 + (now().ns - started_ns) / STATUS_FRESH_NS + 1;
	if (count > most)
		fail_msg("%u made, %lld are enough", count, (long long)most);
	end(s, 0);
}

static struct reload_result *result_of(const struct stage *s, bool ok)
{
	struct reload_result *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->serial = s->reload_serial;
	r->ok = ok;
	r->config = s->config;
	if (!ok)
		strcpy(r->text, "line 3 is wrong");
	return r;
}

static void a_reload_is_passed_on_and_answered(void **state)
{
	struct stage *s = *state;
	struct reload_result *bad, *good;
	int first, second;

	strcpy(s->config.file, "/etc/ntsagent/ntsagent.conf");
	start(s);
	play_until(s, has_a_request);
	first = ask(s->control, "reload\n");
	play_until(s, wants_a_reload);
	second = ask(s->control, "reload\n");
	assert_string_equal(answer_of(s, second),
	    "error: a reload is in progress; try again\n");
	bad = result_of(s, false);
	assert_int_equal(reload_send_result(s->reload, bad), 1);
	assert_string_equal(answer_of(s, first),
	    "error: line 3 is wrong\nthe old configuration stays in force\n");
	s->reloads = 0;
	first = ask(s->control, "reload\n");
	play_until(s, wants_a_reload);
	good = result_of(s, true);
	strcpy(good->config.sources[0].name, "there");
	assert_int_equal(reload_send_result(s->reload, good), 1);
	assert_string_equal(answer_of(s, first),
	    "ok: the configuration was read again: 0 sources kept, there "
	    "added, here removed\n");
	assert_non_null(
	    strstr(answer_of(s, ask(s->status, "")), "\"name\":\"there\""));
	end(s, 0);
	free(bad);
	free(good);
}

static void with_q_there_is_no_reload(void **state)
{
	struct stage *s = *state;

	s->options.once = true;
	s->options.timeout_s = 2;
	s->server_silent = true;
	start(s);
	assert_string_equal(answer_of(s, ask(s->control, "reload\n")),
	    "error: this agent ends when the clock is set (-q)\n");
	play_until(s, has_ended);
	assert_int_equal(s->exit_status, 1);
}

static void with_q_it_ends_when_the_clock_is_set(void **state)
{
	struct stage *s = *state;

	s->options.once = true;
	s->options.timeout_s = 20;
	start(s);
	play_until(s, has_ended);
	assert_int_equal(s->exit_status, 0);
	assert_true(s->commands > 0);
	assert_string_equal(answer_of(s, s->out), "");
}

static void with_print_only_the_offset_is_printed(void **state)
{
	struct stage *s = *state;

	s->options.print_only = s->options.no_clock = true;
	s->options.no_clock_reason = "-Q";
	s->server_error_ns = 10 * NS_PER_MS;
	start(s);
	play_until(s, has_ended);
	assert_int_equal(s->exit_status, 0);
	assert_int_equal(s->commands, 0);
	assert_non_null(strstr(
	    answer_of(s, s->out), " s (positive: the local clock is fast)\n"));
	/* The server is ahead by 10 ms, so the local clock is behind. */
	assert_memory_equal(s->text, "-0.0", 4);
}

static void with_print_only_nothing_is_printed_without_an_answer(void **state)
{
	struct stage *s = *state;

	s->options.print_only = s->options.no_clock = true;
	s->options.timeout_s = 1;
	s->server_silent = true;
	start(s);
	play_until(s, has_ended);
	assert_int_equal(s->exit_status, 1);
	assert_true(has_logged(s, "the clock could not be measured in 1 s"));
	assert_string_equal(answer_of(s, s->out), "");
}

static void without_random_numbers_it_says_so(void **state)
{
	struct stage *s = *state;

	no_random = true;
	start(s);
	no_random = false;
	play_until(s, has_ended);
	assert_int_equal(s->exit_status, 1);
	assert_true(has_logged(s, "the kernel gives no random numbers "
				  "(getrandom: Function not implemented)"));
	assert_int_equal(s->requests, 0);
}

static void without_timers_it_works(void **state)
{
	struct stage *s = *state;

	no_timers = true;
	start(s);
	no_timers = false;
	play_until(s, is_synchronised);
	end(s, 0);
	assert_true(has_logged(s, "will not be noticed (timerfd): Function not "
				  "implemented"));
}

static void a_lost_link_ends_it(void **state)
{
	struct stage *s = *state;
	int *const links[] = {&s->keeper, &s->resolver, &s->reload};

	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		start(s);
		play_until(s, has_a_request);
		close(*links[i]);
		*links[i] = -1;
		play_until(s, has_ended);
		assert_int_equal(s->exit_status, 1);
	}
}

static void a_keeper_that_hangs_ends_it(void **state)
{
	struct stage *s = *state;

	s->keeper_silent = true;
	start(s);
	play_until(s, has_ended);
	assert_int_equal(s->exit_status, 1);
}

/* Starts an agent that saves its keys, and waits until it has. */
static void start_saving(struct stage *s)
{
	strcpy(s->config.saved_keys, s->keys);
	assert_int_equal(mkdir(s->keys, 0700), 0);
	start(s);
	play_until(s, has_saved_keys);
}

/* The second start has the keys of the first, and asks for none. */
static void it_says_that_it_lives_when_the_keeper_asks(void **state)
{
	struct stage *s = *state;

	start(s);
	play_until(s, has_a_request);
	assert_int_equal(s->alive, 0);
	assert_int_equal(keeper_send_question(s->keeper, 4242), 1);
	play_until(s, has_answered);
	/* It goes on. */
	s->alive = 0;
	assert_int_equal(keeper_send_question(s->keeper, 4242), 1);
	play_until(s, has_answered);
	end(s, 0);
}

static void keys_and_samples_are_saved(void **state)
{
	struct stage *s = *state;

	start_saving(s);
	play_until(s, is_synchronised);
	play_until(s, has_four_requests);
	end(s, 0);
	assert_true(has_saved_keys(s));
	start(s);
	play_until(s, is_synchronised);
	assert_int_equal(s->asks, 0);
	end(s, 0);
}

/* -Q may run next to the agent, whose cookies it must not spend. */
static void with_print_only_saved_keys_are_not_used(void **state)
{
	struct stage *s = *state;

	start_saving(s);
	end(s, 0);
	s->options.print_only = s->options.no_clock = true;
	start(s);
	play_until(s, has_a_request);
	assert_int_equal(s->asks, 1);
	/* The work was not done. */
	end(s, 1);
	assert_true(has_saved_keys(s));
}

/* Sends a reload with other certificates. */
static void change_trust(struct stage *s)
{
	struct reload_result *r = result_of(s, true);

	r->config.trust.path_count = 1;
	strcpy(r->config.trust.paths[0], "/nowhere/ca.pem");
	assert_int_equal(reload_send_result(s->reload, r), 1);
	s->config = r->config;
	free(r);
	play_until(s, has_other_trust);
}

static void the_resolver_learns_of_other_certificates(void **state)
{
	struct stage *s = *state;
	int fd;

	start(s);
	play_until(s, has_a_request);
	fd = ask(s->control, "reload\n");
	play_until(s, wants_a_reload);
	change_trust(s);
	assert_non_null(
	    strstr(answer_of(s, fd), "other certificates or algorithms"));
	play_until(s, has_asked_twice);
	end(s, 0);
}

/* The resolver brings no new keys before the agent ends. */
static void keys_of_the_old_trust_are_not_saved_at_the_end(void **state)
{
	struct stage *s = *state;

	start_saving(s);
	s->resolver_silent = true;
	change_trust(s);
	play_until(s, has_asked_twice);
	end(s, 0);
	s->resolver_silent = false;
	start(s);
	play_until(s, has_a_request);
	assert_int_equal(s->asks, 1);
	end(s, 0);
}

/* A signal to the keeper, and no client, has caused this reload. */
static void a_result_without_an_order_answers_no_client(void **state)
{
	struct stage *s = *state;
	struct reload_result *r;
	char byte;
	int fd;

	start(s);
	play_until(s, has_a_request);
	fd = ask(s->control, "reload\n");
	play_until(s, wants_a_reload);
	r = result_of(s, true);
	r->serial = 0;
	r->config.sources[1] = r->config.sources[0];
	strcpy(r->config.sources[1].name, "there");
	r->config.source_count = 2;
	assert_int_equal(reload_send_result(s->reload, r), 1);
	play_until(s, has_asked_twice);
	assert_int_equal(read(fd, &byte, 1), -1);
	r->serial = s->reload_serial;
	assert_int_equal(reload_send_result(s->reload, r), 1);
	assert_non_null(strstr(answer_of(s, fd), "ok: "));
	assert_non_null(strstr(s->text, "2 sources kept"));
	end(s, 0);
	free(r);
}

static void a_bad_message_ends_it(void **state)
{
	struct stage *s = *state;
	const int *const links[] = {&s->keeper, &s->resolver, &s->reload};

	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		start(s);
		play_until(s, has_a_request);
		assert_int_equal(send(*links[i], "x", 1, 0), 1);
		play_until(s, has_ended);
		assert_int_equal(s->exit_status, 1);
	}
}

static void a_hangup_does_not_end_it_and_an_interrupt_does(void **state)
{
	struct stage *s = *state;

	start(s);
	play_until(s, has_a_request);
	kill(s->child, SIGHUP);
	kill(s->child, SIGPIPE);
	assert_non_null(strstr(answer_of(s, ask(s->status, "")), "here"));
	kill(s->child, SIGINT);
	play_until(s, has_ended);
	assert_int_equal(s->exit_status, 0);
}

static bool step_is_decided(struct stage *s)
{
	struct pollfd answer = {.fd = s->order_fd, .events = POLLIN};

	return wants_a_step(s) || poll(&answer, 1, 0) > 0;
}

/* Orders a step that the keeper does not answer, and returns the client's
 * socket. The order is refused while another command is with the keeper. */
static int order_a_step(struct stage *s)
{
	s->steps_wait = true;
	s->order_fd = ask(s->control, "step\n");
	play_until(s, step_is_decided);
	while (!wants_a_step(s)) {
		assert_non_null(strstr(answer_of(s, s->order_fd), "again"));
		s->order_fd = ask(s->control, "step\n");
		play_until(s, step_is_decided);
	}
	return s->order_fd;
}

static void an_ordered_step_is_answered_after_the_keeper(void **state)
{
	struct stage *s = *state;
	char byte;
	int fd;

	s->server_error_ns = 10 * NS_PER_MS;
	start(s);
	play_until(s, is_synchronised);
	fd = order_a_step(s);
	assert_int_equal(read(fd, &byte, 1), -1);
	s->steps_wait = false;
	report_done(s);
	assert_int_equal(strncmp(answer_of(s, fd), "ok: ", 4), 0);
	end(s, 0);
}

static long good_answers(struct stage *s)
{
	const char *good =
	    strstr(answer_of(s, ask(s->status, "")), "\"good\":");

	assert_non_null(good);
	return strtol(good + strlen("\"good\":"), NULL, 10);
}

static bool has_been_flooded(struct stage *s)
{
	return s->forged == 0;
}

static long number_of(struct stage *s, int fd, const char *name)
{
	const char *at = strstr(answer_of(s, fd), name);

	assert_non_null(at);
	return strtol(at + strlen(name), NULL, 10);
}

/* With the room that a socket has without an order, this true answer is lost.
 * One turn of the loop reads them all: before the next one of a busy machine,
 * the wait for the answer may be over. */
static void a_flood_does_not_lose_the_answer(void **state)
{
	struct stage *s = *state;

	start(s);
	s->forged = 40;
	s->forged_long = true;
	play_until(s, has_been_flooded);
	s->server_silent = true;
	kill(s->child, SIGCONT);
	for (int waited = 0; good_answers(s) == 0; waited += LOOK_MS) {
		if (waited > LIMIT_MS)
			fail_msg("the answer is lost");
		poll(NULL, 0, LOOK_MS);
	}
	assert_int_equal(number_of(s, ask(s->status, ""), "\"rejected\":"), 40);
	end(s, 0);
}

/* A client that waits is served after one turn of the loop. */
static void a_turn_reads_many_datagrams_but_not_all(void **state)
{
	struct stage *s = *state;
	long rejected;
	int client;

	start(s);
	s->forged = 300;
	s->server_silent = true;
	play_until(s, has_been_flooded);
	client = ask(s->status, "");
	kill(s->child, SIGCONT);
	rejected = number_of(s, client, "\"rejected\":");
	assert_in_range(rejected, 64, 128);
	end(s, 0);
}

/* Their stamps may be of a clock that has been stepped meanwhile. */
static void answers_wait_while_the_keeper_has_a_command(void **state)
{
	struct stage *s = *state;
	long good;

	s->server_error_ns = 10 * NS_PER_MS;
	start(s);
	play_until(s, is_synchronised);
	(void)close(order_a_step(s));
	good = good_answers(s);
	s->wanted = s->requests + 1;
	play_until(s, has_wanted_requests);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(good_answers(s), good);
	s->steps_wait = false;
	report_done(s);
	while (good_answers(s) == good)
		continue;
	end(s, 0);
}

#define LAST_SOURCE "\"name\":\"here-63\""

static void have_many_sources(struct stage *s)
{
	s->config.source_count = SOURCES_MAX;
	for (unsigned i = 1; i < SOURCES_MAX; i++) {
		s->config.sources[i] = s->config.sources[0];
		snprintf(s->config.sources[i].name,
		    sizeof(s->config.sources[i].name), "here-%02u", i);
	}
}

static bool is_closed(int fd)
{
	struct pollfd p = {.fd = fd};

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

/* A client that does not read its answer is dropped after five seconds. Then no
 * timer that limited the waits for it runs on. */
static void a_client_that_does_not_read_is_dropped(void **state)
{
	struct stage *s = *state;
	int fd;

	have_many_sources(s);
	s->resolver_stopped = true;
	start(s);
	fd = ask(s->status, "");
	for (int waited = 0; !is_closed(fd); waited += LOOK_MS) {
		assert_true(waited < LIMIT_MS);
		be_the_keeper(s);
		poll(NULL, 0, LOOK_MS);
	}
	assert_null(strstr(answer_of(s, fd), LAST_SOURCE));
	assert_non_null(strstr(answer_of(s, ask(s->status, "")), LAST_SOURCE));
	end(s, 0);
}

/* A client that orders nothing is dropped after five seconds. */
static void an_idle_client_is_dropped(void **state)
{
	struct stage *s = *state;
	int64_t began;

	start(s);
	play_until(s, has_a_request);
	began = now().ns;
	assert_string_equal(answer_of(s, ask(s->control, "")), "");
	assert_true(now().ns - began > 4 * NS_PER_S);
	end(s, 0);
}

/* The keys of a source are in the struct of the loop while they are received,
 * and in that of the source. */
static void secrets_are_locked_in_memory(void **state)
{
	struct stage *s = *state;
	size_t size = sizeof(struct engine_loop) + sizeof(struct source);

	if (!LITTLE_MEMORY_WORKS)
		return; /* The builds without a sanitizer run this. */
	if (!locking_works(2 * size))
		skip();
	start(s);
	play_until(s, has_a_request);
	assert_true(locked_kb(s->child) >= (long)(size / 1024));
	end(s, 0);
}

static void without_a_folder_for_keys_nothing_is_saved(void **state)
{
	struct stage *s = *state;

	start(s);
	play_until(s, is_synchronised);
	end(s, 0);
	assert_false(has_logged(s, "cannot"));
	start(s);
	play_until(s, has_a_request);
	assert_int_equal(s->asks, 1);
	end(s, 0);
}

/* Neither has the loop room for itself, nor the engine for its sources. */
static void without_memory_it_does_not_start(void **state)
{
	struct stage *s = *state;
	const size_t rooms[] = {100000, sizeof(struct engine_loop) + 16384};

	if (!LITTLE_MEMORY_WORKS)
		return; /* The builds without a sanitizer run this. */
	s->config.source_count = SOURCES_MAX;
	for (unsigned i = 1; i < SOURCES_MAX; i++)
		s->config.sources[i] = s->config.sources[0];
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
		s->memory = rooms[i];
		start(s);
		play_until(s, has_ended);
		assert_int_equal(s->exit_status, 1);
		assert_true(has_logged(s, "out of memory"));
		rewind(s->log);
		assert_int_equal(ftruncate(fileno(s->log), 0), 0);
	}
}

/* The new contents are found by watching, not by a reload. */
static void keys_of_files_that_have_changed_are_not_saved_at_the_end(
    void **state)
{
	struct stage *s = *state;
	struct trust_config *trust = &s->config.trust;
	FILE *f;

	trust->path_count = 1;
	snprintf(
	    trust->paths[0], sizeof(trust->paths[0]), "%s/ca.pem", s->folder);
	start_saving(s);
	f = fopen(trust->paths[0], "we");
	assert_non_null(f);
	fputs("other", f);
	fclose(f);
	play_until(s, knows_other_certificates);
	end(s, 0);
	start(s);
	play_until(s, has_a_request);
	assert_int_equal(s->asks, 1);
	end(s, 0);
}

/* Saved keys need no job. */
static void a_single_process_sets_its_clock(void **state)
{
	struct stage *s = *state;

	start_saving(s);
	end(s, 0);
	s->options.single_process = true;
	start(s);
	play_until(s, has_set_its_clock);
	end(s, 0);
}

static bool shows_a_closed_port(struct stage *s)
{
	return strstr(
	    answer_of(s, ask(s->status, "")), "nothing listens on TCP port");
}

/* The job fails, and the status has the reason. */
static void a_single_process_runs_its_jobs(void **state)
{
	struct stage *s = *state;

	s->options.single_process = true;
	strcpy(s->config.sources[0].host, "127.0.0.1");
	s->config.sources[0].ke_port = port_of(s);
	start(s);
	play_until(s, shows_a_closed_port);
	end(s, 0);
}

/* The state of a process, as in /proc/PID/stat. */
static char process_state(pid_t pid)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
	fclose(f);
	return state;
}

static bool sleeps(struct stage *s)
{
	return process_state(s->child) == 'S';
}

/* Without sources to ask, it has nothing to do until its next deadline. */
static void a_single_process_sleeps_between_its_jobs(void **state)
{
	struct stage *s = *state;

	s->options.single_process = true;
	strcpy(s->config.sources[0].host, "127.0.0.1");
	s->config.sources[0].ke_port = port_of(s);
	start(s);
	play_until(s, shows_a_closed_port);
	assert_string_equal(answer_of(s, ask(s->control, "offline\n")),
	    "ok: 1 source offline\n");
	play_until(s, sleeps);
	end(s, 0);
}

static int descriptors_of(pid_t pid)
{
	char path[64];
	const struct dirent *e;
	int count = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)))
		count += e->d_name[0] != '.';
	closedir(d);
	return count;
}

static bool has_wanted_descriptors(struct stage *s)
{
	return descriptors_of(s->child) >= s->wanted_descriptors;
}

/* All sources wait for an answer, no place for a client is free, and all links
 * are open. */
static void all_descriptors_fit_into_one_wait(void **state)
{
	struct stage *s = *state;
	int clients[CONTROL_CLIENTS_MAX + STATUS_CLIENTS_MAX];

	have_many_sources(s);
	s->server_silent = s->resolver_stopped = true;
	start(s);
	(void)answer_of(s, ask(s->status, ""));
	s->wanted_descriptors =
	    descriptors_of(s->child) + (int)ARRAY_LEN(clients);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		clients[i] =
		    ask(i < CONTROL_CLIENTS_MAX ? s->control : s->status, "");
	play_until(s, has_wanted_descriptors);
	s->resolver_stopped = false;
	s->wanted = SOURCES_MAX;
	play_until(s, has_wanted_requests);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		close(clients[i]);
	assert_non_null(strstr(answer_of(s, ask(s->status, "")), LAST_SOURCE));
	end(s, 0);
}

/* Starts one test in a process of its own, which writes to `out`. */
static pid_t start_test(const struct CMUnitTest *test, FILE *out)
{
	const struct CMUnitTest one[] = {*test};
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	dup2(fileno(out), STDOUT_FILENO);
	dup2(fileno(out), STDERR_FILENO);
	exit(cmocka_run_group_tests(one, NULL, NULL));
}

static void show(FILE *from)
{
	int c;

	rewind(from);
	while ((c = getc(from)) != EOF)
		putchar(c);
	fclose(from);
}

/* The tests wait most of the time, so all of them run at once. Returns how many
 * have failed. */
static int run_all(const struct CMUnitTest *tests, size_t count)
{
	FILE *out[TESTS_MAX];
	pid_t pids[TESTS_MAX];
	int status, failed = 0;

	if (count > TESTS_MAX)
		abort();
	for (size_t i = 0; i < count; i++) {
		out[i] = tmpfile();
		if (!out[i])
			abort();
		pids[i] = start_test(&tests[i], out[i]);
	}
	for (size_t i = 0; i < count; i++) {
		if (waitpid(pids[i], &status, 0) != pids[i] || status != 0)
			failed++;
		show(out[i]);
	}
	return failed;
}

#define STAGED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STAGED(who_gave_an_order_sees_what_it_did),
	    STAGED(a_status_is_made_once_for_all_who_ask),
	    STAGED(the_clock_is_synchronised_and_saved),
	    STAGED(the_status_is_read),
	    STAGED(a_client_that_sends_a_descriptor_does_not_stop_it),
	    STAGED(clients_that_send_descriptors_do_not_hold_up_its_end),
	    STAGED(orders_are_answered),
	    STAGED(a_reload_is_passed_on_and_answered),
	    STAGED(with_q_there_is_no_reload),
	    STAGED(with_q_it_ends_when_the_clock_is_set),
	    STAGED(with_print_only_the_offset_is_printed),
	    STAGED(with_print_only_nothing_is_printed_without_an_answer),
	    STAGED(without_random_numbers_it_says_so),
	    STAGED(without_timers_it_works),
	    STAGED(a_lost_link_ends_it),
	    STAGED(a_keeper_that_hangs_ends_it),
	    STAGED(it_says_that_it_lives_when_the_keeper_asks),
	    STAGED(keys_and_samples_are_saved),
	    STAGED(with_print_only_saved_keys_are_not_used),
	    STAGED(the_resolver_learns_of_other_certificates),
	    STAGED(keys_of_the_old_trust_are_not_saved_at_the_end),
	    STAGED(a_result_without_an_order_answers_no_client),
	    STAGED(a_bad_message_ends_it),
	    STAGED(a_hangup_does_not_end_it_and_an_interrupt_does),
	    STAGED(an_ordered_step_is_answered_after_the_keeper),
	    STAGED(a_flood_does_not_lose_the_answer),
	    STAGED(a_turn_reads_many_datagrams_but_not_all),
	    STAGED(answers_wait_while_the_keeper_has_a_command),
	    STAGED(an_idle_client_is_dropped),
	    STAGED(a_client_that_does_not_read_is_dropped),
	    STAGED(secrets_are_locked_in_memory),
	    STAGED(without_a_folder_for_keys_nothing_is_saved),
	    STAGED(without_memory_it_does_not_start),
	    STAGED(keys_of_files_that_have_changed_are_not_saved_at_the_end),
	    STAGED(a_single_process_sets_its_clock),
	    STAGED(a_single_process_runs_its_jobs),
	    STAGED(a_single_process_sleeps_between_its_jobs),
	    STAGED(all_descriptors_fit_into_one_wait),
	};

	signal(SIGPIPE, SIG_IGN);
	return run_all(tests, ARRAY_LEN(tests));
}
