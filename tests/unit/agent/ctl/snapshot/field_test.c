#include "tests/unit/agent/ctl/example.h"

struct row {
	const char *text;
	bool flag;
	struct field_int n;
	struct field_real x;
	struct field_list list;
	struct {
		struct field_int deep;
	} inner;
};

static const struct field text = FIELD_OR_NULL(struct row, text);
static const struct field flag = FIELD(struct row, flag);
static const struct field whole = FIELD_OR_NULL(struct row, n);
static const struct field real = FIELD(struct row, x);
static const struct field list = FIELD(struct row, list);
static const struct field deep = FIELD(struct row, inner.deep);

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
	    {&text, "{}", "is missing"},
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
	    {&deep, "{\"inner\": {}}", "is missing"},
	    {&deep, "{\"inner\": 3}", "is missing"},
	    {&deep, "{}", "is missing"},
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_land_in_their_place),
	    cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
