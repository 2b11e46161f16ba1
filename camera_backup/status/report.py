"""What the status of a host is, and whether it is well. Pure; times in epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, NamedTuple

from camera_backup import measures
from camera_backup.status.drain import Drain
from camera_backup.status.live import Recorder, Uploader
from camera_backup.uploader import skew

LOST_LATELY = 86400.0
"""Seconds for which lost footage makes a host unwell: who looks once a day sees it."""

_NAMED = 5  # cameras in one line


class Waiting(NamedTuple):
    """Finished segments that are not proven in the bucket yet.

    seconds: footage they hold
    oldest: when the one that waits longest was closed; None for no segment
    """

    segments: int = 0
    bytes: int = 0
    seconds: float = 0.0
    oldest: float | None = None


def together(parts: Iterable[Waiting]) -> Waiting:
    """Given what waits of several cameras, return it as one."""
    found = list(parts)
    return Waiting(
        sum(part.segments for part in found),
        sum(part.bytes for part in found),
        sum(part.seconds for part in found),
        min((part.oldest for part in found if part.oldest is not None), default=None),
    )


class Proven(NamedTuple):
    """The last segment of a camera that was proven in the bucket, and when."""

    name: str
    at: float


class Lost(NamedTuple):
    """What was dropped of a camera for its space, and is in no bucket. `last`: when the last one went."""

    camera: str
    segments: int
    bytes: int
    seconds: float
    reason: str
    last: float


class Outage(NamedTuple):
    """Since when a camera is not recorded, and why, as far as the ledger or the live status tell."""

    since: float | None
    cause: str
    detail: str = ""


@dataclass(frozen=True)
class CameraStatus:
    """One camera.

    enabled: None when the configuration could not be read
    live: what its recorder says; None when it does not run
    outage: None while it records
    waiting: None when the directory of the segments is not known
    """

    name: str
    enabled: bool | None
    live: Recorder | None
    outage: Outage | None
    proven: Proven | None
    waiting: Waiting | None

    @property
    def recording(self) -> bool:
        """Whether media is being written."""
        return self.live is not None and self.live.state == "recording"

    @property
    def expected(self) -> bool:
        """Whether it should record. Without a configuration: whoever has not been stopped on purpose should."""
        return self.enabled if self.enabled is not None else self.outage is None or self.outage.cause != "stopped"


@dataclass(frozen=True)
class DiskStatus:
    """The file system of the segments, in bytes.

    reserve: what recorders leave free, None when not known
    kept: footage that is proven in the bucket, and goes when its space is needed
    when_full: `storage.when_full`, None when not known
    """

    path: str
    total: int
    free: int
    reserve: int | None
    kept: int = 0
    when_full: str | None = None


@dataclass(frozen=True)
class HostStatus:
    """Everything.

    waiting: of all cameras together, also of those no longer configured
    uploader: None when it does not run, for the reason in `uploader_gone`
    refused: segments that the store will never accept, with its reason
    patience: seconds a closed segment may wait before an uploader that does nothing is suspicious
    unread: what could not be read, in words, with what to do
    drain: what becomes of the backlog; None when the limits are not known
    dropped: for each camera that lost footage for space, what
    """

    now: float
    cameras: tuple[CameraStatus, ...]
    waiting: Waiting
    uploader: Uploader | None
    uploader_gone: str
    refused: tuple[str, ...]
    disk: DiskStatus | None
    patience: float
    unread: tuple[str, ...] = ()
    drain: Drain | None = None
    dropped: tuple[Lost, ...] = ()


def stuck(host: HostStatus) -> str:
    """Given the host, return why waiting segments will not leave, or an empty text."""
    waiting, uploader = host.waiting, host.uploader
    if uploader is not None and uploader.state == "paused":
        return "uploading is paused: %s" % (uploader.cause or "no cause given")
    if waiting.oldest is None or host.now - waiting.oldest <= host.patience:
        return ""
    if uploader is None:
        return "segments wait and no uploader runs: %s" % host.uploader_gone
    return "" if uploader.state in ("uploading", "off") else "segments wait, and the uploader does not take them"


def full_disk(host: HostStatus) -> str:
    """Given the host, return that its disk is too full to record, or an empty text."""
    disk = host.disk
    if disk is None or disk.reserve is None or disk.free >= disk.reserve:
        return ""
    return "the disk of %s is full up to its reserve" % disk.path


def slow_line(host: HostStatus) -> str:
    """Given the host, return that its backlog will grow for good, or an empty text."""
    drain = host.drain
    if drain is None or not drain.too_slow:
        return ""
    return "the uplink, or its limit, is too slow for the cameras: " + speeds(drain)


def lately_lost(host: HostStatus) -> str:
    """Given the host, return that footage of it was dropped for space of late, or an empty text."""
    found = [one for one in host.dropped if host.now - one.last < LOST_LATELY]
    if not found:
        return ""
    names = ", ".join(one.camera for one in found[:_NAMED])
    more = " and %d more" % (len(found) - _NAMED) if len(found) > _NAMED else ""
    last = measures.ago(max(one.last for one in found), host.now)
    return "footage was dropped for space, never uploaded, the last %s: of %s%s" % (last, names, more)


def wrong_clock(host: HostStatus) -> str:
    """Given the host, return that its clock is not the store's, or an empty text."""
    found = host.uploader.clock_skew if host.uploader else None
    return skew.words(found) + ", uploads are marked" if found is not None and skew.is_marked(found) else ""


def speeds(drain: Drain) -> str:
    """Return what is recorded and what leaves, as far as it is known."""
    known = [(drain.uploading, "leave"), (drain.recording, "are recorded")]
    return ", ".join("%s %s" % (measures.bitrate(8 * speed), verb) for speed, verb in known if speed is not None)


def troubles(host: HostStatus) -> list[str]:
    """Given the host, return everything that is wrong, one line each; empty when all is well."""
    idle = [camera for camera in host.cameras if camera.expected and not camera.recording]
    lines = ["%s is not recording" % camera.name for camera in idle]
    lines += ["never accepted by the store: " + line for line in host.refused]
    return lines + wrong(host)


def wrong(host: HostStatus) -> list[str]:
    """Given the host, return what is wrong with it as a whole, one line each."""
    return [
        line for line in (full_disk(host), stuck(host), slow_line(host), lately_lost(host), wrong_clock(host)) if line
    ]


def exit_code(host: HostStatus) -> int:
    """Return 0 when every enabled camera is recording, nothing is stuck and nothing was lost lately, else 1.

    Nothing readable is not well.
    """
    return 1 if troubles(host) or (host.unread and not host.cameras) else 0
