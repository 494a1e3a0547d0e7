#include "agent/link/keeper_link.h"

#include "resolver/frame.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define FREQ_MAX_PPM 1e6

/* Without padding, no stray bytes of the keeper's memory reach the engine. */
static_assert(sizeof(struct keeper_report) ==
		  4 * sizeof(uint32_t) + CLOCK_CHANGES_MAX * 24 + 16,
    "keeper_report has padding");

bool freq_possible(double ppm)
{
	return isfinite(ppm) && fabs(ppm) < FREQ_MAX_PPM;
}

static bool report_valid(const struct keeper_report *r)
{
	if (r->verdict >= KEEPER_VERDICT_COUNT || r->sys_errno < 0 ||
	    r->change_count > CLOCK_CHANGES_MAX ||
	    !freq_possible(r->found_freq_ppm))
		return false;
	for (uint32_t i = 0; i < r->change_count; i++)
		if (!freq_possible(r->changes[i].freq_ppm) ||
		    r->changes[i].at.ns < 0)
			return false;
	return true;
}

/* Only the byte shows a bool that is neither true nor false. */
static bool bool_valid(const bool *b)
{
	unsigned char byte;

	static_assert(sizeof(*b) == 1, "a bool is a byte");
	memcpy(&byte, b, 1);
	return byte <= 1;
}

/* clock/kernel/keeper.h judges the rest of a command, and reports its verdict.
 */
static bool message_valid(const struct keeper_message *m)
{
	if (m->serial == 0)
		return false;
	if (m->kind == KEEPER_MESSAGE_COMMAND)
		return bool_valid(&m->command.synchronised) &&
		       bool_valid(&m->command.bootstrap) &&
		       bool_valid(&m->command.pause);
	return m->kind == KEEPER_MESSAGE_SAVE && freq_possible(m->freq_ppm) &&
	       freq_possible(m->freq_sd_ppm) && m->freq_sd_ppm >= 0 &&
	       m->good_time_s >= 0;
}

bool save_order_valid(const struct save_order *o)
{
	return memchr(o->driftfile, '\0', sizeof(o->driftfile)) &&
	       memchr(o->goodtime_file, '\0', sizeof(o->goodtime_file)) &&
	       freq_possible(o->freq_ppm) && freq_possible(o->freq_sd_ppm) &&
	       o->freq_sd_ppm >= 0 && o->good_time_s >= 0;
}

int keeper_receive_report(int fd, struct keeper_report *out)
{
	int got = frame_receive(fd, out, sizeof(*out));

	return got == 1 && !report_valid(out) ? -1 : got;
}

int keeper_send_report(int fd, const struct keeper_report *r)
{
	return frame_send(fd, r, sizeof(*r));
}

int keeper_receive_message(int fd, struct keeper_message *out)
{
	int got = frame_receive(fd, out, sizeof(*out));

	return got == 1 && !message_valid(out) ? -1 : got;
}

int keeper_send_message(int fd, const struct keeper_message *m)
{
	return frame_send(fd, m, sizeof(*m));
}
