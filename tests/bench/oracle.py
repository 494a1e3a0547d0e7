"""The limit: the best estimate that the same packets allow.

A two-state filter (offset, frequency) that knows the path's empty delay, the
distribution of its queueing delay and the oscillator's noise. If the delay of a
packet exceeds the empty delay by s, its offset error is uniform in +-s/2, and
tilted if the two directions differ. So the filter cuts the Gaussian of the
prediction to that interval and takes its mean and variance. The result is
within 5 % of a particle filter with the exact distribution. It is a limit, not
an aim.
"""
import math

import numpy as np

SQRT2 = math.sqrt(2.0)


def truncated(a, b):
    """Mean and variance of the normal distribution cut to [a, b]."""
    if a > 0:
        mean, var = truncated(-b, -a)
        return -mean, var
    if b < -30:                     # the far tail is exponential
        rate, width = -b, b - a
        if width * rate > 700:
            return b - 1 / rate, 1 / rate ** 2
        if width * rate < 1e-6:
            return (a + b) / 2, width ** 2 / 12
        e = math.exp(-width * rate)
        mean = (1 - (1 + width * rate) * e) / (1 - e) / rate
        square = (2 - (2 + 2 * width * rate + (width * rate) ** 2) * e) \
            / (1 - e) / rate ** 2
        return b - mean, max(square - mean ** 2, 1e-24)
    mass = 0.5 * (math.erfc(-b / SQRT2) - math.erfc(-a / SQRT2))
    if mass < 1e-290 or b - a < 1e-4:
        return (a + b) / 2, (b - a) ** 2 / 12
    pa = math.exp(-a * a / 2) / math.sqrt(2 * math.pi) if a > -38 else 0.0
    pb = math.exp(-b * b / 2) / math.sqrt(2 * math.pi) if abs(b) < 38 else 0.0
    mean = (pa - pb) / mass
    var = 1 + ((a * pa if pa else 0) - (b * pb if pb else 0)) / mass - mean ** 2
    if not (0 < var <= 1.0001) or not a <= mean <= b:
        return (a + b) / 2, (b - a) ** 2 / 12
    return mean, var


def estimates(times, offsets, excess, q, tilt):
    """Estimated offset and frequency after each packet."""
    x = f = 0.0
    pxx, pxf, pff = 1.0, 0.0, 1e-8
    out = np.empty((len(times), 2))
    before = times[0]
    for k, now in enumerate(times):
        dt = now - before
        before = now
        x += f * dt
        pxx += 2 * dt * pxf + dt * dt * pff + q * dt ** 3 / 3
        pxf += dt * pff + q * dt * dt / 2
        pff += q * dt
        sd, half = math.sqrt(pxx), max(excess[k], 1e-9) / 2
        centre = x + tilt * pxx
        m, v = truncated((offsets[k] - half - centre) / sd,
                         (offsets[k] + half - centre) / sd)
        new, var, gain = centre + m * sd, max(v, 1e-9) * pxx, pxf / pxx
        f += gain * (new - x)
        pff -= gain * gain * (pxx - var)
        pxf = gain * var
        x, pxx = new, var
        out[k] = x, f
    return out


def packets(row, log, client):
    """Arrival and both delays of each exchange with a server that is right."""
    found = []
    for server in range(1, client):
        if row.server_errors.get(server):
            continue
        up = log[(log[:, 1] == client) & (log[:, 2] == server)]
        down = log[(log[:, 1] == server) & (log[:, 2] == client)]
        up = up[up[:, 3] > 0]
        n = min(len(up), len(down))
        up, down = up[:n], down[:n]
        heard = down[:, 3] > 0
        found.append(np.column_stack([
            up[heard, 0] + up[heard, 3] + down[heard, 3],
            up[heard, 3], down[heard, 3]]))
    found = np.concatenate(found)
    return found[np.argsort(found[:, 0], kind='stable')]


def limit(row, raw_freq, log, client):
    """RMS error of this filter in the row's window, s."""
    phase = np.concatenate([[0.0], np.cumsum(raw_freq[:-1])])
    phase -= np.arange(len(phase)) * row.freq
    seen = packets(row, log, client)
    seen = seen[seen[:, 0] < len(phase) - 1]
    t = seen[:, 0]
    i = t.astype(int)
    truth = phase[i] + (phase[i + 1] - phase[i]) * (t - i)
    offsets = truth + (seen[:, 1] - seen[:, 2]) / 2
    excess = seen[:, 1] + seen[:, 2] - 2 * row.base
    up, down = row.jitters()
    noises = [row.wander ** 2]
    if row.sine:
        noises = [row.wander ** 2 * 10 ** (k / 2) for k in range(9)]
    best = math.inf
    for q in noises:
        e = estimates(t, offsets.tolist(), excess.tolist(), q,
                      1 / up - 1 / down)
        j = np.arange(int(row.settle), len(phase))
        k = np.searchsorted(t, j, side='right') - 1
        j, k = j[k >= 0], k[k >= 0]
        error = e[k, 0] + e[k, 1] * (j - t[k]) - phase[j]
        best = min(best, math.sqrt(np.mean(error ** 2)))
    return best
