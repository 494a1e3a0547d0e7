#!/usr/bin/env python3
"""Each query of the dashboard over a Prometheus that scraped a running agent,
with the faults that the agent had in this time.

usage: running.py ADDRESS SECONDS

The agent has had each fault that the dashboard shows, so each query has data,
also those that are empty while nothing is wrong. The figures are as in
panels.py; a table is asked over the whole time."""
import sys
import time

import panels

SCRAPE_S = 0.5
# Nobody may set the clock with --no-clock, so there is no keeper that counts.
WITHOUT_KEEPER = 'keeper'


def query_of(target):
    query = target['expr'].replace('$instance', '.*')
    return query.replace('$__rate_interval', f'{int(8 * SCRAPE_S)}s')


def found_by(address, target, seconds):
    now = time.time()
    series = panels.ask(address, 'query_range', query=query_of(target),
                        start=now - seconds, end=now, step=SCRAPE_S)
    return [(s['metric'], [float(v) for _, v in s['values']]) for s in series]


def judge(panel, address, seconds):
    found = [(t, found_by(address, t, seconds)) for t in panel['targets']
             if WITHOUT_KEEPER not in t['expr']]
    breaches = ['no data: ' + t['expr'] for t, series in found if not series]
    breaches += panels.faults_of_legend(panel, found)
    breaches += panels.faults_of_columns(panel, found)
    for target, series in found:
        if panel['type'] != 'table' or panel['fieldConfig']['defaults']:
            breaches += panels.faults_of_unit(panel, target, series)
    panels.check(panel['title'], breaches)


def main():
    address, seconds = sys.argv[1], int(sys.argv[2])
    for panel in panels.panels_of_dashboard():
        if panel['type'] != 'row':
            judge(panel, address, seconds)
    print('running: {passed} passed, {failed} failed'.format(**panels.results))
    return panels.results['failed'] > 0


if __name__ == '__main__':
    sys.exit(main())
