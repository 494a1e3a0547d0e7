#include "clock/kernel/kernel.h"

#include "clock/command.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

#define US_PER_S 1000000L
#define FREQ_SCALE 65536.0 /* adjtimex(2): ppm with 16 bits of fraction */
#define FREQ_MAX_PPM 500.0 /* of the fine part (MAXFREQ) */
/* With an error of 16 s the kernel, timedatectl and others take the clock for
 * unsynchronised (NTP_PHASE_LIMIT). */
#define ERROR_MAX_US 16000000L
/* UTC has lost 37 s in 50 years: more comes from a damaged table. */
#define TAI_MAX_S 1000
/* The kernel's own loops. The agent ends what another program left in them. */
#define STATUS_LOOPS (STA_PLL | STA_FLL | STA_FREQHOLD)
#define STATUS_LEAP (STA_INS | STA_DEL)
#define S_PER_DAY 86400

static int adjust(void *self, struct timex *t)
{
	const struct kernel_call *call = self;

	return call->adjtime(call->self, t) < 0 ? -errno : 0;
}

static int read_timex(void *self, struct timex *t)
{
	memset(t, 0, sizeof(*t));
	return adjust(self, t);
}

static long user_hz(const void *self)
{
	const struct kernel_call *call = self;

	return call->user_hz;
}

struct kernel_freq kernel_freq_of(double ppm, long hz)
{
	/* One microsecond more in each tick makes hz ppm. */
	long ticks = fabs(ppm) <= FREQ_MAX_PPM ? 0 : lround(ppm / (double)hz);

	return (struct kernel_freq){
	    .tick_us = US_PER_S / hz + ticks,
	    .freq_scaled =
		lround((ppm - (double)ticks * (double)hz) * FREQ_SCALE),
	};
}

double kernel_freq_ppm(const struct kernel_freq *f, long hz)
{
	long ticks = f->tick_us - US_PER_S / hz;

	return (double)ticks * (double)hz + (double)f->freq_scaled / FREQ_SCALE;
}

static double ppm_of(const void *self, const struct timex *t)
{
	struct kernel_freq f = {
	    .tick_us = (long)t->tick, .freq_scaled = (long)t->freq};

	return kernel_freq_ppm(&f, user_hz(self));
}

static struct wall now(void *self)
{
	struct timespec ts;

	(void)self;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct wall){ns_of_timespec(&ts)};
}

/* The offset of the kernel's own loop is in ns with STA_NANO, else in us. */
static int64_t offset_of(const struct timex *t)
{
	return (int64_t)t->offset *
	       (t->status & STA_NANO ? 1 : (int64_t)NS_PER_US);
}

static enum leap leap_of(const struct timex *t)
{
	if (t->status & STA_INS)
		return LEAP_INSERT;
	return t->status & STA_DEL ? LEAP_DELETE : LEAP_NONE;
}

static int look(void *self, struct kernel_found *found)
{
	struct timex t, slew = {.modes = ADJ_OFFSET_SS_READ};
	int err = read_timex(self, &t);

	if (!err)
		err = adjust(self, &slew);
	if (err)
		return err;
	*found = (struct kernel_found){
	    .freq_ppm = ppm_of(self, &t),
	    .adjtime_ns = (int64_t)slew.offset * NS_PER_US,
	    .offset_ns = offset_of(&t),
	    .loop = t.status & STATUS_LOOPS,
	    .synchronised = !(t.status & STA_UNSYNC),
	    .leap = leap_of(&t),
	};
	return 0;
}

/* adjtime(3) with 0 ends the slew of the last one, as far as Linux can: up to
 * 500 us of it are under way until the next second. */
static int end_adjtime(void *self)
{
	struct timex t = {.modes = ADJ_OFFSET_SINGLESHOT, .offset = 0};

	return adjust(self, &t);
}

/*
 * Is a leap second about to come, or has the kernel executed it just now?
 * Switching a loop off makes Linux forget it, and arm the next day. The next
 * look of the keeper comes after it.
 */
static bool leap_is_near(const struct timex *t)
{
	long of_day = (long)(t->time.tv_sec % S_PER_DAY);

	return (t->status & STATUS_LEAP) &&
	       (of_day == 0 ||
		   of_day >= S_PER_DAY - 1 - LEAP_FIXED_BEFORE_NS / NS_PER_S);
}

/* Another program may have left an offset that the kernel still works off. The
 * kernel takes a new offset, 0, only while its loop is on. */
static int end_kernel_loops(void *self)
{
	struct timex t;
	int err = read_timex(self, &t);

	if (err || (!(t.status & STATUS_LOOPS) && t.offset == 0) ||
	    leap_is_near(&t))
		return err;
	t.modes = ADJ_OFFSET | ADJ_STATUS;
	t.status = (t.status & ~STATUS_LOOPS) | STA_PLL;
	t.offset = 0;
	err = adjust(self, &t);
	if (err)
		return err;
	t.modes = ADJ_STATUS;
	t.status &= ~STATUS_LOOPS;
	return adjust(self, &t);
}

/* The last check of a frequency, for the guard, too: not-a-number would become
 * any tick. */
static int set_freq(void *self, double freq_ppm, double *became_ppm)
{
	struct timex t = {.modes = ADJ_FREQUENCY | ADJ_TICK};
	struct kernel_freq f;
	int err;

	if (!(fabs(freq_ppm) <= CLOCK_FREQ_MAX_PPM))
		return -EINVAL;
	f = kernel_freq_of(freq_ppm, user_hz(self));
	t.tick = f.tick_us;
	t.freq = f.freq_scaled;
	err = end_adjtime(self);
	if (!err)
		err = end_kernel_loops(self);
	if (!err)
		err = adjust(self, &t);
	if (!err)
		*became_ppm = ppm_of(self, &t);
	return err;
}

static int step(void *self, int64_t step_ns)
{
	int64_t s = step_ns / NS_PER_S;
	int64_t ns = step_ns % NS_PER_S;
	struct timex t = {.modes = ADJ_SETOFFSET | ADJ_NANO};

	/* The fraction must not be negative: -0.5 s is -1 s and +0.5 s. */
	if (ns < 0) {
		s--;
		ns += NS_PER_S;
	}
	t.time.tv_sec = (time_t)s;
	t.time.tv_usec = (suseconds_t)ns;
	return adjust(self, &t);
}

static long us_rounded_up(int64_t ns)
{
	if (ns >= ERROR_MAX_US * NS_PER_US)
		return ERROR_MAX_US;
	return (long)((ns + NS_PER_US - 1) / NS_PER_US);
}

/*
 * When any program sets the clock, Linux sets STA_UNSYNC and forgets the time
 * of an armed leap second, but not that it is armed (ntp_clear, TIME_INS): the
 * second would never come. Switching the kernel's loop (STA_PLL) off resets
 * that state, so that the leap second can be armed again.
 */
static int forget_leap(void *self, const struct timex *before)
{
	struct timex t = {
	    .modes = ADJ_STATUS,
	    .status = before->status | STA_PLL,
	};
	int err = adjust(self, &t);

	if (err)
		return err;
	t.modes = ADJ_STATUS;
	t.status = before->status & ~STATUS_LOOPS;
	return adjust(self, &t);
}

static bool arms(const struct kernel_status *s)
{
	return s->leap == LEAP_INSERT || s->leap == LEAP_DELETE;
}

/* What `status` wants armed, as bits of adjtimex(2). */
static int leap_bits(const struct kernel_status *status, int before)
{
	int bits = 0;

	if (status->leap == LEAP_INSERT)
		bits = STA_INS;
	else if (status->leap == LEAP_DELETE)
		bits = STA_DEL;
	return status->leap_stays ? bits & before : bits;
}

static int disarm(void *self)
{
	struct timex t;
	int err = read_timex(self, &t);

	if (err)
		return err;
	t.modes = ADJ_STATUS;
	t.status &= ~STATUS_LEAP;
	return adjust(self, &t);
}

static int set_status(void *self, const struct kernel_status *status)
{
	struct timex t;
	int err = read_timex(self, &t);
	bool good = status->synchronised &&
		    status->max_error_ns <= KERNEL_GOOD_ERROR_NS;
	int leap;

	/* Linux also sets STA_UNSYNC when the bound has grown too large. */
	if (!err && good && arms(status) && !status->leap_stays &&
	    (t.status & STA_UNSYNC))
		err = forget_leap(self, &t);
	if (err)
		return err;
	/* The other bits (PPS) belong to other programs. */
	t.modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR | ADJ_NANO;
	leap = leap_bits(status, t.status);
	if (!leap_is_near(&t))
		t.status &= ~STATUS_LOOPS;
	t.status &= ~(STA_UNSYNC | STATUS_LEAP);
	t.status |= good ? leap : STA_UNSYNC;
	/* timedatectl and systemd-time-wait-sync look at maxerror, not at
	 * STA_UNSYNC: both must say the same. */
	t.maxerror = good ? us_rounded_up(status->max_error_ns) : ERROR_MAX_US;
	t.esterror = good ? us_rounded_up(status->est_error_ns) : ERROR_MAX_US;
	return adjust(self, &t);
}

static int set_tai(void *self, int tai_s)
{
	struct timex t = {.modes = ADJ_TAI, .constant = tai_s};

	if (tai_s < 0 || tai_s > TAI_MAX_S)
		return -EINVAL;
	return adjust(self, &t);
}

struct clock_ops kernel_clock_by(struct kernel_call *call)
{
	return (struct clock_ops){
	    .now = now,
	    .look = look,
	    .set_freq = set_freq,
	    .step = step,
	    .set_status = set_status,
	    .disarm = disarm,
	    .set_tai = set_tai,
	    .self = call,
	};
}

static int real_adjtime(void *self, struct timex *t)
{
	(void)self;
	return clock_adjtime(CLOCK_REALTIME, t);
}

struct clock_ops kernel_clock(void)
{
	static struct kernel_call machine = {.adjtime = real_adjtime};

	machine.user_hz = sysconf(_SC_CLK_TCK);
	return kernel_clock_by(&machine);
}
