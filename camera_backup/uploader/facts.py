"""What goes with a segment into the bucket as metadata: from the ledger, else from the file itself."""

from __future__ import annotations

import time
from typing import Iterable, NamedTuple

from camera_backup import ledger, mp4, paths
from camera_backup.bucket.proof import TOKEN
from camera_backup.segments import parse

PART_SIZE = "part-size"
"""Metadata that tells how an object was cut, so that its ETag can be compared when the catalog is lost."""


class Facts(NamedTuple):
    """About a segment. Times in seconds; `sha256` is None when the recorder did not leave one for these bytes."""

    start: float
    duration: float
    sha256: str | None


def recorded(state_path: str, camera: str, names: Iterable[str]) -> dict[str, ledger.SegmentRecord]:
    """Given a camera and names of segments, return what its ledger says of them. No ledger says nothing."""
    wanted = set(names)
    try:
        events = (event for event in ledger.read(paths.ledger(state_path, camera)) if event.get("name") in wanted)
        return ledger.segments(events)
    except OSError:
        return {}


def facts(record: ledger.SegmentRecord | None, directory: str, name: str, size: int) -> Facts:
    """Given what the ledger says of a segment (None: nothing), and its file, return the facts.

    The ledger is believed only about a file of the size it wrote down.
    """
    if record is not None and record.bytes == size and len(record.sha256) == 64:
        return Facts(record.start, record.end - record.start, record.sha256)
    segment = parse(name)
    start = float(segment.start) if segment else 0.0
    try:
        duration = mp4.inspect("%s/%s" % (directory, name)).duration
    except OSError:
        duration = 0.0
    return Facts(start, duration, None)


def iso(moment: float) -> str:
    """Return a moment as 2026-11-22T13:00:00.250Z."""
    whole = int(moment // 1)
    return "%s.%03dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)), int((moment - whole) * 1000))


def metadata(about: Facts, sha256: str, camera: str, host: str, token: str, part_size: int) -> dict[str, str]:
    """Return the metadata of an object; headers, so ASCII only."""
    return {
        "camera": camera,
        "duration": "%.3f" % about.duration,
        "host": host.encode("ascii", "replace").decode("ascii"),
        PART_SIZE: str(part_size),
        "sha256": sha256,
        "start": iso(about.start),
        TOKEN: token,
    }
