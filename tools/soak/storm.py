"""What goes wrong, when, to whom: fixed by the seed. Pure."""

from __future__ import annotations

import random
from typing import NamedTuple

STORE = "(store)"
"""Whom a fault strikes when it is no camera."""

KILLS = ("kill recorder", "kill FFmpeg", "kill both")
"""Faults after which the open key-frame interval may be missing."""

CAUSES = {
    "freeze": ("stalled", "camera_unreachable", "connection_lost"),
    "drop": ("connection_lost",),
    "reset": ("connection_lost", "camera_unreachable"),
    "refuse": ("connection_lost", "camera_unreachable"),
    "wrong password": ("connection_lost", "login_refused"),
    "kill recorder": ("recorder_killed",),
    # Killed before it reported anything, FFmpeg has failed to start.
    "kill FFmpeg": ("connection_lost", "ffmpeg_failed"),
    "kill both": ("recorder_killed",),
}
"""What the ledger may give as the cause of a gap that such a fault has made."""

_KILL_UPLOADER = "kill uploader"
_STORE_FAULTS = (_KILL_UPLOADER, "resets", "500", "503", "403", "stall", "corrupt", "lost reply", "outage")
_QUIET = 10.0
_MEND = 16.0


class Strike(NamedTuple):
    """One fault. Times in seconds since the start; `end` equals `at` for what is over at once."""

    at: float
    end: float
    kind: str
    whom: str


def storm(seed: int, seconds: float, cameras: list[str], kills: bool = True) -> list[Strike]:
    """Return the faults of a storm, in order. A camera has time to recover before the next one strikes it.

    kills: processes are killed as well
    """
    of_cameras = sorted(set(CAUSES) - set(() if kills else KILLS))
    of_store = [kind for kind in _STORE_FAULTS if kills or kind != _KILL_UPLOADER]
    dice = random.Random(seed)  # noqa: S311  (not for security: repeatable on purpose)
    found = []
    for camera in cameras:
        at = _QUIET + dice.uniform(0, 6)
        while at < seconds - _QUIET:
            kind = dice.choice(of_cameras)
            last = dice.uniform(3, 12) if kind in ("freeze", "refuse", "wrong password") else 0.0
            found.append(Strike(at, at + last, kind, camera))
            at += last + _MEND + dice.uniform(0, 10)
    at = 4.0
    while at < seconds:
        kind = dice.choice(of_store)
        last = dice.uniform(2, 5) if kind in ("500", "503", "403", "outage") else 0.0
        found.append(Strike(at, at + last, kind, STORE))
        at += last + dice.uniform(3, 9)
    return sorted(found)
