"""Names of segments and keys of objects. Pure; times are UTC.

A segment is `<camera>/YYYYMMDD_HHMMSS.mp4`, the second in which FFmpeg opened it. Two marks may follow the time:

    20261122_130000.mp4            the ordinary name
    20261122_130000_2.mp4          the second file that was opened in this very second (a restart, a clock set back)
    20261122_130000.damaged.mp4    what a crash left and no tool could repair; kept and uploaded all the same

Its object is `<prefix>/<camera>/YYYY/MM/DD/<name>`.
"""

from __future__ import annotations

import calendar
import re
import time
from typing import NamedTuple

CAMERA_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z")

_NAME = re.compile(r"(?P<stamp>[0-9]{8}_[0-9]{6})(?:_(?P<copy>[2-9]|[1-9][0-9]{1,4}))?(?P<damaged>\.damaged)?\.mp4\Z")
_STAMP = "%Y%m%d_%H%M%S"


class Segment(NamedTuple):
    """What the name of a segment says.

    start: seconds since the epoch (UTC) at which the file was opened
    copy: 1, or n for the n-th file opened in the same second
    damaged: the file is what a crash left, unrepaired
    """

    start: int
    copy: int = 1
    damaged: bool = False

    @property
    def name(self) -> str:
        """The file name."""
        stamp = time.strftime(_STAMP, time.gmtime(self.start))
        copy = "" if self.copy == 1 else "_%d" % self.copy
        return stamp + copy + (".damaged" if self.damaged else "") + ".mp4"


def parse(name: str) -> Segment | None:
    """Given a file name, return what it says, or None for a name that is not ours."""
    match = _NAME.match(name)
    if match is None:
        return None
    try:
        moment = time.strptime(match["stamp"], _STAMP)
    except ValueError:
        return None
    segment = Segment(calendar.timegm(moment), int(match["copy"] or 1), bool(match["damaged"]))
    # strptime accepts the 61st second of a leap; such a name would not survive the way back.
    return segment if segment.name == name else None


def object_key(prefix: str, camera: str, name: str) -> str:
    """Given the bucket's prefix (may be empty), a camera and a segment's file name, return the object's key."""
    parts = [prefix] if prefix else []
    return "/".join([*parts, camera, name[0:4], name[4:6], name[6:8], name])


def conflict_key(key: str, sha256: str) -> str:
    """Return the key under which other bytes are kept beside `key`, distinct by content (invariant I2)."""
    stem, _, suffix = key.rpartition(".")
    return "%s.conflict-%s.%s" % (stem, sha256[:16], suffix)
