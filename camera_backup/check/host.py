"""This machine: the disk, the clock. Pure judgement first, then the thin probes."""

from __future__ import annotations

import os
from typing import NamedTuple, Sequence

from camera_backup import measures
from camera_backup.check.findings import HOST, OK, PROBLEM, WARNING, Finding
from camera_backup.recorder.machine import resume_at

SUBJECT = "this host"

ENOUGH_HOURS = 24
"""Outages of the uplink that end within a working day are the ordinary kind; less room than that earns a warning."""

SKEW_TOLERATED, SKEW_FATAL = 30.0, 600.0
"""Seconds. S3 refuses requests that are 15 min off (RequestTimeTooSkewed); names of segments suffer long before."""

ASSUMED_RATE = 125_000.0
"""Bytes per second of a camera that was not measured: 1 Mbit/s, less than nearly all send."""


class Disk(NamedTuple):
    """The file system that will hold the segments, in bytes. `path`: the nearest directory that exists."""

    path: str
    total: int
    free: int
    writable: bool


class Load(NamedTuple):
    """What the enabled cameras write.

    rates: bytes per second of each, 0.0 where that was not measured; seconds: `recording.segment_duration`
    """

    rates: Sequence[float]
    seconds: int

    @property
    def measured(self) -> float:
        """Bytes per second of all that were measured."""
        return sum(self.rates)

    def segments(self, assumed: float) -> float:
        """Return the bytes of one segment of each camera, and of a second copy of the largest: it is made when one is
        closed. assumed: bytes per second of a camera that was not measured
        """
        rates = [rate or assumed for rate in self.rates]
        return self.seconds * (sum(rates) + max(rates, default=0.0))

    @property
    def words(self) -> str:
        """The same for people, with what it rests on."""
        measured = sum(1 for rate in self.rates if rate)
        assumed = "%s assumed for each" % measures.bitrate(8 * ASSUMED_RATE)
        basis = "%d measured, %s other" % (measured, assumed) if measured else assumed
        return "segments of %s of %s, %s (%s)" % (
            measures.duration(self.seconds),
            measures.plural(len(self.rates), "camera"),
            measures.size(self.segments(ASSUMED_RATE)),
            "measured" if measured == len(self.rates) else basis,
        )


def disk(path: str) -> Disk:
    """Given the directory of the segments, which need not exist yet, return its file system; raise OSError."""
    while not os.path.isdir(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    space = os.statvfs(path)
    # f_bavail is what is left for an ordinary user, as recorders are.
    free = space.f_bavail * space.f_frsize
    return Disk(path, space.f_blocks * space.f_frsize, free, not space.f_flag & os.ST_RDONLY)


def disk_finding(path: str, found: Disk, reserve: int, load: Load, when_full: str = "keep") -> Finding:
    """Given the file system, what recorders leave free, and how much all cameras write, return the finding.

    when_full: what happens then, as in `storage.when_full`
    """
    text = "%s free of %s at %s" % (measures.size(found.free), measures.size(found.total), path)
    if not found.writable:
        return _host("disk", PROBLEM, "%s is mounted read-only" % found.path, "remount it read-write")
    if found.total < resume_at(reserve) + load.segments(0.0):
        return _too_small(PROBLEM, path, found, reserve, load, when_full)
    if found.free < reserve:
        text += ", less than the reserve of %s" % measures.size(reserve)
        return _host("disk", PROBLEM, text, "free some space, or lower storage.min_free: nothing is recorded below it")
    if found.total < resume_at(reserve) + load.segments(ASSUMED_RATE):
        return _too_small(WARNING, path, found, reserve, load, when_full)
    if not load.measured:
        return _host("disk", OK, text)
    seconds = (found.free - reserve) / load.measured
    text += "; holds an outage of %s at %s a day, then %s" % (
        measures.duration(seconds),
        measures.size(load.measured * 86400),
        "the oldest footage is dropped" if when_full == "drop_oldest" else "recording pauses",
    )
    if seconds < ENOUGH_HOURS * 3600:
        return _host(
            "disk", WARNING, text, "a longer outage of the uplink fills it: use a larger disk or lower bitrates"
        )
    return _host("disk", OK, text)


def _too_small(level: str, path: str, found: Disk, reserve: int, load: Load, when_full: str) -> Finding:
    then = "footage is dropped before it can be uploaded" if when_full == "drop_oldest" else "recording pauses"
    text = "%s at %s is too small for storage.min_free (%s) and %s: %s" % (
        measures.size(found.total),
        path,
        measures.size(reserve),
        load.words,
        then,
    )
    return _host("disk", level, text, "use a larger disk, or lower storage.min_free or recording.segment_duration")


def other_disk(reason: str) -> Finding:
    """Given why the directory of segments is not the one that was recorded to before, return the finding."""
    return _host("disk", PROBLEM, reason, "mount the disk: nothing is recorded into the directory beneath")


def unreadable_disk(path: str, reason: str) -> Finding:
    """Given a directory of segments that cannot be looked at, and why, return the finding."""
    return _host("disk", PROBLEM, "%s: %s" % (path, reason), "see that it exists and can be reached by this user")


def clock_finding(skew: float | None, reason: str = "") -> Finding:
    """Given how far this host's clock is ahead of the bucket's, in seconds, return the finding.

    skew: None when the endpoint told no time, for `reason`
    """
    if skew is None:
        return _host("clock", WARNING, "not compared: %s" % reason, "see the bucket below")
    text = "%.0f s %s the bucket's" % (abs(skew), "ahead of" if skew > 0 else "behind")
    if abs(skew) <= SKEW_TOLERATED:
        return _host("clock", OK, "agrees with the bucket's")
    advice = "set the clock and keep it set (timedatectl set-ntp true)"
    return _host("clock", PROBLEM if abs(skew) > SKEW_FATAL else WARNING, text, advice)


def _host(item: str, level: str, text: str, advice: str = "") -> Finding:
    return Finding(HOST, SUBJECT, item, level, text, advice)
