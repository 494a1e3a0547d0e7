#include "tests/unit/agent/ctl/example.h"

/* Parses and releases the tree. False: `why` is the sentence. */
static bool parses(json_t *tree, char why[SNAPSHOT_ERROR_MAX])
{
	char *json = json_dumps(tree, JSON_ENCODE_ANY);
	struct snapshot s;
	bool ok;

	assert_non_null(json);
	why[0] = '\0';
	ok = snapshot_parse(&s, json, strlen(json), why);
	if (ok)
		snapshot_free(&s);
	free(json);
	json_decref(tree);
	return ok;
}

static void the_example_is_understood(void **state)
{
	struct snapshot s = snapshot_of(example());
	const struct status_source *backup = &s.sources[2];

	(void)state;
	assert_int_equal(s.source_count, 3);
	assert_string_equal(s.version, "0.1.0");
	assert_int_equal(s.clock.offset_ns.n, -1250);
	assert_true(s.clock.synchronised);
	assert_ptr_equal(snapshot_selected(&s), &s.sources[0]);
	assert_string_equal(s.sources[0].options.item[0], "prefer");
	assert_int_equal(s.sources[1].packets.good.n, 30);
	assert_int_equal(s.sources[1].nts.aead.n, 15);
	assert_null(backup->address);
	assert_false(backup->adjusted_offset_ns.known);
	assert_false(source_is_usable(backup));
	assert_true(source_is_usable(&s.sources[1]));
	assert_int_equal(s.clock.bound_ns.n, 83650);
	snapshot_free(&s);
}

static void every_prefix_is_refused(void **state)
{
	char *json = read_file(HERE "snapshot.json");
	size_t whole = (size_t)(strrchr(json, '}') - json);
	char why[SNAPSHOT_ERROR_MAX];
	struct snapshot s;

	(void)state;
	for (size_t len = 0; len <= whole; len++) {
		/* A copy: the sanitizer finds a read beyond its end. */
		char *cut = malloc(len + 1);

		memcpy(cut, json, len);
		assert_false(snapshot_parse(&s, cut, len, why));
		assert_true(why[0] != '\0');
		free(cut);
	}
	free(json);
}

/* The members without which a status means nothing. */
static bool is_needed(const char *name)
{
	static const char *const needed[] = {"schema", "version", "time_ns",
	    "clock", "sources", "clock.controlled", "clock.synchronised",
	    "clock.state", "clock.refused", "sources[1].name",
	    "sources[1].host", "sources[1].mark", "sources[1].state",
	    "sources[1].reason", "sources[1].stage"};

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (strcmp(name, needed[i]) == 0)
			return true;
	return false;
}

/* For each member of an object: the status with another type is refused, and
 * the sentence names it. Without it, the status is that of an older agent. */
typedef json_t *part_fn(json_t *tree);

static void assert_each_member_is_judged(part_fn *part, const char *where)
{
	json_t *tree = example(), *value;
	const char *key;
	char why[SNAPSHOT_ERROR_MAX], name[64];

	json_object_foreach(part(tree), key, value)
	{
		json_t *without = example(), *odd = example();

		snprintf(name, sizeof(name), "%s%s", where, key);
		json_object_del(part(without), key);
		if (parses(without, why) == is_needed(name))
			fail_msg("%s: %s", name, why);
		if (is_needed(name))
			assert_contains(why, key);
		/* Without their members, these are parts of an older agent. */
		if (json_is_object(value) && !is_needed(name)) {
			json_decref(odd);
			continue;
		}
		json_object_set_new(part(odd), key, json_object());
		assert_false(parses(odd, why));
		assert_contains(why, name);
	}
	json_decref(tree);
}

static json_t *top(json_t *tree)
{
	return tree;
}

static json_t *clock_part(json_t *tree)
{
	return json_object_get(tree, "clock");
}

static json_t *source_part(json_t *tree)
{
	return example_source(tree, 1);
}

static json_t *packets_part(json_t *tree)
{
	return json_object_get(source_part(tree), "packets");
}

static json_t *nts_part(json_t *tree)
{
	return json_object_get(source_part(tree), "nts");
}

static void every_member_is_judged(void **state)
{
	(void)state;
	assert_each_member_is_judged(top, "");
	assert_each_member_is_judged(clock_part, "clock.");
	assert_each_member_is_judged(source_part, "sources[1].");
	assert_each_member_is_judged(packets_part, "sources[1].packets.");
	assert_each_member_is_judged(nts_part, "sources[1].nts.");
}

static void unknown_members_are_ignored(void **state)
{
	json_t *tree = example();
	char why[SNAPSHOT_ERROR_MAX];

	(void)state;
	json_object_set_new(tree, "new", json_integer(1));
	json_object_set_new(clock_part(tree), "new", json_null());
	json_object_set_new(nts_part(tree), "new", json_array());
	assert_true(parses(tree, why));
}

static void the_schema_is_checked_first(void **state)
{
	char why[SNAPSHOT_ERROR_MAX];

	(void)state;
	assert_false(parses(json_pack("{s:i}", "schema", 3), why));
	assert_contains(why, "its schema is 3 and this ntsctl knows 2");
	assert_contains(why, "update it");
	assert_false(parses(json_pack("{s:i}", "schema", 1), why));
	assert_contains(why, "restart ntsagentd");
	assert_false(parses(json_pack("{s:s}", "schema", "1"), why));
	assert_contains(why, "no schema number");
}

static void garbage_is_refused(void **state)
{
	static const char *const texts[] = {"", "{", "null", "[]", "17",
	    "\"schema\"", "220 smtp.example.net ESMTP\r\n", "{\"schema\": 2}",
	    "{\"schema\": 2, \"schema\": 2}", "{\"schema\": 2} trailing",
	    "{\"schema\": 99999999999999999999}", "\xff\xfe",
	    "{\"a\": \"\xff\"}"};
	char why[SNAPSHOT_ERROR_MAX];
	struct snapshot s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		why[0] = '\0';
		assert_false(
		    snapshot_parse(&s, texts[i], strlen(texts[i]), why));
		assert_true(why[0] != '\0');
	}
}

static void deep_nesting_is_refused(void **state)
{
	size_t len = 1000000;
	char *json = malloc(len), why[SNAPSHOT_ERROR_MAX];
	struct snapshot s;

	(void)state;
	memset(json, '[', len);
	assert_false(snapshot_parse(&s, json, len, why));
	free(json);
}

static void values_out_of_range_are_refused(void **state)
{
	char why[SNAPSHOT_ERROR_MAX];
	json_t *tree = example();

	(void)state;
	set_int(source_part(tree), "reach", 256);
	assert_false(parses(tree, why));
	assert_contains(why, "sources[1].reach");
	tree = example();
	set_text(source_part(tree), "mark", "\033");
	assert_false(parses(tree, why));
	assert_contains(why, "sources[1].mark");
	tree = example();
	set_text(source_part(tree), "mark", "");
	assert_false(parses(tree, why));
}

static void texts_are_cleaned(void **state)
{
	json_t *tree = example();
	struct snapshot s;

	(void)state;
	set_text(source_part(tree), "reason", "\033]0;pwned\007");
	set_text(nts_part(tree), "cert_subject",
	    "CN=\xe2\x80\xae"
	    "moc");
	s = snapshot_of(tree);
	assert_string_equal(s.sources[1].reason, "\\x1b]0;pwned\\x07");
	assert_string_equal(s.sources[1].nts.cert_subject, "CN=\\u202emoc");
	snapshot_free(&s);
}

static void no_sources_are_a_snapshot_too(void **state)
{
	json_t *tree = example();
	struct snapshot s;

	(void)state;
	set(tree, "sources", json_array());
	s = snapshot_of(tree);
	assert_int_equal(s.source_count, 0);
	assert_null(snapshot_selected(&s));
	snapshot_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_example_is_understood),
	    cmocka_unit_test(every_prefix_is_refused),
	    cmocka_unit_test(every_member_is_judged),
	    cmocka_unit_test(unknown_members_are_ignored),
	    cmocka_unit_test(the_schema_is_checked_first),
	    cmocka_unit_test(garbage_is_refused),
	    cmocka_unit_test(deep_nesting_is_refused),
	    cmocka_unit_test(values_out_of_range_are_refused),
	    cmocka_unit_test(texts_are_cleaned),
	    cmocka_unit_test(no_sources_are_a_snapshot_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
