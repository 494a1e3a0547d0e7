#include "tests/unit/agent/ctl/report/shown.h"

static void the_example_looks_as_expected(void **state)
{
	static const struct golden golden[] = {
	    {"activity.txt", {.width = 80}},
	    {"activity.csv", {.output = OUTPUT_CSV}},
	    {"activity.json", {.output = OUTPUT_JSON}},
	};

	(void)state;
	assert_golden(report_activity, golden, ARRAY_LEN(golden));
}

static void without_sources_all_is_zero(void **state)
{
	json_t *tree = example();

	(void)state;
	set(tree, "sources", json_array());
	assert_report(report_activity, tree,
	    (struct view){.output = OUTPUT_CSV},
	    "online,offline,burst_online,burst_offline,unknown_address\n"
	    "0,0,0,0,0\n");
}

static void what_is_switched_off_is_offline(void **state)
{
	json_t *tree = example();

	(void)state;
	while (json_array_size(json_object_get(tree, "sources")) > 1)
		json_array_remove(json_object_get(tree, "sources"), 1);
	set_text(example_source(tree, 0), "failure", "offline");
	assert_report(report_activity, tree,
	    (struct view){.output = OUTPUT_CSV},
	    "online,offline,burst_online,burst_offline,unknown_address\n"
	    "0,1,0,0,0\n");
}

static void a_full_disk_is_an_error(void **state)
{
	(void)state;
	assert_full_disk_is_an_error(report_activity);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_example_looks_as_expected),
	    cmocka_unit_test(without_sources_all_is_zero),
	    cmocka_unit_test(what_is_switched_off_is_offline),
	    cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
