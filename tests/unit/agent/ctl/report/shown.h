/* What a report prints, compared with a text or a file in expected/. */
#ifndef TESTS_UNIT_AGENT_CTL_REPORT_SHOWN_H
#define TESTS_UNIT_AGENT_CTL_REPORT_SHOWN_H

#include "agent/ctl/report/report.h"
#include "tests/unit/agent/ctl/example.h"

/* What the report prints; the caller frees it. */
static inline char *report_text(report_fn *report, const struct snapshot *s,
    struct view view, enum exit_status expected)
{
	char *text = NULL;
	size_t size = 0;

	view.out = open_memstream(&text, &size);
	assert_non_null(view.out);
	assert_int_equal(report(s, &view), expected);
	fclose(view.out);
	return text;
}

/* What the report prints of this tree, which is released. */
static inline char *report_of(report_fn *report, json_t *tree, struct view view,
    enum exit_status expected)
{
	struct snapshot s = snapshot_of(tree);
	char *text = report_text(report, &s, view, expected);

	snapshot_free(&s);
	return text;
}

static inline void assert_report(
    report_fn *report, json_t *tree, struct view view, const char *expected)
{
	char *text = report_of(report, tree, view, EXIT_OK);

	assert_string_equal(text, expected);
	free(text);
}

/* A file in expected/ and the view that prints it of the example. */
struct golden {
	const char *file;
	struct view view;
};

static inline void assert_golden(
    report_fn *report, const struct golden *golden, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char path[128];
		char *text;

		snprintf(
		    path, sizeof(path), HERE "expected/%s", golden[i].file);
		text = report_of(report, example(), golden[i].view, EXIT_OK);
		assert_is_file(text, path);
		free(text);
	}
}

/* A report that cannot be written ends with an error. */
static inline void assert_full_disk_is_an_error(report_fn *report)
{
	struct view view = {.output = OUTPUT_JSON, .width = 80};
	struct snapshot s = snapshot_of(example());

	view.out = fopen("/dev/full", "w");
	assert_non_null(view.out);
	setvbuf(view.out, NULL, _IONBF, 0);
	assert_int_equal(report(&s, &view), EXIT_NO_STATUS);
	fclose(view.out);
	snapshot_free(&s);
}

#endif
