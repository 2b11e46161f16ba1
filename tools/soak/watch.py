"""Look at the memory and the open files of every process of a soak, again and again."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from typing import Iterator

from benchmarks.measure import family, memory
from tests.support.recorder import command_line
from tools.soak.flatness import Process, Sample
from tools.soak.stage import Stage

EVERY = 5.0


class Watch:
    """`seen`: the samples of each process; one that is restarted goes on in the place of the former."""

    def __init__(self) -> None:
        self.seen: dict[Process, list[Sample]] = defaultdict(list)
        self._due = 0.0

    def look(self, stage: Stage, now: float) -> None:
        """Take samples when it is time. now: monotonic seconds."""
        if now < self._due:
            return
        self._due = now + EVERY
        for process, pid in _processes(stage):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                self.seen[process].append(Sample(memory(pid).private, len(os.listdir("/proc/%d/fd" % pid))))


def _processes(stage: Stage) -> Iterator[tuple[Process, int]]:
    for name, recorder in stage.recorders.items():
        if recorder.program is not None:
            own, *children = family(recorder.program.pid)
            yield Process("recorder", name), own
            for child in children:
                if b"-segment_time" in command_line(child):
                    yield Process("FFmpeg", name), child
    if stage.uploader.program is not None:
        own, *children = family(stage.uploader.program.pid)
        yield Process("uploader", "the host"), own
        for child in children:
            yield Process("uploader's worker", "the host"), child
