#include "tests/unit/agent/ctl/report/fixture.h"

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

static void assert_csv(
    const struct field *f, const struct row *row, const char *expected)
{
	char *out = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&out, &size);

	field_put_csv(file, f, row);
	fclose(file);
	assert_string_equal(out, expected);
	free(out);
}

static void csv_quotes_as_rfc_4180(void **state)
{
	static const struct {
		const char *text, *csv;
	} cases[] = {
	    {NULL, ""},
	    {"", ""},
	    {"plain text", "plain text"},
	    {"a,b", "\"a,b\""},
	    {"say \"hi\"", "\"say \"\"hi\"\"\""},
	    {"\"", "\"\"\"\""},
	    {"two\nlines", "\"two\nlines\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_csv(
		    &text, &(struct row){.text = cases[i].text}, cases[i].csv);
}

static void csv_leaves_the_unknown_empty(void **state)
{
	(void)state;
	assert_csv(&whole, &(struct row){0}, "");
	assert_csv(&real, &(struct row){0}, "");
	assert_csv(&list, &(struct row){0}, "");
	assert_csv(&flag, &(struct row){0}, "false");
	assert_csv(&whole, &(struct row){.n = {true, INT64_MIN}},
	    "-9223372036854775808");
	assert_csv(&real, &(struct row){.x = {true, 0.1}}, "0.1");
	assert_csv(&flag, &(struct row){.flag = true}, "true");
	assert_csv(&list, &(struct row){.list = {2, {"a", "b"}}}, "a b");
	assert_csv(
	    &list, &(struct row){.list = {2, {"a", "b,c"}}}, "\"a b,c\"");
}

/* What the field makes of a member; NULL: taken. */
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

static void json_is_written_as_it_was_read(void **state)
{
	static const char json[] =
	    "{\"text\": null, \"flag\": true, \"n\": 4, \"x\": 0.25, "
	    "\"list\": [\"p\"], \"inner\": {\"deep\": 9}}";
	static const struct field *const fields[] = {
	    &text, &flag, &whole, &real, &list, &deep};
	json_t *in = json_loads(json, 0, NULL), *out = json_object();
	char bytes[256];
	struct text_pool pool = {bytes, 0};
	struct row row = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		assert_null(field_parse(fields[i], in, &row, &pool));
		assert_true(field_add_json(out, fields[i], &row));
	}
	assert_true(json_equal(in, out));
	json_decref(in);
	json_decref(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(csv_quotes_as_rfc_4180),
	    cmocka_unit_test(csv_leaves_the_unknown_empty),
	    cmocka_unit_test(members_land_in_their_place),
	    cmocka_unit_test(what_is_wrong_is_said),
	    cmocka_unit_test(json_is_written_as_it_was_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
