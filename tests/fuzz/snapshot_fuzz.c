/*
 * What ntsctl reads from the status socket. Every report of an accepted status
 * ends, in each output, and sends the terminal no byte that controls it. Each
 * line of the metrics is a comment, or a name, labels and a number.
 */
#include "agent/ctl/metrics/metrics.h"
#include "agent/ctl/chronyc/chronyc.h"
#include "agent/ctl/report/report.h"
#include "tests/fuzz/target.h"

static report_fn *const reports[] = {
    report_sources,
    report_sourcestats,
    report_tracking,
    report_authdata,
    report_activity,
    report_status,
    report_selectdata,
    report_ntpdata,
};

static const char *const of_chronyc[] = {"sources", "sourcestats", "tracking",
    "authdata", "activity", "selectdata", "ntpdata"};

static const struct view views[] = {
    {.output = OUTPUT_TEXT, .width = 80},
    {.output = OUTPUT_TEXT, .width = 20, .verbose = true, .numeric = true},
    {.output = OUTPUT_CSV, .width = 80},
    {.output = OUTPUT_JSON, .width = 80},
};

static void check_text(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		MUST(c == '\n' || (c >= 0x20 && c != 0x7f));
	}
}

static void check_report(
    report_fn *report, const struct snapshot *s, struct view view)
{
	size_t size = 0;
	char *text = NULL;
	enum exit_status status;

	view.out = open_memstream(&text, &size);
	MUST(view.out != NULL);
	status = report(s, &view);
	MUST(status == EXIT_OK || status == EXIT_NOT_SYNCHRONISED);
	MUST(fclose(view.out) == 0);
	check_text(text, size);
	free(text);
}

/* Behind the quotation mark that begins a label; at the one that ends it. */
static const char *end_of_label(const char *c)
{
	for (; *c != '"'; c++) {
		MUST(*c != '\n' && *c != '\0');
		if (*c == '\\')
			c++;
	}
	return c;
}

/* Returns what follows the line. */
static const char *check_line(const char *c)
{
	char *end;

	if (*c == '#')
		return strchr(c, '\n') + 1;
	MUST(strncmp(c, "ntsagent_", strlen("ntsagent_")) == 0);
	c += strspn(c, "abcdefghijklmnopqrstuvwxyz_");
	if (*c == '{') {
		while ((c = strpbrk(c, "\"}")) && *c == '"')
			c = end_of_label(c + 1) + 1;
		MUST(c != NULL);
		c++;
	}
	MUST(*c == ' ');
	(void)strtod(c, &end);
	MUST(end > c && *end == '\n');
	return end + 1;
}

static void check_metrics(const struct snapshot *s, enum exposition form)
{
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	MUST(out != NULL);
	metrics_put(out, form, s);
	MUST(fclose(out) == 0);
	check_text(text, size);
	for (const char *c = text; *c;)
		c = check_line(c);
	free(text);
}

static void check_chronyc(const char *name, const struct snapshot *s, bool csv)
{
	const struct chronyc_style style = {.csv = csv, .all = true};
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	MUST(out != NULL);
	MUST(chronyc_report(name)(s, &style, out));
	MUST(fclose(out) == 0);
	check_text(text, size);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[SNAPSHOT_ERROR_MAX] = "";
	struct snapshot s;

	if (!snapshot_parse(&s, (const char *)data, size, why)) {
		MUST(why[0] != '\0' && is_one_line(why));
		MUST(s.whole == NULL && s.sources == NULL);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(reports); i++)
		for (size_t j = 0; j < ARRAY_LEN(views); j++)
			check_report(reports[i], &s, views[j]);
	check_metrics(&s, EXPOSITION_OPENMETRICS);
	check_metrics(&s, EXPOSITION_PROMETHEUS);
	for (size_t i = 0; i < ARRAY_LEN(of_chronyc); i++) {
		check_chronyc(of_chronyc[i], &s, false);
		check_chronyc(of_chronyc[i], &s, true);
	}
	snapshot_free(&s);
	return 0;
}
