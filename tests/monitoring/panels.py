#!/usr/bin/env python3
"""What Grafana would draw, without Grafana: a day of made-up series in a real
Prometheus, and each query of the dashboard over this day.

usage: panels.py PROMETHEUS-FOLDER WORK-FOLDER ADDRESS

A query must have data of its panel's unit for the whole day, a legend whose
labels exist and that names one series, and no value below the axis. The series
are those that the unit tests of ntsctl expect, with values that change."""
import json
import math
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
EXPECTED = os.path.join(
    TOP, 'tests/unit/agent/ctl/expected/metrics.openmetrics')
DASHBOARD = os.path.join(TOP, 'etc/monitoring/ntsagent-dashboard.json')
DAY_S = 86400
SCRAPE_S = 120
STEP_S = 240
# Series of these names are absent while nothing is wrong.
RARE = ('> 0', 'source_failure{')
SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
MACHINES = ('one:10123', 'two:10123')
# Unit of a panel: what the name and the query must have, what they must not,
# and the limits of its values.
UNITS = {
    's': (r'_seconds\b', r'\* 1e', 1e9),
    'ppm': (r'_ratio\b.*\* 1e6', r'_seconds', 1e3),
    'percentunit': (r'_ratio\b', r'\* 1e', 1),
    'cps': (r'\brate\(\w+_total\b', r'_seconds', 1e3),
    None: (r'ntsagent_', r'_seconds\b|_ratio\b', 1e4),
}
results = {'passed': 0, 'failed': 0}


def check(what, breaches):
    breaches = sorted(set(breaches))
    results['failed' if breaches else 'passed'] += 1
    print(f"  {'FAIL' if breaches else 'ok  '}  {what}")
    for breach in breaches:
        print(f'          {breach}')


def value_at(name, base, at, now):
    """Counters grow, what is 0, 1 or a count stays, and the rest swings."""
    if name.endswith('_total'):
        return base + (at - now + DAY_S) // 1800
    if base == round(base) or '_timestamp_' in name:
        return base + now if '_timestamp_' in name and base < 1e9 else base
    return base * (1 + 0.2 * math.sin(at / 7200))


def write_day(path, now):
    """The day before `now` as OpenMetrics, for two machines. Timestamps of the
    expected file are moved with its own present time."""
    with open(EXPECTED, encoding='utf-8') as file:
        lines = file.read().splitlines()
    shift = now - 1795392000
    with open(path, 'w', encoding='utf-8') as out:
        for line in lines:
            found = SAMPLE.match(line)
            if not found:
                out.write(line + '\n')
                continue
            name, labels, base = found.groups()
            base = float(base)
            if '_timestamp_' in name:
                base += shift
            for machine in MACHINES:
                own = f'instance="{machine}",job="ntsagent"'
                own = labels + ',' + own if labels else own
                for at in range(now - DAY_S, now, SCRAPE_S):
                    out.write(f'{name}{{{own}}} '
                              f'{value_at(name, base, at, now):.9g} {at}\n')


def ask(address, path, **query):
    url = f'http://{address}/api/v1/{path}?' + urllib.parse.urlencode(query)
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)['data']['result']


def wait_ready(address):
    for _ in range(150):
        try:
            urllib.request.urlopen(f'http://{address}/-/ready', timeout=2)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit('panels: Prometheus does not start')


def query_of(target):
    query = target['expr'].replace('$instance', '|'.join(MACHINES))
    return query.replace('$__rate_interval', f'{4 * SCRAPE_S}s')


def found_by(address, target, now):
    """(labels, values) of each series that the query has over the day."""
    if target.get('instant'):
        series = ask(address, 'query', query=query_of(target), time=now - 600)
        return [(s['metric'], [float(s['value'][1])]) for s in series]
    series = ask(address, 'query_range', query=query_of(target),
                 start=now - DAY_S + 3600, end=now - 600, step=STEP_S)
    return [(s['metric'], [float(v) for _, v in s['values']]) for s in series]


def legend(target, labels):
    return re.sub(r'\{\{(\w+)\}\}', lambda m: labels.get(m[1], f'?{m[1]}?'),
                  target.get('legendFormat', ''))


def faults_of_data(target, series, rare):
    if not series:
        yield 'no data: ' + target['expr']
    points = 1 if target.get('instant') else (DAY_S - 4200) // STEP_S
    for labels, values in series:
        if len(values) < points and not rare:
            yield f"{len(values)} of {points} points: {target['expr']} {labels}"
    if series and {m for s, _ in series for m in [s.get('instance')]} != set(
            MACHINES):
        yield 'not both machines: ' + target['expr']


def faults_of_unit(panel, target, series):
    defaults = panel['fieldConfig']['defaults']
    has, has_not, limit = UNITS[defaults.get('unit')]
    if not re.search(has, target['expr']):
        yield f"{defaults.get('unit')} is not the unit of {target['expr']}"
    if re.search(has_not, target['expr']):
        yield f"{defaults.get('unit')} does not fit {target['expr']}"
    for labels, values in series:
        if max(abs(v) for v in values) > limit:
            yield f"beyond {limit}: {target['expr']} {labels}"
        if min(values) < defaults.get('min', -math.inf):
            yield f"below the axis: {target['expr']} {labels}"


def faults_of_legend(panel, found):
    names = [legend(target, labels)
             for target, series in found for labels, _ in series]
    if panel['type'] == 'table':
        return
    if panel['type'] == 'timeseries' and not panel['options']['legend'].get(
            'showLegend'):
        yield 'the legend is not shown'
    for name in names:
        if '?' in name or not name:
            yield 'a label does not exist: ' + name
        if names.count(name) > 1:
            yield 'two series have one legend: ' + name


def faults_of_columns(panel, found):
    """What is shown of a table; the name of the metric says nothing."""
    if panel['type'] != 'table':
        return
    shown = {label for _, series in found for labels, _ in series
             for label in labels} | {'Time', 'Value'}
    for change in panel.get('transformations', []):
        options = change['options']
        hidden = set(options['excludeByName'])
        for column in hidden | set(options['renameByName']):
            if column not in shown:
                yield f'there is no column {column}'
        shown -= hidden
    for column in {'__name__', 'job', 'Time'} & shown:
        yield f'the column {column} is shown'
    if 'Value' in shown and not panel['fieldConfig']['defaults'].get('unit'):
        yield 'a value without meaning is shown'


def judge(panel, address, now):
    found = [(t, found_by(address, t, now)) for t in panel['targets']]
    breaches = list(faults_of_legend(panel, found))
    breaches += faults_of_columns(panel, found)
    for target, series in found:
        rare = any(part in target['expr'] for part in RARE)
        breaches += faults_of_data(target, series, rare)
        if panel['type'] != 'table' or panel['fieldConfig']['defaults']:
            breaches += faults_of_unit(panel, target, series)
    check(panel['title'], breaches)


def start_day(prometheus, work, address):
    """A Prometheus that has the day: its process, and the end of the day."""
    now = int(time.time()) // SCRAPE_S * SCRAPE_S
    day, data = os.path.join(work, 'day.txt'), os.path.join(work, 'day')
    write_day(day, now)
    subprocess.run([prometheus + '/promtool', 'tsdb',
                    'create-blocks-from', 'openmetrics', '--quiet', day, data],
                   check=True, stdout=subprocess.DEVNULL)
    os.remove(day)
    config = os.path.join(work, 'day.yml')
    with open(config, 'w', encoding='utf-8') as out:
        out.write('scrape_configs: []\n')
    with open(os.path.join(work, 'day.log'), 'w', encoding='utf-8') as log:
        server = subprocess.Popen(
            [prometheus + '/prometheus', '--config.file=' + config,
             '--storage.tsdb.path=' + data, '--web.listen-address=' + address],
            stdout=log, stderr=log)
    return server, now


def panels_of_dashboard():
    with open(DASHBOARD, encoding='utf-8') as file:
        return json.load(file)['panels']


def main():
    prometheus, work, address = sys.argv[1:]
    server, now = start_day(prometheus, work, address)
    try:
        wait_ready(address)
        for panel in panels_of_dashboard():
            if panel['type'] != 'row':
                judge(panel, address, now)
    finally:
        server.terminate()
        server.wait()
    print('panels: {passed} passed, {failed} failed'.format(**results))
    return results['failed'] > 0


if __name__ == '__main__':
    sys.exit(main())
