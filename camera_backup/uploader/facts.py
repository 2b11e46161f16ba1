"""What goes with a segment into the bucket as metadata: from the ledger, else from the file itself."""

from __future__ import annotations

import time
from typing import Any, Iterable, NamedTuple

from camera_backup import ledger, mp4, paths
from camera_backup.bucket.proof import TOKEN
from camera_backup.segments import parse
from camera_backup.uploader import skew

PART_SIZE = "part-size"
"""Metadata that tells how an object was cut, so that its ETag can be compared when the catalog is lost."""


CLOCK = "clock"
"""Metadata that tells that the clock was wrong when the segment was named: seconds to be added to the time in its name.
"""

SKEW = "clock-skew"
"""Metadata that tells that the clocks of this host and of the store differed when the segment was uploaded: seconds by
which the store's was ahead. If the host's is wrong, and was as wrong while it recorded, they have to be added to all
times of the object, besides what `clock` says of its name."""

_NONE = ledger.ClockSteps(0.0, 0.0)


class Facts(NamedTuple):
    """About a segment. Times in seconds.

    sha256: None when the recorder did not leave one for these bytes
    clock: how wrong the time in its name is, as far as the ledger knows: to be added to it
    """

    start: float
    duration: float
    sha256: str | None
    clock: float = 0.0


class Recorded(NamedTuple):
    """What the ledger says of a segment, and of the clock since it was opened."""

    record: ledger.SegmentRecord
    steps: ledger.ClockSteps = _NONE


def recorded(state_path: str, camera: str, names: Iterable[str]) -> dict[str, Recorded]:
    """Given a camera and names of segments, return what its ledger says of them. No ledger says nothing."""
    wanted = set(names)
    try:
        events = [event for event in ledger.read(paths.ledger(state_path, camera)) if _concerns(event, wanted)]
    except OSError:
        return {}
    steps = ledger.clock_steps(events)
    return {name: Recorded(record, steps.get(name, _NONE)) for name, record in ledger.segments(events).items()}


def _concerns(event: dict[str, Any], wanted: set[str]) -> bool:
    return event.get("name") in wanted or event.get("event") in ("run", "clock")


def facts(known: Recorded | None, directory: str, name: str, size: int) -> Facts:
    """Given what the ledger says of a segment (None: nothing), and its file, return the facts.

    The ledger is believed only about a file of the size it wrote down.
    """
    if known is not None and known.record.bytes == size and len(known.record.sha256) == 64:
        record, steps = known
        return Facts(record.start + steps.after, record.end - record.start, record.sha256, sum(steps))
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


def metadata(
    about: Facts, sha256: str, camera: str, host: str, token: str, part_size: int, skewed: float | None = None
) -> dict[str, str]:
    """Return the metadata of an object; headers, so ASCII only. `skewed`: see `skew`."""
    return {
        **({CLOCK: "%+.0f" % about.clock} if about.clock else {}),
        **({SKEW: "%+.0f" % skewed} if skewed is not None and skew.is_marked(skewed) else {}),
        "camera": camera,
        "duration": "%.3f" % about.duration,
        "host": host.encode("ascii", "replace").decode("ascii"),
        PART_SIZE: str(part_size),
        "sha256": sha256,
        "start": iso(about.start),
        TOKEN: token,
    }
