#!/usr/bin/python3
"""Prints how two kernel clocks went through the disturbances of tests/bench/kernel.

    kernel_report.py PHASES WATCHED ANSWERS

PHASES has lines "UPTIME NAME", the last one is the end; "paused" is no disturbance
but the time in which both stood still. WATCHED is what
`timeofday watch` printed, ANSWERS what kernel_answers.py printed. A clock counts as
right while its error is at most 300 us and what is unknown of it. Before the first
answer after a disturbance, no client can know of a new frequency or of lost time.
"""
import math
import sys

RIGHT_US = 300
# The kernel lets its bound grow by this at each full second.
KERNEL_GROWTH_US = 500
# A client has acted on an answer after this, s.
ACTED_S = 0.5
CLIENTS = ('agent', 'chronyd')


def read_phases(path):
    with open(path, encoding='utf-8') as lines:
        starts = [line.split(maxsplit=1) for line in lines]
    times = [float(at) for at, _ in starts]
    names = [name.strip() for _, name in starts]
    return [phase for phase in zip(names, times, times[1:])
            if phase[0] != 'paused']


def read_looks(path):
    with open(path, encoding='utf-8') as lines:
        rows = [line.split() for line in lines]
    return [tuple(map(float, row)) for row in rows if len(row) == 6]


def read_answers(path):
    with open(path, encoding='utf-8') as lines:
        return [tuple(map(float, line.split())) for line in lines]


def first_answer(answers, client, start, end):
    return min((at - start for at, number in answers
                if number == client and start <= at < end), default=math.inf)


def judge(looks, start, answered):
    """Largest error and RMS in us, what is unknown of an error at most,
    seconds until right for good, broken bounds in all and after the first
    answer."""
    if not looks:
        return None
    errors = [max(abs(error) - unknown, 0) for _, _, error, unknown, _, _ in looks]
    wrong = [at - start for (at, *_), e in zip(looks, errors) if e > RIGHT_US]
    broken = [at - start for e, (at, *_, bound, _) in zip(errors, looks)
              if e > bound + KERNEL_GROWTH_US]
    known = sum(at > answered + ACTED_S for at in broken)
    rms = math.sqrt(sum(e * e for e in errors) / len(errors))
    right = max(wrong, default=0)
    if errors[-1] > RIGHT_US:
        right = math.inf
    unknown = max(unknown for _, _, _, unknown, _, _ in looks)
    return max(errors), rms, unknown, right, len(broken), known


def microseconds(error, unknown):
    """An error that no look could tell from none is not shown as zero."""
    if error < 0.5:
        return f'<{max(math.ceil(unknown), 1)} us'
    return f'{error:.0f} us'


def seconds(value, never):
    return f'{value:.1f} s' if math.isfinite(value) else never


def main():
    phases, looks = read_phases(sys.argv[1]), read_looks(sys.argv[2])
    answers = read_answers(sys.argv[3])
    print(f'{"disturbance":29} {"client":7} {"largest":>12} {"RMS":>10} '
          f'{"answer":>7} {"right after":>12} {"bound broken":>13} {"known":>5}')
    sums = {name: [] for name in CLIENTS}
    for phase, start, end in phases:
        for number, name in enumerate(CLIENTS):
            here = [x for x in looks if x[1] == number and start <= x[0] < end]
            answered = first_answer(answers, number, start, end)
            result = judge(here, start, answered)
            if not result:
                print(f'{phase:29} {name:7} {"no answer":>12}')
                continue
            largest, rms, unknown, right, broken, known = result
            sums[name].append(max(right, 0.1))
            print(f'{phase:29} {name:7} {microseconds(largest, unknown):>12} '
                  f'{microseconds(rms, unknown):>10} '
                  f'{seconds(answered, "none"):>7} {seconds(right, "never"):>12} '
                  f'{broken:6} of {len(here)} {known:5}')
    ratios = [a / c for a, c in zip(sums['agent'], sums['chronyd'])
              if math.isfinite(a) and math.isfinite(c)]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f'time until right, agent divided by chronyd, geometric mean of '
              f'{len(ratios)}: {mean:.2f}')


main()
