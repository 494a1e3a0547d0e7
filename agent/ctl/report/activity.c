#include "agent/ctl/report/report.h"
#include "agent/ctl/snapshot/chrony_values.h"

/* chronyc's five counts. A burst is not a state of our sources, so the two
 * counts of bursts stay 0. */
struct activity {
	struct field_int online, offline, burst_online, burst_offline,
	    unknown_address;
};

#define COUNT(m) .field = FIELD(struct activity, m)

static const struct column columns[] = {
    {COUNT(online)},
    {COUNT(offline)},
    {COUNT(burst_online)},
    {COUNT(burst_offline)},
    {COUNT(unknown_address)},
};

static const char *const labels[ARRAY_LEN(columns)] = {
    "sources online",
    "sources offline",
    "sources doing burst (return to online)",
    "sources doing burst (return to offline)",
    "sources with unknown address",
};

static struct activity count_sources(const struct snapshot *s)
{
	const struct chrony_activity a = chrony_activity(s);

	return (struct activity){
	    .online = {.known = true, .n = a.online},
	    .offline = {.known = true, .n = a.offline},
	    .burst_online = {.known = true},
	    .burst_offline = {.known = true},
	    .unknown_address = {.known = true, .n = a.unknown_address},
	};
}

static void put_text(const struct activity *a, FILE *out)
{
	fputs("200 OK\n", out);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		fprintf(out, "%.0f %s\n", field_number(&columns[i].field, a),
		    labels[i]);
}

enum exit_status report_activity(const struct snapshot *s, const struct view *v)
{
	struct activity a = count_sources(s);
	size_t count = ARRAY_LEN(columns);
	bool done = true;

	switch (v->output) {
	case OUTPUT_TEXT:
		put_text(&a, v->out);
		break;
	case OUTPUT_CSV:
		table_put_csv_heading(columns, count, v->out);
		table_put_csv_row(columns, count, &a, v->out);
		break;
	case OUTPUT_JSON:
		done = table_put_json_row(
		    columns, count, &a, "activity", s, v->out);
		break;
	}
	return done ? EXIT_OK : EXIT_NO_STATUS;
}
