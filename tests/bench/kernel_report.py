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
    """Largest error and RMS in us, seconds until right for good, broken bounds
    in all and after the first answer."""
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
    return max(errors), rms, right, len(broken), known


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
            largest, rms, right, broken, known = result
            sums[name].append(max(right, 0.1))
            print(f'{phase:29} {name:7} {largest:9.0f} us {rms:7.0f} us '
                  f'{answered:5.1f} s {right:10.1f} s {broken:6} of {len(here)} '
                  f'{known:5}')
    ratios = [a / c for a, c in zip(sums['agent'], sums['chronyd'])
              if math.isfinite(a) and math.isfinite(c)]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f'time until right, agent divided by chronyd, geometric mean of '
              f'{len(ratios)}: {mean:.2f}')


main()
