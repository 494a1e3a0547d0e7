#include "agent/link/keeper_link.h"

#include "resolver/frame.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Twice what Linux can set (CLOCK_FREQ_MAX_PPM, and a little). */
#define FREQ_MAX_PPM 2e5
/* No clock shows a later time: 2116. Differences of two times fit, too. */
#define TIME_MAX_NS (INT64_C(1) << 62)

/* Without padding, no stray bytes of the keeper's memory reach the engine. */
static_assert(sizeof(struct keeper_report) ==
		  6 * sizeof(uint32_t) + CLOCK_CHANGES_MAX * 24 + 24,
    "keeper_report has padding");

bool freq_possible(double ppm)
{
	return isfinite(ppm) && fabs(ppm) < FREQ_MAX_PPM;
}

static bool time_possible(int64_t ns)
{
	return ns >= 0 && ns < TIME_MAX_NS;
}

static bool change_valid(const struct clock_change *c)
{
	int64_t after_ns;

	return freq_possible(c->freq_ppm) && time_possible(c->at.ns) &&
	       !__builtin_add_overflow(c->at.ns, c->step_ns, &after_ns) &&
	       time_possible(after_ns);
}

static bool report_valid(const struct keeper_report *r)
{
	if (r->verdict >= KEEPER_VERDICT_COUNT || r->sys_errno < 0 ||
	    r->change_count > CLOCK_CHANGES_MAX || r->leap > LEAP_DELETE ||
	    !freq_possible(r->found_freq_ppm))
		return false;
	for (uint32_t i = 0; i < r->change_count; i++)
		if (!change_valid(&r->changes[i]))
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
	if (m->kind == KEEPER_MESSAGE_ALIVE)
		return true;
	return m->kind == KEEPER_MESSAGE_SAVE && freq_possible(m->freq_ppm) &&
	       freq_possible(m->freq_sd_ppm) && m->freq_sd_ppm >= 0 &&
	       m->good_time_s >= 0;
}

bool save_order_valid(const struct save_order *o)
{
	return memchr(o->driftfile, '\0', sizeof(o->driftfile)) &&
	       memchr(o->goodtime_file, '\0', sizeof(o->goodtime_file)) &&
	       freq_possible(o->freq_ppm) && freq_possible(o->freq_sd_ppm) &&
	       o->freq_sd_ppm >= 0 && o->good_time_s >= 0 &&
	       seal_key_valid(&o->seal);
}

int keeper_receive_report(int fd, struct keeper_report *out)
{
	struct keeper_question question;
	int got = frame_receive_either(fd, out, sizeof(*out), sizeof(question));

	if (got == KEEPER_ASKS) {
		memcpy(&question, out, sizeof(question));
		*out = (struct keeper_report){.serial = question.serial};
		return question.serial == 0 ? -1 : KEEPER_ASKS;
	}
	return got == 1 && !report_valid(out) ? -1 : got;
}

int keeper_send_question(int fd, uint32_t serial)
{
	const struct keeper_question question = {.serial = serial};

	return frame_send(fd, &question, sizeof(question));
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
