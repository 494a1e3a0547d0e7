/*
 * The table of processes, against the documents and against what a process
 * really has. This program is executed again for each row; in place of their
 * work, the main functions of the rooms below report what the process can see
 * of itself.
 */
#include "agent/launch/processes.h"

#include "agent/host/clocks.h"
#include "agent/host/sandbox/profiles.h"
#include "agent/host/sandbox/sandbox.h"
#include "agent/launch/entry.h"
#include "agent/launch/launch.h"
#include "agent/link/keeper_link.h"
#include "agent/launch/start.h"
#include "agent/link/log_link.h"
#include "agent/logger/logger.h"
#include "agent/loop/engine_loop.h"
#include "base/log.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534
#define SECOND 65533
#define TEXT_MAX 8192

/* In the process. */

static void report_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	printf("fds");
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    atoi(entry->d_name) != dirfd(dir))
			printf(" %s", entry->d_name);
	printf("\n");
	if (dir)
		closedir(dir);
}

static void report_environment(void)
{
	printf("environment");
	for (char **e = environ; *e; e++)
		printf(" %.*s", (int)strcspn(*e, "="), *e);
	printf("\n");
}

static bool ignores(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 &&
	       action.sa_handler == SIG_IGN;
}

static bool blocks_any(void)
{
	sigset_t set;

	sigprocmask(SIG_BLOCK, NULL, &set);
	return sigismember(&set, SIGTERM) || sigismember(&set, SIGCHLD);
}

/* A variable that every process gets. */
static const char order_variable[] = "LOCALDOMAIN";
static const char order_to_break_out[] = "break out";

static void obey_order(void)
{
	const char *order = getenv(order_variable);

	if (order && strcmp(order, order_to_break_out) == 0)
		syscall(SYS_chroot, "/");
}

static int report(void)
{
	const unsigned char *random = (const void *)getauxval(AT_RANDOM);
	char name[17] = "";
	int follows = 0;

	obey_order();
	prctl(PR_GET_NAME, name);
	prctl(PR_GET_PDEATHSIG, &follows);
	printf("name %s\n", name);
	report_descriptors();
	report_environment();
	printf("sys_time %d\n",
	    capng_get_caps_process() == 0 &&
		capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_TIME));
	printf("capabilities %d\n",
	    capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE);
	printf("no_new_privs %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	printf("dumpable %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	printf("uid %d\n", (int)geteuid());
	printf("follows %d\n", follows);
	printf("ignores %d\n",
	    ignores(SIGTERM) && ignores(SIGINT) && ignores(SIGHUP));
	printf("blocks %d\n", blocks_any());
	printf("canary %02x%02x%02x%02x\n", random[0], random[1], random[2],
	    random[3]);
	printf("end\n");
	fflush(stdout);
	return 7;
}

int engine_loop_run(const struct config *config,
    const struct run_options *options, const struct engine_links *links)
{
	printf("sandbox %s\n", options->sandbox);
	printf("sources %u timeout %d reason %s earliest %d links %d %d %d %d "
	       "%d %d %d\n",
	    config->source_count, options->timeout_s, options->no_clock_reason,
	    (int)links->start.earliest_ns, links->keeper_fd, links->config_fd,
	    links->resolver_fd, links->status_fd, links->control_fd,
	    links->history_fd, links->log_fd);
	return report();
}

int resolver_main(
    int fd, const struct trust_config *trust, const struct job_starter *starter)
{
	int link[2], status;
	pid_t pid;

	printf("paths %u link %d\n", trust->path_count, fd);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) != 0)
		return 1;
	if (starter->start(starter->self, link, &pid) == 0 &&
	    waitpid(pid, &status, 0) == pid)
		printf("job ended with %d\n", WEXITSTATUS(status));
	close(link[0]);
	close(link[1]);
	return report();
}

int resolver_job_main(int fd, const struct job_box *box)
{
	const struct ke_request request = {.ke_port = 4460};
	const struct trust_config trust = {.path_count = 0};

	if (!box->enter(box->self, &request, &trust))
		return 1;
	printf("job link %d\n", fd);
	return report();
}

int guard_main(const struct guard_fds *fds, const struct clock_ops *ops)
{
	printf("page %d pipe %d clock %d\n", fds->page, fds->pipe,
	    ops->set_freq != NULL);
	return report();
}

int loader_main(int fd)
{
	printf("link %d\n", fd);
	return report();
}

int saver_main(int fd)
{
	printf("link %d\n", fd);
	return report();
}

int logger_main(int fd)
{
	printf("link %d\n", fd);
	return report();
}

int keeper_loop_run(struct keeper_loop *p)
{
	(void)p;
	return report();
}

/* The other rooms' functions that the launch room names, and that no process
 * here comes to. */
struct keeper_limits keeper_limits_of(
    const struct config *config, bool no_clock)
{
	(void)config;
	return (struct keeper_limits){.no_clock = no_clock};
}

/* In the parent. */

struct scene {
	int output[2]; /* of the processes: standard output and error */
	int saved_out, saved_err;
	struct starter starter;
	enum log_level level;
	int link[2], pairs[3][2], sockets[2], page, pipe[2];
	struct child child;
	char text[TEXT_MAX];
};

static int listening(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

static int make(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_int_equal(pipe2(s->output, O_CLOEXEC), 0);
	s->level = LOG_LEVEL_INFO;
	s->starter = (struct starter){
	    .program = child_open_program(),
	    .identity = {.uid = geteuid(), .gid = getegid()},
	    .second = {.uid = geteuid(), .gid = getegid()},
	    .no_clock = true,
	    .log_target = LOG_TO_STDERR,
	    .log_level = &s->level,
	};
	assert_true(s->starter.program >= 0);
	for (size_t i = 0; i < ARRAY_LEN(s->pairs); i++)
		assert_int_equal(
		    socketpair(
			AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->pairs[i]),
		    0);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->link), 0);
	s->sockets[0] = listening();
	s->sockets[1] = listening();
	s->page = memfd_create("page", MFD_CLOEXEC);
	assert_int_equal(pipe2(s->pipe, O_CLOEXEC), 0);
	*state = s;
	return 0;
}

static int drop(void **state)
{
	struct scene *s = *state;

	for (int fd = CHILD_FIRST_FD; fd < 64; fd++)
		close(fd);
	free(s);
	return 0;
}

/* The descriptors of a row behind its first one. */
static void descriptors_of(const struct scene *s, enum process_id id, int out[])
{
	const int engine[] = {s->pairs[0][0], s->pairs[1][0], s->pairs[2][0],
	    s->sockets[0], s->sockets[1], s->page, s->pairs[0][1]};
	const int resolver[] = {s->pairs[0][0], s->starter.program, s->pipe[0]};
	const int guard[] = {s->page, s->pipe[0]};

	if (id == PROCESS_ENGINE)
		memcpy(out, engine, sizeof(engine));
	else if (id == PROCESS_RESOLVER)
		memcpy(out, resolver, sizeof(resolver));
	else if (id == PROCESS_GUARD)
		memcpy(out, guard, sizeof(guard));
}

static void send_request(struct scene *s, enum process_id id)
{
	struct start_engine *e = calloc(1, sizeof(*e));
	struct trust_config trust = {.system_certs = true, .path_count = 2};
	const struct save_order save = {.driftfile = "/tmp/d"};
	const struct log_order log = {.folder = "/tmp"};

	assert_non_null(e);
	config_defaults(&e->config);
	e->config.source_count = 1;
	e->config.sources[0] = (struct source_config){.name = "a",
	    .host = "a",
	    .ke_port = 1,
	    .minpoll = POLL_AUTO,
	    .maxpoll = POLL_AUTO,
	    .max_delay_ns = NS_PER_S};
	e->earliest_ns = 77;
	e->timeout_s = 5;
	e->no_clock = 1;
	strcpy(e->no_clock_reason, "a_test");
	if (id == PROCESS_ENGINE)
		assert_true(start_send(s->link[0], e, sizeof(*e)));
	if (id == PROCESS_RESOLVER)
		assert_true(start_send(s->link[0], &trust, sizeof(trust)));
	if (id == PROCESS_SAVER)
		assert_true(start_send(s->link[0], &save, sizeof(save)));
	if (id == PROCESS_LOGGER)
		assert_true(start_send(s->link[0], &log, sizeof(log)));
	free(e);
}

/* Runs `act` with standard output and error in the scene's pipe. */
static int with_output(
    struct scene *s, int (*act)(struct scene *, const int *), const int *arg)
{
	int result;

	s->saved_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 40);
	s->saved_err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 40);
	fflush(stdout);
	dup2(s->output[1], STDOUT_FILENO);
	dup2(s->output[1], STDERR_FILENO);
	result = act(s, arg);
	dup2(s->saved_out, STDOUT_FILENO);
	dup2(s->saved_err, STDERR_FILENO);
	close(s->saved_out);
	close(s->saved_err);
	return result;
}

/* All that the process wrote until it ended; the status of waitpid(2). */
static int collect_status(struct scene *s)
{
	size_t len = 0;
	ssize_t n;
	int status;

	close(s->output[1]);
	while ((n = read(s->output[0], s->text + len, TEXT_MAX - 1 - len)) > 0)
		len += (size_t)n;
	s->text[len] = '\0';
	assert_int_equal(waitpid(s->child.pid, &status, 0), s->child.pid);
	return status;
}

/* Its exit status. */
static int collect(struct scene *s)
{
	int status = collect_status(s);

	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int start(struct scene *s, const int *id)
{
	int fds[CHILD_FDS_MAX];

	descriptors_of(s, (enum process_id) * id, fds);
	return start_process(
	    &s->starter, (enum process_id) * id, s->link, fds, &s->child);
}

static void runs(struct scene *s, enum process_id id)
{
	const int number = (int)id;
	int status;

	send_request(s, PROCESS_COUNT);
	assert_int_equal(with_output(s, start, &number), 0);
	send_request(s, id);
	status = collect(s);
	if (status != 7)
		fail_msg(
		    "%s: status %d: %s", process_at(id)->name, status, s->text);
}

static void says(const struct scene *s, const char *line)
{
	const char *at = strstr(s->text, line);

	while (at && at[strlen(line)] != '\n')
		at = strstr(at + 1, line);
	if (!at)
		fail_msg("no line \"%s\" in: %s", line, s->text);
}

static void says_number(const struct scene *s, const char *word, int number)
{
	char line[64];

	snprintf(line, sizeof(line), "%s %d", word, number);
	says(s, line);
}

/* What every process has in common, and what its row says of it. */
static void is_as_the_row_says(const struct scene *s, enum process_id id)
{
	const struct process *row = process_at(id);
	const unsigned count = process_descriptors(row);
	/* One that is ready closes its start link. */
	const bool closes = strcmp(row->descriptors[0].name, "start link") == 0;
	char line[256];
	size_t len;

	snprintf(line, sizeof(line), "name nts-%s", row->name);
	says(s, line);
	len = (size_t)snprintf(line, sizeof(line), "fds 0 1 2");
	for (unsigned i = closes ? 1 : 0; i < count; i++)
		len += (size_t)snprintf(
		    line + len, sizeof(line) - len, " %u", CHILD_FIRST_FD + i);
	says(s, line);
	says_number(s, "follows", row->follows_with);
	says_number(s, "ignores", row->ignores_ends);
	says_number(s, "blocks", 0);
	says_number(s, "no_new_privs", 1);
	says_number(s, "dumpable", 0);
}

static void each_process_has_what_its_row_says(void **state)
{
	static char secret[] = "SECRET=s", needed[] = "TZ=UTC";
	static char like_it[] = "TZNAME=no", manager[] = "NOTIFY_SOCKET=/x";
	char *few[] = {secret, like_it, needed, manager, NULL};
	char **all = environ;
	struct scene *s;
	void *scene;

	(void)state;
	environ = few;
	for (int id = PROCESS_KEEPER + 1; id < PROCESS_COUNT; id++) {
		make(&scene);
		s = scene;
		/* Left open by a library. */
		assert_int_equal(dup2(STDIN_FILENO, 57), 57);
		runs(s, (enum process_id)id);
		is_as_the_row_says(s, (enum process_id)id);
		says(s, "environment TZ");
		says_number(s, "sys_time", 0);
		says_number(s, "capabilities", 0);
		drop(&scene);
	}
	environ = all;
}

static void requests_arrive(void **state)
{
	struct scene *s = *state;

	runs(s, PROCESS_ENGINE);
	says(s, "sandbox off");
	says(s, "sources 1 timeout 5 reason a_test earliest 77 links 4 5 6 7 8 "
		"9 10");
}

static void the_resolver_starts_jobs(void **state)
{
	struct scene *s = *state;

	runs(s, PROCESS_RESOLVER);
	says(s, "paths 2 link 4");
	says(s, "job link 3");
	says(s, "name nts-job");
	says(s, "job ended with 7");
	/* The job reports first. */
	says_number(s, "follows", SIGKILL);
}

static void the_guard_gets_page_and_pipe(void **state)
{
	struct scene *s = *state;

	runs(s, PROCESS_GUARD);
	says(s, "page 4 pipe 5 clock 1");
}

static int start_without_options(struct scene *s, const int *id)
{
	const int fds[] = {s->pairs[0][0], -1, s->pairs[2][0], -1, -1, -1, -1};

	return start_process(
	    &s->starter, (enum process_id) * id, s->link, fds, &s->child);
}

static void optional_descriptors_may_be_missing(void **state)
{
	const int id = PROCESS_ENGINE;
	struct scene *s = *state;

	assert_int_equal(with_output(s, start_without_options, &id), 0);
	send_request(s, PROCESS_ENGINE);
	assert_int_equal(collect(s), 7);
	says(s, "fds 0 1 2 4 6");
	says(s, "sources 1 timeout 5 reason a_test earliest 77 links 4 -1 6 -1 "
		"-1 -1 -1");
}

/* Root: the user changes, and only keeper and guard keep CAP_SYS_TIME. */
static void rights_are_those_of_the_row(void **state)
{
	void *scene;

	(void)state;
	if (geteuid() != 0 || capng_get_caps_process() != 0 ||
	    !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_TIME))
		skip();
	for (int id = PROCESS_KEEPER + 1; id < PROCESS_COUNT; id++) {
		const bool keeps =
		    process_at((enum process_id)id)->keeps_sys_time;
		struct scene *s;

		make(&scene);
		s = scene;
		s->starter.no_clock = false;
		s->starter.identity = (struct identity){
		    .change = true, .uid = NOBODY, .gid = NOBODY};
		s->starter.second = (struct identity){
		    .change = true, .uid = SECOND, .gid = NOBODY};
		runs(s, (enum process_id)id);
		is_as_the_row_says(s, (enum process_id)id);
		says_number(s, "uid",
		    process_at((enum process_id)id)->second_user ? SECOND
								 : NOBODY);
		says_number(s, "sys_time", keeps);
		says_number(s, "capabilities", keeps);
		drop(&scene);
	}
}

/* The main function of each row begins in the sandbox of the row. */
static void each_process_is_in_its_sandbox(void **state)
{
	char why[SANDBOX_TEXT_MAX], line[128];
	void *scene;

	(void)state;
	if (sandbox_possible(why) != SANDBOX_ON)
		return;
	setenv(order_variable, order_to_break_out, 1);
	for (int number = PROCESS_KEEPER + 1; number < PROCESS_COUNT;
	     number++) {
		struct scene *s;
		int status;

		make(&scene);
		s = scene;
		s->starter.sandbox = SANDBOX_ON;
		assert_int_equal(with_output(s, start, &number), 0);
		send_request(s, (enum process_id)number);
		status = collect_status(s);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
		snprintf(line, sizeof(line),
		    "the sandbox ends the %s: it may not make the system call "
		    "chroot(",
		    process_at((enum process_id)number)->name);
		assert_non_null(strstr(s->text, line));
		drop(&scene);
	}
	unsetenv(order_variable);
}

/* No two processes share the seed of their stack canaries. */
static void each_process_has_its_own_layout(void **state)
{
	char canaries[PROCESS_COUNT][16] = {""};
	void *scene;

	(void)state;
	for (int id = PROCESS_KEEPER + 1; id < PROCESS_COUNT; id++) {
		struct scene *s;

		make(&scene);
		s = scene;
		runs(s, (enum process_id)id);
		assert_int_equal(sscanf(strstr(s->text, "canary "),
				     "canary %15s", canaries[id]),
		    1);
		for (int other = 0; other < id; other++)
			assert_string_not_equal(canaries[other], canaries[id]);
		drop(&scene);
	}
}

/* The process that starts is not there to take its head. */
static void the_head_names_the_descriptors_that_are_there(void **state)
{
	static const struct {
		enum process_id id;
		int missing; /* in the row; 0: none */
		uint32_t bits;
	} rows[] = {
	    {PROCESS_GUARD, 0, 7},
	    {PROCESS_ENGINE, 0, 0xff},
	    {PROCESS_ENGINE, 5, 0xdf},
	    {PROCESS_ENGINE, 2, 0xfb},
	    {PROCESS_ENGINE, 6, 0xbf},
	    {PROCESS_ENGINE, 7, 0x7f},
	    {PROCESS_SAVER, 0, 1},
	};
	struct scene *s = *state;

	close(s->starter.program);
	s->starter.program = open("/bin/true", O_PATH | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int fds[CHILD_FDS_MAX];
		struct start_head head;

		descriptors_of(s, rows[i].id, fds);
		if (rows[i].missing > 0)
			fds[rows[i].missing - 1] = -1;
		assert_int_equal(start_process(&s->starter, rows[i].id, s->link,
				     fds, &s->child),
		    0);
		assert_true(start_receive(s->link[1], &head, sizeof(head)));
		assert_int_equal(head.process, rows[i].id);
		assert_int_equal(head.descriptors, rows[i].bits);
		assert_int_equal(waitpid(s->child.pid, NULL, 0), s->child.pid);
	}
}

static void a_broken_link_starts_nothing(void **state)
{
	const int fds[] = {-1, -1};
	struct scene *s = *state;

	shutdown(s->link[0], SHUT_WR);
	assert_int_equal(
	    start_process(&s->starter, PROCESS_GUARD, s->link, fds, &s->child),
	    -EPIPE);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* What does not begin as it should. */

static int execute(struct scene *s, const int *fds)
{
	return child_exec(
	    &s->child, "engine", s->starter.program, fds, CHILD_FDS_MAX);
}

/* The engine's descriptors with its head as `s` has it. */
static void ends(struct scene *s, const struct start_head *head,
    const int fds[CHILD_FDS_MAX], int status, const char *sentence)
{
	if (head)
		assert_true(start_send(s->link[0], head, sizeof(*head)));
	shutdown(s->link[0], SHUT_WR);
	assert_int_equal(with_output(s, execute, fds), 0);
	assert_int_equal(collect(s), status);
	if (!strstr(s->text, sentence))
		fail_msg("\"%s\" is not in: %s", sentence, s->text);
	assert_null(strstr(s->text, "end\n"));
}

static struct start_head good_head(void)
{
	struct start_head h = start_head_of(PROCESS_ENGINE);

	h.parent = (int32_t)getpid();
	h.uid = geteuid();
	h.gid = getegid();
	h.no_clock = 1;
	h.log_level = LOG_LEVEL_INFO;
	h.descriptors = 0x0b;
	return h;
}

/* start link, keeper link, no config link, resolver link */
static void good_descriptors(const struct scene *s, int fds[CHILD_FDS_MAX])
{
	for (int i = 0; i < CHILD_FDS_MAX; i++)
		fds[i] = -1;
	fds[0] = s->link[1];
	fds[1] = s->pairs[0][0];
	fds[3] = s->pairs[2][0];
}

static void by_hand_it_is_refused(void **state)
{
	struct scene *s = *state;
	int fds[CHILD_FDS_MAX];

	good_descriptors(s, fds);
	fds[0] = -1;
	ends(s, NULL, fds, EXIT_UNUSABLE,
	    "--child is for processes that ntsagentd starts itself: "
	    "descriptor 3 is not a socket to it");
}

static void a_file_in_place_of_the_link_is_refused(void **state)
{
	struct scene *s = *state;
	int fds[CHILD_FDS_MAX];

	good_descriptors(s, fds);
	fds[0] = s->page;
	ends(s, NULL, fds, EXIT_UNUSABLE, "is not a socket to it");
}

static void without_a_request_it_ends(void **state)
{
	struct scene *s = *state;
	int fds[CHILD_FDS_MAX];

	good_descriptors(s, fds);
	ends(s, NULL, fds, EXIT_UNUSABLE,
	    "the request to start is not complete");
}

static void another_version_is_refused(void **state)
{
	struct start_head h = good_head();
	struct scene *s = *state;
	int fds[CHILD_FDS_MAX];

	good_descriptors(s, fds);
	strcpy(h.version, "0.0.9");
	ends(s, &h, fds, EXIT_UNUSABLE,
	    "this program has the version " NTSAGENT_VERSION
	    ", the agent that starts it has 0.0.9: restart the agent");
}

static void a_request_for_another_process_is_refused(void **state)
{
	struct start_head h = good_head();
	struct scene *s = *state;
	int fds[CHILD_FDS_MAX];

	good_descriptors(s, fds);
	h.process = PROCESS_GUARD;
	ends(s, &h, fds, EXIT_UNUSABLE,
	    "the request to start is not understood");
}

static void a_missing_descriptor_is_noticed(void **state)
{
	struct start_head h = good_head();
	struct scene *s = *state;
	int fds[CHILD_FDS_MAX];

	good_descriptors(s, fds);
	fds[1] = -1;
	ends(s, &h, fds, EXIT_UNUSABLE,
	    "the engine does not have its descriptors");
}

static void a_descriptor_that_is_not_named_is_noticed(void **state)
{
	struct start_head h = good_head();
	struct scene *s = *state;
	int fds[CHILD_FDS_MAX];

	good_descriptors(s, fds);
	h.descriptors &= ~UINT32_C(2);
	ends(s, &h, fds, EXIT_UNUSABLE,
	    "the engine does not have its descriptors");
}

static void a_descriptor_of_another_kind_is_noticed(void **state)
{
	const struct {
		int at, fd;
	} wrong[] = {{1, 0}, {3, 1}, {4, 2}};
	void *scene;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct start_head h = good_head();
		int fds[CHILD_FDS_MAX];
		struct scene *s;

		make(&scene);
		s = scene;
		good_descriptors(s, fds);
		fds[wrong[i].at] = wrong[i].fd == 0   ? s->pipe[0]
				   : wrong[i].fd == 1 ? s->sockets[0]
						      : s->pairs[1][0];
		h.descriptors |= UINT32_C(1) << wrong[i].at;
		ends(s, &h, fds, EXIT_UNUSABLE,
		    "the engine does not have its descriptors");
		drop(&scene);
	}
}

/* The parent has died before the process could follow it. */
static void an_orphan_ends(void **state)
{
	struct start_head h = good_head();
	struct scene *s = *state;
	int fds[CHILD_FDS_MAX];

	good_descriptors(s, fds);
	h.parent++;
	ends(s, &h, fds, 1, "");
	/* It does not even take its request. */
	assert_string_equal(s->text, "");
}

static void rights_that_cannot_be_had_end_it(void **state)
{
	struct start_head h = good_head();
	struct scene *s = *state;
	int fds[CHILD_FDS_MAX];

	good_descriptors(s, fds);
	h.uid++;
	ends(s, &h, fds, 1, "cannot drop privileges");
	assert_null(strstr(s->text, "the request to start"));
}

static void a_bad_request_ends_it(void **state)
{
	const int id = PROCESS_ENGINE;
	struct scene *s = *state;

	assert_int_equal(with_output(s, start, &id), 0);
	assert_true(start_send(s->link[0], "x", 1));
	assert_int_equal(collect(s), 1);
	assert_non_null(
	    strstr(s->text, "the request to start is not understood"));
}

/* A request of the right length, with a value that cannot be. */
static void a_wrong_request_ends_it(void **state)
{
	static const struct start_engine no_engine;
	const struct trust_config no_trust = {.path_count = UINT32_MAX};
	const int ids[] = {PROCESS_ENGINE, PROCESS_RESOLVER};
	void *scene;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct scene *s;

		make(&scene);
		s = scene;
		assert_int_equal(with_output(s, start, &ids[i]), 0);
		assert_true(
		    i == 0
			? start_send(s->link[0], &no_engine, sizeof(no_engine))
			: start_send(s->link[0], &no_trust, sizeof(no_trust)));
		assert_int_equal(collect(s), 1);
		assert_non_null(
		    strstr(s->text, "the request to start is not understood"));
		drop(&scene);
	}
}

static int run_entry(struct scene *s, const int *number)
{
	static const char *const names[] = {"keeper", "nobody", "engines", ""};

	(void)s;
	return entry_run(names[*number]);
}

static void names_that_are_no_process_are_refused(void **state)
{
	for (int i = 0; i < 4; i++)
		assert_int_equal(
		    with_output(*state, run_entry, &i), EXIT_UNUSABLE);
}

/* The documents. */

static void print_row(FILE *out, const struct process *p)
{
	char sandbox[SANDBOX_TEXT_MAX];

	profile_describe(p->sandbox, sandbox);
	fprintf(out, "| %s | %s | %s | %s | ", p->name, p->started_by,
	    p->second_user ? "user-resolver" : "user",
	    p->keeps_sys_time ? "CAP_SYS_TIME" : "nothing");
	for (unsigned i = 0; i < process_descriptors(p); i++)
		fprintf(out, "%s%s%s", i ? ", " : "", p->descriptors[i].name,
		    p->descriptors[i].optional ? " (if any)" : "");
	fprintf(out, " | %s | %s | %s |\n", sandbox,
	    p->death == DEATH_ENDS_AGENT ? "the agent ends" : "it is reported",
	    p->purpose);
}

static char *print_table(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fprintf(out,
	    "| process | started by | runs as | keeps | has | sandbox | "
	    "when it dies | what it does |\n"
	    "|---|---|---|---|---|---|---|---|\n");
	for (int id = 0; id < PROCESS_COUNT; id++)
		print_row(out, process_at((enum process_id)id));
	assert_int_equal(fclose(out), 0);
	return text;
}

/* What stands between the two marks of a document; NULL: they are not there. */
static char *between_marks(const char *path)
{
	static const char begin[] = "<!-- processes -->\n";
	static const char end[] = "<!-- /processes -->";
	static char text[262144];
	FILE *f = fopen(path, "re");
	char *from, *to;
	size_t len;

	assert_non_null(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	fclose(f);
	from = strstr(text, begin);
	to = from ? strstr(from, end) : NULL;
	if (!to)
		return NULL;
	*to = '\0';
	return from + strlen(begin);
}

static void the_documents_show_the_table(void **state)
{
	char *table = print_table(), *shown;

	(void)state;
	shown = between_marks("agent/launch/README.md");
	assert_string_equal(shown ? shown : "no table", table);
	shown = between_marks("DESIGN.md");
	if (shown)
		assert_string_equal(shown, table);
	free(table);
}

static void the_table_is_whole(void **state)
{
	(void)state;
	for (int id = 0; id < PROCESS_COUNT; id++) {
		const struct process *p = process_at((enum process_id)id);

		assert_non_null(p->name);
		assert_non_null(p->main);
		assert_int_equal(p->sandbox, id);
		assert_int_equal(process_find(p->name), id);
		/* A process without a right follows its parent. */
		assert_true(p->keeps_sys_time || p->follows_with != 0);
		/* "nts-NAME" has to fit into a process name. */
		assert_true(strlen(p->name) <= 11);
	}
	assert_int_equal(process_find("nobody"), PROCESS_COUNT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_table_is_whole),
	    cmocka_unit_test(the_documents_show_the_table),
	    cmocka_unit_test(each_process_has_what_its_row_says),
	    cmocka_unit_test(rights_are_those_of_the_row),
	    cmocka_unit_test(each_process_is_in_its_sandbox),
	    cmocka_unit_test(each_process_has_its_own_layout),
	    TEST(requests_arrive),
	    TEST(the_resolver_starts_jobs),
	    TEST(the_guard_gets_page_and_pipe),
	    TEST(optional_descriptors_may_be_missing),
	    TEST(the_head_names_the_descriptors_that_are_there),
	    TEST(a_broken_link_starts_nothing),
	    TEST(by_hand_it_is_refused),
	    TEST(a_file_in_place_of_the_link_is_refused),
	    TEST(without_a_request_it_ends),
	    TEST(another_version_is_refused),
	    TEST(a_request_for_another_process_is_refused),
	    TEST(a_missing_descriptor_is_noticed),
	    TEST(a_descriptor_that_is_not_named_is_noticed),
	    cmocka_unit_test(a_descriptor_of_another_kind_is_noticed),
	    TEST(an_orphan_ends),
	    TEST(rights_that_cannot_be_had_end_it),
	    TEST(a_bad_request_ends_it),
	    cmocka_unit_test(a_wrong_request_ends_it),
	    TEST(names_that_are_no_process_are_refused),
	};

	if (argc == 2 &&
	    strncmp(argv[1], CHILD_OPTION, strlen(CHILD_OPTION)) == 0)
		return entry_run(argv[1] + strlen(CHILD_OPTION));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
