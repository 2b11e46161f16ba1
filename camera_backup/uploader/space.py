"""What has to go before the disk is full, and what stays. Pure; sizes in bytes, times in seconds.

    free ≥ threshold          nothing happens
    free < threshold          the oldest footage goes, what is proven in the bucket first; what is not, only with
                              `when_full: drop_oldest`
    free < min_free           recorders pause, until `machine.resume_at` is free

The threshold lies above the mark at which paused recorders go on, by what the cameras record in HORIZON seconds and by
one whole segment, of which a second copy is made for a moment when it is closed (`recorder.remux`). So with
`drop_oldest` recording never pauses, and with `keep` only when nothing proven is left. Where the disk is too small for
the threshold, or something else fills it, footage goes as late as possible, and never in vain: see `worth_dropping`.
"""

from __future__ import annotations

from typing import Iterable, NamedTuple, Sequence

from camera_backup.recorder.machine import resume_at

HORIZON = 120.0
"""Seconds of recording that must always fit: between two looks, until the bucket has answered or was given up, and
until the filesystem has really given back what was deleted (btrfs and XFS take up to 30)."""


class Room(NamedTuple):
    """The disk: what is free, what recorders leave free, what all cameras write a second, the largest open segment."""

    free: int
    min_free: int
    rate: float = 0.0
    largest: int = 0


class Candidate(NamedTuple):
    """A closed segment on the disk. start: from its name; closed: when it was last written to."""

    camera: str
    name: str
    start: int
    bytes: int
    closed: float
    proven: bool


def threshold(room: Room) -> int:
    """Return how much must be free so that nothing has to go."""
    return resume_at(room.min_free) + room.largest + int(room.rate * HORIZON)


def lacking(room: Room) -> int:
    """Return how many bytes have to go; 0 for none. Two horizons are made free, so that not every look finds work."""
    if room.free >= threshold(room):
        return 0
    return threshold(room) + int(room.rate * HORIZON) - room.free


def least(room: Room) -> int:
    """Return how many bytes have to go so that recording goes on; 0 for none."""
    return max(0, resume_at(room.min_free) - room.free)


def worth_dropping(there: int, needed: int, least: int) -> int:
    """Given the bytes of all segments, and what `lacking` and `least` say, return how many may be made by dropping.

    What all of them together cannot make, dropping most of them cannot either: each new segment would go before it is
    uploaded. Then only recording itself is worth footage, and not even that if it would not go on.
    """
    if there >= needed:
        return needed
    return least if there >= least else 0


def choose(candidates: Iterable[Candidate], needed: int, drops: bool) -> list[Candidate]:
    """Given what is there, return what goes, in this order, until `needed` bytes are free, or nothing more may go.

    First what is proven in the bucket, the oldest of all cameras first; then, only if `drops`, what is not.
    """
    chosen: list[Candidate] = []
    for one in sorted(candidates, key=lambda one: (not one.proven, one.start, one.camera, one.name)):
        if needed <= 0 or not (one.proven or drops):
            break
        chosen.append(one)
        needed -= one.bytes
    return chosen


def outlived(candidates: Sequence[Candidate], now: float, seconds: int | None, size: int | None) -> list[Candidate]:
    """Given `storage.local_retention`, return the proven segments whose time is over, oldest first."""
    proven = [one for one in candidates if one.proven]
    if seconds is not None:
        return sorted((one for one in proven if now - one.closed > seconds), key=lambda one: (one.start, one.camera))
    if size is not None:
        return choose(proven, sum(one.bytes for one in proven) - size, drops=False)
    return []
