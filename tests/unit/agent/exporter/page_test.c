#include "agent/exporter/page.h"

#include "agent/host/clocks.h"
#include "tests/unit/agent/ctl/fake_agent.h"

static bool says(struct page *p, int64_t after_ns, const char *part)
{
	struct mono now = mono_after(clocks_mono(), after_ns);
	struct body b = page_get(p, EXPOSITION_PROMETHEUS, now);

	return b.len > 0 && memmem(b.text, b.len, part, strlen(part)) != NULL;
}

static void the_status_becomes_metrics(void **state)
{
	char *json = read_file(HERE "snapshot.json");
	struct fake_agent a = {.pid = 0};
	struct page p;
	struct body b;

	(void)state;
	agent_start(&a, (const char *const[]){json}, 1);
	page_init(&p, a.path);
	assert_true(says(&p, 0, "\nntsagent_up 1\n"));
	b = page_get(&p, EXPOSITION_OPENMETRICS, clocks_mono());
	assert_memory_equal(b.text + b.len - 6, "# EOF\n", 6);
	page_end(&p);
	agent_end(&a);
	free(json);
}

/* A flood of requests is not a flood of questions; but no text is old. */
static void the_text_lives_for_a_short_time(void **state)
{
	char *json = read_file(HERE "snapshot.json");
	struct fake_agent a = {.pid = 0};
	struct page p;

	(void)state;
	/* The first answer is good, all others are not. */
	agent_start(&a, (const char *const[]){json, "{}"}, 2);
	page_init(&p, a.path);
	assert_true(says(&p, 0, "\nntsagent_up 1\n"));
	/* A clock reading from before. */
	assert_true(says(&p, -PAGE_LIFE_NS, "\nntsagent_up 1\n"));
	assert_true(says(&p, PAGE_LIFE_NS, "\nntsagent_up 0\n"));
	assert_false(says(&p, 0, "ntsagent_synchronised"));
	page_end(&p);
	agent_end(&a);
	free(json);
}

static void without_an_agent_up_is_zero(void **state)
{
	struct page p;

	(void)state;
	page_init(&p, "/nonexistent/sock");
	assert_true(says(&p, 0, "\nntsagent_up 0\n"));
	page_end(&p);
}

/* An agent that accepts and says nothing. */
static void an_agent_that_hangs_has_a_limit(void **state)
{
	struct fake_agent a = {.pid = 0};
	struct mono start = clocks_mono();
	struct page p;
	int fd;

	(void)state;
	make_folder(&a);
	fd = listen_at(a.path);
	page_init(&p, a.path);
	assert_true(says(&p, 0, "\nntsagent_up 0\n"));
	assert_true(clocks_mono().ns - start.ns < 5 * NS_PER_S);
	/* All who wait meanwhile get the same text. */
	start = clocks_mono();
	assert_true(says(&p, 0, "\nntsagent_up 0\n"));
	assert_true(clocks_mono().ns - start.ns < PAGE_TIMEOUT_MS * NS_PER_MS);
	page_end(&p);
	close(fd);
	agent_end(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_status_becomes_metrics),
	    cmocka_unit_test(the_text_lives_for_a_short_time),
	    cmocka_unit_test(without_an_agent_up_is_zero),
	    cmocka_unit_test(an_agent_that_hangs_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
