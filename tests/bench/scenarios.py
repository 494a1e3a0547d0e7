"""The scenarios of the benchmark, one row each.

A row describes the client's oscillator, the paths to the servers, and the poll
limits of both clients. Expressions are those of clknetsim's configuration.
Times are in seconds, frequencies in s/s.
"""
from dataclasses import dataclass, field

HOUR = 3600
DAY = 24 * HOUR


@dataclass
class Row:
    name: str
    base: float = 1e-4          # one-way delay of an empty path
    jitter_up: float = 1e-5     # mean of the exponential queueing delay
    jitter_down: float = None   # None: equal to jitter_up
    wander: float = 1e-9        # random walk of the frequency, per sqrt(s)
    polls: tuple = (6, 10)
    servers: int = 1
    server_errors: dict = field(default_factory=dict)  # server: offset
    freq: float = 7e-5
    freq_extra: str = ''        # added to the frequency
    offset: float = 0.5
    delay_extra: tuple = ('', '')  # added to the delay up and down
    hours: float = 48
    settle: float = 4 * HOUR    # statistics start here
    sine: float = 0             # period of the frequency, for the limit
    settle_row: bool = False    # the time until the clock stays right counts
    limit: bool = True          # oracle.py can compute the limit

    def jitters(self):
        down = self.jitter_up if self.jitter_down is None else self.jitter_down
        return self.jitter_up, down

    def clock(self):
        return '(+ %g (sum (* %g (normal))) %s)' % (
            self.freq, self.wander, self.freq_extra)

    def delay(self, way):
        return '(+ %g (* %g (exponential)) %s)' % (
            self.base, self.jitters()[way], self.delay_extra[way])


def during(start, length, period):
    """1 in a part of each period of network time, else 0. In a delay, the pulse
    of clknetsim counts packets, not seconds."""
    def after(t):
        return '(max 0 (min 1 (* 1e6 (+ (%% time %d) %d))))' % (period, -t)
    return '(+ %s (* -1 %s))' % (after(start), after(start + length)) \
        if start else '(+ 1 (* -1 %s))' % after(length)


def dropped(fraction):
    """Drops a share of the packets: those with a negative delay."""
    return '(* -10.0 (equal %g (uniform) %g))' % (fraction / 2, fraction / 2)


def published():
    """The three tests of chrony's comparison page, four jitters each."""
    for jitter in (1e-5, 1e-4, 1e-3, 1e-2):
        us = '%gus' % (jitter * 1e6)
        yield Row('published-1-' + us, jitter_up=jitter, hours=28)
        yield Row('published-2-' + us, jitter_up=jitter, wander=1e-8,
                  polls=(6, 6), hours=28)
        # The network works for 30 minutes a day.
        yield Row('published-3-' + us, jitter_up=jitter, hours=96,
                  settle=DAY,
                  delay_extra=(
                      '(* -1e4 %s)' % during(1800, DAY - 1800, DAY),) * 2)


def lan():
    for poll in (2, 4, 6):
        yield Row('lan-p%d' % poll, polls=(poll, poll), hours=28)
        yield Row('lan-noisy-p%d' % poll, base=2e-4, jitter_up=1e-4,
                  polls=(poll, poll), hours=28)
    yield Row('lan-26', polls=(2, 6))
    yield Row('lan-48', polls=(4, 8))
    yield Row('lan-default')
    yield Row('lan-wander', wander=1e-8, polls=(4, 4))
    yield Row('lan-quiet-clock', wander=1e-10, polls=(4, 4))


def far():
    yield Row('metro-p6', base=2e-3, jitter_up=2e-4, polls=(6, 6))
    yield Row('metro-default', base=2e-3, jitter_up=2e-4)
    yield Row('inet-p6', base=2e-2, jitter_up=1e-3, polls=(6, 6))
    yield Row('inet-default', base=2e-2, jitter_up=1e-3)
    yield Row('inet-wander', base=2e-2, jitter_up=1e-3, wander=1e-8)
    yield Row('wifi-p6', base=1e-2, jitter_up=1e-2, polls=(6, 6))


def troubled():
    yield Row('asymmetric', base=2e-3, jitter_up=1e-4, jitter_down=2e-3,
              polls=(6, 6))
    yield Row('asymmetric-default', base=2e-3, jitter_up=2e-3,
              jitter_down=1e-4)
    yield Row('loss-20', base=2e-3, jitter_up=2e-4, polls=(6, 6),
              delay_extra=(dropped(0.2),) * 2)
    # In ten minutes of each hour the queues are 20 times as long.
    yield Row('congestion', base=2e-3, jitter_up=2e-4, polls=(6, 6),
              limit=False,
              delay_extra=(
                  '(* 4e-3 (exponential) %s)' % during(1200, 600, HOUR),) * 2)
    # Both directions are half a millisecond longer in six of twelve hours.
    yield Row('route-change', base=2e-3, jitter_up=2e-4, polls=(6, 6),
              limit=False, delay_extra=(
                  '(* 5e-4 %s)' % during(6 * HOUR, 6 * HOUR, 12 * HOUR),) * 2)
    # One direction is longer: no client can see half of that as an error.
    yield Row('route-change-up', base=2e-3, jitter_up=2e-4, polls=(6, 6),
              limit=False, delay_extra=(
                  '(* 2e-4 %s)' % during(6 * HOUR, 6 * HOUR, 12 * HOUR), ''))
    # On a LAN, by ten times the queueing delay.
    yield Row('route-change-lan', polls=(4, 8), limit=False, delay_extra=(
        '(* 1e-4 %s)' % during(6 * HOUR, 6 * HOUR, 12 * HOUR), ''))
    # A load balancer sends half of the requests by another route.
    yield Row('two-routes', base=2e-3, jitter_up=2e-5, polls=(6, 6),
              limit=False,
              delay_extra=('(* 1e-3 (equal 0.25 (uniform) 0.5))', ''))
    # All packets queue for ten hours: no delay is near the minimum.
    yield Row('long-congestion', base=2e-3, jitter_up=2e-4, polls=(6, 6),
              limit=False, delay_extra=(
                  '(* 4e-3 (exponential) %s)' % during(
                      6 * HOUR, 10 * HOUR, DAY),) * 2)
    yield Row('frequency-step', base=2e-3, jitter_up=2e-4, wander=1e-10,
              polls=(4, 8), limit=False,
              freq_extra='(* 1e-6 (pulse 86400 864000))')
    yield Row('sine-hour', wander=1e-10, polls=(4, 8), sine=HOUR,
              freq_extra='(* 1e-7 (sine 3600))')
    yield Row('sine-day', wander=1e-10, polls=(4, 8), sine=DAY,
              freq_extra='(* 1e-6 (sine 86400))')
    # A good oscillator that is bad in six of twelve hours.
    yield Row('wander-change', wander=1e-10, polls=(4, 8), limit=False,
              freq_extra='(sum (* 1e-8 (normal) (pulse 21600 21600)))')


def many():
    yield Row('four-lan-p4', servers=4, polls=(4, 4))
    yield Row('four-lan-default', servers=4)
    yield Row('four-inet-p4', servers=4, base=2e-2, jitter_up=1e-3,
              polls=(4, 4), hours=28)
    yield Row('four-inet-default', servers=4, base=2e-2, jitter_up=1e-3)
    yield Row('three-one-false', servers=3, base=2e-3, jitter_up=2e-4,
              polls=(4, 4), server_errors={3: 0.05})
    yield Row('four-one-false', servers=4, base=2e-3, jitter_up=2e-4,
              server_errors={2: -0.02})


def starts():
    for name, base, jitter in (('lan', 1e-4, 1e-5), ('inet', 2e-2, 1e-3)):
        yield Row('start-' + name, base=base, jitter_up=jitter, offset=0.1,
                  freq=5e-5, hours=6, settle=HOUR, settle_row=True)
        yield Row('start-1s-' + name, base=base, jitter_up=jitter, offset=1.0,
                  freq=-1e-4, hours=6, settle=HOUR, settle_row=True)


ROWS = [*published(), *lan(), *far(), *troubled(), *many(), *starts()]
