"""When the backlog will be in the bucket, and whether this line can carry what the cameras record. Pure.

Nothing is guessed: what was not measured is not known. Speeds are in bytes per second.
"""

from __future__ import annotations

from typing import Mapping, NamedTuple, Sequence

from camera_backup import schedule
from camera_backup.schedule import Window
from camera_backup.uploader.meter import Rate

KNOWN_SECONDS = 60.0
"""Of sending, before its speed means anything."""

SURE_SECONDS = 1800.0
"""Of sending, before a line is called too slow for good."""

_DAY_SECONDS = 86400.0
_LINE_ITSELF = 0.8
"""Less than so much of a limit is the speed of the line, not of the limit."""


class Drain(NamedTuple):
    """What becomes of the backlog. None for what is not known.

    recording: what all cameras together record now
    uploading: what leaves, as the average of a day by the schedule
    seconds: until nothing waits any more; None also when that never happens at these speeds
    too_slow: the backlog will grow for good
    """

    recording: float | None
    uploading: float | None
    seconds: float | None
    too_slow: bool


class _Speed(NamedTuple):
    value: float
    seconds: float


def estimate(
    waiting: int,
    recording: float | None,
    rates: Sequence[Rate],
    windows: Sequence[Window],
    otherwise: int | None,
    minute: int,
) -> Drain:
    """Given the bytes that wait, what was measured, and the limits, return what becomes of the backlog.

    rates: of the uploader; windows, otherwise: the schedule and the limit outside of it; minute: of the day, now
    """
    allowed = _average({limit: limit for limit in schedule.limits(windows, otherwise)}, windows, otherwise)
    if recording is not None and allowed is not None and allowed <= recording:
        # The limits alone say so; nothing has to be measured.
        return Drain(recording, allowed, None, waiting > 0)
    speeds = {limit: _speed(limit, rates) for limit in schedule.limits(windows, otherwise)}
    known = {limit: speed.value for limit, speed in speeds.items() if speed is not None}
    uploading = _average({limit: known.get(limit) for limit in speeds}, windows, otherwise)
    if recording is None or uploading is None:
        return Drain(recording, uploading, None if waiting else 0.0, False)
    sure = all(speed is not None and speed.seconds >= SURE_SECONDS for speed in speeds.values())
    day = [known[schedule.limit_at(windows, otherwise, (minute + ahead) % schedule.DAY)] for ahead in range(1440)]
    return Drain(
        recording, uploading, _drained(waiting, recording, day), sure and waiting > 0 and uploading <= recording
    )


def _average(
    speeds: Mapping[int | None, float | None], windows: Sequence[Window], otherwise: int | None
) -> float | None:
    """Given a speed for each limit, return that of a whole day; None when one of them is not known."""
    total = 0.0
    for minutes, limit in schedule.day(windows, otherwise):
        speed = speeds[limit]
        if speed is None:
            return None
        total += minutes * speed
    return total / schedule.DAY


def _speed(limit: int | None, rates: Sequence[Rate]) -> _Speed | None:
    """Return how fast bytes leave under a limit: measured, or what was measured under another one implies."""
    if limit == schedule.OFF:
        return _Speed(0.0, float("inf"))
    found = {
        rate.limit: _Speed(rate.bytes / rate.seconds, rate.seconds) for rate in rates if rate.seconds >= KNOWN_SECONDS
    }
    if limit in found:
        return found[limit]
    if limit is not None:
        looser = [speed for other, speed in found.items() if other is None or other > limit]
        if looser:
            most = max(looser)
            return most._replace(value=min(float(limit), most.value))
    itself = [speed for other, speed in found.items() if other and speed.value < _LINE_ITSELF * other]
    return max(itself) if itself else None


def _drained(waiting: float, recording: float, day: Sequence[float]) -> float | None:
    """Given the speed in each minute of a day from now on, return the seconds until nothing waits, None for never."""
    left = waiting
    for ahead, speed in enumerate(day):
        change = 60 * (speed - recording)
        if left <= max(change, 0.0):
            return 60 * (ahead + (left / change if change else 0.0))
        left -= change
    gain = waiting - left
    if gain <= 0:
        return None
    days = left // gain
    rest = _drained(left - days * gain, recording, day)
    return None if rest is None else (1 + days) * _DAY_SECONDS + rest
