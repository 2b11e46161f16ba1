"""Objects of the bucket as footage: lengths, gaps, totals. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Iterable, Mapping, NamedTuple, Sequence

from camera_backup.ledger import Dropped
from camera_backup.segments import CAMERA_NAME, parse

TOLERANCE = 2.0
"""Seconds between two segments that are no gap: names are the second a file was opened, which FFmpeg does up to a
key-frame interval off its first frame."""

TOLERANCE_INFERRED = 30.0
"""The same where the length is only inferred: a segment ends at the first key frame after the hour, not at the hour."""

_CONFLICT = re.compile(r"\.conflict-[0-9a-f]{16}(?=\.mp4\Z)")


@dataclass(frozen=True)
class Footage:
    """One object.

    start: UTC second of the first frame, from the name
    seconds: its length; None when nobody knows
    exact: the length was measured, not inferred from what follows
    sha256, host: from the object's metadata, when it was asked for
    conflict: other bytes than those of the same time, kept beside them
    damaged: what a crash left, unrepaired
    clock, clock_skew: marks of a wrong clock, from the object's metadata as well: see `uploader.facts`
    """

    camera: str
    key: str
    name: str
    start: int
    bytes: int
    conflict: bool = False
    damaged: bool = False
    seconds: float | None = None
    exact: bool = False
    sha256: str | None = None
    host: str | None = None
    clock: int | None = None
    clock_skew: int | None = None


class Gap(NamedTuple):
    """A span without footage, in epoch seconds. `cause`: `dropped` for space by this host; empty when not known."""

    start: float
    end: float
    cause: str = ""


def footage(prefix: str, key: str, size: int) -> Footage | None:
    """Given the bucket's prefix and an object, return it as footage, or None for one that is not ours."""
    if prefix and not key.startswith(prefix + "/"):
        return None
    parts = key[len(prefix) + 1 if prefix else 0 :].split("/")
    if len(parts) != 5 or not CAMERA_NAME.match(parts[0]):
        return None
    name, conflicts = _CONFLICT.subn("", parts[4])
    segment = parse(name)
    if segment is None or [name[0:4], name[4:6], name[6:8]] != parts[1:4]:
        return None
    return Footage(parts[0], key, parts[4], segment.start, size, conflicts > 0, segment.damaged)


def with_lengths(found: Sequence[Footage], known: Mapping[str, float], longest: int) -> list[Footage]:
    """Given one camera's footage in order of time, return it with lengths.

    known: lengths in s by name that this host measured; others are inferred: until the next segment begins, at most
    `longest` seconds; the last one's is unknown.
    """
    result = []
    for index, item in enumerate(found):
        following = next((other.start for other in found[index + 1 :] if other.start > item.start), None)
        result.append(_with_length(item, known.get(item.name), following, longest))
    return result


def _with_length(item: Footage, known: float | None, following: int | None, longest: int) -> Footage:
    if item.exact:
        return item
    if known is not None:
        return replace(item, seconds=known, exact=True)
    return item if following is None else replace(item, seconds=float(min(following - item.start, longest)))


def gaps(found: Sequence[Footage]) -> dict[str, Gap]:
    """Given one camera's footage in order of time, with lengths, return the gap that follows each key, if any."""
    result = {}
    reached: float = 0.0
    last: Footage | None = None
    for item in found:
        if last and item.start - reached > (TOLERANCE if last.exact else TOLERANCE_INFERRED):
            result[last.key] = Gap(reached, item.start)
        end = item.start + (item.seconds or 0.0)
        if last is None or end >= reached:
            reached, last = end, item
    return result


def explained(found: Sequence[Footage], between: Iterable[Gap], dropped: Iterable[Dropped]) -> list[Gap]:
    """Given footage, the gaps between it, and what this host dropped, return all gaps in order of time.

    What was dropped is a gap of its own, also before the first and after the last footage; what else is missing
    beside it stays a gap without a cause. What the bucket holds all the same was not lost.
    """
    there = {item.name for item in found}
    gone = sorted(Gap(one.start, one.end, "dropped") for one in dropped if one.name not in there)
    rest = list(between)
    for lost in gone:
        rest = [piece for gap in rest for piece in _without(gap, lost)]
    return sorted([*gone, *rest])


def _without(gap: Gap, lost: Gap) -> list[Gap]:
    pieces = [gap._replace(end=min(gap.end, lost.start)), gap._replace(start=max(gap.start, lost.end))]
    if lost.end <= gap.start or lost.start >= gap.end:
        return [gap]
    return [piece for piece in pieces if piece.end - piece.start > TOLERANCE]


def totals(found: Sequence[Footage]) -> tuple[int, int, float]:
    """Return the number of objects, their bytes, and the seconds of footage as far as known."""
    return len(found), sum(item.bytes for item in found), sum(item.seconds or 0.0 for item in found)
