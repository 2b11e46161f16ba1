"""Tell each segment's life once per step: closed here, on its way, proven there, deleted here."""

from __future__ import annotations

import time
from typing import Callable, Iterable, Iterator, NamedTuple

from camera_backup import ledger, measures, paths
from camera_backup.ledger import SegmentRecord
from tools.demo.stage import Stage


class Step(NamedTuple):
    """A step in the life of a segment."""

    camera: str
    name: str
    what: str


class Upload(NamedTuple):
    """What the catalog knows of a segment; times in epoch seconds, None for not yet."""

    camera: str
    name: str
    closed: float | None
    proven: float | None
    deleted: float | None


def steps(recorded: dict[str, dict[str, SegmentRecord]], uploads: Iterable[Upload]) -> list[Step]:
    """Given every camera's ledger and the catalog's rows, return every step that was made so far, in order. Pure."""
    found = []
    rows = {(row.camera, row.name): row for row in uploads}
    for camera, segments in recorded.items():
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
    """Prints new steps as they happen."""

    def __init__(self, stage: Stage, uploads: Callable[[], list[Upload]], say: Callable[[str], None]) -> None:
        self._stage = stage
        self._uploads = uploads
        self._say = say
        self._started = time.monotonic()
        self._told: set[Step] = set()

    def tell(self) -> None:
        """Print what is new."""
        for step in steps(self.recorded(), self._uploads()):
            if step not in self._told:
                self._told.add(step)
                passed = int(time.monotonic() - self._started)
                self._say("  %d:%02d  %-10s  %s  %s" % (passed // 60, passed % 60, *step))

    def recorded(self) -> dict[str, dict[str, SegmentRecord]]:
        """Return the ledger of every camera."""
        state = str(self._stage.home / "state")
        return {name: ledger.segments(ledger.read(paths.ledger(state, name))) for name in self._stage.cameras}

    def settled(self) -> bool:
        """Return whether everything that was recorded is proven and deleted here."""
        rows = {(row.camera, row.name): row for row in self._uploads()}
        names = [(camera, name) for camera, segments in self.recorded().items() for name in segments]
        return all(key in rows and rows[key].proven is not None and rows[key].deleted is not None for key in names)
