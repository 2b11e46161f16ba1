"""Which part of time was asked for, and which part of the bucket that is. Pure; times in epoch seconds, UTC."""

from __future__ import annotations

import calendar
import re
import time
from typing import NamedTuple

from camera_backup.errors import UsageError
from camera_backup.segments import Segment, object_key

DAY = 86400

_MOMENT = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<time>[0-9]{2}:[0-9]{2})(?P<seconds>:[0-9]{2})?"
    r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?\Z"
)
_ACCEPTED = (
    "2026-11-22, 2026-11-22T13:00 or 2026-11-22T13:00:30 (UTC), the latter two also with Z or an offset as +01:00"
)


def moment(text: str, option: str, whole_day: bool = False) -> int:
    """Given what the operator wrote for `option`, return the moment; raise UsageError for anything else.

    whole_day: a bare date means the end of that day, so that `--to 2026-11-22` includes it
    """
    match = _MOMENT.match(text)
    if match is None:
        raise UsageError("%s: %r is no time; accepted: %s" % (option, text, _ACCEPTED))
    clock = (match["time"] or "00:00") + (match["seconds"] or ":00")
    try:
        parsed = time.strptime("%s %s" % (match["date"], clock), "%Y-%m-%d %H:%M:%S")
    except ValueError as error:
        raise UsageError("%s: %r: there is no such time; accepted: %s" % (option, text, _ACCEPTED)) from error
    epoch = calendar.timegm(parsed) - _offset(match["zone"])
    return epoch + DAY if whole_day and not match["time"] else epoch


def _offset(zone: str | None) -> int:
    if zone is None or zone == "Z":
        return 0
    seconds = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return -seconds if zone[0] == "-" else seconds


class Range(NamedTuple):
    """Footage from `start` up to but without `end`; None for open."""

    start: int | None = None
    end: int | None = None

    def holds(self, start: int, length: float) -> bool:
        """Return whether footage that starts at `start` and lasts `length` seconds lies at least partly inside."""
        after = self.start is None or start + length > self.start or start >= self.start
        return after and (self.end is None or start < self.end)


class Window(NamedTuple):
    """The part of the bucket to list: keys that begin with `prefix`, come after `after` and before `before`.

    Keys sort as times do. `prefix` alone already bounds the listing to the year, month or day the range lies in, for
    stores that ignore StartAfter.
    """

    prefix: str
    after: str = ""
    before: str = ""


def window(prefix: str, camera: str, wanted: Range, longest: int) -> Window:
    """Given the bucket's prefix, a camera, a range and the longest length of a segment in s, return what to list."""
    base = "/".join([prefix, camera] if prefix else [camera]) + "/"
    # A segment that began earlier may reach into the range.
    first = object_key(prefix, camera, Segment(max(0, wanted.start - longest)).name) if wanted.start is not None else ""
    last = object_key(prefix, camera, Segment(wanted.end).name) if wanted.end is not None else ""
    # Without its ending the name sorts before every name of that second, marks included.
    first, last = first[: -len(".mp4")], last[: -len(".mp4")]
    return Window(_common_folder(first, last) if first and last else base, first, last)


def _common_folder(first: str, last: str) -> str:
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[: first.rindex("/", 0, same) + 1]
