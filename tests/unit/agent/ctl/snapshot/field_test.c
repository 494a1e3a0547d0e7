#include "tests/unit/agent/ctl/example.h"

struct row {
	const char *text;
	bool flag;
	struct field_int n;
	struct field_real x;
	struct field_list list;
	struct field_counts counts;
	struct {
		struct field_int deep;
	} inner;
};

static const struct field text = FIELD_OR_NULL(struct row, text);
static const struct field flag = FIELD(struct row, flag);
static const struct field whole = FIELD_OR_NULL(struct row, n);
static const struct field real = FIELD(struct row, x);
static const struct field list = FIELD(struct row, list);
static const struct field counts = FIELD(struct row, counts);
static const struct field deep = FIELD(struct row, inner.deep);
static const struct field needed = FIELD_NEEDED(struct row, text);
static const struct field needed_deep = FIELD_NEEDED(struct row, inner.deep);

/* What field_parse says of a member. */
static const char *parse(const struct field *f, const char *json,
    struct row *row, struct text_pool *pool)
{
	json_t *tree = json_loads(json, 0, NULL);
	const char *wrong;

	assert_non_null(tree);
	*row = (struct row){0};
	wrong = field_parse(f, tree, row, pool);
	json_decref(tree);
	return wrong;
}

static void members_land_in_their_place(void **state)
{
	char bytes[256];
	struct text_pool pool = {bytes, 0};
	struct row row;

	(void)state;
	assert_null(parse(&text, "{\"text\": \"a\\u001b\"}", &row, &pool));
	assert_string_equal(row.text, "a\\x1b");
	assert_int_equal(pool.used, sizeof("a\\x1b"));
	assert_null(parse(&text, "{\"text\": null}", &row, &pool));
	assert_null(row.text);
	assert_null(parse(&flag, "{\"flag\": true}", &row, &pool));
	assert_true(row.flag);
	assert_null(parse(&whole, "{\"n\": -7}", &row, &pool));
	assert_true(row.n.known);
	assert_int_equal(row.n.n, -7);
	assert_null(parse(&real, "{\"x\": 3}", &row, &pool));
	assert_true(row.x.known && row.x.x > 2.9 && row.x.x < 3.1);
	assert_null(parse(&list, "{\"list\": [\"p\", \"q\"]}", &row, &pool));
	assert_int_equal(row.list.count, 2);
	assert_string_equal(row.list.item[1], "q");
	assert_null(parse(&list,
	    "{\"list\": [\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\","
	    "\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"]}",
	    &row, &pool));
	assert_int_equal(row.list.count, FIELD_LIST_MAX);
	assert_null(parse(&deep, "{\"inner\": {\"deep\": 5}}", &row, &pool));
	assert_int_equal(row.inner.deep.n, 5);
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const struct field *f;
		const char *json, *wrong;
	} cases[] = {
	    {&needed, "{}", "is missing"},
	    {&text, "{\"text\": 1}", "is not a text"},
	    {&flag, "{\"flag\": null}", "is neither true nor false"},
	    {&flag, "{\"flag\": 1}", "is neither true nor false"},
	    {&whole, "{\"n\": 1.5}", "is not a whole number"},
	    {&whole, "{\"n\": \"1\"}", "is not a whole number"},
	    {&real, "{\"x\": null}", "is not a number"},
	    {&list, "{\"list\": \"p\"}", "is not a list of texts"},
	    {&list, "{\"list\": [1]}", "is not a list of texts"},
	    {&list,
		"{\"list\": [\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\","
		"\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"]}",
		"is not a list of texts"},
	    {&counts, "{\"counts\": []}", "is not an object of counters"},
	    {&counts, "{\"counts\": {\"a\": -1}}",
		"is not an object of counters"},
	    {&counts, "{\"counts\": {\"a\": 1.5}}",
		"is not an object of counters"},
	    {&counts, "{\"counts\": {\"a\": \"1\"}}",
		"is not an object of counters"},
	    {&needed_deep, "{\"inner\": {}}", "is missing"},
	    {&needed_deep, "{\"inner\": 3}", "is missing"},
	    {&needed_deep, "{}", "is missing"},
	};
	char bytes[256];
	struct text_pool pool = {bytes, 0};
	struct row row;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *wrong =
		    parse(cases[i].f, cases[i].json, &row, &pool);

		assert_non_null(wrong);
		assert_string_equal(wrong, cases[i].wrong);
	}
}

static void counters_are_found_by_name(void **state)
{
	char bytes[256], many[64 * 10 + 32] = "{\"counts\": {";
	struct text_pool pool = {bytes, 0};
	struct row row;

	(void)state;
	assert_null(parse(
	    &counts, "{\"counts\": {\"a\": 3, \"b\\u001b\": 4}}", &row, &pool));
	assert_true(row.counts.known);
	assert_int_equal(row.counts.count, 2);
	assert_int_equal(field_count_of(&row.counts, "a"), 3);
	assert_int_equal(field_count_of(&row.counts, "b\\x1b"), 4);
	assert_int_equal(field_count_of(&row.counts, "c"), 0);
	assert_null(parse(&counts, "{\"counts\": {}}", &row, &pool));
	assert_true(row.counts.known && row.counts.count == 0);
	assert_null(parse(&counts, "{}", &row, &pool));
	assert_false(row.counts.known);
	for (int i = 0; i <= FIELD_COUNTS_MAX; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many),
		    "%s\"%d\":1", i == 0 ? "" : ",", i);
	strcat(many, "}}");
	assert_string_equal(
	    parse(&counts, many, &row, &pool), "is not an object of counters");
}

/* As in the status of an older agent. */
static void what_is_missing_is_not_known(void **state)
{
	char bytes[256];
	struct text_pool pool = {bytes, 0};
	struct row row;

	(void)state;
	assert_null(parse(&text, "{}", &row, &pool));
	assert_string_equal(field_text(&text, &row), "");
	assert_null(parse(&whole, "{}", &row, &pool));
	assert_true(!row.n.known && field_missing(&whole, &row));
	assert_null(parse(&real, "{}", &row, &pool));
	assert_true(!row.x.known && field_missing(&real, &row));
	assert_null(parse(&deep, "{\"inner\": {}}", &row, &pool));
	assert_true(!row.inner.deep.known && field_missing(&deep, &row));
	assert_null(parse(&list, "{}", &row, &pool));
	assert_int_equal(row.list.count, 0);
	/* What is there is not missing, be it null or not. */
	assert_null(parse(&whole, "{\"n\": null}", &row, &pool));
	assert_false(row.n.known || field_missing(&whole, &row));
	assert_null(parse(&whole, "{\"n\": 5}", &row, &pool));
	assert_true(row.n.known && !field_missing(&whole, &row));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_land_in_their_place),
	    cmocka_unit_test(what_is_wrong_is_said),
	    cmocka_unit_test(counters_are_found_by_name),
	    cmocka_unit_test(what_is_missing_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
