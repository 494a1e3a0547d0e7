"""Tests of the alert rules: for each alert, series that make it fire at one
time and clear at a later one. Written as JSON, which promtool reads as YAML.

usage: rules.py RULE-FILE... >tests.yml"""
import json
import sys

MINUTE = 60
HOUR = 60 * MINUTE
INTERVAL = MINUTE
JOB = 'job="ntsagent",instance="a:10123"'
SOURCE = JOB + ',source="here"'
NODE = 'job="node",instance="a:9100"'


def steps(*parts):
    """Values as promtool has them, from (value, minutes) pairs."""
    return ' '.join(f'{value}x{minutes - 1}' for value, minutes in parts)


# Alert, series, minute when it does not fire yet (None: it fires at once),
# minute when it fires, minute when it is clear again.
ROWS = [
    ('NtsagentExporterDown', {f'up{{{JOB}}}': steps((1, 10), (0, 10), (1, 10))},
     14, 16, 21),
    ('NtsagentDown', {f'ntsagent_up{{{JOB}}}': steps((1, 10), (0, 10), (1, 10))},
     14, 16, 21),
    ('NtsagentClockNotSynchronised',
     {f'ntsagent_synchronised{{{JOB}}}': steps((1, 10), (0, 20), (1, 10))},
     19, 21, 31),
    ('NtsagentCorrectionRefused',
     {f'ntsagent_refused{{{JOB}}}': steps((0, 10), (1, 10), (0, 10))},
     10, 12, 21),
    # The clock is fast, then slow, then right.
    ('NtsagentClockOff',
     {f'ntsagent_offset_seconds{{{JOB}}}':
      steps((0.001, 10), (0.06, 10), ('-0.06', 10), ('-0.04', 10))}, 19, 21, 31),
    ('NtsagentBoundTooLarge',
     {f'ntsagent_bound_seconds{{{JOB}}}': steps((0.09, 10), (0.11, 20), (0.09, 10))},
     19, 21, 31),
    # One of two still answers, then none.
    ('NtsagentNoAnswers',
     {f'ntsagent_source_reachability_ratio{{{SOURCE}}}':
      steps((1, 5), (0, 35), (0.125, 10)),
      f'ntsagent_source_reachability_ratio{{{JOB},source="there"}}':
      steps((1, 10), (0, 40))}, 24, 26, 41),
    # Three of four, then two of four.
    ('NtsagentSourcesBelowQuorum',
     {f'ntsagent_usable_sources{{{JOB}}}': steps((3, 10), (2, 20), (3, 10)),
      f'ntsagent_voting_sources{{{JOB}}}': steps((4, 40)),
      f'ntsagent_minimum_sources{{{JOB}}}': steps((1, 40))}, 19, 21, 31),
    # A majority, but fewer than minsources.
    ('NtsagentSourcesBelowQuorum',
     {f'ntsagent_usable_sources{{{JOB}}}': steps((3, 10), (2, 20), (3, 10)),
      f'ntsagent_voting_sources{{{JOB}}}': steps((3, 40)),
      f'ntsagent_minimum_sources{{{JOB}}}': steps((3, 40))}, 19, 21, 31),
    ('NtsagentFalseticker',
     {f'ntsagent_source_state{{{SOURCE},state="falseticker"}}':
      '_x9 1x39 stale _x10'}, 38, 40, 51),
    # It ends 14 days and 10 minutes after the start, and is renewed.
    ('NtsagentCertificateEnds',
     {f'ntsagent_source_certificate_not_after_timestamp_seconds{{{SOURCE}}}':
      steps((14 * 86400 + 10 * MINUTE, 30), (90 * 86400, 10))}, 15, 17, 31),
    ('NtsagentKeyExchangeFails',
     {f'ntsagent_source_key_exchange_failures_total{{{SOURCE},cause="dns"}}':
      steps((0, 70), (2, 80)),
      f'ntsagent_source_key_exchange_failures_total{{{SOURCE},cause="tls"}}':
      steps((5, 75), (7, 75))}, 73, 76, 145),
    ('NtsagentAuthenticationFails',
     {f'ntsagent_source_authentication_failures_total{{{SOURCE}}}':
      steps((3, 70), (10, 10), (20, 70))}, 75, 81, 145),
    ('NtsagentJobCrashed',
     {f'ntsagent_source_job_crashes_total{{{SOURCE}}}':
      steps((0, 70), (1, 80))}, 69, 71, 135),
    ('NtsagentClockStepped',
     {f'ntsagent_steps_total{{{JOB}}}': steps((1, 70), (2, 80))}, 69, 71, 90),
    ('NtsagentUnsaved',
     {f'ntsagent_unsaved{{{JOB}}}': steps((0, 10), (2, 10), (1, 20), (0, 10))},
     24, 26, 41),
    ('NtsagentSourceFileUnused',
     {f'ntsagent_unused_source_files{{{JOB}}}':
      steps((0, 10), (1, 20), (0, 10))}, 14, 16, 31),
    # Those of node_exporter, on what the agent tells the kernel. It says
    # "synchronised" with its root distance, and 16 s when it is lost.
    ('NodeClockNotSynchronising',
     {f'node_timex_sync_status{{{NODE}}}': steps((1, 10), (0, 30), (1, 20)),
      f'node_timex_maxerror_seconds{{{NODE}}}':
      steps((0.0004, 10), (16, 30), (0.0004, 20))}, 19, 21, 41),
    # Another program uses the kernel's own loop.
    ('NodeClockSkewDetected',
     {f'node_timex_offset_seconds{{{NODE}}}':
      steps((0, 10), (0.06, 20), (0.01, 20))}, 19, 21, 31),
]

# Alerts that stay quiet on these series, at each minute.
QUIET = [
    # The start of an agent: no counter was zero before it was there.
    (('NtsagentJobCrashed', 'NtsagentClockStepped', 'NtsagentKeyExchangeFails',
      'NtsagentAuthenticationFails'),
     {f'ntsagent_source_job_crashes_total{{{SOURCE}}}': '_x9 0x30',
      f'ntsagent_steps_total{{{JOB}}}': '_x9 1x30',
      f'ntsagent_source_key_exchange_failures_total{{{SOURCE},cause="dns"}}':
      '_x9 9x30',
      f'ntsagent_source_authentication_failures_total{{{SOURCE}}}': '_x9 99x30'}),
    # One server, and all is well.
    (('NtsagentSourcesBelowQuorum', 'NtsagentClockNotSynchronised'),
     {f'ntsagent_usable_sources{{{JOB}}}': '1x40',
      f'ntsagent_voting_sources{{{JOB}}}': '1x40',
      f'ntsagent_minimum_sources{{{JOB}}}': '1x40',
      f'ntsagent_synchronised{{{JOB}}}': '1x40'}),
    # The exporter alone is down: nothing is known of the clock.
    (('NtsagentDown', 'NtsagentClockNotSynchronised', 'NtsagentBoundTooLarge'),
     {f'up{{{JOB}}}': '1x9 0x30',
      f'ntsagent_up{{{JOB}}}': '1x9 stale',
      f'ntsagent_synchronised{{{JOB}}}': '1x9 stale',
      f'ntsagent_bound_seconds{{{JOB}}}': '0.001x9 stale'}),
    # What node_exporter shows of an agent that is well: it corrects by the
    # frequency, so the offset of the kernel's own loop is 0.
    (('NodeClockNotSynchronising', 'NodeClockSkewDetected'),
     {f'node_timex_sync_status{{{NODE}}}': '1x40',
      f'node_timex_maxerror_seconds{{{NODE}}}': '0.0004+0.00003x40',
      f'node_timex_offset_seconds{{{NODE}}}': '0x40'}),
    # A restart of some minutes: the kernel's bound has not grown to 16 s.
    (('NodeClockNotSynchronising',),
     {f'node_timex_sync_status{{{NODE}}}': '1x9 0x3 1x30',
      f'node_timex_maxerror_seconds{{{NODE}}}': '0.0004x9 16x3 0.0004x30'}),
]


def firing(alert):
    return f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'


def expect(alert, minute, fires):
    samples = [{'labels': '{}', 'value': 1}] if fires else []
    return {'expr': firing(alert), 'eval_time': f'{minute}m',
            'exp_samples': samples}


def series_of(series):
    return [{'series': name, 'values': values} for name, values in series.items()]


def tests():
    for alert, series, before, fires, clear in ROWS:
        yield {'interval': f'{INTERVAL}s', 'name': alert,
               'input_series': series_of(series),
               'promql_expr_test': [expect(alert, before, False),
                                    expect(alert, fires, True),
                                    expect(alert, clear, False)]}
    for alerts, series in QUIET:
        yield {'interval': f'{INTERVAL}s', 'name': ', '.join(alerts) + ' quiet',
               'input_series': series_of(series),
               'promql_expr_test': [expect(alert, minute, False)
                                    for alert in alerts
                                    for minute in range(0, 40)]}


if __name__ == '__main__':
    json.dump({'rule_files': sys.argv[1:], 'evaluation_interval': '1m',
               'tests': list(tests())}, sys.stdout, indent=1)
