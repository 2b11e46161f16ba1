"""How long to wait before the next attempt. Pure. It never gives up: a camera may be away for a week."""

from __future__ import annotations

_USUAL = (1, 2, 5, 10, 20, 30, 60)
# A camera that refuses a login locks the account when it is asked too often, also for people. What the camera sends
# or which certificate it shows does not change by itself either.
_SLOW = (5, 15, 30, 60, 120, 300)
_SLOWLY = ("login_refused", "certificate_refused", "unsupported", "ffmpeg_failed")


class Backoff:
    """The failures of one camera in a row, and how long to wait after each.

    failures: how many came since it recorded for a while
    """

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self.failures = self._slow = 0

    def failed(self, cause: str) -> float:
        """Count a failure; return the seconds to wait. A camera that was away for days and then, while it wakes up,
        fails once in a way that takes long to pass has not failed in that way for days.
        """
        self.failures += 1
        self._slow += cause in _SLOWLY
        return delay(cause, self._slow if cause in _SLOWLY else self.failures, self._camera)

    def forget(self) -> None:
        """All is well again."""
        self.failures = self._slow = 0


def delay(cause: str, failures: int, camera: str) -> float:
    """Given the cause of the last failure, how many of its kind came in a row (at least 1) and the camera, return
    seconds.

    The camera's name shifts it by up to a tenth, always the same way, so that 64 cameras behind a switch that
    restarts do not all come back in the same instant.
    """
    steps = _SLOW if cause in _SLOWLY else _USUAL
    return steps[min(failures, len(steps)) - 1] * (1 + _share(camera) / 10)


def _share(camera: str) -> float:
    """Return a number in [0, 1), fixed for a name (FNV-1a; `hash` of a text differs from process to process)."""
    value = 2166136261
    for byte in camera.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value / 2**32
