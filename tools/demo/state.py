"""What a host knows of its footage: the ledger of every camera, and the uploader's catalog.

As a program, `state.py STATE-PATH CAMERA…` prints it as JSON: so it is sent to a host, which has the package installed.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from typing import Iterable, NamedTuple

from camera_backup import ledger, paths
from camera_backup.ledger import SegmentRecord


class Upload(NamedTuple):
    """What the catalog knows of a segment; times in epoch seconds, None for not yet."""

    camera: str
    name: str
    closed: float | None
    proven: float | None
    deleted: float | None


class State(NamedTuple):
    """What was recorded (camera → name → segment), and what became of it in the bucket."""

    recorded: dict[str, dict[str, SegmentRecord]]
    uploads: list[Upload]

    @property
    def settled(self) -> bool:
        """Whether everything that was recorded is proven and deleted there."""
        rows = {(row.camera, row.name): row for row in self.uploads}
        names = [(camera, name) for camera, segments in self.recorded.items() for name in segments]
        return all(key in rows and rows[key].proven is not None and rows[key].deleted is not None for key in names)

    @property
    def proofs(self) -> dict[tuple[str, str], float]:
        """Seconds from closing a segment to its proof."""
        return {
            (row.camera, row.name): row.proven - row.closed
            for row in self.uploads
            if row.proven is not None and row.closed is not None
        }


def read(state_path: str, cameras: Iterable[str]) -> State:
    """Given the state directory of this host, return what stands in it; before the first upload there is no catalog."""
    recorded = {name: ledger.segments(ledger.read(paths.ledger(state_path, name))) for name in cameras}
    try:
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % paths.catalog(state_path), uri=True)) as catalog:
            rows = catalog.execute("SELECT camera, name, closed_at, proven_at, deleted_at FROM segment").fetchall()
    except sqlite3.OperationalError:
        rows = []
    return State(recorded, [Upload(*row) for row in rows])


def dump(state: State) -> str:
    """Return a state as JSON."""
    events = {
        camera: [{"event": "segment", **one._asdict()} for one in found.values()]
        for camera, found in state.recorded.items()
    }
    return json.dumps([events, state.uploads])


def parse(text: str, prefix: str) -> State:
    """Given what `dump` wrote, return the state, each camera with its host's prefix before its name."""
    events, uploads = json.loads(text)
    return State(
        {prefix + camera: ledger.segments(found) for camera, found in events.items()},
        [Upload(prefix + camera, *rest) for camera, *rest in uploads],
    )


def together(states: Iterable[State]) -> State:
    """Given what several hosts know, return it as one."""
    states = list(states)
    recorded = {camera: segments for state in states for camera, segments in state.recorded.items()}
    return State(recorded, [row for state in states for row in state.uploads])


if __name__ == "__main__":
    sys.stdout.write(dump(read(sys.argv[1], sys.argv[2:])))
