#!/usr/bin/env python3
"""A picture of a terminal: reads what `tmux capture-pane -e -p` prints, and
writes SVG.

usage: terminal.py COLUMNS ROWS dark|light <CAPTURE >SVG"""
import html
import re
import sys
import unicodedata

CELL_W, CELL_H, BASE = 8.43, 18, 14  # DejaVu Sans Mono of 14 px
THEMES = {
    'dark': ('#1e1e1e', '#d4d4d4', ['#000000', '#f14c4c', '#23d18b', '#e5e510',
                                    '#3b8eea', '#d670d6', '#29b8db', '#e5e5e5']),
    'light': ('#ffffff', '#24292f', ['#000000', '#cd3131', '#107c10', '#7a6400',
                                     '#0451a5', '#bc05bc', '#05707f', '#555555']),
}
SEQUENCE = re.compile(r'\x1b\[([0-9;]*)m|(.)', re.S)


class Pen:
    """The state of the terminal: colour, bold, dim, reverse."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.colour, self.bold, self.dim, self.reverse = None, False, False, False

    def take(self, codes):
        for code in (int(c or 0) for c in codes.split(';')):
            if code == 0:
                self.reset()
            elif code == 1:
                self.bold = True
            elif code == 2:
                self.dim = True
            elif code == 7:
                self.reverse = True
            elif 30 <= code <= 37:
                self.colour = code - 30
            elif code == 39:
                self.colour = None
            elif code not in (49, 22, 27):
                raise SystemExit(f'terminal: an unknown sequence: {codes}')

    def style(self):
        return self.colour, self.bold, self.dim, self.reverse


def cells(line, pen):
    """(character, style) of each column."""
    for codes, char in SEQUENCE.findall(line):
        if char:
            yield char, pen.style()
            if unicodedata.east_asian_width(char) in 'WF':
                yield '', pen.style()
        else:
            pen.take(codes)


def runs(line, pen):
    """(column, text, style) of each part of one style."""
    start, text, style = 0, '', None
    for column, (char, now) in enumerate(cells(line, pen)):
        if now != style and text:
            yield start, text, style
            text = ''
        if not text:
            start, style = column, now
        text += char
    if text:
        yield start, text, style


def put_run(row, column, text, style, theme):
    back, front, palette = theme
    colour, bold, dim, reverse = style
    ink = front if colour is None else palette[colour]
    x, y = column * CELL_W + 8, row * CELL_H + 8
    if reverse:
        print(f'<rect x="{x:.1f}" y="{y}" width="{len(text) * CELL_W:.1f}" '
              f'height="{CELL_H}" fill="{ink}"/>')
        ink = back
    if not text.strip():
        return
    # Fonts differ in the width of a bar, and librsvg takes one x alone: what
    # is not ASCII is placed sign by sign.
    for piece in re.finditer(r'[\x00-\x7f]+|.', text):
        if piece.group().strip():
            print(f'<text x="{x + piece.start() * CELL_W:.1f}" y="{y + BASE}" '
                  f'fill="{ink}"' + (' font-weight="bold"' if bold else '')
                  + (' opacity="0.6"' if dim else '')
                  + f'>{html.escape(piece.group())}</text>')


def main():
    columns, rows, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    theme = THEMES[name]
    width, height = columns * CELL_W + 16, rows * CELL_H + 16
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" '
          f'height="{height}" viewBox="0 0 {width:.0f} {height}" '
          f'font-family="DejaVu Sans Mono" font-size="14" '
          f'xml:space="preserve">')
    print(f'<rect width="100%" height="100%" fill="{theme[0]}"/>')
    pen = Pen()
    for row, line in enumerate(sys.stdin.read().split('\n')[:rows]):
        for column, text, style in runs(line, pen):
            put_run(row, column, text, style, theme)
    print('</svg>')


if __name__ == '__main__':
    main()
