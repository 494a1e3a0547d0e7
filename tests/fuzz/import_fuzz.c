/*
 * Reads any bytes as the configuration of another program; the first byte says
 * which. What the import makes of it is a configuration that the agent takes,
 * or one whose only error is that no server has NTS, or that all of them are
 * noselect.
 */
#include "agent/ctl/import/parsers.h"
#include "agent/ctl/import/state.h"
#include "tests/fuzz/config_limits.h"
#include "tests/fuzz/load_config.h"

static unsigned sources_of(const struct draft *d)
{
	unsigned count = 0;

	for (unsigned i = 0; i < d->source_count; i++)
		count += draft_source_size(&d->sources[i]);
	return count;
}

static void check_made(const struct draft *d)
{
	struct config *c = calloc(1, sizeof(*c));
	char *text = NULL, *said = NULL;
	size_t len = 0, said_len = 0;
	FILE *out = open_memstream(&text, &len);
	FILE *errors = open_memstream(&said, &said_len);
	unsigned count;

	MUST(c && out && errors);
	draft_write(d, "a file", out);
	MUST(fclose(out) == 0);
	count = load_config(text, len, c, errors);
	MUST(fclose(errors) == 0);
	if (d->source_count == 0)
		MUST(count == 1 && strstr(said, "no source"));
	else if (d->lost > 0 && count == 1 && strstr(said, "only 0 of "))
		; /* all of them are noselect */
	else if (count > 0) {
		fprintf(stderr, "%s%s", text, said);
		abort();
	} else
		check_config(c);
	MUST(c->source_count == sources_of(d));
	free(text);
	free(said);
	free(c);
}

/* Each line of the report is one line. */
static void check_report(const char *said, size_t len)
{
	for (size_t i = 0; i < len; i++)
		MUST((unsigned char)said[i] >= 0x20 || said[i] == '\n');
}

static void check_state(enum foreign_program p, const uint8_t *data, size_t len)
{
	char *text = strndup((const char *)data, len);
	char line[STATE_TEXT_MAX];

	MUST(text);
	if (state_drift(p, text, line)) {
		MUST(ends_within(line, sizeof(line)));
		MUST(strchr(line, '\n') == line + strlen(line) - 1);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *said = NULL;
	size_t said_len = 0;
	FILE *report = open_memstream(&said, &said_len);
	enum foreign_program p;
	struct import i = {0};

	MUST(report);
	if (size > 0) {
		p = (enum foreign_program)(data[0] % FOREIGN_PROGRAMS);
		i.draft = draft_new(p, report, true);
		MUST(i.draft);
		import_text(&i, "x", (const char *)data + 1, size - 1);
		draft_finish(i.draft);
		check_made(i.draft);
		draft_summary(i.draft, report);
		draft_free(i.draft);
		check_state(p, data + 1, size - 1);
	}
	MUST(fclose(report) == 0);
	check_report(said, said_len);
	free(said);
	return 0;
}
