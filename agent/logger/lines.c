#include "agent/logger/lines.h"

#include <stdio.h>
#include <time.h>

static const struct {
	const char *file, *banner;
} files[LOG_FILES] = {
    [LOG_MEASUREMENT] = {"measurements.log",
	"   Date (UTC) Time     IP Address   L St 123 567 ABCD  LP RP Score  "
	"  Offset  Peer del. Peer disp.  Root del. Root disp. Refid     MTxRx"},
    [LOG_STATISTICS] = {"statistics.log",
	"   Date (UTC) Time     IP Address    Std dev'n Est offset  Offset sd "
	" Diff freq   Est skew  Stress  Ns  Bs  Nr  Asym"},
    [LOG_TRACKING] = {"tracking.log",
	"   Date (UTC) Time     IP Address   St   Freq ppm   Skew ppm     "
	"Offset L Co  Offset sd Rem. corr. Root delay Root disp. Max. error"},
};

const char *lines_file(enum log_kind kind)
{
	return files[kind].file;
}

const char *lines_banner(enum log_kind kind)
{
	return files[kind].banner;
}

static const char *date(int64_t at_ns, char out[32])
{
	time_t s = (time_t)(at_ns / NS_PER_S);
	struct tm tm;

	if (!gmtime_r(&s, &tm) ||
	    strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(out, 32, "1970-01-01 00:00:00");
	return out;
}

static char leap_letter(uint8_t leap)
{
	return "N+-?"[leap & 3];
}

static char stamp_letter(uint8_t kind)
{
	return "DKH"[kind % 3];
}

/* An answer that fails one of the first seven tests, or of which chronyd's
 * tests C and D would say something, has no line. */
static void write_measurement(const struct log_record *r, const char *when,
    const char *address, char out[LINE_TEXT_MAX])
{
	const struct log_measurement *m = &r->measurement;

	snprintf(out, LINE_TEXT_MAX,
	    "%s %-15s %1c %2d 111 111 %d%d11  %2d %2d %4.2f %10.3e %10.3e "
	    "%10.3e %10.3e %10.3e %08X 4B %c %c",
	    when, address, leap_letter(r->leap), r->stratum, m->max_delay,
	    m->max_delay_ratio, m->local_poll, m->remote_poll, 0.0, m->offset,
	    m->delay, m->dispersion, m->root_delay, m->root_dispersion,
	    (unsigned)m->reference_id, stamp_letter(m->tx_stamp),
	    stamp_letter(m->rx_stamp));
}

static void write_statistics(const struct log_record *r, const char *when,
    const char *address, char out[LINE_TEXT_MAX])
{
	const struct log_statistics *s = &r->statistics;

	snprintf(out, LINE_TEXT_MAX,
	    "%s %-15s %10.3e %10.3e %10.3e %10.3e %10.3e %7.1e %3u %3d %3u "
	    "%5.2f",
	    when, address, s->std_dev, s->offset, s->offset_sd, s->freq,
	    s->skew, s->stress, s->samples, 0, s->runs, 0.0);
}

/* The offset includes what is left of the last correction. */
static void write_tracking(const struct log_record *r, const char *when,
    const char *address, char out[LINE_TEXT_MAX])
{
	const struct log_tracking *t = &r->tracking;

	snprintf(out, LINE_TEXT_MAX,
	    "%s %-15s %2d %10.3f %10.3f %10.3e %1c %2u %10.3e %10.3e %10.3e "
	    "%10.3e %10.3e",
	    when, address, r->stratum, t->freq_ppm, t->skew_ppm, t->offset,
	    leap_letter(r->leap), t->combined, t->offset_sd, 0.0, t->root_delay,
	    t->root_dispersion, t->max_error);
}

void lines_write(const struct log_record *r, char out[LINE_TEXT_MAX])
{
	char when[32], address[ENDPOINT_TEXT_MAX];

	date(r->at_ns, when);
	endpoint_text(&r->address, false, address);
	if (r->kind == LOG_MEASUREMENT)
		write_measurement(r, when, address, out);
	else if (r->kind == LOG_STATISTICS)
		write_statistics(r, when, address, out);
	else
		write_tracking(r, when, address, out);
}
