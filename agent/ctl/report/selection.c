/* selectdata and ntpdata: the text of chronyc and what it does not show. */
#include "agent/ctl/chronyc/chronyc.h"
#include "agent/ctl/print/text.h"
#include "agent/ctl/report/report.h"
#include "agent/ctl/snapshot/chrony_values.h"

#define SOURCE(m) .field = FIELD(struct status_source, m)

static const struct column select_columns[] = {
    {SOURCE(name)},
    {SOURCE(host)},
    {SOURCE(address)},
    {SOURCE(mark)},
    {SOURCE(state)},
    {SOURCE(reason)},
    {SOURCE(options)},
    {SOURCE(last_rx_s)},
    {SOURCE(score)},
    {SOURCE(low_offset_ns)},
    {SOURCE(high_offset_ns)},
    {SOURCE(leap)},
};

static const struct column answer_columns[] = {
    {SOURCE(name)},
    {SOURCE(host)},
    {SOURCE(address)},
    {SOURCE(port)},
    {SOURCE(answer.local_address)},
    {SOURCE(leap)},
    {SOURCE(answer.version)},
    {SOURCE(stratum)},
    {SOURCE(answer.poll_log2_s)},
    {SOURCE(answer.precision_log2_s)},
    {SOURCE(answer.root_delay_ns)},
    {SOURCE(answer.root_dispersion_ns)},
    {SOURCE(reference_id)},
    {SOURCE(answer.reference_time_ns)},
    {SOURCE(measured_offset_ns)},
    {SOURCE(delay_ns)},
    {SOURCE(answer.dispersion_ns)},
    {SOURCE(answer.response_ns)},
    {SOURCE(answer.failed_check)},
    {SOURCE(tx_stamp)},
    {SOURCE(rx_stamp)},
    {SOURCE(packets.sent)},
    {SOURCE(packets.received)},
    {SOURCE(packets.valid)},
    {SOURCE(packets.good)},
    {SOURCE(packets.kernel_sent)},
    {SOURCE(packets.kernel_received)},
    {SOURCE(packets.hardware_sent)},
    {SOURCE(packets.hardware_received)},
};

static const struct table select_table = {
    .member = "sources",
    .columns = select_columns,
    .column_count = ARRAY_LEN(select_columns),
};

static const struct table answer_table = {
    .member = "sources",
    .columns = answer_columns,
    .column_count = ARRAY_LEN(answer_columns),
};

static struct chronyc_style style_of(const struct view *v)
{
	return (struct chronyc_style){
	    .naming = v->numeric ? NAMING_ADDRESS : NAMING_SECTION,
	    .all = true,
	    .verbose = v->verbose,
	    .more = true,
	    .width = v->width,
	    .only = v->only,
	};
}

enum exit_status report_selectdata(
    const struct snapshot *s, const struct view *v)
{
	struct chronyc_style style = style_of(v);

	if (v->output != OUTPUT_TEXT)
		return table_put(&select_table, s, v) ? EXIT_OK
						      : EXIT_NO_STATUS;
	(void)chronyc_selectdata(s, &style, v->out);
	return EXIT_OK;
}

static bool has_address(const struct snapshot *s)
{
	unsigned i = 0;

	while (i < s->source_count && !chrony_address(&s->sources[i]))
		i++;
	return i < s->source_count;
}

enum exit_status report_ntpdata(const struct snapshot *s, const struct view *v)
{
	struct chronyc_style style = style_of(v);

	if (v->output != OUTPUT_TEXT)
		return table_put(&answer_table, s, v) ? EXIT_OK
						      : EXIT_NO_STATUS;
	(void)chronyc_ntpdata(s, &style, v->out);
	/* A pipe gets no hint: a script expects the answers alone. */
	if (v->terminal && !v->only && !has_address(s))
		text_put_wrapped(v->out, "",
		    "No server has answered yet. `ntsctl` says why.", v->width);
	return EXIT_OK;
}
