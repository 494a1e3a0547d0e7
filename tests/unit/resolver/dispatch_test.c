#include "resolver/job.h"
#include "resolver/wait.h"
#include "tests/unit/resolver/fake_names.h"
#include "tests/unit/resolver/ke_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/lingering.h"
#include "tests/unit/one_timer.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* A dispatcher in a process of its own, and a server for its jobs. */
struct dispatch_world {
	char root_file[64];
	struct pki_pair root, leaf;
	struct ke_server server;
	struct trust_config trust;
	pid_t pid;
	int engine; /* our end */
};

static bool enter_no_box(void *self, const struct ke_request *request,
    const struct trust_config *trust)
{
	(void)request;
	(void)trust;
	return self == NULL;
}

static const struct job_box no_box = {enter_no_box, NULL};

/* Forked, so that the job has the test's names. */
static int start_forked_job(void *self, const int link[2], pid_t *pid)
{
	(void)self;
	*pid = fork();
	if (*pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(link[0]);
		_exit(resolver_job_main(link[1], &no_box));
	}
	return *pid < 0 ? -errno : 0;
}

/* An accomplice has sent descriptors to it; only messages hold them. */
static int accomplice;
static bool lies_first;

/* The dispatcher must not read before the job has closed its descriptor. */
static int start_lingering_job(void *self, const int link[2], pid_t *pid)
{
	struct lingering l = {.fd = -1};

	(void)self;
	*pid = fork();
	if (*pid != 0)
		return *pid < 0 ? -errno : 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(link[0]);
	l.fd = lingering_take(accomplice);
	kill(getppid(), SIGSTOP);
	if (lies_first)
		(void)send(link[1], "x", 1, 0);
	(void)lingering_send(&l, link[1]);
	kill(getppid(), SIGCONT);
	for (;;)
		pause();
}

static int start_no_job(void *self, const int link[2], pid_t *pid)
{
	(void)self;
	(void)link;
	(void)pid;
	return -EAGAIN;
}

/* As on a kernel that cannot refuse descriptors. */
static int make_link(int link[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) == 0
		   ? 0
		   : -errno;
}

static void on_alarm(int number)
{
	(void)number;
}

static void set_alarms(suseconds_t us)
{
	const struct itimerval every = {{0, us}, {0, us}};

	PKI_MUST(setitimer(ITIMER_REAL, &every, NULL) == 0);
}

static void limit(void)
{
	const struct sigaction action = {.sa_handler = on_alarm};

	PKI_MUST(sigaction(SIGALRM, &action, NULL) == 0);
	set_alarms(200);
}

static void unlimit(void)
{
	set_alarms(0);
}

static void start_dispatcher(
    struct dispatch_world *w, int (*start)(void *, const int *, pid_t *))
{
	const struct job_starter starter = {
	    make_link, limit, unlimit, start, NULL};
	int pair[2];

	PKI_MUST(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	w->pid = fork();
	if (w->pid == 0) {
		close(pair[0]);
		_exit(resolver_main(pair[1], &w->trust, &starter));
	}
	close(pair[1]);
	w->engine = pair[0];
}

static int setup(void **state)
{
	struct dispatch_world *w = calloc(1, sizeof(*w));

	w->root = pki_issue(NULL, (struct pki_spec){.name = "R", .ca = true});
	w->leaf = pki_issue(&w->root,
	    (struct pki_spec){.name = "leaf", .san = "DNS:local.fake"});
	snprintf(w->root_file, sizeof(w->root_file),
	    P_tmpdir "/ntsagent-dispatch-%ld.pem", (long)getpid());
	pki_write(w->root_file, w->root.certificate);
	w->trust.path_count = 1;
	strcpy(w->trust.paths[0], w->root_file);
	w->server =
	    ke_server_start((struct ke_server_spec){.leaf = &w->leaf}, 0);
	start_dispatcher(w, start_forked_job);
	*state = w;
	return 0;
}

/* The exit status of a dispatcher whose engine has gone. */
static int stop_dispatcher(struct dispatch_world *w)
{
	int status = -1;

	close(w->engine);
	PKI_MUST(waitpid(w->pid, &status, 0) == w->pid);
	w->pid = 0;
	return status;
}

static int teardown(void **state)
{
	struct dispatch_world *w = *state;

	if (w->pid)
		stop_dispatcher(w);
	ke_server_stop(&w->server);
	unlink(w->root_file);
	pki_free(&w->root);
	pki_free(&w->leaf);
	free(w);
	return 0;
}

static void ask(struct dispatch_world *w, uint32_t source, const char *host,
    uint32_t timeout_ms)
{
	struct ke_request q = {.source = source,
	    .serial = source + 100,
	    .ke_port = w->server.at.port,
	    .timeout_ms = timeout_ms};
	struct pollfd room = {.fd = w->engine, .events = POLLOUT};
	int sent;

	strcpy(q.host, host);
	while ((sent = frame_send(w->engine, &q, sizeof(q))) == 0)
		assert_int_equal(poll(&room, 1, 10000), 1);
	assert_int_equal(sent, 1);
}

/* The next answer; how long after `start` it came. */
static int64_t next_answer(
    struct dispatch_world *w, struct mono start, struct ke_answer *a)
{
	struct pollfd p = {.fd = w->engine, .events = POLLIN};

	assert_int_equal(
	    poll_until(&p, 1, mono_after(mono_now(), 10 * NS_PER_S)), 1);
	assert_int_equal(frame_receive_answer(w->engine, a), 1);
	assert_int_equal(a->serial, a->source + 100);
	return (mono_now().ns - start.ns) / NS_PER_MS;
}

static void answers_come_back(void **state)
{
	struct dispatch_world *w = *state;
	struct ke_answer a;

	ask(w, 1, "local.fake", 5000);
	next_answer(w, mono_now(), &a);
	assert_string_equal(a.text, "");
	assert_int_equal(a.stage, KE_STAGE_DONE);
	assert_int_equal(a.source, 1);
	ask(w, 2, "noname.eai", 5000);
	next_answer(w, mono_now(), &a);
	assert_int_equal(a.stage, KE_STAGE_DNS);
	assert_int_equal(a.source, 2);
}

static void a_lost_datagram_of_dns_is_not_waited_for_long(void **state)
{
	struct dispatch_world *w = *state;
	struct ke_answer a;

	ask(w, 1, "hasty.fake", 5000);
	next_answer(w, mono_now(), &a);
	assert_string_equal(a.text,
	    "no address for hasty.fake: the name does not exist, or is an "
	    "alias of one that does not (check "
	    "/etc/hosts or DNS)");
}

/* The dispatcher has room for 64 jobs, but needs descriptors only for those
 * that run. */
static void few_descriptors_are_enough(void **state)
{
	const struct rlimit few = {32, 32};
	struct dispatch_world *w = *state;
	struct ke_answer a;

	assert_int_equal(prlimit(w->pid, RLIMIT_NOFILE, &few, NULL), 0);
	for (uint32_t source = 1; source <= 8; source++)
		ask(w, source, "local.fake", 5000);
	for (int i = 0; i < 8; i++) {
		next_answer(w, mono_now(), &a);
		assert_string_equal(a.text, "");
		assert_int_equal(a.stage, KE_STAGE_DONE);
	}
}

static void names_that_hang_delay_no_other(void **state)
{
	enum { HANGING = RESOLVER_JOBS_MAX - 1 };
	struct dispatch_world *w = *state;
	struct mono start = mono_now();
	struct ke_answer a;
	int64_t took_ms = 0;

	for (uint32_t i = 0; i < HANGING; i++)
		ask(w, i, "hang.fake", 1500);
	ask(w, HANGING, "local.fake", 5000);
	took_ms = next_answer(w, start, &a);
	assert_int_equal(a.stage, KE_STAGE_DONE);
	assert_int_equal(a.source, HANGING);
	assert_true(took_ms < 1500);
	for (uint32_t i = 0; i < HANGING; i++) {
		took_ms = next_answer(w, start, &a);
		assert_true(took_ms >= 1500);
		assert_true(a.source < HANGING);
	}
	assert_true(took_ms < 5500);
	assert_int_equal(a.stage, KE_STAGE_DNS);
	assert_string_equal(a.text,
	    "the resolver job for hang.fake did not end within 1.5 s; the "
	    "likeliest cause is that DNS does not answer (check the network "
	    "and /etc/resolv.conf)");
}

static void a_job_that_dies_is_told(void **state)
{
	struct dispatch_world *w = *state;
	struct ke_answer a;

	ask(w, 3, "crash.fake", 5000);
	assert_true(next_answer(w, mono_now(), &a) < 4000);
	assert_int_equal(a.stage, KE_STAGE_START);
	assert_string_equal(a.text,
	    "the resolver job was ended by signal 9 (Killed): this is a fault "
	    "of ntsagent or an attack on it, please report it");
	assert_int_equal(a.crash_signal, SIGKILL);
	assert_true(ke_answer_valid(&a));
}

/* What a job does that a server has taken over. */
static int start_lying_job(void *self, const int link[2], pid_t *pid)
{
	(void)self;
	*pid = fork();
	if (*pid == 0) {
		struct ke_answer a = {.stage = KE_STAGE_START, .text = "x"};

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(link[0]);
		/* No job may say that it, or another one, has crashed. */
		a.crash_signal = SIGSEGV;
		_exit(
		    frame_send(link[1], &a, sizeof(a)) == 1 ? (int)pause() : 1);
	}
	return *pid < 0 ? -errno : 0;
}

static void a_job_that_breaks_the_protocol_is_told(void **state)
{
	struct dispatch_world *w = *state;
	struct ke_answer a;

	stop_dispatcher(w);
	start_dispatcher(w, start_lying_job);
	ask(w, 3, "local.fake", 5000);
	assert_true(next_answer(w, mono_now(), &a) < 4000);
	assert_int_equal(a.crash_signal, SIGKILL);
	assert_string_equal(a.text,
	    "the resolver job sent a bad answer and was killed: this is a "
	    "fault of ntsagent or an attack on it, please report it");
}

/* It ends before the dispatcher can kill it. */
static int start_job_that_lies_and_ends(
    void *self, const int link[2], pid_t *pid)
{
	siginfo_t ended;

	(void)self;
	*pid = fork();
	if (*pid == 0) {
		const struct ke_answer a = {.stage = KE_STAGE_DONE};

		(void)!frame_send(link[1], &a, sizeof(a));
		_exit(0);
	}
	return *pid < 0 ||
		       waitid(P_PID, (id_t)*pid, &ended, WEXITED | WNOWAIT) != 0
		   ? -errno
		   : 0;
}

/* Asks twice. */
static bool survives_descriptors(struct dispatch_world *w, bool liar)
{
	struct lingering l[2];
	struct ke_answer a;
	bool answers = true;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	for (size_t i = 0; i < ARRAY_LEN(l); i++) {
		l[i] = lingering_open();
		assert_true(lingering_send(&l[i], pair[1]));
	}
	accomplice = pair[0];
	lies_first = liar;
	start_dispatcher(w, start_lingering_job);
	for (uint32_t i = 0; answers && i < ARRAY_LEN(l); i++) {
		struct pollfd p = {.fd = w->engine, .events = POLLIN};

		ask(w, i, "local.fake", 5000);
		answers = poll(&p, 1, 10000) == 1 &&
			  frame_receive_answer(w->engine, &a) == 1 &&
			  a.source == i && a.crash_signal == SIGKILL;
	}
	kill(w->pid, SIGKILL);
	stop_dispatcher(w);
	for (size_t i = 0; i < ARRAY_LEN(l); i++)
		lingering_close(&l[i]);
	close(pair[0]);
	close(pair[1]);
	return answers;
}

/* The kernel closes it when the message is read, or with the link. */
static void a_job_that_sends_a_descriptor_stops_nothing(void **state)
{
	struct dispatch_world *w = *state;

	stop_dispatcher(w);
	assert_true(survives_descriptors(w, false));
	assert_true(survives_descriptors(w, true));
}

static void a_job_that_lies_and_ends_is_an_alarm_too(void **state)
{
	struct dispatch_world *w = *state;
	struct ke_answer a;

	stop_dispatcher(w);
	start_dispatcher(w, start_job_that_lies_and_ends);
	ask(w, 3, "local.fake", 5000);
	assert_true(next_answer(w, mono_now(), &a) < 4000);
	assert_int_equal(a.crash_signal, SIGKILL);
	assert_non_null(strstr(a.text, "or an attack on it"));
}

/* An exit is no crash: perhaps the job was of another version. */
static int start_exiting_job(void *self, const int link[2], pid_t *pid)
{
	(void)self;
	(void)link;
	*pid = fork();
	if (*pid == 0)
		_exit(7);
	return *pid < 0 ? -errno : 0;
}

static void a_job_that_exits_is_no_crash(void **state)
{
	struct dispatch_world *w = *state;
	struct ke_answer a;

	stop_dispatcher(w);
	start_dispatcher(w, start_exiting_job);
	ask(w, 3, "local.fake", 5000);
	assert_true(next_answer(w, mono_now(), &a) < 4000);
	assert_int_equal(a.crash_signal, 0);
	assert_string_equal(a.text,
	    "the resolver job ended with status 7 and without an answer: this "
	    "is a fault of ntsagent, please report it");
}

/* More than there is room for: the rest waits, and none is lost. */
static void more_than_the_jobs_at_once_wait(void **state)
{
	enum { COUNT = RESOLVER_JOBS_MAX + 24 };
	struct dispatch_world *w = *state;
	bool seen[COUNT] = {false};
	struct ke_answer a;

	for (uint32_t i = 0; i < COUNT; i++)
		ask(w, i, i < RESOLVER_JOBS_MAX ? "hang.fake" : "noname.eai",
		    800);
	for (int i = 0; i < COUNT; i++) {
		next_answer(w, mono_now(), &a);
		assert_true(a.source < COUNT);
		assert_false(seen[a.source]);
		seen[a.source] = true;
		assert_int_equal(a.stage, KE_STAGE_DNS);
	}
}

/* Zombies count. */
static bool is_child(const char *pid, long parent)
{
	char path[300], state;
	long found = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c %ld", &state, &found) != 2)
		found = -1;
	fclose(f);
	return found == parent;
}

static int children_of(pid_t pid)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	int n = 0;

	assert_non_null(proc);
	while ((entry = readdir(proc)) != NULL)
		n += is_child(entry->d_name, pid);
	closedir(proc);
	return n;
}

static void wait_for_children(const struct dispatch_world *w, int count)
{
	struct mono end = mono_after(mono_now(), 5 * NS_PER_S);

	while (children_of(w->pid) != count && !mono_due(end, mono_now()))
		poll(NULL, 0, 2);
	assert_int_equal(children_of(w->pid), count);
}

static void a_new_question_ends_the_job_of_the_old_one(void **state)
{
	struct dispatch_world *w = *state;
	struct ke_answer a;

	ask(w, 1, "hang.fake", 60000);
	wait_for_children(w, 1);
	ask(w, 1, "local.fake", 5000);
	assert_true(next_answer(w, mono_now(), &a) < 4000);
	assert_int_equal(a.stage, KE_STAGE_DONE);
	assert_int_equal(children_of(w->pid), 0);
}

/* Without a root certificate that is right, no keys. */
static void other_trust_holds_for_the_next_question(void **state)
{
	struct dispatch_world *w = *state;
	struct trust_config none = {.path_count = 1};
	struct pollfd p = {.fd = w->engine, .events = POLLIN};
	struct ke_answer a;

	strcpy(none.paths[0], "/nowhere/ca.pem");
	assert_int_equal(frame_send(w->engine, &none, sizeof(none)), 1);
	ask(w, 1, "local.fake", 5000);
	next_answer(w, mono_now(), &a);
	assert_int_equal(a.stage, KE_STAGE_CERTIFICATE);
	assert_non_null(strstr(a.text, "/nowhere/ca.pem"));
	none.path_count = TRUST_PATHS_MAX + 1;
	assert_int_equal(frame_send(w->engine, &none, sizeof(none)), 1);
	assert_int_equal(
	    poll_until(&p, 1, mono_after(mono_now(), 5 * NS_PER_S)), 1);
	assert_true(p.revents & POLLHUP);
	stop_dispatcher(w);
}

static void no_child_is_left_behind(void **state)
{
	struct dispatch_world *w = *state;
	struct ke_answer a;

	ask(w, 1, "hang.fake", 500);
	wait_for_children(w, 1);
	ask(w, 2, "noname.eai", 200);
	ask(w, 3, "crash.fake", 200);
	for (int i = 0; i < 3; i++)
		next_answer(w, mono_now(), &a);
	assert_int_equal(children_of(w->pid), 0);
}

static void a_job_that_cannot_start_is_told(void **state)
{
	struct dispatch_world *w = *state;
	struct ke_answer a;

	stop_dispatcher(w);
	start_dispatcher(w, start_no_job);
	ask(w, 1, "local.fake", 5000);
	next_answer(w, mono_now(), &a);
	assert_int_equal(a.stage, KE_STAGE_START);
	assert_string_equal(a.text,
	    "cannot start a resolver job: Resource temporarily unavailable");
}

/* The job's own side of the link: what is no request ends it. */
static void a_job_judges_its_request(void **state)
{
	struct trust_config trust = {.system_certs = true};
	struct ke_request q = {
	    .host = "noname.eai", .ke_port = KE_PORT, .timeout_ms = 5000};
	struct ke_answer a;
	int link[2];

	(void)state;
	for (int bad = 0; bad < 4; bad++) {
		struct ke_request sent = q;
		struct trust_config sent_trust = trust;

		if (bad == 1)
			sent.ke_port = 0;
		if (bad == 2)
			sent_trust.path_count = TRUST_PATHS_MAX + 1;
		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
		assert_int_equal(frame_send(link[0], &sent, sizeof(sent)), 1);
		assert_int_equal(frame_send(link[0], &sent_trust,
				     bad == 3 ? 1 : sizeof(sent_trust)),
		    1);
		assert_int_equal(
		    resolver_job_main(link[1], &no_box), bad == 0 ? 0 : 1);
		assert_int_equal(frame_receive_answer(link[0], &a), bad == 0);
		close(link[0]);
		close(link[1]);
	}
}

/* Of this process, in kilobytes. */
static long locked_kb(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	long kb = -1;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		(void)sscanf(line, "VmLck: %ld", &kb);
	fclose(f);
	return kb;
}

/* Sanitizers make nothing of mlock(2). */
static void a_job_locks_its_keys(void **state)
{
	const struct trust_config trust = {.system_certs = true};
	const struct ke_request q = {
	    .host = "noname.eai", .ke_port = KE_PORT, .timeout_ms = 5000};
	const long wanted_kb = (long)sizeof(struct ke_answer) / 1024;
	int link[2], status;
	pid_t pid;

	(void)state;
#ifndef __SANITIZE_ADDRESS__
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
	assert_int_equal(frame_send(link[0], &q, sizeof(q)), 1);
	assert_int_equal(frame_send(link[0], &trust, sizeof(trust)), 1);
	pid = fork();
	if (pid == 0) {
		(void)munlockall();
		if (resolver_job_main(link[1], &no_box) != 0)
			_exit(2);
		_exit(locked_kb() > wanted_kb ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(link[0]);
	close(link[1]);
#else
	(void)trust, (void)q, (void)wanted_kb, (void)link, (void)status;
	(void)pid, (void)locked_kb;
#endif
}

/* The box gets the request, and a job that it refuses does nothing. */
static bool enter_and_fail(void *self, const struct ke_request *request,
    const struct trust_config *trust)
{
	*(unsigned *)self = request->ke_port + trust->path_count;
	return false;
}

static void a_job_without_its_box_does_nothing(void **state)
{
	const struct ke_request q = {
	    .host = "h", .ke_port = 4460, .timeout_ms = 1000};
	const struct trust_config trust = {.path_count = 1, .paths = {"/a"}};
	struct ke_answer a;
	unsigned seen = 0;
	const struct job_box box = {enter_and_fail, &seen};
	int link[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link), 0);
	assert_int_equal(frame_send(link[0], &q, sizeof(q)), 1);
	assert_int_equal(frame_send(link[0], &trust, sizeof(trust)), 1);
	assert_int_equal(resolver_job_main(link[1], &box), 1);
	assert_int_equal(seen, 4461);
	assert_int_equal(frame_receive_answer(link[0], &a), 0);
	close(link[0]);
	close(link[1]);
}

static void the_end_of_the_engine_is_the_end(void **state)
{
	struct dispatch_world *w = *state;
	struct mono start = mono_now();

	ask(w, 1, "hang.fake", 60000);
	assert_int_equal(stop_dispatcher(w), 0);
	assert_true(mono_now().ns - start.ns < 2 * NS_PER_S);
}

static void a_bad_frame_is_the_end_too(void **state)
{
	struct dispatch_world *w = *state;
	struct pollfd p = {.fd = w->engine, .events = POLLIN};

	assert_int_equal(frame_send(w->engine, "x", 1), 1);
	assert_int_equal(
	    poll_until(&p, 1, mono_after(mono_now(), 5 * NS_PER_S)), 1);
	assert_true(p.revents & POLLHUP);
	stop_dispatcher(w);
}

static long resident_kb(pid_t pid)
{
	char path[64];
	long pages = 0, resident = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/statm", (long)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &pages, &resident), 2);
	fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* What jobs allocate goes with them. */
static void the_dispatcher_does_not_grow(void **state)
{
	struct dispatch_world *w = *state;
	struct ke_answer a;
	long before;

	ask(w, 1, "local.fake", 5000);
	next_answer(w, mono_now(), &a);
	before = resident_kb(w->pid);
	for (int i = 0; i < 20; i++) {
		ask(w, 1, "local.fake", 5000);
		next_answer(w, mono_now(), &a);
		assert_int_equal(a.stage, KE_STAGE_DONE);
	}
	assert_true(resident_kb(w->pid) <= before + 200);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(answers_come_back),
	    TEST(few_descriptors_are_enough),
	    TEST(names_that_hang_delay_no_other),
	    TEST(a_lost_datagram_of_dns_is_not_waited_for_long),
	    TEST(a_job_that_dies_is_told),
	    TEST(a_job_that_breaks_the_protocol_is_told),
	    TEST(a_job_that_lies_and_ends_is_an_alarm_too),
	    TEST(a_job_that_sends_a_descriptor_stops_nothing),
	    TEST(a_job_that_exits_is_no_crash),
	    TEST(more_than_the_jobs_at_once_wait),
	    TEST(a_new_question_ends_the_job_of_the_old_one),
	    TEST(other_trust_holds_for_the_next_question),
	    TEST(no_child_is_left_behind),
	    TEST(a_job_that_cannot_start_is_told),
	    cmocka_unit_test(a_job_judges_its_request),
	    cmocka_unit_test(a_job_locks_its_keys),
	    cmocka_unit_test(a_job_without_its_box_does_nothing),
	    TEST(the_end_of_the_engine_is_the_end),
	    TEST(a_bad_frame_is_the_end_too),
	    TEST(the_dispatcher_does_not_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
