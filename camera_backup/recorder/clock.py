"""Notices that the clock of the host was set. Pure."""

from __future__ import annotations

_STEP = 5.0
"""Seconds. NTP moves a clock that runs by far less; what was set by less is not worth a mark on footage."""


class Watch:
    """Compares the clock with one that nobody sets."""

    def __init__(self) -> None:
        self._offset: float | None = None

    def step(self, wall: float, steady: float) -> float:
        """Given the time (epoch seconds) and the seconds since the boot, return by how much the clock was set; 0.0
        when it was not.
        """
        before, self._offset = self._offset, wall - steady
        moved = 0.0 if before is None else self._offset - before
        return moved if abs(moved) >= _STEP else 0.0
