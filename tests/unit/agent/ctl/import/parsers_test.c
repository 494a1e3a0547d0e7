/* The cores of the import: every word of the tables, numbers, TOML, drift. */
#include "agent/ctl/import/values.h"
#include "agent/ctl/import/parsers.h"
#include "agent/ctl/import/state.h"
#include "agent/ctl/import/toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What an import of one text says and makes. */
struct made {
	char *report, *file;
	unsigned taken, needless, lost, plain, sources;
};

static struct made make(enum foreign_program program, const char *text)
{
	struct made m = {0};
	size_t size;
	FILE *report = open_memstream(&m.report, &size), *file;
	struct import i = {.draft = draft_new(program, report, true)};

	assert_non_null(i.draft);
	import_text(&i, "x", text, strlen(text));
	draft_finish(i.draft);
	fclose(report);
	file = open_memstream(&m.file, &size);
	draft_write(i.draft, "x", file);
	fclose(file);
	m.taken = i.draft->taken;
	m.needless = i.draft->needless;
	m.lost = i.draft->lost;
	m.plain = i.draft->plain;
	m.sources = i.draft->source_count;
	draft_free(i.draft);
	return m;
}

static void made_free(struct made *m)
{
	free(m->report);
	free(m->file);
}

/* The word in a file of its program, without a value that makes sense. */
static void line_with(enum foreign_program program,
    const struct foreign_word *word, char out[512])
{
	bool option = word->place != PLACE_DIRECTIVE;
	size_t len = strlen(word->name);

	if (program == FOREIGN_NTPD_RS)
		snprintf(out, 512, "%s%s = \"?\"\n", word->name,
		    word->name[len - 1] == '.' ? "x" : "");
	else if (program == FOREIGN_TIMESYNCD)
		snprintf(out, 512, "%s=?\n", word->name);
	else if (option)
		snprintf(out, 512, "server a nts %s ?\n", word->name);
	else
		snprintf(out, 512, "%s ?\n", word->name);
}

/* systemd.syntax(7): a backslash joins the next line, comments are left out. */
static void lines_of_timesyncd_are_joined(void **state)
{
	static const char text[] = "[Time]\n"
				   "NTP=a.example.com \\\n"
				   "  b.example.com \\\n"
				   "# c.example.com \\\n"
				   "  d.example.com\n"
				   "# FallbackNTP=e.example.com \\\n"
				   "Servers=f.example.com\n"
				   "Unheard=1\n"
				   "FallbackNTP=g.example.com \\";
	struct made m = make(FOREIGN_TIMESYNCD, text);

	(void)state;
	assert_int_equal(m.plain, 5);
	assert_int_equal(m.lost, 1);
	assert_non_null(
	    strstr(m.report, "x:2: without NTS: NTP=d.example.com"));
	assert_non_null(
	    strstr(m.report, "x:7: without NTS: Servers=f.example.com"));
	assert_non_null(strstr(m.report, "x:8: no equivalent: Unheard=1"));
	assert_non_null(
	    strstr(m.report, "x:9: without NTS: FallbackNTP=g.example.com"));
	assert_null(strstr(m.report, "c.example.com"));
	assert_null(strstr(m.report, "e.example.com"));
	made_free(&m);
}

/* A word that is taken has code that reads it, so it does not get the sentence
 * of a word that nothing reads. All others get exactly that. */
static void every_word_has_the_fate_of_its_table(void **state)
{
	unsigned words = 0;

	(void)state;
	for (int p = 0; p < FOREIGN_PROGRAMS; p++) {
		enum foreign_program program = (enum foreign_program)p;

		for (size_t k = 0; k < foreign_word_count(program); k++) {
			const struct foreign_word *word =
			    foreign_word_at(program, k);
			bool needless = word->fate == FATE_NEEDLESS, said;
			char line[512];
			struct made m;

			line_with(program, word, line);
			m = make(program, line);
			said =
			    strstr(
				m.report, foreign_word_reason(program, word)) &&
			    strstr(m.report, needless ? "x:1: not needed: "
						      : "x:1: no equivalent: ");
			if (said != (word->fate != FATE_TAKEN))
				fail_msg("%s: %s", line, m.report);
			made_free(&m);
			words++;
		}
	}
	assert_in_range(words, 250, 400);
}

/* A pool of chrony is several sources: for minsources, and for the most that
 * the agent takes. */
static void a_pool_counts_as_its_sources(void **state)
{
	struct made m =
	    make(FOREIGN_CHRONY, "pool a nts\nserver b nts\nminsources 6\n");

	(void)state;
	assert_non_null(strstr(m.report, "minsources = 6 becomes 5: "));
	made_free(&m);
	m = make(FOREIGN_CHRONY,
	    "pool a nts maxsources 60\npool b nts maxsources 16\n"
	    "pool c nts\nserver d nts\n");
	assert_non_null(strstr(m.report, "[pool c] gets 1 of 4 sources: "));
	assert_non_null(strstr(m.report, "[pool b] gets 2 of 16 sources: "));
	assert_null(strstr(m.report, "[pool a] gets"));
	assert_non_null(strstr(m.file, "[pool b]\niburst = no\nsources = 2\n"));
	made_free(&m);
}

/* "server -4 HOST" is no line of chrony, and "-4" no host. */
static void an_option_is_no_host(void **state)
{
	struct made m =
	    make(FOREIGN_CHRONY, "server -4 nts\nserver a nts iburst  # b\n");

	(void)state;
	assert_null(strstr(m.file, "-4"));
	assert_non_null(strstr(m.report, "server -4 nts: the host is not a "));
	/* Nothing is left of the blanks before a comment. */
	assert_non_null(strstr(m.report, "server a nts iburst: [source a]\n"));
	made_free(&m);
}

/* Pools of ntpd and ntpd-rs are pools here, too. */
static void a_pool_of_ntpd_and_of_ntpd_rs_is_a_pool(void **state)
{
	struct made m =
	    make(FOREIGN_NTPD, "pool a nts iburst\ntos minsane 5\n");

	(void)state;
	assert_non_null(strstr(m.file, "\n[pool a]\n"));
	assert_non_null(strstr(m.report, "minsources = 5 becomes 4: "));
	assert_non_null(strstr(m.report, "sources = NUMBER in [pool a] "));
	made_free(&m);
	m = make(FOREIGN_NTPD_RS,
	    "[[source]]\nmode = \"nts-pool\"\naddress = \"a\"\ncount = 7\n"
	    "[[source]]\nmode = \"nts-pool\"\naddress = \"b\"\n"
	    "[[source]]\nmode = \"nts-pool\"\naddress = \"c\"\ncount = 0\n");
	assert_non_null(strstr(m.file, "\n[pool a]\nsources = 7\n"));
	assert_non_null(strstr(m.file, "\n[pool b]\n\n"));
	assert_non_null(
	    strstr(m.report, "has addresses in DNS, and at most 7"));
	assert_non_null(
	    strstr(m.report, "has addresses in DNS, and at most 4"));
	assert_non_null(strstr(m.report, "count = 0 is not a number from 1 "));
	assert_int_equal(m.lost, 1);
	made_free(&m);
}

static void a_line_of_any_length_is_one_line_of_the_report(void **state)
{
	(void)state;
	for (size_t len = 2040; len < 2060; len++) {
		char *line = calloc(1, len + 1);
		struct made m;

		memset(line, 'a', len);
		m = make(FOREIGN_CHRONY, line);
		assert_int_equal(m.lost, 1);
		assert_int_equal(
		    len > 2048, strstr(m.report, "longer than 2048") != NULL);
		made_free(&m);
		free(line);
	}
}

/* Bytes that control a terminal, and a text that would be a line of its own. */
static void no_byte_of_a_file_controls_the_output(void **state)
{
	struct made m = make(FOREIGN_CHRONY,
	    "server \x1b[31mred nts\nserver a\xe2\x80\xae-b\nallow \x07\n"
	    "ntstrustedcerts /a\x01"
	    "\n");

	(void)state;
	for (const char *c = m.report; *c; c++)
		assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
	for (const char *c = m.file; *c; c++)
		assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
	assert_non_null(strstr(m.report, "\\x1b[31mred"));
	assert_non_null(strstr(m.file, "a\\u202e-b"));
	/* Not in a command for a shell. */
	assert_null(strstr(m.file, "-connect"));
	made_free(&m);
}

static void names_of_sources_are_unique_and_short(void **state)
{
	struct made m = make(FOREIGN_CHRONY,
	    "server a nts\nserver a nts ntsport 4461\n"
	    "server a123456789b123456789c123456789d123456789e123456789f1 nts\n"
	    "server a123456789b123456789c123456789d123456789e123456789f2 "
	    "nts\n");

	(void)state;
	assert_int_equal(m.sources, 4);
	assert_non_null(strstr(m.file, "[source a]\n"));
	assert_non_null(strstr(m.file, "[source a-2]\nhost = a\n"));
	assert_non_null(strstr(m.file, "e123456789-2]\nhost = a123"));
	assert_non_null(strstr(m.file, "e123456789-3]\nhost = a123"));
	made_free(&m);
}

static void the_65th_server_is_reported(void **state)
{
	char text[4096] = "";
	struct made m;

	(void)state;
	for (int k = 0; k < 65; k++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "server h%d nts\n", k);
	m = make(FOREIGN_CHRONY, text);
	assert_int_equal(m.sources, 64);
	assert_int_equal(m.lost, 1);
	assert_non_null(strstr(m.report, "x:65: no equivalent: server h64 nts: "
					 "the agent takes at most 64 servers"));
	made_free(&m);
}

/* chronyd steps at the start alone if the file says so. */
static void steps_are_as_in_chronyd(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
	    {"server a nts\n", "makestep = no\n"},
	    {"initstepslew 30\n", "makestep = 30s 1\n"},
	    {"initstepslew 30\nmakestep 1 3\n", "makestep = 1s 3\n"},
	    {"makestep 1 3\ninitstepslew 30\n", "makestep = 1s 3\n"},
	    {"makestep 0.5 0\n", "makestep = no\n"},
	    {"makestep 1e-3 -5\n", "makestep = 0.001s -1\n"},
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct made m = make(FOREIGN_CHRONY, cases[k].text);

		if (!strstr(m.file, cases[k].line))
			fail_msg("%s: %s", cases[k].text, m.file);
		made_free(&m);
	}
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		double value;
		const char *shown;
	} good[] = {
	    {"0", 0, "0"},
	    {"-0", 0, "0"},
	    {"1.0", 1, "1"},
	    {".5", 0.5, "0.5"},
	    {"1e-4", 1e-4, "0.0001"},
	    {"-17.5e-6", -17.5e-6, "-0.0000175"},
	    {"100", 100, "100"},
	    {"1e300", 1e300, "1000000000000000"},
	};
	static const char *const bad[] = {"", "x", "1x", "inf", "nan", "0x10",
	    " 1", "1 ", "1e999", "--1", "e"};
	char shown[NUMBER_TEXT_MAX];
	double value;
	long whole;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(good); k++) {
		assert_true(number_read(good[k].text, &value));
		assert_float_equal(value, good[k].value, 1e-12);
		assert_string_equal(number_text(value, shown), good[k].shown);
	}
	for (size_t k = 0; k < ARRAY_LEN(bad); k++)
		assert_false(number_read(bad[k], &value));
	assert_true(number_whole("-7", -7, 7, &whole) && whole == -7);
	assert_false(number_whole("8", -7, 7, &whole));
	assert_false(number_whole("1.5", -7, 7, &whole));
	assert_false(number_whole("", -7, 7, &whole));
	assert_false(number_whole("99999999999999999999", 0, 7, &whole));
}

static void a_drift_file_keeps_its_meaning(void **state)
{
	char out[STATE_TEXT_MAX];

	(void)state;
	assert_true(state_drift(FOREIGN_CHRONY, "  14.467  5.921\n", out));
	assert_string_equal(out, "           14.467000             5.921000\n");
	/* ntpd writes the correction. */
	assert_true(state_drift(FOREIGN_NTPD, "-20.500\n", out));
	assert_string_equal(out, "           20.500000            10.000000\n");
	assert_false(state_drift(FOREIGN_CHRONY, "14.467\n", out));
	assert_false(state_drift(FOREIGN_CHRONY, "14.467 -1\n", out));
	assert_false(state_drift(FOREIGN_CHRONY, "14.467 1 2\n", out));
	assert_false(state_drift(FOREIGN_CHRONY, "100001 1\n", out));
	assert_false(state_drift(FOREIGN_NTPD, "", out));
	assert_false(state_drift(FOREIGN_NTPD, "1 2\n", out));
	assert_false(state_drift(FOREIGN_NTPD_RS, "1 2\n", out));
}

struct seen {
	char text[2048];
	unsigned errors;
};

static void see_element(void *self, unsigned line, const char *path)
{
	struct seen *s = self;
	size_t len = strlen(s->text);

	snprintf(s->text + len, sizeof(s->text) - len, "%u [%s]\n", line, path);
}

static void see_value(
    void *self, unsigned line, const char *path, const char *value)
{
	struct seen *s = self;
	size_t len = strlen(s->text);

	snprintf(s->text + len, sizeof(s->text) - len, "%u %s=%s\n", line, path,
	    value);
}

static void see_error(void *self, unsigned line, const char *why)
{
	struct seen *s = self;

	s->errors++;
	see_value(self, line, "error", why);
}

static struct seen read_toml(const char *text, size_t len)
{
	struct seen s = {0};
	const struct toml_handler h = {&s, see_element, see_value, see_error};

	toml_read(text, len, &h);
	return s;
}

static const char toml[] = "# comment\n"
			   "top = 1 # comment\n"
			   "[a.\"b c\"]\n"
			   "x.y = 'it''s'\n"
			   "s = \"q\\\"\\n\"\n"
			   "list = [ 1,\n  2, # two\n ]\n"
			   "[[t]]\n"
			   "in = { k = true, l = { m = 1_0 } }\n"
			   "tables = [ { n = 1 }, { n = 2 } ]\n";

static void toml_is_read(void **state)
{
	struct seen s = read_toml(toml, sizeof(toml) - 1);

	(void)state;
	assert_string_equal(s.text, "2 top=1\n"
				    "4 a.b c.x.y=it\n"
				    "4 error=something follows the value\n"
				    "5 a.b c.s=q\" \n"
				    "6 a.b c.list=1\n"
				    "7 a.b c.list=2\n"
				    "9 [t]\n"
				    "10 t.in.k=true\n"
				    "10 t.in.l.m=10\n"
				    "11 [t.tables]\n"
				    "11 t.tables.n=1\n"
				    "11 [t.tables]\n"
				    "11 t.tables.n=2\n");
}

/* No prefix crashes, and none has more than one error more than the whole. */
static void every_prefix_of_toml_ends(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(toml); len++) {
		char *copy = malloc(len + 1);
		struct seen s;

		memcpy(copy, toml, len);
		s = read_toml(copy, len);
		assert_in_range(s.errors, 0, 2);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_of_timesyncd_are_joined),
	    cmocka_unit_test(every_word_has_the_fate_of_its_table),
	    cmocka_unit_test(a_line_of_any_length_is_one_line_of_the_report),
	    cmocka_unit_test(no_byte_of_a_file_controls_the_output),
	    cmocka_unit_test(names_of_sources_are_unique_and_short),
	    cmocka_unit_test(the_65th_server_is_reported),
	    cmocka_unit_test(steps_are_as_in_chronyd),
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(a_pool_counts_as_its_sources),
	    cmocka_unit_test(an_option_is_no_host),
	    cmocka_unit_test(a_pool_of_ntpd_and_of_ntpd_rs_is_a_pool),
	    cmocka_unit_test(a_drift_file_keeps_its_meaning),
	    cmocka_unit_test(toml_is_read),
	    cmocka_unit_test(every_prefix_of_toml_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
