#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/agent/loop/process.h"

#include "agent/loop/reload.h"
#include "tests/unit/agent/loop/locked_memory.h"
#include "tests/unit/bound_udp.h"
#include "tests/unit/log_text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct endpoint nowhere = {
    .family = 4, .port = 123, .address = {127, 255, 255, 255}};
static const struct endpoint elsewhere = {
    .family = 4, .port = 123, .address = {192, 0, 2, 1}};

/* A socket on the loopback interface; nothing reads it. */
static int open_server(struct endpoint *at)
{
	uint16_t port;
	int fd = bound_udp(&port);

	*at = (struct endpoint){
	    .family = 4, .port = port, .address = {127, 0, 0, 1}};
	return fd;
}

static int setup(void **state)
{
	*state = process_new(2, NULL);
	return 0;
}

static int teardown(void **state)
{
	process_free(*state);
	return 0;
}

static int send_byte(
    struct engine_loop *p, unsigned slot, const struct endpoint *to)
{
	return p->engine.ports.send(p, slot, to, (const uint8_t *)"x", 1);
}

static void a_request_leaves_from_a_known_address(void **state)
{
	struct process *t = *state;
	struct engine_loop *p = t->loop;
	struct endpoint to;
	char byte;
	int fd = open_server(&to);

	p->from[1] = elsewhere;
	assert_int_equal(send_byte(p, 1, &to), 0);
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	assert_true(endpoint_same_host(&p->from[1], &to));
	assert_int_equal(p->from[0].family, 0);
	assert_int_equal(send_byte(p, 1, &nowhere), -EACCES);
	assert_int_equal(p->from[1].family, 0);
	close(fd);
}

static void the_local_address_is_asked_for_once(void **state)
{
	struct process *t = *state;
	struct engine_loop *p = t->loop;
	struct endpoint to;
	int fd = open_server(&to);

	assert_int_equal(send_byte(p, 1, &to), 0);
	assert_true(endpoint_same_host(&p->from[1], &to));
	p->from[1] = elsewhere;
	assert_int_equal(send_byte(p, 1, &to), 0);
	assert_true(endpoint_same_host(&p->from[1], &elsewhere));
	p->from_to[1] = elsewhere;
	assert_int_equal(send_byte(p, 1, &to), 0);
	assert_true(endpoint_same_host(&p->from[1], &to));
	close(fd);
}

static void a_simulator_needs_no_local_address(void **state)
{
	struct process *t = *state;
	struct engine_loop *p = t->loop;
	struct keeper keeper;
	struct endpoint to;
	int fd = open_server(&to);

	t->links.keeper = &keeper;
	p->from[1] = elsewhere;
	assert_int_equal(send_byte(p, 1, &to), 0);
	assert_int_equal(send_byte(p, 1, &nowhere), -EACCES);
	assert_true(endpoint_same_host(&p->from[1], &elsewhere));
	close(fd);
}

static void another_local_address_is_another_route(void **state)
{
	struct process *t = *state;
	struct engine_loop *p = t->loop;
	struct endpoint to;
	int fd = open_server(&to);

	assert_int_equal(send_byte(p, 1, &to), 0);
	assert_false(p->engine.ports.rerouted(p, 1, &to));
	p->from[1] = elsewhere;
	assert_true(p->engine.ports.rerouted(p, 1, &to));
	assert_false(p->engine.ports.rerouted(p, 1, &to));
	/* Without a route, and with one again. */
	assert_false(p->engine.ports.rerouted(p, 1, &nowhere));
	assert_true(p->engine.ports.rerouted(p, 1, &to));
	close(fd);
}

static void a_closed_slot_hears_no_answer(void **state)
{
	struct process *t = *state;
	struct engine_loop *p = t->loop;
	struct endpoint to;
	int fd = open_server(&to);

	assert_int_equal(send_byte(p, 1, &to), 0);
	assert_true(p->udp.slots[1].fd >= 0);
	p->engine.ports.close(p, 1);
	assert_int_equal(p->udp.slots[1].fd, -1);
	close(fd);
}

static void messages_go_to_the_other_processes(void **state)
{
	struct process *t = *state;
	struct engine_loop *p = t->loop;
	struct keeper_message m = {.kind = KEEPER_MESSAGE_SAVE, .serial = 7};
	struct ke_request request, asked;

	p->engine.ports.command(p, &m);
	memset(&m, 0, sizeof(m));
	assert_int_equal(keeper_receive_message(t->keeper, &m), 1);
	assert_int_equal(m.serial, 7);
	request =
	    (struct ke_request){.source = 1, .serial = 8, .ke_port = 4460};
	strcpy(request.host, "here.test");
	request.timeout_ms = 1000;
	p->engine.ports.ask(p, &request);
	assert_int_equal(frame_receive_request(t->resolver, &asked), 1);
	assert_int_equal(asked.source, 1);
	assert_int_equal(asked.serial, 8);
	assert_false(p->broken);
}

static void a_lost_process_breaks_the_loop(void **state)
{
	struct process *t = *state;
	struct engine_loop *p = t->loop;
	struct keeper_message m = {.kind = KEEPER_MESSAGE_SAVE, .serial = 1};
	struct ke_request request = {.source = 0};

	close(t->keeper);
	t->keeper = -1;
	p->engine.ports.command(p, &m);
	assert_true(p->broken);
	p->broken = false;
	close(t->resolver);
	t->resolver = -1;
	p->engine.ports.ask(p, &request);
	assert_true(p->broken);
}

static void random_bytes_differ(void **state)
{
	static const uint8_t none[32];
	struct process *t = *state;
	uint8_t a[32] = {0}, b[32] = {0};

	t->loop->engine.ports.random(t->loop, a, sizeof(a));
	t->loop->engine.ports.random(t->loop, b, sizeof(b));
	assert_memory_not_equal(a, none, sizeof(a));
	assert_memory_not_equal(a, b, sizeof(a));
}

/* Secrets come from the kernel, and no byte is given twice. */
static void short_random_bytes_come_from_a_pool(void **state)
{
	struct process *t = *state;
	struct engine_loop *p = t->loop;
	uint32_t first, next;
	uint8_t secret[9];

	p->random_left = 0;
	p->engine.ports.random(p, &first, sizeof(first));
	assert_int_equal(p->random_left, RANDOM_POOL - sizeof(first));
	p->engine.ports.random(p, secret, sizeof(secret));
	assert_int_equal(p->random_left, RANDOM_POOL - sizeof(first));
	memset(p->random, 0, p->random_left);
	for (unsigned i = 1; i < RANDOM_POOL / sizeof(next); i++) {
		p->engine.ports.random(p, &next, sizeof(next));
		assert_int_equal(next, 0);
	}
	assert_int_equal(p->random_left, 0);
	p->engine.ports.random(p, &next, sizeof(next));
	assert_int_equal(p->random_left, RANDOM_POOL - sizeof(next));
	assert_int_not_equal(next, 0);
	assert_int_not_equal(next, first);
}

static void the_status_says_what_the_logger_cannot_write(void **state)
{
	struct process *t = *state;
	struct engine_loop *p = t->loop;
	const char *text = p->engine.unsaved[UNSAVED_LOGS].text;
	int link[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link), 0);
	t->links.log_fd = link[0];
	ports_hear_logger(p);
	assert_string_equal(text, "");
	log_tell(link[1], ENOSPC);
	ports_hear_logger(p);
	assert_string_equal(text,
	    "lines of the files of measurements are lost: cannot write into "
	    "/var/log/ntsagent: there is no space left; free some on that "
	    "disk; see: sudo ntsagentd --check-config");
	log_tell(link[1], 0);
	ports_hear_logger(p);
	assert_string_equal(text, "");
	assert_false(p->log_gone);
	close(link[1]);
	ports_hear_logger(p);
	assert_true(p->log_gone);
	close(link[0]);
	t->links.log_fd = -1;
}

static void a_line_is_logged_as_it_is(void **state)
{
	static struct log_text log;
	struct process *t = *state;

	log_text_begin(&log);
	t->loop->engine.ports.report(t->loop, LOG_LEVEL_NOTICE, "100%s sure");
	t->loop->engine.ports.report(t->loop, LOG_LEVEL_DEBUG, "detail");
	assert_non_null(strstr(log_text_end(&log), "]: 100%s sure\n"));
	assert_null(strstr(log.text, "detail"));
}

/* What the port finds while another process has the name of a rival. */
static const char *rival_while_one_runs(struct engine_loop *p)
{
	const char *found;
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, "chronyd");
		(void)!write(ready[1], "x", 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	found = p->engine.ports.rival(p);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	return found;
}

static void a_rival_is_named_but_not_in_a_simulator(void **state)
{
	struct process *t = *state;
	struct keeper keeper;
	const char *found = rival_while_one_runs(t->loop);

	assert_non_null(found);
	assert_non_null(strstr(found, " (pid "));
	t->links.keeper = &keeper;
	assert_null(rival_while_one_runs(t->loop));
}

static void saving_is_switched_on_and_off(void **state)
{
	struct process *t = *state;
	const struct engine_ports *ports = &t->loop->engine.ports;

	assert_null(ports->save_keys);
	assert_null(ports->save_samples);
	ports_save_too(t->loop, true);
	assert_non_null(ports->save_keys);
	assert_non_null(ports->save_samples);
	ports_save_too(t->loop, false);
	assert_null(ports->save_keys);
	assert_null(ports->save_samples);
}

static void keys_of_one_source_are_forgotten(void **state)
{
	struct process *t = *state;
	struct engine_loop *p = t->loop;
	char folder[] = P_tmpdir "/ntsagent-ports-XXXXXX", file[64];

	assert_non_null(mkdtemp(folder));
	strcpy(t->config.saved_keys, folder);
	snprintf(file, sizeof(file), "%s/1.ntskeys", folder);
	keyring_open(&p->keyring, &t->config, &t->links.seal);
	ports_save_too(p, true);
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	p->engine.ports.save_keys(p, 0, NULL);
	assert_int_equal(access(file, F_OK), 0);
	p->engine.ports.save_keys(p, 1, NULL);
	assert_int_equal(access(file, F_OK), -1);
	ports_save_too(p, false);
	keyring_close(&p->keyring);
	p->keyring.folder.fd = -1;
	assert_int_equal(rmdir(folder), 0);
}

static void the_keys_of_all_sources_stay_in_memory(void **state)
{
	struct process *t = *state;
	long size_kb = (long)(2 * sizeof(struct source) / 1024);
	long before = locked_kb(getpid());

	if (!LITTLE_MEMORY_WORKS)
		return; /* The builds without a sanitizer run this. */
	if (!locking_works(4 * sizeof(struct source)))
		skip();
	reload_lock_memory(t->loop->engine.sources, 2);
	assert_true(locked_kb(getpid()) >= before + size_kb);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_request_leaves_from_a_known_address),
	    TEST(a_simulator_needs_no_local_address),
	    TEST(another_local_address_is_another_route),
	    TEST(a_closed_slot_hears_no_answer),
	    TEST(messages_go_to_the_other_processes),
	    TEST(a_lost_process_breaks_the_loop),
	    TEST(random_bytes_differ),
	    TEST(short_random_bytes_come_from_a_pool),
	    TEST(the_local_address_is_asked_for_once),
	    TEST(the_status_says_what_the_logger_cannot_write),
	    TEST(a_line_is_logged_as_it_is),
	    TEST(a_rival_is_named_but_not_in_a_simulator),
	    TEST(saving_is_switched_on_and_off),
	    TEST(keys_of_one_source_are_forgotten),
	    TEST(the_keys_of_all_sources_stay_in_memory),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
