"""What the ledger says of segments that are deleted for space although no bucket holds them (I6)."""

from __future__ import annotations

import os
import time
from typing import Iterable

from camera_backup import jsonlines, ledger, paths

REASON = "disk_full"


def write(state_path: str, camera: str, name: str, start: float, end: float, size: int) -> None:
    """Write down, synced, that a segment is about to be dropped; raise OSError when that is not possible."""
    path = paths.ledger(state_path, camera)
    os.makedirs(os.path.dirname(path), mode=0o750, exist_ok=True)
    event = {"event": "dropped", "name": name, "start": round(start, 3), "end": round(end, 3), "bytes": size}
    jsonlines.append(path, {**event, "reason": REASON, "at": round(time.time(), 3)})


def take_back(state_path: str, camera: str, names: Iterable[str]) -> None:
    """Given segments that are there, write down of those announced as dropped that they were kept.

    Somebody was killed between the tombstone and the file. Raise OSError when that cannot be written down: the segment
    is uploaded at the next look then.
    """
    path = paths.ledger(state_path, camera)
    for name in {one.name for one in ledger.read_dropped(path)}.intersection(names):
        jsonlines.append(path, {"event": "kept", "name": name, "at": round(time.time(), 3)})
