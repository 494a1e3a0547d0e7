/* The processes that try the sources: how they end, and what is left of them.
 */
#include "agent/check/prober.h"

#include "resolver/wait.h"
#include "tests/unit/resolver/fake_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>

#define LIMIT_NS (4 * NS_PER_S)
#define LONG_NS (60 * NS_PER_S)

static struct config *config_of(const char *const *hosts)
{
	struct config *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	config_defaults(c);
	/* The names are those of this test, which is not sandboxed. */
	c->sandbox = CONFINEMENT_NO;
	for (; *hosts; hosts++) {
		struct source_config *s = &c->sources[c->source_count++];

		config_source_defaults(s);
		snprintf(s->name, sizeof(s->name), "%s", *hosts);
		snprintf(s->host, sizeof(s->host), "%s", *hosts);
		s->ke_port = 1;
	}
	return c;
}

static unsigned open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(d);
	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

static void each_end_is_told(void **state)
{
	static const char *const hosts[] = {"noname.eai", "hang.fake",
	    "crash.fake", "deaf.fake", "hasty.fake", "local.fake", NULL};
	static const struct {
		enum probe_end end;
		enum obstacle obstacle;
	} expected[] = {
	    {PROBE_DONE, OBSTACLE_NAME_UNKNOWN},
	    {PROBE_LATE, OBSTACLE_DNS_SILENT},
	    {PROBE_CRASHED, OBSTACLE_CRASH},
	    /* It has closed its link, and goes on. */
	    {PROBE_CRASHED, OBSTACLE_CRASH},
	    /* The lookup is told to hurry. */
	    {PROBE_DONE, OBSTACLE_NAME_UNKNOWN},
	    {PROBE_DONE, OBSTACLE_KE_REFUSED},
	};
	const struct judge_limits limits = {.max_distance_ns = NS_PER_S};
	struct config *config = config_of(hosts);
	struct checked_source *sources =
	    calloc(ARRAY_LEN(expected), sizeof(*sources));
	struct mono began = mono_now();
	unsigned descriptors = open_descriptors();
	struct check_verdict v;

	(void)state;
	assert_non_null(sources);
	prober_run(config, sources, mono_after(began, LIMIT_NS));
	assert_in_range(mono_now().ns - began.ns, LIMIT_NS, 3 * LIMIT_NS);
	judge_all(sources, ARRAY_LEN(expected), 1, &limits, &v);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_ptr_equal(sources[i].config, &config->sources[i]);
		if (sources[i].end != expected[i].end)
			fail_msg("%s: end %d", hosts[i], (int)sources[i].end);
		assert_string_equal(obstacle_word(sources[i].verdict.obstacle),
		    obstacle_word(expected[i].obstacle));
	}
	assert_int_equal(v.status, CHECK_CRITICAL);
	/* Nothing is left of them. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(open_descriptors(), descriptors);
	free(sources);
	free(config);
}

/* Puts `fd` in the place of a standard descriptor, and back if it is a copy. */
static void swap(int fd, int place, int *kept)
{
	if (kept)
		*kept = dup(place);
	assert_int_equal(dup2(fd, place), place);
	close(fd);
}

/* What a process says that a server has taken over is not for the terminal, and
 * what root types is not for it. */
static void no_process_has_the_terminal(void **state)
{
	static const char *const hosts[] = {"terminal.fake", NULL};
	const struct judge_limits limits = {.max_distance_ns = NS_PER_S};
	struct checked_source source;
	struct config *config = config_of(hosts);
	struct check_verdict v;
	int typed[2], said[2], kept[3];
	char words[64];

	(void)state;
	memset(&source, 0, sizeof(source));
	assert_int_equal(pipe(typed), 0);
	assert_int_equal(pipe2(said, O_NONBLOCK), 0);
	assert_int_equal(write(typed[1], "secret\n", 7), 7);
	fflush(NULL);
	swap(typed[0], STDIN_FILENO, &kept[0]);
	swap(dup(said[1]), STDOUT_FILENO, &kept[1]);
	swap(said[1], STDERR_FILENO, &kept[2]);
	prober_run(config, &source, mono_after(mono_now(), LONG_NS));
	for (int fd = 0; fd < 3; fd++)
		swap(kept[fd], fd, NULL);
	assert_int_equal(read(said[0], words, sizeof(words)), 0);
	judge_all(&source, 1, 1, &limits, &v);
	assert_string_equal(obstacle_word(source.verdict.obstacle),
	    obstacle_word(OBSTACLE_NAME_UNKNOWN));
	close(said[0]);
	close(typed[1]);
	free(config);
}

/* As many as a configuration can have. */
static void all_sources_are_tried_at_once(void **state)
{
	const char *hosts[SOURCES_MAX + 1] = {NULL};
	struct checked_source *sources = calloc(SOURCES_MAX, sizeof(*sources));
	struct config *config;

	(void)state;
	assert_non_null(sources);
	for (unsigned i = 0; i < SOURCES_MAX; i++)
		hosts[i] = "noname.eai";
	config = config_of(hosts);
	prober_run(config, sources, mono_after(mono_now(), LONG_NS));
	for (unsigned i = 0; i < SOURCES_MAX; i++) {
		assert_int_equal(sources[i].end, PROBE_DONE);
		assert_int_equal(sources[i].probe.keys.stage, KE_STAGE_DNS);
	}
	free(config);
	free(sources);
}

static void make_pool(struct config *c, unsigned members)
{
	for (unsigned i = 0; i < members; i++) {
		c->sources[i].member = i + 1;
		snprintf(c->sources[i].name, sizeof(c->sources[i].name),
		    "pool#%u", i + 1);
	}
}

/* All addresses are dead: what is reported is the one that was tried first. */
static void each_source_of_a_pool_has_addresses_of_its_own(void **state)
{
	static const char *const hosts[] = {
	    "directory.fake", "directory.fake", "directory.fake", NULL};
	struct config *config = config_of(hosts);
	struct checked_source *sources = calloc(3, sizeof(*sources));

	(void)state;
	assert_non_null(sources);
	make_pool(config, 3);
	prober_run(config, sources, mono_after(mono_now(), LONG_NS));
	for (unsigned i = 1; i < 3; i++) {
		const struct ke_details *d = &sources[i].probe.keys.details;

		assert_int_equal(sources[i].end, PROBE_DONE);
		assert_int_equal(d->names.count, 30);
		for (unsigned k = 0; k < d->names.count; k++)
			if ((d->connect_errors[k] != 0) != (k == i))
				fail_msg("source %u: address %u: error %d", i,
				    k, d->connect_errors[k]);
	}
	free(sources);
	free(config);
}

static void a_pool_may_have_too_few_addresses(void **state)
{
	static const char *const hosts[] = {"local.fake", "local.fake", NULL};
	const struct judge_limits limits = {.max_distance_ns = NS_PER_S};
	struct config *config = config_of(hosts);
	struct checked_source *sources = calloc(2, sizeof(*sources));
	struct check_verdict v;

	(void)state;
	assert_non_null(sources);
	make_pool(config, 2);
	prober_run(config, sources, mono_after(mono_now(), LONG_NS));
	judge_all(sources, 2, 1, &limits, &v);
	assert_string_equal(
	    obstacle_word(sources[0].verdict.obstacle), "ke-refused");
	assert_string_equal(
	    obstacle_word(sources[1].verdict.obstacle), "pool-small");
	free(sources);
	free(config);
}

/* A lookup that hangs does not stop the others from being tried. */
static void no_source_of_a_pool_waits_for_ever(void **state)
{
	static const char *const hosts[] = {"hang.fake", "hang.fake", NULL};
	struct config *config = config_of(hosts);
	struct checked_source *sources = calloc(2, sizeof(*sources));

	(void)state;
	assert_non_null(sources);
	make_pool(config, 2);
	prober_run(config, sources, mono_after(mono_now(), LIMIT_NS));
	assert_int_equal(sources[0].end, PROBE_LATE);
	assert_int_equal(sources[1].end, PROBE_LATE);
	free(sources);
	free(config);
}

/* The sandbox of the process lets it bind, and the binding is at fault. */
static void a_bound_source_is_tried_as_it_is_bound(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", NULL};
	const struct judge_limits limits = {.max_distance_ns = NS_PER_S};
	struct config *config = config_of(hosts);
	struct binding *b = &config->sources[0].binding;
	struct checked_source source = {0};
	struct check_verdict v;

	(void)state;
	config->sandbox = CONFINEMENT_YES;
	b->ipv4 = (struct endpoint){.family = 4, .address = {127, 0, 0, 7}};
	b->dscp = 46;
	prober_run(config, &source, mono_after(mono_now(), LONG_NS));
	judge_all(&source, 1, 1, &limits, &v);
	assert_string_equal(
	    obstacle_word(source.verdict.obstacle), "ke-refused");
	/* No host has it, RFC 5737. */
	b->ipv4.address[0] = 203;
	b->ipv4.address[2] = 113;
	prober_run(config, &source, mono_after(mono_now(), LONG_NS));
	judge_all(&source, 1, 1, &limits, &v);
	assert_string_equal(obstacle_word(source.verdict.obstacle), "binding");
	free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_end_is_told),
	    cmocka_unit_test(no_process_has_the_terminal),
	    cmocka_unit_test(all_sources_are_tried_at_once),
	    cmocka_unit_test(each_source_of_a_pool_has_addresses_of_its_own),
	    cmocka_unit_test(a_pool_may_have_too_few_addresses),
	    cmocka_unit_test(no_source_of_a_pool_waits_for_ever),
	    cmocka_unit_test(a_bound_source_is_tried_as_it_is_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
