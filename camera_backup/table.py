"""Rows to an aligned text table. Pure, but for `wants_colour`, which looks at the stream it is given."""

from __future__ import annotations

import unicodedata
from typing import IO, Iterable, Mapping, NamedTuple, Sequence, Union

OK, WARN, BAD, DIM = "ok", "warn", "bad", "dim"

_COLOURS = {OK: "\x1b[32m", WARN: "\x1b[33m", BAD: "\x1b[31m", DIM: "\x1b[2m"}
_RESET = "\x1b[0m"
_BOLD = "\x1b[1m"
_SPACE = "  "
_NARROWEST = 24


class Cell(NamedTuple):
    """A text with its state: `ok`, `warn`, `bad`, `dim`, or empty for plain."""

    text: str
    state: str = ""


Row = Sequence[Union[Cell, str]]


def wants_colour(stream: IO[str], environ: Mapping[str, str]) -> bool:
    """Given where the text goes, return whether to colour it: a terminal, and nobody said NO_COLOR (no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def plain(text: str) -> str:
    """Return `text` with control characters made visible: names in a bucket must not drive the terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def width(text: str) -> int:
    """Return the number of terminal columns of `text`: wide characters take two, combining ones none."""
    return sum(_columns(c) for c in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def paint(text: str, state: str, colour: bool) -> str:
    """Return `text` in the colour of `state`, or as it is."""
    return _COLOURS[state] + text + _RESET if colour and state in _COLOURS and text else text


def wrapped(text: str, limit: int) -> list[str]:
    """Given a text, return it broken at spaces into lines of at most `limit` columns; longer words stay whole."""
    lines = [""]
    for word in text.split():
        longer = lines[-1] + " " + word if lines[-1] else word
        if lines[-1] and width(longer) > limit:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def render(
    rows: Iterable[Row],
    header: Sequence[str] = (),
    right: Sequence[int] = (),
    colour: bool = False,
    limit: int | None = None,
) -> str:
    """Given rows of the same length, return the table, each line ended by a newline; empty for no rows.

    right: the columns that are aligned to the right, counted from 0
    limit: columns of the terminal; the last column is wrapped to fit, None for never
    """
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        return ""
    heads = [[Cell(text) for text in header]] if header else []
    widths = [max(width(cell.text) for cell in column) for column in zip(*heads, *cells)]
    layout = _Layout(widths, frozenset(right), colour, limit)
    lines = [_BOLD + line + _RESET if colour else line for row in heads for line in layout.lines(row)]
    for row in cells:
        lines += layout.lines(row)
    return "".join(line + "\n" for line in lines)


def _cell(value: Cell | str) -> Cell:
    cell = value if isinstance(value, Cell) else Cell(value)
    return cell._replace(text=plain(cell.text))


class _Layout(NamedTuple):
    widths: Sequence[int]
    right: frozenset[int]
    colour: bool
    limit: int | None

    def lines(self, row: Sequence[Cell]) -> list[str]:
        left = sum(self.widths[:-1]) + len(_SPACE) * (len(row) - 1)
        room = max(_NARROWEST, self.limit - left) if self.limit else self.widths[-1]
        last = row[-1]
        pieces = wrapped(last.text, room) if width(last.text) > room else [last.text]
        first = self._line([*row[:-1], last._replace(text=pieces[0])])
        return [first] + [" " * left + paint(piece, last.state, self.colour) for piece in pieces[1:]]

    def _line(self, row: Sequence[Cell]) -> str:
        texts = []
        for index, cell in enumerate(row):
            padding = " " * (self.widths[index] - width(cell.text))
            text = paint(cell.text, cell.state, self.colour)
            texts.append(padding + text if index in self.right else text + padding)
        return _SPACE.join(texts).rstrip()
