#include "agent/link/log_link.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>

/* int64 nanoseconds reach to 2262. */
#define AT_MAX_NS (INT64_C(9223372036) * NS_PER_S)

/* Without padding, no stray bytes of the engine's memory reach the logger. */
static_assert(sizeof(struct log_measurement) == 64 &&
		  sizeof(struct log_statistics) == 64 &&
		  sizeof(struct log_tracking) == 64 &&
		  sizeof(struct log_record) == 104,
    "a record has padding");

bool log_wanted(const struct config *config, enum log_kind kind)
{
	const bool wanted[LOG_KINDS] = {
	    [LOG_MEASUREMENT] = config->log_measurements,
	    [LOG_STATISTICS] = config->log_statistics,
	    [LOG_TRACKING] = config->log_tracking,
	    [LOG_CYCLE] = log_wanted_any(config),
	};

	return wanted[kind] && config->log_folder[0] != '\0';
}

bool log_wanted_any(const struct config *config)
{
	return config->log_folder[0] != '\0' &&
	       (config->log_measurements || config->log_statistics ||
		   config->log_tracking);
}

bool log_order_valid(const struct log_order *o)
{
	return o->folder[0] == '/' &&
	       memchr(o->folder, '\0', sizeof(o->folder)) != NULL;
}

/* A larger number breaks no column, but no true one is so large. */
static bool all_finite(const double *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!isfinite(values[i]) || fabs(values[i]) > 1e12)
			return false;
	return true;
}

static bool measurement_valid(const struct log_measurement *m)
{
	const double values[] = {m->offset, m->delay, m->dispersion,
	    m->root_delay, m->root_dispersion};

	return all_finite(values, ARRAY_LEN(values)) && m->local_poll >= -99 &&
	       m->local_poll <= 99 && m->remote_poll >= -128 &&
	       m->remote_poll <= 127 && m->max_delay <= 1 &&
	       m->max_delay_ratio <= 1 && m->tx_stamp <= STAMP_HARDWARE &&
	       m->rx_stamp <= STAMP_HARDWARE;
}

static bool statistics_valid(const struct log_statistics *s)
{
	const double values[] = {
	    s->std_dev, s->offset, s->offset_sd, s->freq, s->skew, s->stress};

	return all_finite(values, ARRAY_LEN(values)) && s->samples <= 9999 &&
	       s->runs <= 9999;
}

static bool tracking_valid(const struct log_tracking *t)
{
	const double values[] = {t->freq_ppm, t->skew_ppm, t->offset,
	    t->offset_sd, t->root_delay, t->root_dispersion, t->max_error};

	return all_finite(values, ARRAY_LEN(values)) &&
	       t->combined <= SOURCES_MAX;
}

static bool record_valid(const struct log_record *r)
{
	if (r->kind == LOG_CYCLE)
		return true;
	if (r->at_ns < 0 || r->at_ns > AT_MAX_NS || r->leap > LEAP_UNKNOWN ||
	    r->stratum > 16 ||
	    (r->address.family != 4 && r->address.family != 6))
		return false;
	if (r->kind == LOG_MEASUREMENT)
		return measurement_valid(&r->measurement);
	if (r->kind == LOG_STATISTICS)
		return statistics_valid(&r->statistics);
	return r->kind == LOG_TRACKING && tracking_valid(&r->tracking);
}

int log_send(int fd, const struct log_record *r)
{
	ssize_t n;

	/* The logger would take a record that is not valid for an attack. */
	if (!record_valid(r))
		return 1;
	do
		n = send(fd, r, sizeof(*r), MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM))
		return 0;
	return n == (ssize_t)sizeof(*r) ? 1 : -1;
}

int log_receive(int fd, struct log_record *out)
{
	ssize_t n;

	do
		n = recv(fd, out, sizeof(*out), MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*out) && record_valid(out) ? 1 : -1;
}

/* An engine that does not read is behind: it hears the next one. */
void log_tell(int fd, int32_t error)
{
	(void)send(fd, &error, sizeof(error), MSG_DONTWAIT | MSG_NOSIGNAL);
}

int log_hear(int fd, int32_t *error)
{
	ssize_t n = recv(fd, error, sizeof(*error), MSG_TRUNC | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n == (ssize_t)sizeof(*error) && *error >= 0 ? 1 : -1;
}
