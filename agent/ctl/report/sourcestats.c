#include "agent/ctl/report/report.h"

#include <math.h>

#define SOURCE(m) .field = FIELD(struct status_source, m)

/* What chronyc shows when these are not known; scripts expect it. */
#define SKEW_UNKNOWN_PPM 2000
#define STD_DEV_UNKNOWN_NS 4e9

/* clang-format off */
static const struct column columns[] = {
	{SOURCE(name)}, {SOURCE(host)}, {SOURCE(address)},
	{SOURCE(samples),        format_count,      " ",  3},
	{SOURCE(runs),           format_count,      " ",  3},
	{SOURCE(span_s),         format_age,        "  ", 4,  .if_null = NAN},
	{SOURCE(residual_frequency_ppm),  format_signed_ppm, " ",  10, .if_null = NAN},
	{SOURCE(skew_ppm),       format_ppm,        " ",  10, .if_null = SKEW_UNKNOWN_PPM},
	{SOURCE(estimated_offset_ns), format_signed_ns,  "  ", 7,  .if_null = NAN},
	{SOURCE(std_dev_ns),     format_ns,         "  ", 6,  .if_null = STD_DEV_UNKNOWN_NS},
	{SOURCE(delay_ns)}, {SOURCE(min_delay_ns)},
};
/* clang-format on */

static const char legend[] =
    "\n"
    "  NP         samples in use\n"
    "  NR         runs of residuals with one sign: few for many samples means\n"
    "             that a straight line does not fit them well\n"
    "  Span       time from the first of these samples to the last\n"
    "  Frequency  how fast our clock runs against this source now, in ppm;\n"
    "             + fast, - slow\n"
    "  Freq Skew  bound of its error that holds in 95 of 100 cases, in ppm: "
    "two\n"
    "             standard deviations, and more with few samples\n"
    "  Offset     estimated error of our clock; + fast, - slow\n"
    "  Std Dev    standard deviation of the samples\n"
    "\n";

static const struct table table = {
    .member = "sources",
    .legend = legend,
    .name_heading = "Name/IP Address",
    .heading =
	"            NP  NR  Span  Frequency  Freq Skew  Offset  Std Dev",
    .name_width = 25,
    .rule = 78,
    .columns = columns,
    .column_count = ARRAY_LEN(columns),
};

enum exit_status report_sourcestats(
    const struct snapshot *s, const struct view *v)
{
	return table_put(&table, s, v) ? EXIT_OK : EXIT_NO_STATUS;
}
