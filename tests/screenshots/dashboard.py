#!/usr/bin/env python3
"""The dashboard as SVG, without Grafana: the places, titles, units and legends
of its JSON, with the day of tests/monitoring/panels.py in a real Prometheus.

usage: dashboard.py PROMETHEUS-FOLDER WORK-FOLDER ADDRESS dark|light >SVG"""
import html
import os
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(TOP, 'tests', 'monitoring'))
import panels  # noqa: E402

COLUMN, ROW, GAP = 58, 38, 8  # Grafana has 24 columns
THEMES = {
    'dark': {'page': '#111217', 'panel': '#181b1f', 'edge': '#2c3235',
             'ink': '#ccccdc', 'faint': '#8e8e9e'},
    'light': {'page': '#f4f5f5', 'panel': '#ffffff', 'edge': '#dfe1e5',
              'ink': '#24292e', 'faint': '#6a6f76'},
}
LINES = ['#73bf69', '#f2cc0c', '#8ab8ff', '#ff780a', '#f2495c', '#5794f2',
         '#b877d9', '#705da0']
PLAIN = {'green': '#1a7f4b', 'red': '#c4162a', 'yellow': '#9a7d0a',
         'orange': '#b45309'}
TIMES = [(31536000, 'year'), (604800, 'week'), (86400, 'day'), (3600, 'hour'),
         (60, 'min'), (1, 's'), (1e-3, 'ms'), (1e-6, 'µs'), (1e-9, 'ns')]


def seconds_text(value):
    for unit, name in TIMES:
        if abs(value) >= unit:
            number = value / unit
            many = 's' if len(name) > 3 and number >= 1.05 else ''
            return f'{number:.3g} {name}{many}'
    return '0 s'


def value_text(value, unit):
    if unit == 's':
        return seconds_text(value)
    if unit == 'percentunit':
        return f'{100 * value:.3g}%'
    names = {'ppm': ' ppm', 'cps': ' c/s'}
    return f'{value:.3g}{names.get(unit, "")}'


class Picture:
    def __init__(self, theme):
        self.theme, self.parts, self.height = THEMES[theme], [], 0

    def text(self, x, y, text, size=13, ink='ink', anchor='start', bold=False):
        weight = ' font-weight="bold"' if bold else ''
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" '
            f'text-anchor="{anchor}" fill="{self.theme.get(ink, ink)}"{weight}>'
            f'{html.escape(text)}</text>')

    def box(self, x, y, width, height, fill, edge=None):
        stroke = f' stroke="{self.theme[edge]}"' if edge else ''
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" rx="2" '
            f'fill="{self.theme.get(fill, fill)}"{stroke}/>')

    def line(self, points, colour):
        places = ' '.join(f'{x:.1f},{y:.1f}' for x, y in points)
        self.parts.append(f'<polyline points="{places}" fill="none" '
                          f'stroke="{colour}" stroke-width="1.3"/>')

    def whole(self):
        width = 24 * COLUMN + GAP
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
                f'height="{self.height}" font-family="DejaVu Sans">\n'
                f'<rect width="100%" height="100%" '
                f'fill="{self.theme["page"]}"/>\n'
                + '\n'.join(self.parts) + '\n</svg>')


def place(panel):
    p = panel['gridPos']
    return (p['x'] * COLUMN + GAP, p['y'] * ROW + GAP,
            p['w'] * COLUMN - GAP, p['h'] * ROW - GAP)


def named_series(panel, found):
    return [(panels.legend(target, labels), values)
            for target, series in found for labels, values in series if values]


def mapped(panel, value):
    """(text, colour) by the mappings and thresholds of a stat panel."""
    defaults = panel['fieldConfig']['defaults']
    text, colour = value_text(value, defaults.get('unit')), 'green'
    for step in defaults.get('thresholds', {}).get('steps', []):
        if step['value'] is None or value >= step['value']:
            colour = step['color']
    for mapping in defaults.get('mappings', []):
        found = mapping['options'].get(f'{value:g}')
        if found:
            text, colour = found['text'], found.get('color', colour)
    return text, PLAIN.get(colour, colour)


def put_stat(picture, panel, found):
    x, y, width, height = place(panel)
    series = named_series(panel, found)
    part = (width - 2) / max(1, len(series))
    for i, (name, values) in enumerate(series):
        text, colour = mapped(panel, values[-1])
        left = x + 1 + i * part
        picture.box(left, y + 26, part, height - 27, colour)
        picture.text(left + part / 2, y + 62, name, 11, '#ffffff', 'middle')
        size = min(22, 1.4 * part / len(text))
        picture.text(left + part / 2, y + 96, text, size, '#ffffff', 'middle',
                     True)


def limits(series, defaults):
    values = [v for _, found in series for v in found]
    low = defaults.get('min', min(values))
    high = defaults.get('max', max(values))
    if low == high:
        low, high = low - 1, high + 1
    return low, high


def put_legend(picture, x, y, width, series):
    at = x
    for i, (name, _) in enumerate(series):
        wide = 7 * len(name) + 30
        more = 70 if i + 1 < len(series) else 0
        if at + wide + more > x + width and at > x:
            picture.text(at, y, f'and {len(series) - i} more', 11, 'faint')
            return
        picture.box(at, y - 6, 12, 3, LINES[i % len(LINES)])
        picture.text(at + 16, y, name, 11)
        at += wide


def put_timeseries(picture, panel, found):
    x, y, width, height = place(panel)
    series = named_series(panel, found)
    defaults = panel['fieldConfig']['defaults']
    left, top = x + 78, y + 36
    wide, high = width - 92, height - 72
    if not series:
        picture.text(x + width / 2, y + height / 2, 'No data', 14, 'faint',
                     'middle')
        return
    bottom_value, top_value = limits(series, defaults)
    for k in range(5):
        level = top + high * k / 4
        value = top_value - (top_value - bottom_value) * k / 4
        picture.line([(left, level), (left + wide, level)],
                     picture.theme['edge'])
        picture.text(left - 6, level + 4,
                     value_text(value, defaults.get('unit')), 11, 'faint', 'end')
    for i, (_, values) in enumerate(series):
        points = [(left + wide * k / max(1, len(values) - 1),
                   top + high * (top_value - v) / (top_value - bottom_value))
                  for k, v in enumerate(values)]
        picture.line(points, LINES[i % len(LINES)])
    put_legend(picture, left, y + height - 12, wide, series)


def table_of(panel, found):
    """The columns that are shown, in their order, and the rows."""
    change = panel['transformations'][0]['options']
    hidden, order = set(change['excludeByName']), change.get('indexByName', {})
    rows = [dict(labels, Value=value_text(
                values[-1], panel['fieldConfig']['defaults'].get('unit')))
            for _, series in found for labels, values in series if values]
    names = sorted({n for row in rows for n in row} - hidden,
                   key=lambda n: (order.get(n, 99), n))
    heads = [change['renameByName'].get(n, n) for n in names]
    return heads, [[row.get(n, '') for n in names] for row in rows]


def put_table(picture, panel, found):
    x, y, width, height = place(panel)
    heads, rows = table_of(panel, found)
    if not rows:
        picture.text(x + width / 2, y + height / 2, 'No data', 14, 'faint',
                     'middle')
        return
    part = (width - 20) / len(heads)
    fits = int((height - 50) // 24)
    for column, head in enumerate(heads):
        room = int(part / 7)
        picture.text(x + 10 + column * part, y + 42, head[:room], 12, 'ink',
                     bold=True)
        for k, row in enumerate(rows[:fits]):
            text = row[column]
            cut = text if len(text) <= room else text[:room - 1] + '…'
            picture.text(x + 10 + column * part, y + 66 + 24 * k, cut, 12)


PUT = {'stat': put_stat, 'timeseries': put_timeseries, 'table': put_table}


def put_panel(picture, panel, address, now):
    x, y, width, height = place(panel)
    picture.height = max(picture.height, y + height + GAP)
    if panel['type'] == 'row':
        picture.text(x + 4, y + 20, '▾ ' + panel['title'], 15, bold=True)
        return
    picture.box(x, y, width, height, 'panel', 'edge')
    picture.text(x + 10, y + 19, panel['title'], 13, bold=True)
    found = [(t, panels.found_by(address, t, now)) for t in panel['targets']]
    PUT[panel['type']](picture, panel, found)


def main():
    prometheus, work, address, theme = sys.argv[1:]
    server, now = panels.start_day(prometheus, work, address)
    picture = Picture(theme)
    try:
        panels.wait_ready(address)
        for panel in panels.panels_of_dashboard():
            put_panel(picture, panel, address, now)
    finally:
        server.terminate()
        server.wait()
    print(picture.whole())


if __name__ == '__main__':
    main()
