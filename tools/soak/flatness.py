"""Does the memory of any process grow, or the number of its open files? Pure."""

from __future__ import annotations

import statistics
from typing import Callable, Iterable, Mapping, NamedTuple, Sequence

from camera_backup import measures, table

LEAST = 40
"""Samples of a process from which on it is judged."""

_MORE_MEMORY, _MORE_BYTES = 1.25, 1 << 20  # what a worker of the uploader needs depends on what it has in hand
_MORE_FILES = 2


class Process(NamedTuple):
    """A process of which there is one at a time: its role, such as `recorder`, and whom it serves."""

    role: str
    whom: str


class Sample(NamedTuple):
    """Private memory in bytes, and open file descriptors."""

    memory: float
    files: float


class Trend(NamedTuple):
    """The medians of the second and of the last quarter of all samples of a process, and the greatest values."""

    early: Sample
    late: Sample
    greatest: Sample


def trend(samples: Sequence[Sample]) -> Trend:
    """Return the trend of at least four samples, taken at equal intervals. The first quarter is for warming up."""
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    return Trend(_each(statistics.median, early), _each(statistics.median, late), _each(max, samples))


def _each(of: Callable[[Iterable[float]], float], samples: Iterable[Sample]) -> Sample:
    memory, files = zip(*samples)
    return Sample(of(memory), of(files))


def growing(process: Process, found: Trend) -> list[str]:
    """Return what grows, in words: memory by more than a quarter and 1 MiB, or the open files by more than two."""
    (memory, files), late = found.early, found.late
    who = "%s of %s" % process
    wrong = []
    if late.memory > memory * _MORE_MEMORY + _MORE_BYTES:
        wrong.append("%s: memory grows from %s to %s" % (who, measures.size(memory), measures.size(late.memory)))
    if late.files > files + _MORE_FILES:
        wrong.append("%s: open files grow from %d to %d" % (who, files, late.files))
    return wrong


def judge(seen: Mapping[Process, Sequence[Sample]]) -> tuple[list[str], dict[Process, Trend]]:
    """Return what grows, and the trends of the processes that were seen often enough."""
    trends = {process: trend(samples) for process, samples in seen.items() if len(samples) >= LEAST}
    return [line for process, found in trends.items() for line in growing(process, found)], trends


def show(trends: Mapping[Process, Trend], colour: bool) -> str:
    """Return a table of the roles; each figure is that of the process that has most of it."""
    head = ("PROCESS", "OF THEM", *("%s %s" % (what, when) for what in ("MEMORY", "FILES") for when in Trend._fields))
    rows: list[table.Row] = []
    for role in sorted({process.role for process in trends}):
        found = [one for process, one in trends.items() if process.role == role]
        memory = [measures.size(max(one[n].memory for one in found)) for n in range(3)]
        files = ["%d" % max(one[n].files for one in found) for n in range(3)]
        rows.append([role, str(len(found)), *memory, *files])
    return table.render(rows, tuple(word.upper() for word in head), tuple(range(1, 8)), colour)
