"""The eye on the disk: part of the waiting parent, so it works while the bucket cannot be reached for weeks.

It looks; a short-lived process (`sweep`) acts. Small: no SQLite, no botocore.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any, Iterator, Mapping

from camera_backup import journal, livefile, paths
from camera_backup.uploader import space
from camera_backup.uploader.child import GRACE_SECONDS, Child
from camera_backup.uploader.parameters import Parameters
from camera_backup.uploader.space import Room

LOOK_SECONDS = 5.0
"""Between two looks at the disk."""

REST_SECONDS = 30.0
"""After a sweep: some filesystems give back what was deleted only after a while, and it must not be deleted twice."""

_FRESH_SECONDS = 60.0

_IN_VAIN = (
    "dropping all segments would not make that much room, so footage goes only where recording goes on by that: the "
    "disk is too small for storage.min_free and its cameras, or filled by something else (see camera-backup check)"
)


class Keeper:
    """Looks at the disk, starts the sweep when it is needed, and remembers what became of it."""

    def __init__(self) -> None:
        self.child: Child | None = None
        self._end: dict[str, Any] | None = None
        self._next_look = self._next_retention = 0.0
        self._short = self._failed = False
        self._totals = {"released": 0, "released_bytes": 0, "dropped": 0, "dropped_bytes": 0}
        self._room: Room | None = None
        self._when_full = ""

    def look(self, given: Mapping[str, Any], parameters: Parameters) -> None:
        """Look, if it is time, and start the sweep if something has to go."""
        now, storage = time.monotonic(), parameters.storage
        if self.child is not None or now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        self._when_full = storage.when_full
        try:
            self._room = room(storage.local_path, storage.state_path, storage.min_free)
        except OSError:
            return  # said by the scan
        may = storage.when_full == "drop_oldest" or not parameters.upload.delete_after_upload
        needed = space.lacking(self._room) if may else 0
        limited = storage.retention_seconds is not None or storage.retention_bytes is not None
        if needed or (limited and now >= self._next_retention):
            self._next_retention = now + parameters.upload.check_interval
            self._end = None
            try:
                self.child = Child({**given, "needed": needed, "least": space.least(self._room)})
            except OSError as error:
                self._complain("the process that makes room cannot be started: %s" % error.strerror)

    def _complain(self, reason: str) -> None:
        if not self._failed:
            journal.log(journal.ERROR, "space_not_made", reason=reason)
        self._failed = True

    def listen(self) -> Mapping[str, Any] | None:
        """Take what the sweep says; return what became of it, once it has ended in order."""
        child = self.child
        assert child is not None
        said = child.messages()
        for message in said or []:
            self._end = message.get("end", self._end)
        if said is not None:
            return None
        self.child = None
        status = child.end(GRACE_SECONDS)
        self._next_look = time.monotonic() + REST_SECONDS
        end = self._end or {"error": "the process that makes room ended with status %d" % status}
        if "error" in end:
            self._complain(end["error"])
            return None
        self._failed = False
        self._account(end)
        return end

    def _account(self, end: Mapping[str, Any]) -> None:
        for key in self._totals:
            self._totals[key] += end[key]
        short = end["short"] > 0
        if short and not self._short and not end["busy"]:
            reason = _IN_VAIN if end["spared"] else "nothing is left that may be deleted"
            journal.log(journal.WARNING, "space_short", bytes=end["short"], reason=reason)
        self._short = short

    def at_once(self) -> None:
        """Look again without a rest."""
        self._next_look = 0.0

    def stop(self) -> None:
        """End the sweep. It may be killed at any moment: the tombstone is written first, the file goes after it."""
        if self.child is not None:
            child, self.child = self.child, None
            child.tell(signal.SIGTERM)
            child.end(GRACE_SECONDS)

    def status(self) -> dict[str, Any]:
        """Return it for the live status; counts are those since the uploader was started."""
        seen = self._room
        return {
            "when_full": self._when_full,
            "free": seen.free if seen else None,
            "threshold": space.threshold(seen) if seen else None,
            "short": self._short,
            **self._totals,
        }


def room(local_path: str, state_path: str, min_free: int) -> Room:
    """Return how the disk stands, and what recorders say that they write to it; raise OSError."""
    disk = os.statvfs(local_path)
    told = list(_recorders(state_path))
    rate = sum(number(one.get("bits_per_second")) for one in told) / 8
    largest = max((_written(one.get("segment")) for one in told), default=0.0)
    return Room(disk.f_bavail * disk.f_frsize, min_free, rate, int(largest))


def number(value: object) -> float:
    """Return a number from a file that anybody of this host may have written; 0 for anything else."""
    return float(value) if isinstance(value, (int, float)) and value >= 0 else 0.0


def _written(segment: object) -> float:
    return number(segment.get("bytes")) if isinstance(segment, dict) else 0.0


def _recorders(state_path: str) -> Iterator[dict[str, Any]]:
    """Yield the live status of every recorder that has written one just now."""
    directory = os.path.dirname(paths.recorder_status(state_path, "x"))
    try:
        names = os.listdir(directory)
    except OSError:
        return
    for name in names:
        try:
            with open("%s/%s" % (directory, name), encoding="utf-8") as stream:
                value = livefile.load(stream) if name.endswith(".json") else None
        except (OSError, ValueError):
            continue
        if isinstance(value, dict) and abs(time.time() - number(value.get("updated"))) < _FRESH_SECONDS:
            yield value
