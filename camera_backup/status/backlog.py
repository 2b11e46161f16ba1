"""What waits in the directories of the segments. Reads names and sizes, opens no segment."""

from __future__ import annotations

import os
import stat
from typing import Iterable, Iterator, Mapping, NamedTuple

from camera_backup.ledger import SegmentRecord
from camera_backup.segments import CAMERA_NAME, parse
from camera_backup.status.report import Waiting


class Held(NamedTuple):
    """A finished segment on the disk. `closed`: when its last byte was written, in epoch seconds."""

    name: str
    start: int
    bytes: int
    closed: float


def cameras(local_path: str) -> list[str]:
    """Given the directory of the segments, return the cameras that have one in it, configured or not; raise OSError."""
    with os.scandir(local_path) as entries:
        return sorted(entry.name for entry in entries if CAMERA_NAME.match(entry.name) and entry.is_dir())


def held(directory: str) -> Iterator[Held]:
    """Given a camera's directory, yield its finished segments in no order; none when there is no directory."""
    try:
        entries = os.scandir(directory)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            segment = parse(entry.name)
            if segment is None:
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # uploaded and deleted while we looked
            if stat.S_ISREG(status.st_mode):
                yield Held(entry.name, segment.start, status.st_size, status.st_mtime)


def waiting(items: Iterable[Held], recorded: Mapping[str, SegmentRecord], longest: float) -> Waiting:
    """Given the segments that wait, return them as one figure.

    recorded: what the end of the ledger says of them, for their exact lengths; without it, the file's times tell
    longest: the length of a segment in s; a file that was repaired after a crash is younger than its footage
    """
    found = list(items)
    lengths = [_length(item, recorded.get(item.name), longest) for item in found]
    oldest = min((item.closed for item in found), default=None)
    return Waiting(len(found), sum(item.bytes for item in found), sum(lengths), oldest)


def _length(item: Held, record: SegmentRecord | None, longest: float) -> float:
    if record is not None:
        return max(0.0, record.end - record.start)
    return min(max(0.0, item.closed - item.start), longest)
