#include "agent/ctl/print/cell.h"

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

static void assert_csv(
    const struct field *f, const struct row *row, const char *expected)
{
	char *out = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&out, &size);

	cell_put_csv(file, f, row);
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
	assert_csv(&whole, &(struct row){.n = {.known = true, .n = INT64_MIN}},
	    "-9223372036854775808");
	assert_csv(&real, &(struct row){.x = {.known = true, .x = 0.1}}, "0.1");
	assert_csv(&flag, &(struct row){.flag = true}, "true");
	assert_csv(&list, &(struct row){.list = {2, {"a", "b"}}}, "a b");
	assert_csv(
	    &list, &(struct row){.list = {2, {"a", "b,c"}}}, "\"a b,c\"");
	assert_csv(&counts, &(struct row){0}, "");
	assert_csv(&counts,
	    &(struct row){.counts = {true, 2, {{"a", 1}, {"b", 2}}}},
	    "a=1 b=2");
}

static void json_is_written_as_it_was_read(void **state)
{
	static const char json[] =
	    "{\"text\": null, \"flag\": true, \"n\": 4, \"x\": 0.25, "
	    "\"list\": [\"p\"], \"counts\": {\"q\": 7}, \"inner\": {\"deep\": "
	    "9}}";
	static const struct field *const fields[] = {
	    &text, &flag, &whole, &real, &list, &counts, &deep};
	json_t *in = json_loads(json, 0, NULL), *out = json_object();
	char bytes[256];
	struct text_pool pool = {bytes, 0};
	struct row row = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		assert_null(field_parse(fields[i], in, &row, &pool));
		assert_true(cell_add_json(out, fields[i], &row));
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
	    cmocka_unit_test(json_is_written_as_it_was_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
