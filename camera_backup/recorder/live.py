"""What a recorder says about itself while it lives: the status file, and one sentence for `systemctl status`."""

from __future__ import annotations

import json
import time

from camera_backup import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT = 1
_RATE_SECONDS = 5.0

_CAUSES = {
    "camera_unreachable": "camera unreachable",
    "login_refused": "the camera refused the login",
    "stream_refused": "the camera refused the stream",
    "certificate_refused": "the camera's certificate was refused",
    "connection_lost": "the connection to the camera was lost",
    "stalled": "the camera stopped sending video",
    "stopped": "stopped",
    "disk_full": "the disk is full",
    "disk_failed": "the disk cannot be used",
    "host_down": "the host was down",
    "recorder_killed": "the recorder was killed",
    "ffmpeg_failed": "FFmpeg failed",
    "unsupported": "the stream cannot be recorded",
}


STATES = {"ending": "waiting"}
"""Phases of the supervisor that have another name, or none of their own, in the status."""


def rounded(value: dict[str, Any]) -> dict[str, Any]:
    """Return an object for JSON with all its times to the millisecond."""
    return {key: round(part, 3) if isinstance(part, float) else part for key, part in value.items()}


def sentence(status: dict[str, Any], now: float) -> str:
    """Given a status, return what is going on, in words."""
    state, segment = status["state"], status["segment"]
    if state == "recording":
        text = "recording since %s" % time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(status["since"]))
        if segment:
            text += ", " + segment["name"]
        if status["bits_per_second"] is not None:
            text += ", %.1f Mbit/s" % (status["bits_per_second"] / 1e6)
        return text
    why = _CAUSES.get(status["cause"] or "", "")
    if why and status["detail"]:
        why += ": " + status["detail"]
    if state == "waiting":
        return "%s; next attempt in %d s" % (
            why or "connecting again",
            max(0, round((status["next_attempt"] or now) - now)),
        )
    if state == "paused":
        return "paused: " + why
    if state == "starting" and why:
        return "connecting; before: " + why
    return "connecting to the camera" if state == "starting" else state


class Rate:
    """The bitrate of the file that is being written, from its size at two moments."""

    def __init__(self) -> None:
        self.bits_per_second: int | None = None
        self._seen: tuple[str, int, float] | None = None

    def take(self, path: str | None, size: int, now: float) -> None:
        """Take note of the size of the current file; `path` is None when there is none. now: monotonic seconds."""
        if path is None:
            self.bits_per_second = self._seen = None
        elif self._seen is None or self._seen[0] != path:
            self._seen = (path, size, now)
        elif now - self._seen[2] >= _RATE_SECONDS:
            self.bits_per_second = round((size - self._seen[1]) * 8 / (now - self._seen[2]))
            self._seen = (path, size, now)


def write(path: str, status: dict[str, Any]) -> None:
    """Replace the status file; raise OSError. Not synced: after a power cut nobody needs it."""
    files.replace(path, json.dumps(status, ensure_ascii=False) + "\n", mode=0o644, durable=False)


def read(path: str) -> dict[str, Any]:
    """Return the status a recorder left, or nothing when there is none that can be read."""
    try:
        with open(path, encoding="utf-8") as stream:
            value = json.load(stream)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) and value.get("format") == FORMAT else {}
