/* The latest answer of each source. */
#include "agent/ctl/chronyc/values.h"
#include "agent/ctl/snapshot/address.h"
#include "agent/ctl/snapshot/chrony_tests.h"

#include <string.h>

#define REFERENCE_CLOCK_STRATUM 1
#define NTP_PORT 123
/* The longest part of the report of one source, in bytes. */
#define LINES_MAX 1024

static void put_bits(FILE *out, unsigned bits, unsigned count)
{
	while (count-- > 0)
		fputc(bits >> count & 1 ? '1' : '0', out);
}

static void put_tests(FILE *out, unsigned tests, char between)
{
	put_bits(out, tests >> 7, 3);
	fputc(between, out);
	put_bits(out, tests >> 4, 3);
	fputc(between, out);
	put_bits(out, tests, 4);
}

static const char *stamp_word(const char *stamp)
{
	switch (chrony_stamp(stamp)) {
	case 'D':
		return "Daemon";
	case 'K':
		return "Kernel";
	case 'H':
		return "Hardware";
	default:
		return "Invalid";
	}
}

static const char *shown_address(const char *address)
{
	return address ? address : "[UNSPEC]";
}

/* The characters of a reference clock; chronyc shows no others. */
static const char *refid_name(const struct status_source *s)
{
	bool clock = small_of(s->stratum) <= REFERENCE_CLOCK_STRATUM;

	return clock && s->reference_id && strlen(s->reference_id) <= 4
		   ? s->reference_id
		   : "";
}

struct data {
	const struct status_source *s;
	const struct status_answer *a;
	const char *remote, *local, *leap, *mode;
	uint32_t remote_id, local_id, refid;
	unsigned port;
	double offset_s; /* positive if the clock is slow: chronyc's sign here
			  */
	int poll, precision;
	unsigned tests;
	bool heard;
};

static struct data data_of(const struct status_source *s)
{
	const struct status_answer *a = &s->answer;

	return (struct data){
	    .s = s,
	    .a = a,
	    .remote = shown_address(chrony_address(s)),
	    .local = shown_address(a->local_address),
	    .leap = a->version.known ? chronyc_leap(s->leap) : "Normal",
	    .mode = a->version.known ? "Server" : "Invalid",
	    .remote_id = address_reference(chrony_address(s)),
	    .local_id = address_reference(a->local_address),
	    .refid = chrony_reference(s->reference_id),
	    .port = s->port.known ? whole_of(s->port) : NTP_PORT,
	    .offset_s = 0 - seconds_or(s->measured_offset_ns, 0),
	    .poll = small_of(a->poll_log2_s),
	    .precision = small_of(a->precision_log2_s),
	    .tests = chrony_tests(s),
	    .heard = a->version.known,
	};
}

/* The text and the CSV have the same values in the same order. */
static void put_addresses(const struct data *d, bool csv, FILE *out)
{
	fprintf(out,
	    csv ? "%s,%08X,%u,%s,%08X,"
		: "Remote address  : %s (%08X)\n"
		  "Remote port     : %u\n"
		  "Local address   : %s (%08X)\n",
	    d->remote, d->remote_id, d->port, d->local, d->local_id);
}

static void put_packet(const struct data *d, bool csv, FILE *out)
{
	const struct status_source *s = d->s;
	const struct status_answer *a = d->a;

	fprintf(out,
	    csv ? "%s,%u,%s,%u,"
		: "Leap status     : %s\n"
		  "Version         : %u\n"
		  "Mode            : %s\n"
		  "Stratum         : %u\n",
	    d->leap, whole_of(a->version), d->mode, whole_of(s->stratum));
	fprintf(out,
	    csv ? "%d,%.0f,%d,%.9f,%.6f,%.6f,%08X,%s,"
		: "Poll interval   : %d (%.0f seconds)\n"
		  "Precision       : %d (%.9f seconds)\n"
		  "Root delay      : %.6f seconds\n"
		  "Root dispersion : %.6f seconds\n"
		  "Reference ID    : %08X (%s)\n"
		  "Reference time  : ",
	    d->poll, ldexp(1, d->poll), d->precision, ldexp(1, d->precision),
	    seconds_or(a->root_delay_ns, 0),
	    seconds_or(a->root_dispersion_ns, 0), d->refid, refid_name(s));
	if (csv)
		chronyc_put_epoch(out, a->reference_time_ns);
	else
		chronyc_put_date(out, a->reference_time_ns);
	fputc(csv ? ',' : '\n', out);
}

static void put_measurement(const struct data *d, bool csv, FILE *out)
{
	const struct status_answer *a = d->a;

	fprintf(out,
	    csv ? "%.9f,%.9f,%.9f,%.9f,"
		: "Offset          : %+.9f seconds\n"
		  "Peer delay      : %.9f seconds\n"
		  "Peer dispersion : %.9f seconds\n"
		  "Response time   : %.9f seconds\n",
	    d->offset_s, seconds_or(d->s->delay_ns, 0),
	    seconds_or(a->dispersion_ns, 0), seconds_or(a->response_ns, 0));
}

static void put_checks(const struct data *d, bool csv, FILE *out)
{
	const struct status_source *s = d->s;

	fputs(csv ? "0.00,"
		  : "Jitter asymmetry: +0.00\n"
		    "NTP tests       : ",
	    out);
	put_tests(out, d->tests, csv ? ',' : ' ');
	fprintf(out,
	    csv ? ",No,%s,%s,%s,"
		: "\n"
		  "Interleaved     : No\n"
		  "Authenticated   : %s\n"
		  "TX timestamping : %s\n"
		  "RX timestamping : %s\n",
	    d->heard ? "Yes" : "No", stamp_word(s->tx_stamp),
	    stamp_word(s->rx_stamp));
}

static void put_totals(const struct data *d, bool csv, FILE *out)
{
	const struct status_packets *p = &d->s->packets;

	fprintf(out,
	    csv ? "%u,%u,%u,%u,%u,%u,%u,%u\n"
		: "Total TX        : %u\n"
		  "Total RX        : %u\n"
		  "Total valid RX  : %u\n"
		  "Total good RX   : %u\n"
		  "Total kernel TX : %u\n"
		  "Total kernel RX : %u\n"
		  "Total HW TX     : %u\n"
		  "Total HW RX     : %u\n",
	    whole_of(p->sent), whole_of(p->received), whole_of(p->valid),
	    whole_of(p->good), whole_of(p->kernel_sent),
	    whole_of(p->kernel_received), whole_of(p->hardware_sent),
	    whole_of(p->hardware_received));
}

/* Which checks answers have failed, and how often. */
static void put_failed(const struct status_source *s, FILE *out)
{
	const char *last = s->answer.failed_check;

	if (!last && s->packets.received.n == 0)
		fputs("Last answer     : none yet\n", out);
	else
		fprintf(out, "Last answer     : %s%s\n",
		    last ? "failed the check " : "failed no check",
		    last ? last : "");
	fputs("Failed checks   : ", out);
	for (unsigned i = 0; i < s->checks.count; i++)
		fprintf(out, "%s%s %lld", i == 0 ? "" : ", ",
		    s->checks.item[i].name, (long long)s->checks.item[i].n);
	fputs(s->checks.count == 0 ? "none\n" : "\n", out);
}

/* Writes the lines of `put`, with a "-" in each if no value is known. */
static void put_known(const struct data *d, bool known,
    void (*put)(const struct data *d, bool csv, FILE *out), FILE *out)
{
	char text[LINES_MAX], *rest = text, *line;
	FILE *lines = known ? NULL : fmemopen(text, sizeof(text), "w");

	put(d, false, lines ? lines : out);
	if (!lines)
		return;
	fclose(lines);
	while ((line = strsep(&rest, "\n")) != NULL && *line)
		fprintf(out, "%.*s: -\n", (int)strcspn(line, ":"), line);
}

static void put_text(const struct data *d, bool more, FILE *out)
{
	bool measured = d->s->measured_offset_ns.known;

	put_addresses(d, false, out);
	put_known(d, d->heard || !more, put_packet, out);
	put_known(d, measured || !more, put_measurement, out);
	put_known(d, d->heard || !more, put_checks, out);
	put_totals(d, false, out);
	if (more)
		put_failed(d->s, out);
}

static void put_csv(const struct data *d, FILE *out)
{
	put_addresses(d, true, out);
	put_packet(d, true, out);
	put_measurement(d, true, out);
	put_checks(d, true, out);
	put_totals(d, true, out);
}

bool chronyc_ntpdata(
    const struct snapshot *s, const struct chronyc_style *style, FILE *out)
{
	bool found = !style->only, apart = !style->only;

	for (unsigned i = 0; i < s->source_count; i++) {
		const struct status_source *source = &s->sources[i];
		struct data d = data_of(source);

		if (style->only ? !chronyc_names(source, style->only)
				: !chrony_address(source))
			continue;
		found = true;
		if (style->more) /* the sign of all other outputs */
			d.offset_s = seconds_or(source->measured_offset_ns, 0);
		fputs(apart && !style->csv ? "\n" : "", out);
		apart = true;
		if (style->csv)
			put_csv(&d, out);
		else
			put_text(&d, style->more, out);
	}
	return found;
}
