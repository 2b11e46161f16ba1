"""Tell each segment's life once per step: closed here, on its way, proven there, deleted here."""

from __future__ import annotations

import time
from typing import Callable, Iterator, NamedTuple

from camera_backup import measures
from tools.demo.state import State, Upload


class Step(NamedTuple):
    """A step in the life of a segment."""

    camera: str
    name: str
    what: str


def steps(state: State) -> list[Step]:
    """Given every camera's ledger and the catalog's rows, return every step that was made so far, in order. Pure."""
    found = []
    rows = {(row.camera, row.name): row for row in state.uploads}
    for camera, segments in state.recorded.items():
        for name, record in segments.items():
            length = measures.duration(record.end - record.start)
            text = "closed     %s, %s, %d frames" % (length, measures.size(record.bytes), record.frames)
            found.append(Step(camera, name, text))
            found += _uploaded(camera, name, rows.get((camera, name)))
    return found


def _uploaded(camera: str, name: str, row: Upload | None) -> Iterator[Step]:
    if row is None:
        return
    yield Step(camera, name, "uploading")
    if row.proven is not None:
        after = " %.1f s after it was closed" % (row.proven - row.closed) if row.closed is not None else ""
        yield Step(camera, name, "proven    " + after)
    if row.deleted is not None:
        yield Step(camera, name, "deleted    here, as the bucket holds the same bytes")


class Progress:
    """Prints new steps as they happen. `look` returns what is known by now."""

    def __init__(self, look: Callable[[], State], say: Callable[[str], None]) -> None:
        self._look = look
        self._say = say
        self._started = time.monotonic()
        self._told: set[Step] = set()

    def tell(self) -> State:
        """Print what is new; return all that is known."""
        state = self._look()
        width = max(map(len, state.recorded), default=0)
        for step in steps(state):
            if step not in self._told:
                self._told.add(step)
                passed = int(time.monotonic() - self._started)
                self._say(
                    "  %d:%02d  %s  %s  %s"
                    % (passed // 60, passed % 60, step.camera.ljust(width), step.name, step.what)
                )
        return state
