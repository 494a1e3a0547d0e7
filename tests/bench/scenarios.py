"""The scenarios of the benchmark, one row each.

A row describes the client's oscillator, the paths to the servers, and the poll
limits of both clients. Expressions are those of clknetsim's configuration.
Times are in seconds, frequencies in s/s.
"""
import os
import random
from dataclasses import dataclass, field, replace

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
    server_freq: str = ''       # of all servers
    freq: float = 7e-5
    freq_extra: str = ''        # added to the frequency
    offset: float = 0.5
    delay_extra: tuple = ('', '')  # added to the delay up and down
    hours: float = 48
    settle: float = 4 * HOUR    # statistics start here
    sine: float = 0             # period of the frequency, for the limit
    settle_row: bool = False    # the time until the clock stays right counts
    limit: bool = True          # oracle.py can compute the limit
    steps: bool = False         # both may step at any time, by 100 ms or more

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


PATHS = {'lan': (1e-4, 1e-5), 'near': (1e-3, 3e-4), 'metro': (2e-3, 2e-4),
         'inet': (2e-2, 1e-3)}


def first_hour():
    """The table shows the RMS in parts of this hour."""
    for path, (base, jitter) in PATHS.items():
        for wander in (1e-10, 1e-9, 1e-8):
            for polls in ((6, 10), (4, 8)):
                yield Row('hour-%s-%.0e-%d%d' % (path, wander, *polls),
                          base=base, jitter_up=jitter, wander=wander,
                          polls=polls, hours=3601 / HOUR, settle=30,
                          limit=False)


def after(start):
    """1 from an instant of network time on, before it 0."""
    return '(max 0 (min 1 (* 1e6 (+ time %d))))' % -start


def until(end):
    return '(+ 1 (* -1 %s))' % after(end)


def number(period, salt):
    """Between 0 and 1, another one in each period; about random, and differs
    with the seed of the run and with the server."""
    n = '(* %.9g (+ time (* -1 (%% time %d))))' % (1 / period, period)
    return '(%% (* 0.6180339887 (+ %g SERVER %s) (+ %g SEED %s)) 1)' % (
        0.3 + salt, n, 7.1 + salt, n)


def level(salt):
    """Between 0 and 1; changes once an hour on average."""
    return '(%% (+ %s %s) 1)' % (number(9000, salt), number(6000, 3.7 * salt))


def one_of_four_levels(salt):
    def bit(period, salt):
        return '(max 0 (min 1 (* 1e9 (+ -0.5 %s))))' % number(period, salt)
    return '(+ (* 0.66666667 %s) (* 0.33333333 %s))' % (
        bit(4500, salt), bit(3000, 3.7 * salt))


def slow_sine(period):
    """Two parabolas: within 6 % of the amplitude."""
    half = period // 2
    arc = '(* %.9g (%% time %d) (+ %d (* -1 (%% time %d))))' % (
        4 / half ** 2, half, half, half)
    return '(* %s (+ 1 (* -2 %s)))' % (arc, during(half, half, period))


UP, DOWN, BOTH = (1, 0), (0, 1), (1, 1)


def on(ways, expression):
    """What to add to the delays up and down."""
    return tuple(expression if way else '' for way in ways)


def watched(row, event, **changes):
    """The statistics begin twenty shortest polls after the event."""
    settle = event + 20 * 2 ** row.polls[0]
    return {'settle': settle, 'hours': (settle + 12 * HOUR) / HOUR, **changes}


def start_queue(ways, size, end):
    """More queue until `end`; size: its mean as a multiple of the base."""
    return lambda row: watched(row, end, delay_extra=on(
        ways, '(* %g (exponential) %s)' % (size * row.base, until(end))))


def start_buffer(ways, size, end):
    """A full buffer until `end`; two thirds of its queue are always there."""
    return lambda row: watched(row, end, delay_extra=on(
        ways, '(* %g (+ 2 (exponential)) %s)' % (
            size * row.base / 3, until(end))))


def start_detour(ways, size, end):
    """size: what it adds, as a multiple of the base."""
    return lambda row: watched(row, end, delay_extra=on(
        ways, '(* %g %s)' % (size * row.base, until(end))))


def levels(ways, size, draw=level):
    """size: the highest level, as a multiple of the base."""
    return lambda row: {'delay_extra': tuple(
        '(* %g %s)' % (size * row.base, draw(1 + i)) if way else ''
        for i, way in enumerate(ways))}


def creep(ways, size, period):
    """size: the amplitude, as a multiple of the base."""
    return lambda row: {'delay_extra': on(
        ways, '(* %g %s)' % (size * row.base, slow_sine(period)))}


def spikes(law):
    """Queues of 3 us, and a tenth of the packets is 10 ms late."""
    return lambda row: {'jitter_up': 3e-6, 'delay_extra': on(
        BOTH, '(* 1e-2 %s (equal 0.05 (uniform) 0.05))' % law)}


def normal(down):
    """The mean of the queue becomes the deviation of normal jitter."""
    return lambda row: {'jitter_up': 0, 'delay_extra': (
        '(* %g (normal))' % row.jitter_up,
        '(* %g (normal))' % (down * row.jitter_up))}


def gamma(shape):
    """The standard deviation stays."""
    return lambda row: {'jitter_up': 0, 'delay_extra': on(
        BOTH, '(* %g (+ %s))' % (row.jitter_up / shape ** 0.5,
                                 '(exponential) ' * shape))}


def extra(ways, expression):
    return lambda row: {'delay_extra': on(ways, expression)}


def workday(ways, factor, hours):
    return lambda row: {'delay_extra': on(
        ways, '(* %g (exponential) %s)' % (
            (factor - 1) * row.jitter_up, during(0, hours * HOUR, DAY)))}


def shorter(ways, size, start):
    return lambda row: {
        'hours': start / HOUR + 12, 'delay_extra': on(
            ways, '(* %g %s)' % (-size * row.base, after(start)))}


def server_slews(freq, start):
    """A wrong server becomes right in ten minutes."""
    return lambda row: watched(
        row, start + 600, server_errors={1: -600 * freq},
        server_freq='(* %g (+ (* -1 (pulse %d 1000000000)) '
                    '(pulse %d 1000000000)))' % (
                        freq / 2, start, start + 600))


def freq_step(size, start):
    return lambda row: {
        'hours': start / HOUR + 12,
        'freq_extra': '(* %g (+ 1 (* -1 (pulse %d 1000000000))))' % (
            size / 2, start)}


def jumps(size, every):
    half = 0.5 / every
    return '(sum (* %g (normal) (equal %g (uniform) %g)))' % (size, half, half)


def silence(hours, freq_extra=''):
    """No answer from the twentieth hour on."""
    gap = '(* -1e4 %s %s)' % (after(20 * HOUR), until((20 + hours) * HOUR))
    return lambda row: {
        'hours': 24 + hours, 'delay_extra': (gap, gap),
        'freq_extra': '(* 1e-7 (sine 86400)) ' + freq_extra}


# What the clock of a virtual machine suffers when it moves to another host: a
# frequency that changes at once, and time that is lost within a second.
DISTURBANCES = {
    '60ppm': (lambda s: '(* 3e-5 (pulse %d %d))' % (s, s)),
    '400ppm': (lambda s: '(* 2e-4 (pulse %d %d))' % (s, s)),
    '2000ppm': (lambda s: '(* 1e-3 (pulse %d %d))' % (s, s)),
    '150ms': (lambda s: '(* -0.075 (+ 1 (pulse 1 %d)))' % (s - 1)),
    '150ms-100ppm': (lambda s: '(+ (* -0.075 (+ 1 (pulse 1 %d))) '
                               '(* 5e-5 (pulse %d %d)))' % (s - 1, s, s)),
}


def disturbed():
    """The disturbances of tests/bench/kernel, each many times: when the next
    request is due, and so how large the error gets, is chance."""
    for kind, clock in DISTURBANCES.items():
        for servers, polls, every in ((1, (3, 3), 607), (1, (3, 3), 53),
                                      (4, (3, 3), 607), (1, (6, 10), 10007)):
            yield Row('disturbed-%s-%d-%d%d-%ds' % (kind, servers, *polls,
                                                   every),
                      servers=servers, polls=polls, limit=False, steps=True,
                      hours=every / 60, settle=every + 600,
                      freq_extra=clock(every))


KINDS = {
    'queue_down_4m': start_queue(DOWN, 20, 240),
    'queue_down_10m': start_queue(DOWN, 2.5, 600),
    'queue_both_10m': start_queue(BOTH, 5, 600),
    'queue_up_30m': start_queue(UP, 10, 1800),
    'queue_down_6h': start_queue(DOWN, 2.5, 6 * HOUR),
    'buffer_down_4m': start_buffer(DOWN, 20, 240),
    'buffer_down_10m': start_buffer(DOWN, 2.5, 600),
    'detour_up_10m': start_detour(UP, 1, 600),
    'detour_up_30m': start_detour(UP, 0.5, 1800),
    'detour_both_30m': start_detour(BOTH, 1, 1800),
    'detour_down_6h': start_detour(DOWN, 1, 6 * HOUR),
    'levels_up': levels(UP, 0.5),
    'levels_both': levels(BOTH, 0.5),
    'four_levels_up': levels(UP, 0.5, one_of_four_levels),
    'four_levels_both': levels(BOTH, 0.5, one_of_four_levels),
    'creep_both_24h': creep(BOTH, 0.1, DAY),
    'creep_both_12h': creep(BOTH, 0.1, DAY // 2),
    'creep_up_24h': creep(UP, 0.1, DAY),
    'creep_up_12h': creep(UP, 0.05, DAY // 2),
    'spikes': spikes('(exponential)'),
    'fixed_spikes': spikes(''),
    'normal': normal(1),
    'lopsided_normal': normal(0.2),
    'gamma': gamma(9),
    # Satellites in a low orbit.
    'satellite': extra(BOTH, '(* 2e-2 %s)' % number(15, 0)),
    'uniform_up': extra(UP, '(* 4e-3 (uniform))'),
    'workday_down': workday(DOWN, 20, 8),
    'half_lost': extra(BOTH, dropped(0.5)),
    'shorter_up': shorter(UP, 0.5, 12 * HOUR),
    'server_slews': server_slews(1e-4, DAY),
    'step_1ppm': freq_step(1e-6, DAY),
    'step_5ppm': freq_step(-5e-6, DAY),
    'jumps': lambda row: {'freq_extra': jumps(1e-6, 6 * HOUR)},
    'silence_1h': silence(1),
    'silence_24h': silence(24),
    'silence_jumps': silence(24, jumps(1e-6, 6 * HOUR)),
}

# Kind, path, servers and poll limits: the rows of tests/sim/hard_worlds.c.
HARD = '''
queue_down_4m lan 1 4 8
queue_down_4m lan 4 4 8
queue_down_4m lan 1 6 10
queue_down_10m inet 1 6 6
queue_down_10m inet 4 6 6
queue_down_10m inet 1 6 10
queue_down_10m metro 1 4 8
queue_both_10m metro 1 6 6
queue_up_30m metro 1 6 10
queue_up_30m lan 4 6 10
queue_down_6h inet 1 6 6
queue_down_6h metro 4 4 8
buffer_down_4m lan 1 4 8
buffer_down_10m metro 1 4 8
buffer_down_10m inet 4 6 6
buffer_down_10m inet 1 6 10
detour_up_10m lan 1 4 8
detour_up_10m metro 1 6 6
detour_up_30m inet 4 6 10
detour_both_30m metro 1 6 10
detour_down_6h inet 1 6 6
levels_up lan 1 4 8
levels_up metro 1 6 6
levels_up inet 1 6 10
levels_up inet 4 6 6
levels_both metro 1 6 6
levels_both inet 1 6 10
levels_both metro 4 4 8
four_levels_up lan 1 6 6
four_levels_up inet 1 6 6
four_levels_both metro 1 6 10
creep_both_24h inet 1 6 6
creep_both_24h inet 4 6 6
creep_both_24h metro 1 6 10
creep_both_24h lan 1 4 8
creep_both_12h inet 1 6 10
creep_up_24h metro 1 6 6
creep_up_12h inet 1 6 6
spikes lan 1 6 10
spikes lan 1 6 6
spikes lan 1 4 8
fixed_spikes lan 1 6 10
fixed_spikes metro 4 6 6
normal inet 1 6 6
normal lan 1 4 8
normal metro 4 6 10
lopsided_normal inet 1 6 6
lopsided_normal lan 1 6 10
gamma metro 1 6 6
gamma inet 4 6 10
satellite inet 1 6 10
satellite inet 1 4 8
uniform_up metro 1 6 6
uniform_up inet 1 6 10
workday_down inet 1 6 6
workday_down metro 1 6 10
half_lost metro 1 6 6
half_lost inet 1 6 10
shorter_up metro 1 6 6
shorter_up inet 1 6 10
shorter_up lan 1 4 8
server_slews inet 1 6 10
server_slews lan 1 6 10
step_1ppm lan 1 6 10
step_5ppm lan 1 4 8
step_5ppm inet 4 6 10
jumps lan 1 4 8
jumps metro 1 6 6
silence_1h lan 1 6 6
silence_24h inet 1 6 10
silence_24h lan 4 4 8
silence_jumps lan 1 6 6
'''


def hard():
    """Worlds for which nobody tuned the estimator."""
    for line in HARD.split('\n')[1:-1]:
        kind, path, servers, low, high = line.split()
        base, jitter = PATHS[path]
        row = Row('hard-%s-%s-%s-%s%s' % (kind, path, servers, low, high),
                  base=base, jitter_up=jitter, servers=int(servers),
                  polls=(int(low), int(high)), limit=False)
        yield replace(row, **KINDS[kind](row))



class Draw:
    """Worlds that nobody chose: every part of a row is drawn. A world has the
    same numbers in each run with the same seed."""

    def __init__(self, seed):
        self.seed, self.random = seed, random.Random(seed)
        self.pick = self.random.choice

    def between(self, low, high):
        """Each order of magnitude is as likely as another."""
        return low * (high / low) ** self.random.random()

    def queue(self, mean):
        """A law of the delays, and its name."""
        # Without a low edge, a half of the delays is below the base.
        laws = {
            'exp': '(* %g (exponential))' % mean,
            'gamma': '(* %g (+ %s))' % (mean / 3, '(exponential) ' * 3),
            'uniform': '(* %g (uniform))' % (2 * mean),
            'normal': '(* %g (normal))' % (mean / 2),
            'heavy': '(+ (* %g (exponential)) (* %g (exponential) '
                     '(equal 0.05 (uniform) 0.05)))' % (mean / 2, 10 * mean)}
        name = self.pick(['exp', *laws])
        return laws[name], name

    def event(self, base):
        """What happens on the way there, on the way back, or on both; and its
        name."""
        busy, other = (self.between(*limits) * base
                       for limits in ((0.2, 20), (0.05, 1)))
        period = self.pick([HOUR, 3 * HOUR, 6 * HOUR, DAY])
        part = int(period * self.between(0.05, 0.5))
        end = int(self.between(60, 6 * HOUR))
        waits = '(* %g (exponential) %%s)' % busy
        events = {
            'queue': waits % during(period // 4, part, period),
            'hourly': waits % during(600, int(self.between(60, 2400)), HOUR),
            'long': waits % '%s %s' % (
                after(int(self.between(100, 2 * HOUR))),
                until(int(self.between(4 * HOUR, 20 * HOUR)))),
            'startqueue': waits % until(end),
            'startdetour': '(* %g %s)' % (other, until(end)),
            'detour': '(* %g %s)' % (other, during(period // 4, part, period)),
            'levels': '(* %g %s)' % (other, level(1 + self.random.random())),
            'creep': '(* %g %s)' % (other, slow_sine(
                self.pick([3, 6, 12, 24]) * HOUR)),
            'spikes': '(* %g (exponential) (equal 0.02 (uniform) 0.02))'
                      % self.between(1e-3, 1e-1),
            'loss': dropped(self.between(0.05, 0.6))}
        name = self.pick(['none', 'none', *events])
        ways, letter = self.pick(((UP, 'u'), (DOWN, 'd'), (BOTH, 'b')))
        if name == 'none':
            return ('', ''), name
        return on(ways, events[name]), '%s-%s' % (name, letter)

    def clock(self):
        return self.pick(['', '', '(* %g (sine %d))' % (
            self.between(1e-8, 2e-6), self.pick([HOUR, 3 * HOUR, DAY])),
            '(* %g (pulse 7200 9000))' % self.between(1e-8, 1e-6)])

    def row(self, number):
        base = self.between(3e-5, 1e-1)
        jitter = base * self.between(0.01, 1)
        laws = [self.queue(jitter), self.queue(jitter * self.pick(
            [1, 1, 0.2, 5]))]
        events = [self.event(base), self.event(base)]
        servers = self.pick([1, 1, 2, 3, 4])
        apart = '(* %g (+ SERVER -1))' % (base * self.pick([0, 0, 1]))
        low = self.pick([2, 4, 4, 6, 6, 6])
        short = self.pick([True, False, False, False])
        names = [name for _, name in laws + events]
        return Row(
            'drawn-%d-%03d-%s-%d-p%d' % (
                self.seed, number, '-'.join(names), servers, low),
            base=base, jitter_up=0, wander=self.between(1e-10, 1e-8),
            polls=(low, max(low, self.pick([low, 6, 8, 10]))), limit=False,
            servers=servers, freq=self.pick([7e-5, -3e-5, 5e-6]),
            offset=self.pick([0.5, 0.01, -0.05]), freq_extra=self.clock(),
            hours=3601 / HOUR if short else 28,
            settle=30 if short else self.pick([600, HOUR, 4 * HOUR]),
            delay_extra=tuple(
                '(+ %s)' % ' '.join([law[0], apart, *(e[0][way]
                                                      for e in events)])
                for way, law in enumerate(laws)))


def drawn():
    """BENCH_DRAWN=NUMBER or NUMBER:SEED in the environment."""
    number, _, seed = os.environ.get('BENCH_DRAWN', '0').partition(':')
    draw = Draw(int(seed or 1))
    for i in range(int(number)):
        yield draw.row(i)


ROWS = [*published(), *lan(), *far(), *troubled(), *many(), *starts(),
        *first_hour(), *hard(), *disturbed(), *drawn()]
