/* The parts of a reload in the process of the engine; engine_loop_test.c has
 * the clients that order one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/agent/loop/process.h"

#include "agent/loop/reload.h"
#include "tests/unit/agent/engine/little_memory.h"
#include "tests/unit/agent/saved/made_folder.h"
#include "tests/unit/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT 5

struct stage {
	struct process *process;
	struct engine_loop *loop;
	struct reload_result result;
	char folder[64];
};

static int setup(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->process = process_new(2, NULL);
	s->loop = s->process->loop;
	s->result.ok = 1;
	s->result.config = s->process->config;
	strcpy(s->result.config.file, "/etc/ntsagent/ntsagent.conf");
	strcpy(s->folder, P_tmpdir "/ntsagent-reload-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct stage *s = *state;
	struct saved_folder folder;
	char why[SAVED_FOLDER_WHY_MAX];

	process_free(s->process);
	if (saved_folder_open(&folder, s->folder, why)) {
		sweep_all(&folder);
		saved_folder_close(&folder);
	}
	assert_int_equal(rmdir(s->folder), 0);
	free(s);
	return 0;
}

static void hear_result(struct stage *s)
{
	assert_int_equal(reload_send_result(s->process->reload, &s->result), 1);
	reload_hear(s->loop);
	assert_false(s->loop->broken);
}

static void order(struct stage *s)
{
	reload_order(s->loop, CLIENT, false, loop_now(s->loop).mono);
}

static uint32_t ordered_serial(const struct stage *s)
{
	struct reload_request q;

	assert_int_equal(reload_receive_request(s->process->reload, &q), 1);
	return q.serial;
}

static void orders_are_numbered_and_one_at_a_time(void **state)
{
	struct stage *s = *state;
	struct reload_request q;

	for (uint32_t i = 1; i <= 3; i++) {
		order(s);
		assert_int_equal(ordered_serial(s), i);
		assert_int_equal(s->loop->reload_client, CLIENT);
		reload_order(
		    s->loop, CLIENT + 1, false, loop_now(s->loop).mono);
		assert_int_equal(
		    reload_receive_request(s->process->reload, &q), 0);
		assert_int_equal(s->loop->reload_client, CLIENT);
		s->result.serial = i;
		s->result.ok = i & 1;
		hear_result(s);
		assert_int_equal(s->loop->reload_client, 0);
	}
}

static void an_order_may_be_for_dropped_sources_alone(void **state)
{
	struct stage *s = *state;
	struct reload_request q;

	reload_order(s->loop, CLIENT, true, loop_now(s->loop).mono);
	assert_int_equal(reload_receive_request(s->process->reload, &q), 1);
	assert_int_equal(q.only_dropped, 1);
	s->result.serial = q.serial;
	hear_result(s);
	reload_order(s->loop, CLIENT, false, loop_now(s->loop).mono);
	assert_int_equal(reload_receive_request(s->process->reload, &q), 1);
	assert_int_equal(q.only_dropped, 0);
}

static void a_result_of_another_order_is_not_the_answer(void **state)
{
	struct stage *s = *state;

	order(s);
	s->result.serial = 0;
	hear_result(s);
	assert_int_equal(s->loop->reload_client, CLIENT);
	s->result.serial = 1;
	hear_result(s);
	assert_int_equal(s->loop->reload_client, 0);
}

static void without_a_keeper_there_is_no_reload(void **state)
{
	struct stage *s = *state;

	close(s->process->links.config_fd);
	s->process->links.config_fd = -1;
	order(s);
	assert_int_equal(s->loop->reload_client, 0);
	assert_false(s->loop->broken);
}

static void a_lost_keeper_breaks_the_loop(void **state)
{
	struct stage *s = *state;

	/* Nothing has come yet. */
	reload_hear(s->loop);
	assert_false(s->loop->broken);
	close(s->process->reload);
	s->process->reload = -1;
	order(s);
	assert_true(s->loop->broken);
	s->loop->broken = false;
	reload_hear(s->loop);
	assert_true(s->loop->broken);
}

static void a_bad_configuration_changes_nothing(void **state)
{
	struct stage *s = *state;

	s->result.ok = 0;
	strcpy(s->result.text, "line 3 is wrong");
	s->result.config.source_count = 1;
	hear_result(s);
	assert_ptr_equal(s->loop->config, &s->process->config);
	assert_null(s->loop->own_config);
	assert_int_equal(s->loop->engine.source_count, 2);
}

static void a_good_configuration_is_kept_by_the_loop(void **state)
{
	struct stage *s = *state;

	for (unsigned i = 1; i <= 2; i++) {
		s->result.config.source_count = i;
		hear_result(s);
		assert_non_null(s->loop->own_config);
		assert_ptr_equal(s->loop->config, s->loop->own_config);
		assert_ptr_equal(s->loop->engine.config, s->loop->own_config);
		assert_ptr_equal(
		    s->loop->changes.trust_config, &s->loop->own_config->trust);
		assert_int_equal(s->loop->engine.source_count, i);
	}
}

/* The resolver gets the new rules, and it gets them once. */
static void only_another_trust_goes_to_the_resolver(void **state)
{
	struct stage *s = *state;
	static struct trust_config trust;

	hear_result(s);
	assert_int_equal(
	    frame_receive(s->process->resolver, &trust, sizeof(trust)), 0);
	s->result.config.trust.path_count = 1;
	strcpy(s->result.config.trust.paths[0], "/nowhere/ca.pem");
	hear_result(s);
	assert_int_equal(
	    frame_receive(s->process->resolver, &trust, sizeof(trust)), 1);
	assert_string_equal(trust.paths[0], "/nowhere/ca.pem");
	hear_result(s);
	assert_int_equal(
	    frame_receive(s->process->resolver, &trust, sizeof(trust)), 0);
}

static void a_lost_resolver_breaks_the_loop(void **state)
{
	struct stage *s = *state;

	close(s->process->resolver);
	s->process->resolver = -1;
	s->result.config.trust.system_certs =
	    !s->process->config.trust.system_certs;
	assert_int_equal(reload_send_result(s->process->reload, &s->result), 1);
	reload_hear(s->loop);
	assert_true(s->loop->broken);
}

struct shortage {
	struct stage *stage;
	size_t memory;
};

static bool breaks_without_memory(void *self)
{
	const struct shortage *m = self;
	struct engine_loop *p = m->stage->loop;
	size_t before;

	little_memory_begin(m->memory);
	before = little_memory_used();
	reload_hear(p);
	return p->broken && little_memory_used() <= before && !p->own_config &&
	       p->engine.source_count == 2 && p->engine.config == p->config;
}

/* There is no room for the configuration, for its sources, or for what is
 * learned about them. */
static void a_reload_without_memory_breaks_the_loop(void **state)
{
	static const size_t rooms[] = {0, sizeof(struct config) + 50000,
	    SOURCES_MAX * sizeof(struct source) + 250000};
	struct stage *s = *state;
	struct shortage m = {.stage = s};

	s->result.config.source_count = SOURCES_MAX;
	for (unsigned i = 1; i < SOURCES_MAX; i++) {
		struct source_config *c = &s->result.config.sources[i];

		*c = s->result.config.sources[0];
		snprintf(c->name, sizeof(c->name), "%u", i);
	}
	for (size_t i = 0; LITTLE_MEMORY_WORKS && i < ARRAY_LEN(rooms); i++) {
		assert_int_equal(
		    reload_send_result(s->process->reload, &s->result), 1);
		m.memory = rooms[i];
		assert_true(little_memory_holds(breaks_without_memory, &m));
	}
}

/* Saves keys, as the loop does after its start. */
static void save_keys(struct stage *s)
{
	strcpy(s->process->config.saved_keys, s->folder);
	strcpy(s->result.config.saved_keys, s->folder);
	keyring_open(
	    &s->loop->keyring, &s->process->config, &s->process->links.seal);
	assert_true(s->loop->keyring.folder.fd >= 0);
	ports_save_too(s->loop, true);
}

static bool has_file(const struct stage *s, const char *name, bool make)
{
	int flags = O_RDONLY | O_CLOEXEC | (make ? O_CREAT : 0);
	int fd = openat(s->loop->keyring.folder.fd, name, flags, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void keys_of_a_source_that_is_gone_are_removed(void **state)
{
	struct stage *s = *state;

	save_keys(s);
	assert_true(has_file(s, "0.ntskeys", true));
	assert_true(has_file(s, "1.ntskeys", true));
	s->result.config.source_count = 1;
	hear_result(s);
	assert_true(has_file(s, "0.ntskeys", false));
	assert_false(has_file(s, "1.ntskeys", false));
	assert_non_null(s->loop->engine.ports.save_keys);
}

static void without_a_folder_saving_ends(void **state)
{
	struct stage *s = *state;

	save_keys(s);
	s->result.config.saved_keys[0] = '\0';
	hear_result(s);
	assert_int_equal(s->loop->keyring.folder.fd, -1);
	assert_null(s->loop->engine.ports.save_keys);
	assert_null(s->loop->engine.ports.save_samples);
	/* It does not begin again without a restart. */
	strcpy(s->result.config.saved_keys, s->folder);
	hear_result(s);
	assert_int_equal(s->loop->keyring.folder.fd, -1);
}

/* A daemon may start without a standard input. */
static void the_folder_may_have_any_descriptor(void **state)
{
	struct stage *s = *state;
	int input = input_free(), fds[2];
	bool saves, ends;

	save_keys(s);
	fds[0] = s->loop->keyring.folder.fd;
	hear_result(s);
	fds[1] = s->loop->keyring.folder.fd;
	saves = s->loop->engine.ports.save_keys != NULL;
	s->result.config.saved_keys[0] = '\0';
	hear_result(s);
	ends = s->loop->engine.ports.save_keys == NULL;
	changes_close(&s->loop->changes);
	input_back(input);
	assert_int_equal(fds[0], STDIN_FILENO);
	assert_int_equal(fds[1], STDIN_FILENO);
	assert_true(saves && ends);
}

/* Keys of another trust must not be used after a restart. */
static void only_another_trust_bars_the_keys_from_the_disk(void **state)
{
	struct stage *s = *state;

	save_keys(s);
	hear_result(s);
	for (unsigned i = 0; i < 2; i++)
		assert_false(s->loop->engine.sources[i].reserve.barred);
	s->result.config.trust.path_count = 1;
	strcpy(s->result.config.trust.paths[0], "/nowhere/ca.pem");
	hear_result(s);
	for (unsigned i = 0; i < 2; i++)
		assert_true(s->loop->engine.sources[i].reserve.barred);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(orders_are_numbered_and_one_at_a_time),
	    TEST(an_order_may_be_for_dropped_sources_alone),
	    TEST(a_result_of_another_order_is_not_the_answer),
	    TEST(without_a_keeper_there_is_no_reload),
	    TEST(a_lost_keeper_breaks_the_loop),
	    TEST(a_bad_configuration_changes_nothing),
	    TEST(a_good_configuration_is_kept_by_the_loop),
	    TEST(only_another_trust_goes_to_the_resolver),
	    TEST(a_lost_resolver_breaks_the_loop),
	    TEST(a_reload_without_memory_breaks_the_loop),
	    TEST(keys_of_a_source_that_is_gone_are_removed),
	    TEST(without_a_folder_saving_ends),
	    TEST(the_folder_may_have_any_descriptor),
	    TEST(only_another_trust_bars_the_keys_from_the_disk),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
