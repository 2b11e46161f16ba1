"""The live status files, which recorders and the uploader replace every few seconds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Mapping

from camera_backup import livefile
from camera_backup.uploader import meter
from camera_backup.uploader.meter import Rate

MAX_AGE = 60
"""Seconds after which a live status says nothing any more: it is written at least every 10 s."""

_MOST_PID = (1 << 31) - 1

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


@dataclass(frozen=True)
class Recorder:
    """What a recorder said about itself. Times in epoch seconds; `segment_*` is None while nothing is open."""

    state: str
    since: float
    cause: str | None
    detail: str | None
    pid: int
    boot_id: str
    updated: float
    segment_name: str | None
    segment_start: float | None
    segment_bytes: int | None
    bits_per_second: float | None
    next_attempt: float | None
    last_media: float | None


@dataclass(frozen=True)
class Uploader:
    """What the uploader said about itself.

    sending: the segments that travel now, as (camera, name, bytes, sent)
    rates: how fast the store was seen to accept bytes
    clock_skew: seconds by which the store's clock was ahead of this host's at the last upload; None when not known
    """

    state: str
    since: float
    pid: int
    updated: float
    cause: str | None
    next_scan: float | None
    sending: tuple[tuple[str, str, int, int], ...]
    rates: tuple[Rate, ...] = ()
    clock_skew: float | None = None


def read(path: str) -> Mapping[str, Any] | None:
    """Given the path of a live status, return it, or None when there is none or it is not ours; raise OSError else."""
    try:
        with open(path, encoding="utf-8") as stream:
            value = livefile.load(stream)
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and value.get("format") == 1 else None


def _number(value: object) -> float | None:
    """Return what may be missing; raise ValueError when it is none."""
    return None if value is None else float(str(value))


def _count(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError("no text")


def _pid(value: object) -> int:
    if isinstance(value, int) and 0 <= value <= _MOST_PID:
        return value
    raise ValueError("no process id")


def recorder(value: Mapping[str, Any]) -> Recorder | None:
    """Given the JSON of a recorder's live status, return it, or None when it lacks what it must hold."""
    segment = value.get("segment") or {}
    try:
        return Recorder(
            state=str(value["state"]),
            since=float(value["since"]),
            cause=_text(value.get("cause")),
            detail=_text(value.get("detail")),
            pid=_pid(value["pid"]),
            boot_id=str(value["boot_id"]),
            updated=float(value["updated"]),
            segment_name=_text(segment.get("name")),
            segment_start=_number(segment.get("start")),
            segment_bytes=_count(segment.get("bytes")),
            bits_per_second=_number(value.get("bits_per_second")),
            next_attempt=_number(value.get("next_attempt")),
            last_media=_number(value.get("last_media")),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def uploader(value: Mapping[str, Any]) -> Uploader | None:
    """Given the JSON of the uploader's live status, return it, or None when it lacks what it must hold."""
    try:
        current = [
            (str(c["camera"]), str(c["name"]), int(c["bytes"]), int(c["sent"])) for c in value.get("current") or []
        ]
        return Uploader(
            state=str(value["state"]),
            since=float(value["since"]),
            pid=_pid(value["pid"]),
            updated=float(value["updated"]),
            cause=_text(value.get("cause")),
            next_scan=_number(value.get("next_scan")),
            sending=tuple(current),
            rates=meter.from_json(value),
            clock_skew=_number(value.get("clock_skew")),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def boot_id() -> str:
    """Return the identity of this boot: a pid of another boot means nothing."""
    try:
        with open(_BOOT_ID, encoding="ascii") as stream:
            return stream.read().strip()
    except OSError:
        return ""


def alive(pid: int) -> bool:
    """Return whether a process has this pid; one that we may not signal counts."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def stale(updated: float, now: float, same_boot: bool, process_lives: bool) -> str | None:
    """Given when a live status was written and what became of its writer, return why it says nothing, or None."""
    if not same_boot:
        return "the host was restarted"
    if not process_lives:
        return "its process is gone"
    # A clock that was set back must not make a frozen recorder look alive, nor a living one frozen for long.
    if abs(now - updated) > MAX_AGE:
        return "it has not reported for %d s" % abs(now - updated)
    return None
