#!/usr/bin/env python3
"""The filter's arithmetic once more, as plainly as possible.

usage: tests/unit/clock/filter/reference.py >tests/unit/clock/filter/reference.h

Writes inputs and expected results for reference_test.c. The formulas are those
of clock/README.md, in their textbook form: probabilities are integrated
numerically, the Kalman filter multiplies whole matrices. It is slow and needs
nothing but Python."""
import math
import random
import statistics

SHARE, KEEP, BIAS_TIME, FREQ_CHANGE_MAX = 1e-3, 0.98, 86400.0, 20e-6
WALKS = [(1e-11, 1), (3.16e-11, 1), (1e-10, 1), (3.16e-10, 1), (1e-9, 1),
         (3.16e-9, 1), (1e-8, 1), (3.16e-8, 0.5), (2e-7, 0.2), (2e-6, 0.05)]
# Wander, standard deviation and time of the drift, prior.
OSCILLATORS = [(q, 0, 0, prior) for q, prior in WALKS] + [
    (q, sd, tau, 0.2) for sd, tau in ((5e-12, 14e3), (5e-11, 14e3), (1e-10, 600))
    for q in (1e-11, 1e-10, 1e-9)]


def legendre(n):
    """Nodes and weights of the Gauss-Legendre rule on -1..1."""
    rule = []
    for i in range(n):
        x = math.cos(math.pi * (i + 0.75) / (n + 0.5))
        for _ in range(50):
            p, q = 1.0, x
            for k in range(2, n + 1):
                p, q = q, ((2 * k - 1) * x * q - (k - 1) * p) / k
            slope = n * (x * q - p) / (x * x - 1)
            x -= q / slope
        rule.append((x, 2 / ((1 - x * x) * slope * slope)))
    return rule


RULE = legendre(24)


def integrate(f, low, high, step):
    """The integrals of a function that gives a tuple."""
    parts = max(1, min(60, math.ceil((high - low) / step)))
    half = (high - low) / parts / 2
    total = None
    for i in range(parts):
        middle = low + (2 * i + 1) * half
        for x, w in RULE:
            values = [half * w * v for v in f(middle + half * x)]
            total = values if total is None else [a + b for a, b in zip(total, values)]
    return total


# ---- box ----

def log_likelihood(box, residual, tilt):
    """Log density of a residual: the tilted box, blurred by its edges."""
    half, edge = box['half'], box['edge']
    shifted = residual + tilt * edge * edge
    low, high = (-half - shifted) / edge, (half - shifted) / edge
    if low > 0:
        low, high = -high, -low
    mass = (0.5 * (math.erfc(-high / math.sqrt(2)) - math.erfc(-low / math.sqrt(2)))
            if high < 0 else
            1 - 0.5 * (math.erfc(-low / math.sqrt(2)) + math.erfc(high / math.sqrt(2))))
    if mass <= 0:
        return -math.inf
    norm = 2 * half if abs(tilt * half) < 1e-6 else 2 * math.sinh(tilt * half) / tilt
    return math.log(mass) + tilt * residual + 0.5 * (tilt * edge) ** 2 - math.log(norm)


def box_posterior(mean, var, measured, box):
    """Mean, variance and log density, if the answer is right."""
    half, edge, sd = box['half'], box['edge'], math.sqrt(var)
    total = math.sqrt(var + edge * edge)
    if 2 * half / total < 1e-3:
        noise = half * half / 3 + edge * edge
        s = var + noise
        return (mean + var / s * (measured - mean), var * noise / s,
                -0.5 * ((measured - mean) ** 2 / s + math.log(2 * math.pi * s)))
    tilt = max(-20 / total, min(20 / total, box['tilt']))

    # The density falls with exp(-tilt * error), error = measured - x.
    def log_density(x):
        return (-0.5 * ((x - mean) / sd) ** 2 - math.log(sd * math.sqrt(2 * math.pi)) +
                log_likelihood(box, measured - x, -tilt))
    reach = 11 * edge
    cuts = sorted([measured - half - reach, measured - half + reach,
                   measured + half - reach, measured + half + reach])
    spans = [(max(a, mean - 25 * sd), min(b, mean + 25 * sd)) for a, b in zip(cuts, cuts[1:])]
    spans = [(a, b) for a, b in spans if a < b]
    if not spans:
        return mean, var, -math.inf
    grid = [a + (b - a) * i / 200 for a, b in spans for i in range(201)]
    top = max(log_density(x) for x in grid)
    if top < -560:
        return mean, var, -math.inf
    mode = max(grid, key=log_density)
    sums = [0.0, 0.0, 0.0]
    for a, b in spans:
        part = integrate(lambda x: [math.exp(log_density(x) - top) * (x - mode) ** k
                                    for k in range(3)], a, b, min(sd, (b - a) / 8))
        sums = [s + p for s, p in zip(sums, part)]
    shift = sums[1] / sums[0]
    return mode + shift, sums[2] / sums[0] - shift * shift, top + math.log(sums[0])


def box_update(mean, var, measured, box):
    new_mean, new_var, log_right = box_posterior(mean, var, measured, box)
    if box['wrong_share'] <= 0:
        return new_mean, new_var, log_right
    wrong = box['wrong_share'] / (box['wrong_reach'] + 10 * math.sqrt(var))
    odds = math.exp(min(log_right - math.log(wrong), 700))
    right = odds / (1 + odds)
    apart = new_mean - mean
    return (mean + right * apart,
            right * new_var + (1 - right) * var + right * (1 - right) * apart ** 2,
            math.log(wrong) + math.log1p(odds))


# ---- oscillator ----

def passage(oscillator, dt):
    """Transition matrix and noise of offset, frequency and drift."""
    wander, drift_sd, tau, _ = oscillator

    def into(u):
        """Where the drift goes in u: offset, frequency, drift."""
        kept = math.exp(-u / tau)
        return [tau * (u - tau * (1 - kept)), tau * (1 - kept), kept]
    f = [[1, dt, 0], [0, 1, 0], [0, 0, 0]]
    power = min(wander ** 2, FREQ_CHANGE_MAX ** 2 / dt) if dt > 0 else 0
    q = [[power * dt ** 3 / 3, power * dt ** 2 / 2, 0],
         [power * dt ** 2 / 2, power * dt, 0], [0, 0, 0]]
    if tau:
        offset, freq, kept = into(dt)
        f[0][2], f[1][2], f[2][2] = offset, freq, kept
        s2 = 2 * drift_sd ** 2 / tau
        brief = dt / tau < 0.25  # then a random walk of the drift is as good
        column = (lambda u: [u * u / 2, u, 1]) if brief else into
        noise = integrate(lambda u: [s2 * a * b for a in column(u) for b in column(u)],
                          0, dt, tau) if dt > 0 else [0] * 9
        noise[8] = drift_sd ** 2 * (1 - math.exp(-2 * dt / tau))
        for i in range(3):
            for j in range(3):
                q[i][j] += noise[3 * i + j]
    return f, q


# ---- joint filter ----

def product(a, b):
    return [[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]


def transposed(a):
    return [list(row) for row in zip(*a)]


class Estimate:
    def __init__(self, freq, freq_sd, bias_sd):
        self.bias_sd, self.n = bias_sd, 3 + len(bias_sd)
        self.info = sum(1 / sd ** 2 for sd in bias_sd)
        self.at, self.explained, self.models = None, set(), []
        self.evidence = 0.0
        scales = (0, 1) if len(bias_sd) > 1 else (0,)
        total = sum(o[3] for o in OSCILLATORS) * len(scales)
        for scale in scales:
            for o in OSCILLATORS:
                cov = [[0.0] * self.n for _ in range(self.n)]
                cov[1][1], cov[2][2] = freq_sd ** 2, o[1] ** 2
                model = dict(o=o, scale=scale, prior=o[3] / total, w=o[3] / total,
                             mean=[0.0, freq, 0.0] + [0.0] * len(bias_sd), cov=cov)
                self.add_bias_noise(model, 1)
                self.models.append(model)

    def add_bias_noise(self, m, times):
        for i in range(3, self.n):
            for j in range(3, self.n):
                own = self.bias_sd[i - 3] ** 2 if i == j else 0
                m['cov'][i][j] += m['scale'] ** 2 * times * (own - 1 / self.info)

    def mixed(self):
        mean = [sum(m['w'] * m['mean'][i] for m in self.models) for i in range(self.n)]
        cov = [[sum(m['w'] * (m['cov'][i][j] + (m['mean'][i] - mean[i]) *
                              (m['mean'][j] - mean[j])) for m in self.models)
                for j in range(self.n)] for i in range(self.n)]
        return mean, cov

    def interact(self):
        mean, cov = self.mixed()
        for m in self.models:
            own, dealt = (1 - SHARE) * m['w'], SHARE * m['prior']
            m['w'] = own + dealt
            keep = own / m['w']
            if keep >= KEEP:
                continue
            apart = [a - b for a, b in zip(mean, m['mean'])]
            m['mean'] = [b + (1 - keep) * a for a, b in zip(apart, m['mean'])]
            m['cov'] = [[keep * m['cov'][i][j] + (1 - keep) * cov[i][j] +
                         keep * (1 - keep) * apart[i] * apart[j]
                         for j in range(self.n)] for i in range(self.n)]

    def moved(self, m, dt):
        """Mean and covariance of a model after dt >= 0."""
        f3, q = passage(m['o'], dt)
        f = [[float(i == j) for j in range(self.n)] for i in range(self.n)]
        for i in range(3):
            # A model without a drift keeps none.
            f[i][:3] = f3[i]
        mean = [row[0] for row in product(f, [[x] for x in m['mean']])]
        cov = product(product(f, m['cov']), transposed(f))
        for i in range(3):
            for j in range(3):
                cov[i][j] += q[i][j]
        return mean, cov

    def add(self, source, at, offset, box):
        if self.at is None:
            self.at = at
            for m in self.models:
                m['mean'][0], m['cov'][0][0] = offset, (2 * box['half']) ** 2
        self.interact()
        dt = at - self.at
        if dt < 0:
            offset -= dt * sum(m['w'] * m['mean'][1] for m in self.models)
        logs, b = [], 3 + source
        for m in self.models:
            if dt > 0:
                m['mean'], m['cov'] = self.moved(m, dt)
                self.add_bias_noise(m, dt / BIAS_TIME)
            p = m['cov']
            y, var = m['mean'][0] + m['mean'][b], p[0][0] + 2 * p[0][b] + p[b][b]
            new_y, new_var, log = box_update(y, var, offset, box)
            gain = [(p[i][0] + p[i][b]) / var for i in range(self.n)]
            m['mean'] = [x + g * (new_y - y) for x, g in zip(m['mean'], gain)]
            m['cov'] = [[p[i][j] - gain[i] * gain[j] * (var - new_var)
                         for j in range(self.n)] for i in range(self.n)]
            logs.append(log)
        self.at = max(self.at, at)
        self.weigh(logs)

    def weigh(self, logs):
        best = max(logs)
        for m, log in zip(self.models, logs):
            m['w'] *= math.exp(log - best)
        total = sum(m['w'] for m in self.models)
        for m in self.models:
            m['w'] /= total
        self.evidence = best + math.log(total)

    def bound(self, at, low, high):
        """A measurement of the offset alone. A model whose offset is more than
        two standard deviations outside gets the square of half the distance as
        additional variance."""
        back = (at - self.at) * sum(m['w'] * m['mean'][1] for m in self.models)
        middle, half = (low + high) / 2 - back, (high - low) / 2
        box = dict(half=half, edge=half / 10, tilt=0, wrong_share=0, wrong_reach=1)
        logs = []
        for m in self.models:
            y, p = m['mean'][0], m['cov']
            outside = max(y - (middle + half), middle - half - y, 0)
            if outside > 2 * math.sqrt(p[0][0]):
                p[0][0] += (outside / 2) ** 2
            new_y, new_var, log = box_update(y, p[0][0], middle, box)
            gain = [row[0] / p[0][0] for row in p]
            lost = p[0][0] - new_var
            m['mean'] = [x + g * (new_y - y) for x, g in zip(m['mean'], gain)]
            m['cov'] = [[p[i][j] - gain[i] * gain[j] * lost
                         for j in range(self.n)] for i in range(self.n)]
            logs.append(max(log, -100))
        self.weigh(logs)

    def reset_bias(self, source, mean):
        b = 3 + source
        for m in self.models:
            for i in range(self.n):
                m['cov'][i][b] = m['cov'][b][i] = 0.0
            m['mean'][b] = mean
            m['cov'][b][b] = (m['scale'] * self.bias_sd[source]) ** 2

    def move(self, state, by):
        for m in self.models:
            m['mean'][state] += by

    def inflate_bias(self, source, sd):
        self.explained.add(source)
        for m in self.models:
            m['cov'][3 + source][3 + source] += sd ** 2

    def set_bias(self, source, mean, var):
        self.explained.add(source)
        for m in self.models:
            for i in range(self.n):
                m['cov'][i][3 + source] = m['cov'][3 + source][i] = 0.0
            m['mean'][3 + source], m['cov'][3 + source][3 + source] = mean, var

    def learn_bias(self, source, mean, var):
        b = 3 + source
        for m in self.models:
            p = m['cov']
            if p[b][b] <= 0:
                continue
            gain = [p[i][b] / (p[b][b] + var) for i in range(self.n)]
            residual = mean - m['mean'][b]
            m['mean'] = [x + g * residual for x, g in zip(m['mean'], gain)]
            m['cov'] = [[p[i][j] - gain[i] * p[b][j] for j in range(self.n)]
                        for i in range(self.n)]

    def inflate_clock(self, sd, freq_sd):
        for m in self.models:
            m['cov'][0][0] += sd ** 2
            m['cov'][1][1] += freq_sd ** 2

    def predict(self, at, bias=None):
        """Offset (with a bias), its variance, frequency, its variance, drift."""
        dt = max(at - self.at, 0)
        states = [(m['w'],) + self.moved(m, dt) for m in self.models]
        rows = []
        for w, mean, p in states:
            y, var = mean[0], p[0][0]
            if bias is not None:
                b = 3 + bias
                y, var = y + mean[b], var + 2 * p[0][b] + p[b][b]
            rows.append((w, y, var, mean[1], p[1][1], mean[2]))
        y = sum(r[0] * r[1] for r in rows)
        f = sum(r[0] * r[3] for r in rows)
        return (y, sum(r[0] * (r[2] + (r[1] - y) ** 2) for r in rows), f,
                sum(r[0] * (r[4] + (r[3] - f) ** 2) for r in rows),
                sum(r[0] * r[5] for r in rows))

    def behind(self, dt):
        mean, cov = self.mixed()
        return (mean[0] + dt * mean[1],
                cov[0][0] + 2 * dt * cov[0][1] + dt * dt * cov[1][1])

    def spread(self):
        mean, _ = self.mixed()
        rows = [(1 / self.bias_sd[i] ** 2, mean[3 + i]) for i in range(self.n - 3)
                if i not in self.explained]
        if len(rows) < 2:
            return 0.0
        square = sum(w * b * b for w, b in rows) / sum(w for w, _ in rows)
        return math.sqrt(square / (len(rows) - 1))


# ---- delay of a path ----

ROOT_HALF_PI = math.sqrt(math.pi / 2)


def floor_gap(queue, samples):
    root = math.sqrt(samples)
    return queue * ROOT_HALF_PI / root * (1 + 0.6 / root)


class Window:
    """The latest n samples: delays, and those of each way where it is known."""

    def __init__(self, delays, asymmetries):
        self.n, self.least, self.mean = len(delays), min(delays), sum(delays) / len(delays)
        self.sides = None
        if not any(math.isnan(a) for a in asymmetries):
            self.sides = [[d / 2 + s * a for d, a in zip(delays, asymmetries)] for s in (1, -1)]

    def queue(self):
        return (self.mean - self.least) / (2 - ROOT_HALF_PI / math.sqrt(self.n))

    def sides_least(self):
        return sum(min(side) for side in self.sides) if self.sides else math.nan

    def side_queue(self):
        if not self.sides or self.n < 2:
            return math.nan
        return max((sum(side) / self.n - min(side)) * self.n / (self.n - 1)
                   for side in self.sides)


def larger(*values):
    """As fmax: without those that are not known."""
    known = [v for v in values if not math.isnan(v)]
    return max(known) if known else math.nan


class Delay:
    def __init__(self):
        self.delays, self.asymmetries, self.queue = [], [], 20e-9
        self.routes, self.now, self.known, self.since = {}, None, 0, 0
        self.rise, self.sides_rise, self.blocks = 0.0, 0.0, 0
        self.quiet = self.lately = 20e-9
        self.learning = 0

    @property
    def floor(self):
        return self.routes[self.now]['floor']

    def latest(self, n):
        return Window(self.delays[-n:], self.asymmetries[-n:])

    def queue_gap(self):
        """By the queue of the path, unless that of the route is another one."""
        r = self.routes[self.now]
        n = len(r['all'])
        if r['queue'] < 4 * self.queue:
            return floor_gap(self.queue, n)
        return floor_gap(r['queue'] * (1 + 4 / math.sqrt(n)), n)

    def learn_own(self):
        n = min(self.since, 64)
        if n >= 3:
            self.routes[self.now]['queue'] = min(
                self.latest(n).queue(), 2 * self.median_queue(min(n, 32)))

    def route_gap(self):
        """By the smallest delays of the route."""
        r = self.routes[self.now]
        n, by_queue = len(r['all']), self.queue_gap()
        if n <= 3:
            return by_queue
        low, most = sorted(r['all'])[:8], max(3, min(n // 4, 8))
        gaps = {k: 0.886 * (low[k - 1] - low[0]) / (math.sqrt(k - 0.25) - 0.886)
                for k in range(3, most + 1)}
        few = gaps.pop(most)
        fewer = min((gap * (1 + 4 / math.sqrt(k)) for k, gap in gaps.items()), default=few)
        few = min(few, fewer) if fewer < 0.03 * by_queue else few
        return by_queue if few > 0.33 * by_queue else max(few, 20e-9)

    def shortest(self):
        """The number of the shortest route."""
        fixed = [(r['floor'], number) for number, r in self.routes.items() if not r['crept']]
        return min(fixed)[1] if fixed else -1

    def median_queue(self, n):
        values = sorted(self.delays[-n:])
        return (statistics.median(values) - values[0]) / (1.678 - ROOT_HALF_PI / math.sqrt(n))

    def learn_quiet(self):
        most = min(self.since, 32)
        quiet = min(self.queue, self.median_queue(most)) if most > 3 else self.queue
        self.quiet = max(quiet, 20e-9)
        few = [self.median_queue(n) * (1 + 4 / math.sqrt(n)) for n in (4, 8, 16, 32) if n <= most]
        lately = min([self.queue] + few)
        self.lately = max(lately, 20e-9) if lately < 0.33 * self.quiet else self.quiet

    def busy_gap(self, samples):
        return floor_gap(self.queue, samples) * max(
            self.rise * math.sqrt(16) / ROOT_HALF_PI / self.queue, 1)

    def lasting_queue(self, r):
        own = r['queue'] if r['queue'] >= 4 * self.queue else self.queue
        return max(own, self.rise * 4 / ROOT_HALF_PI)

    def usual(self, r):
        queue = self.lasting_queue(r)
        known = self.blocks >= 4 and self.sides_rise > 0
        one = max(queue, self.sides_rise * 8) if known else math.inf
        n = min(self.since, 64)
        if n < 16:
            return queue, one
        w = self.latest(n)
        return max(queue, w.queue()), larger(one, w.side_queue())

    def both_odds(self, usual, floor, w):
        x = (w.least - floor) / larger(usual[0], w.queue() if w.n > 1 else 0)
        return w.n * (x - math.log1p(x)) if x > 0 else 0

    def sides_odds(self, usual, floor, w):
        gap = w.sides_least() - floor
        return w.n * gap / larger(usual[1], w.side_queue()) if gap > 0 else 0

    def remembered(self, w):
        now = self.routes[self.now]
        fits = []
        for number, r in self.routes.items():
            apart = abs(r['floor'] - now['floor']) > 3 * self.busy_gap(
                min(len(r['all']), len(now['all'])))
            usual = self.usual(r)
            if (number != self.now and apart and
                    r['floor'] - w.least < 6 * floor_gap(self.queue, len(r['all'])) and
                    self.both_odds(usual, r['floor'], w) < 5):
                fits.append((abs(r['floor'] - w.least), number))
        return min(fits)[1] if fits else None

    def longer(self):
        usual, best, most = self.usual(self.routes[self.now]), None, 12.0
        for n in range(8, min(self.since, 128) + 1):
            w = self.latest(n)
            if w.least <= self.floor:
                break
            odds = max(self.both_odds(usual, self.floor, w),
                       self.sides_odds(usual, self.floor, w))
            if odds > most:
                best, most = w, odds
        if best and most < 18 and self.remembered(best) is None:
            return None
        return best

    def creeps(self, longer):
        n, r = longer.n, self.routes[self.now]
        m = min(self.since - n, n, 128 - n)
        if m < 8:
            return False
        part = slice(-n - m, -n)
        w = Window(self.delays[part], self.asymmetries[part])
        first, rise = w.least - self.floor, longer.least - self.floor
        if rise > 8 * self.lasting_queue(r) and 2 * first > rise:
            return False
        odds = max(self.both_odds(self.usual(r), self.floor, w),
                   self.sides_odds(self.usual(r), self.floor, w))
        return first > 0 and odds > 5

    def quieter(self):
        """How many of the latest samples came after a congestion."""
        n, low = min(self.since, 128), sorted(self.routes[self.now]['all'])
        if (n > 8 and self.delays[-1] < min(low) and
                self.delays[-1] < 0.0157 * self.quiet):
            return 1
        for m in range(3, min(8, (n - 1) // 2) + 1):
            before, after = self.delays[-n:][:-m], self.delays[-m:]
            ever = low[m - 1] if m <= len(low) else math.inf
            spread = max(after) - min(after)
            if (math.log(math.comb(n, m)) > 3.6 + math.log(n) and
                    max(after) < ever and min(before) - max(after) > 3 * spread):
                return m
        return 0

    def leave_longer(self, m):
        r, n = self.routes[self.now], min(self.since, 128)
        r['all'] = self.delays[-n:][:-m]
        r['floor'] = min(r['all'])
        r['marks'] = [r['floor']] * 2
        r['queue'] = 0.0
        w = self.latest(m)
        r['congested'] = r['floor'] - w.least < 6 * self.queue
        self.take(w)
        if not r['congested']:
            return 'DELAY_SHORTER'
        self.learning = len(self.delays) - m
        queue = w.queue() if m >= 3 else 0
        self.queue = max(queue * (1 + 4 / math.sqrt(m)), 20e-9)
        self.quiet = self.lately = self.queue
        self.rise, self.sides_rise, self.blocks = 0.0, 0.0, 0
        return 'DELAY_FREED'

    def take(self, w):
        from_floor, number = self.floor, self.remembered(w)
        if number is None:
            number, self.known = self.known, self.known + 1
            if len(self.routes) == 8:
                del self.routes[min(self.routes, key=lambda k: self.routes[k]['last'])]
            self.routes[number] = dict(all=[], queue=0.0, floor=w.least, marks=[w.least] * 2,
                                       crept=False, congested=False)
        r = self.routes[number]
        r['all'] += self.delays[-w.n:]
        r['floor'] = min(r['floor'], w.least)
        r['shift'] = r['floor'] - from_floor
        r['last'] = len(self.delays)
        self.now, self.since = number, w.n

    def learn_queue(self):
        n, seen = min(self.since, 16), len(self.delays) - self.learning
        if n < 2:
            return
        queue = self.latest(n).queue()
        if seen > 16:
            gain = max(1 / (seen - 12), 1 / 256)
            queue = self.queue + gain * (min(queue, 4 * self.queue) - self.queue)
        self.queue = max(queue, 20e-9)

    def learn_rise(self):
        if self.since % 16:
            return
        w = self.latest(16)
        for name, height in (('rise', w.least - self.floor),
                             ('sides_rise', w.sides_least() - self.floor)):
            usual = getattr(self, name)
            if math.isnan(height):
                continue
            if self.blocks >= 4 and usual > 0:
                height = min(height, 4 * usual)
            gain = max(1 / (self.blocks + 1), 1 / 64)
            setattr(self, name, usual + gain * (max(height, 0) - usual))
        self.blocks += 1

    def add(self, delay, asymmetry=math.nan):
        """The event, and how many samples belong to a longer route."""
        self.delays.append(delay)
        self.asymmetries.append(asymmetry)
        self.since += 1
        if self.now is None:
            self.routes[0] = dict(all=[delay], queue=0.0, floor=delay, marks=[delay] * 2, shift=0, last=1,
                                  crept=False, congested=False)
            self.now, self.known = 0, 1
            return 'DELAY_NEW_FLOOR', 1
        r = self.routes[self.now]
        w = self.latest(1)
        back = (delay < r['floor'] and
                r['marks'][1] - delay > 3 * max(self.busy_gap(len(r['all'])),
                                                self.queue_gap()) and
                self.remembered(w) is not None)
        if back or (len(r['all']) >= 16 and r['floor'] - delay >
                    6 * self.queue_gap() + self.queue):
            r['floor'] = r['marks'][1]
            self.take(w)
            return 'DELAY_SHORTER', 1
        quieter = self.quieter()
        if quieter:
            return self.leave_longer(quieter), quieter
        r['all'].append(delay)
        r['last'] = len(self.delays)
        if len(r['all']) % 8 == 0:
            r['marks'] = [r['floor'], r['marks'][0]]
        if delay < r['floor']:
            if self.now > 0:
                r['shift'] -= r['floor'] - delay
            r['floor'] = delay
            self.learn_queue()
            self.learn_own()
            self.learn_quiet()
            return 'DELAY_NEW_FLOOR', 1
        longer = self.longer()
        if longer:
            crept = self.creeps(longer)
            r['queue'] = 0.0
            self.take(longer)
            self.learn_own()
            self.routes[self.now]['crept'] = crept
            return 'DELAY_LONGER', longer.n
        self.learn_queue()
        self.learn_own()
        self.learn_quiet()
        self.learn_rise()
        return 'DELAY_UNCHANGED', 1


# ---- error model ----

WIDTHS, EDGES = (1, 0.5, 0.25), (0, 0.1, 0.3, 1, 3)


def believed(r, samples):
    r = max(-0.97, min(0.97, r))
    against = 10 * (1 - r * r) ** samples
    return r / (1 + against) * r * r / (r * r + 0.01)


def far_share(path, half):
    return max(1 - 16 * path.queue / half, 0) if half > 0 else 0


def slope_probability(changes, slope):
    xx, xy, yy, n = changes
    gain = 0
    if n >= 4:
        gain = slope * (xy - slope * xx / 2) / ((yy - xy * xy / xx) / n)
    return 1 / (1 + math.exp(-1 - gain / 2))


def with_change(changes, share, x, y):
    return tuple(s + share * d - s / 256
                 for s, d in zip(changes, (x * x, x * y, y * y, 1)))


class ErrorModel:
    def __init__(self, before=((0.0,) * 5, (0.0,) * 4)):
        self.weights = {(i, j): -float(4 * i + 2 * j) for i in range(3) for j in range(5)}
        self.before, self.before_changes = before
        self.now, self.now_changes = (0.0,) * 5, (0.0,) * 4
        self.last, self.short, self.short_changes = None, None, (0.0,) * 4

    def short_delays_agree(self, r):
        x = 2 * r / (1 - r * r)
        slope = (x / 3 if abs(x) < 0.1 else 1 / math.tanh(x) - 1 / x) / 2
        return slope_probability(self.short_changes, slope)

    def learn_short(self, delay, error):
        if self.short:
            x, y = delay - self.short[0], error - self.short[1]
            self.short_changes = with_change(self.short_changes, 1, x, y)
        self.short = delay, error

    def learn_change(self, half, share, error, left):
        if self.last:
            x, y = half - self.last[0], error - self.last[1]
            if abs(y) <= half + self.last[0]:
                self.now_changes = with_change(
                    self.now_changes, min(share, self.last[2]) ** 2, x, y)
        self.last = half, left, share

    def asymmetry(self, path):
        (error, excess, samples, _, _), changes = max(
            (self.before, self.before_changes), (self.now, self.now_changes),
            key=lambda sums: sums[0][2])
        r = believed(error / (excess + 2 * path.queue), samples)
        return r * slope_probability(changes, 2 * r / (1 + r * r))

    def far_asymmetry(self):
        error, samples = max(self.before, self.now, key=lambda sums: sums[4])[3:]
        return believed(error / (samples + 2), samples)

    def shaped(self, path, delay, noise, width, edge):
        r, seen = self.asymmetry(path), len(path.delays)
        gap = min(path.queue_gap() * math.sqrt(1 - r * r), path.route_gap())
        half = (delay - max(path.floor - gap, 0)) / 2
        if seen < 8:
            half = max(half, seen ** -1.5 * delay / 2)
        full, agree = max(half, 0), self.short_delays_agree(r)
        half = full - (1 - width) * min(full, 3 * path.queue) + noise
        scale = max(path.queue, half / 3)
        r *= agree + (1 - agree) * min(full / (4 * path.queue), 1)
        r += far_share(path, full) * (self.far_asymmetry() - r)
        soft = min(0.3 * gap + edge * path.lately, delay / 2)
        return dict(half=half, edge=soft + noise,
                    tilt=(1 / (1 + r) - 1 / (1 - r)) / scale,
                    wrong_share=0.003, wrong_reach=delay)

    def box(self, path, delay, noise):
        rows = [(math.exp(w), WIDTHS[i], EDGES[j]) for (i, j), w in self.weights.items()]
        total = sum(w for w, _, _ in rows)
        return self.shaped(path, delay, noise, sum(w * a for w, a, _ in rows) / total,
                           math.sqrt(sum(w * b * b for w, _, b in rows) / total))

    def learn(self, path, delay, noise, before, after_mean):
        for (i, j), w in self.weights.items():
            box = self.shaped(path, delay, noise, WIDTHS[i], EDGES[j])
            self.weights[i, j] = w * (1 - 1 / 256) + box_update(before[0], before[1], 0, box)[2]
        best = max(self.weights.values())
        self.weights = {k: max(w - best, -30) for k, w in self.weights.items()}
        if delay - path.floor <= 2 * path.quiet:
            self.learn_short(delay, -before[0])
        half = max(delay - path.floor, 0) / 2
        share = min(1, 3 * path.queue / half) if half > 0 else 1
        self.learn_change(half, share, -before[0], -after_mean)
        error = max(-half, min(half, -after_mean))
        far = far_share(path, half)
        step = (share * error, share * half, share, far and far * error / half, far)
        fades = (1, 1, 1, far, far)
        self.now = tuple(
            s + d - fade * s / 256 for s, d, fade in zip(self.now, step, fades))

    def restarted(self):
        return ErrorModel((self.before, self.before_changes) if self.now[2] < 8
                          else (self.now, self.now_changes))


# ---- what is written ----

def c(x):
    if math.isnan(x):
        return 'NAN'
    return '%.12g' % x if not math.isinf(x) else ('-' if x < 0 else '') + 'INFINITY'


def table(kind, name, rows):
    print('static const struct %s %s[] = {' % (kind, name))
    for row in rows:
        print('    {%s},' % ', '.join(x if isinstance(x, str) else c(x) for x in row))
    print('};\n')


def boxes(draw):
    for i in range(60):
        box = dict(half=10 ** draw.uniform(-2, 0.5), edge=10 ** draw.uniform(-2, 0),
                   tilt=draw.choice((0, 1, -1)) * 10 ** draw.uniform(-1, 1.5),
                   wrong_share=draw.choice((0, 0.003, 0.3)), wrong_reach=10 ** draw.uniform(-1, 1))
        if i % 12 == 5:
            box['half'], box['edge'] = 1e-5, 1e-5
        mean, var = draw.uniform(-1, 1), 10 ** draw.uniform(-2, 1)
        measured = mean + draw.uniform(-2, 2) * (math.sqrt(var) + box['half'])
        if i % 12 == 7:
            measured += 5 * (box['half'] + box['edge'] + math.sqrt(var))
        new_mean, new_var, log = box_update(mean, var, measured, box)
        right = box_posterior(mean, var, measured, box)[2]
        wrong = box['wrong_share'] / (box['wrong_reach'] + 10 * math.sqrt(var))
        outlier = wrong > 0 and math.exp(min(right - math.log(wrong), 700)) < 1
        yield [mean, var, measured, box['half'], box['edge'], box['tilt'],
               box['wrong_share'], box['wrong_reach'], new_mean, new_var, log,
               str(int(outlier))]


def passages():
    for number in (0, 4, 9, 10, 15, 17, 18):
        for dt in (0.5, 16, 149, 151, 1000, 3499, 3501, 20000, 1e6):
            f, q = passage(OSCILLATORS[number], dt)
            noise = [q[0][0], q[0][1], q[0][2], q[1][1], q[1][2], q[2][2]]
            yield [str(number), dt, f[2][2], f[1][2], f[0][2],
                   '{%s}' % ', '.join(c(x) for x in noise)]


def scenario(draw, sources):
    """Steps of a filter's life, and what is expected after each."""
    e = Estimate(1e-6, 1e-4, [1e-5 * (i + 1) for i in range(sources)])
    at_ns, freq, offset, late = 0, 3e-5, 0.25, 0
    for step in range(70 if sources > 1 else 50):
        op, source, first, second, box = 'ADD', step % sources, 0.0, 0.0, None
        if sources > 1 and step == 30:
            op, source, first = 'INFLATE_BIAS', 1, 4e-5
        elif sources > 1 and step == 40:
            op, source, first, second = 'SET_BIAS', 2, 1.5e-5, 4e-12
        elif sources > 1 and step == 55:
            op, source, first, second = 'LEARN_BIAS', 0, -1e-5, 1e-10
        elif step == 25:
            op, first, second = 'INFLATE_CLOCK', 1e-3, 2e-6
        elif step in (16, 36):
            op = 'BOUND'
        elif step in (22, 46):
            op, source, first = 'RESET_BIAS', sources // 2, 3e-6
        elif step == 18:
            op, source, first = 'REDUCE_BIAS', sources - 1, 2e-6
        elif step == 19:
            op, first = 'SHIFT_OFFSET', 2e-6
        if op == 'ADD':
            # A late one, a long silence, else some seconds.
            back = step in (12, 33)
            dt_ns = -300000000 if back else 3600 * 10 ** 9 if step == 44 else \
                int(2 ** draw.uniform(0, 8) * 1e9)
            offset += freq * dt_ns * 1e-9
            freq += 1e-9 * math.sqrt(abs(dt_ns) * 1e-9) * draw.gauss(0, 1)
            at_ns += dt_ns
            e1, e2 = draw.expovariate(1e5), draw.expovariate(1e5)
            offset_ns = round((offset + 2e-5 * source + (e1 - e2) / 2) * 1e9)
            if step in (20, 48):
                offset_ns += 3000000
            box = dict(half=(e1 + e2) / 2 + 1e-7, edge=2e-7,
                       tilt=draw.choice((0, 0, 3e4, -2e5)), wrong_share=0.003, wrong_reach=2e-4)
            e.add(source, at_ns * 1e-9, offset_ns * 1e-9, box)
            if back:
                at_ns += 300000000
                offset += freq * 0.3
        else:
            offset_ns, sample_ns = 0, at_ns
            box = dict(half=0, edge=0, tilt=0)
            if op == 'INFLATE_BIAS':
                e.inflate_bias(source, first)
            elif op == 'SET_BIAS':
                e.set_bias(source, first, second)
            elif op == 'LEARN_BIAS':
                e.learn_bias(source, first, second)
            elif op == 'BOUND':
                # 0.4 ms wide, around the offset or above it.
                sample_ns += 20 * 10 ** 9
                offset_ns = round(e.predict(sample_ns * 1e-9)[0] * 1e9)
                offset_ns += -150000 if step == 16 else 300000
                first = 4e-4
                e.bound(sample_ns * 1e-9, offset_ns * 1e-9, offset_ns * 1e-9 + first)
            elif op == 'RESET_BIAS':
                e.reset_bias(source, first)
            elif op == 'REDUCE_BIAS':
                e.move(3 + source, -first)
            elif op == 'SHIFT_OFFSET':
                e.move(0, first)
            else:
                e.inflate_clock(first, second)
        looks_ns = at_ns + draw.choice((0, 10 ** 9, 64 * 10 ** 9, 2000 * 10 ** 9, -5 * 10 ** 9))
        if op == 'ADD':
            sample_ns = at_ns - (300000000 if back else 0)
        y, var, f, fvar, drift = e.predict(looks_ns * 1e-9)
        if looks_ns < at_ns:
            y, var = e.behind((looks_ns - at_ns) * 1e-9)
        b, bvar = e.predict(looks_ns * 1e-9, source)[:2]
        mean, cov = e.mixed()
        yield [op, str(source), 'INT64_C(%d)' % sample_ns, 'INT64_C(%d)' % offset_ns,
               box['half'], box['edge'], box['tilt'], first, second,
               'INT64_C(%d)' % looks_ns, y, math.sqrt(var), e.spread(), f, math.sqrt(fvar),
               drift, b, math.sqrt(bvar), mean[3 + source], math.sqrt(max(cov[3 + source][3 + source], 0)),
               e.evidence]


def delays(draw, base, busy):
    """A path that changes its route every 25 samples or so; busy: one that is
    never empty."""
    path, more = Delay(), 0.0
    for step in range(400):
        if draw.random() < 1 / 25:
            more = draw.choice((0, 0, 2e-5, 3e-5, 1e-4, 4e-4, 1e-3, 2e-3))
        many = 6 if busy else 1
        e1 = sum(draw.expovariate(1 / 2e-5) for _ in range(many))
        e2 = sum(draw.expovariate(1 / 1e-5) for _ in range(many))
        up = more if draw.random() < 0.98 else 0
        known = not 300 <= step < 330 and step > 5
        delay = float('%.9f' % (base + e1 + e2 + up))
        asymmetry = float('%.9f' % ((e1 - e2 + up) / 2)) if known else math.nan
        yield delay_row(path, delay, asymmetry)


def delay_row(path, delay, asymmetry):
    event, back = path.add(delay, asymmetry)
    r = path.routes[path.now]
    return [delay, asymmetry, event, str(back), str(path.now), str(len(path.routes)),
            str(int(r['crept'])), str(sum(r['congested'] for r in path.routes.values())),
            str(path.shortest()), r['floor'], r['shift'], path.queue, path.quiet,
            path.lately, path.route_gap(), path.rise, path.sides_rise]


def congestions(draw):
    """A path that gets shorter during each of five congestions on the way to
    the server, with rare spikes, and a floor that creeps at the end."""
    path, busy = Delay(), ((0, 9), (150, 165), (300, 400), (500, 508), (620, 780))
    for step in range(1260):
        base = 1e-3 - 1.5e-4 * sum(step >= first for first, _ in busy)
        e1, e2 = draw.expovariate(1 / 4e-6), draw.expovariate(1 / 2e-6)
        if any(first <= step < last for first, last in busy):
            e1 += 2e-4 + draw.expovariate(1 / 3e-4)
        elif draw.random() < 0.03:
            e2 += 3e-3
        e1 += max(step - 900, 0) * 5e-7
        asymmetry = float('%.9f' % ((e1 - e2) / 2))
        known = step > 60 and not 200 <= step < 300
        yield delay_row(path, float('%.9f' % (base + e1 + e2)),
                        asymmetry if known else math.nan)


def emptied(draw):
    """A busy start that ends with one empty sample; later a shorter way begins."""
    path = Delay()
    for step in range(120):
        e1, e2 = draw.expovariate(1 / 2e-6), draw.expovariate(1 / 2e-6)
        if step < 20:
            e1 += 2e-2 + draw.expovariate(1 / 2e-2)
        elif step >= 60:
            e1 -= 2e-5
        yield delay_row(path, float('%.9f' % (4e-5 + e1 + e2)), math.nan)


def errors(draw, up, down):
    path, model, noise = Delay(), ErrorModel(), 5e-8
    for step in range(100):
        e1, e2 = draw.expovariate(1 / up), draw.expovariate(1 / down)
        delay = 1e-3 + e1 + e2
        path.add(delay)
        before = ((e2 - e1) / 2 + 2e-6 * draw.gauss(0, 1), 4e-12)
        if step in (70, 75):
            model = model.restarted()
        box = model.box(path, delay, noise)
        after = box_update(before[0], before[1], 0, box)
        model.learn(path, delay, noise, before, after[0])
        yield [delay, noise, before[0], before[1], after[0], after[1],
               str(int(step in (70, 75))), path.floor, path.queue,
               box['half'], box['edge'], box['tilt'], box['wrong_reach']]


def main():
    draw = random.Random(9)
    print('/* Written by reference.py: do not edit. */')
    print('/* clang-format off */')
    table('box_row', 'box_rows', boxes(draw))
    table('passage_row', 'passage_rows', passages())
    table('estimate_row', 'one_source', scenario(draw, 1))
    table('estimate_row', 'three_sources', scenario(draw, 3))
    table('delay_row', 'quiet_delays', delays(draw, 1e-3, False))
    table('delay_row', 'busy_delays', delays(draw, 5e-3, True))
    table('delay_row', 'congested_delays', congestions(random.Random(4)))
    table('delay_row', 'emptied_delays', emptied(random.Random(5)))
    table('error_row', 'even_path', errors(draw, 2e-5, 2e-5))
    table('error_row', 'busy_path', errors(draw, 1e-4, 5e-6))
    print('/* clang-format on */')


if __name__ == '__main__':
    main()
