"""How much may be sent at which time of day. Pure but for `minute_of_day`; standard library only.

Times are those of a clock on the wall where the host is: operators know when their line is needed for something else,
and know it in their own time. Only the time of day is looked at, never a date, so the days on which clocks are changed
do no harm: a window is an hour shorter or longer then.
"""

from __future__ import annotations

import time
from typing import Iterator, NamedTuple, Sequence

DAY = 24 * 60

OFF = 0
"""The limit while nothing may be sent."""

CAUSE = "schedule"
"""Why a run of the uploader ends when such a time begins."""


class Window(NamedTuple):
    """A time of day and what may be sent then.

    start, end: minutes since midnight; an `end` before `start` is on the next day
    limit: bytes per second, None for no limit, OFF
    """

    start: int
    end: int
    limit: int | None

    @property
    def length(self) -> int:
        """Minutes from the start to the end."""
        return (self.end - self.start) % DAY or DAY

    def covers(self, minute: int) -> bool:
        """Say whether a minute of the day is in it."""
        return (minute - self.start) % DAY < self.length

    def overlaps(self, other: Window) -> bool:
        """Say whether some minute is in both."""
        return self.covers(other.start) or other.covers(self.start)


def limit_at(windows: Sequence[Window], otherwise: int | None, minute: int) -> int | None:
    """Given the windows, the limit outside all of them and a minute of the day, return the limit at that minute."""
    return next((window.limit for window in windows if window.covers(minute)), otherwise)


def off_until(windows: Sequence[Window], minute: int) -> int | None:
    """Given a minute of the day, return the minute at which sending begins again; None when it is not off."""
    end = minute
    for _ in windows:  # one after the other may be off
        found = next((window for window in windows if window.covers(end) and window.limit == OFF), None)
        if found is None:
            break
        end = found.end % DAY
    return end if end != minute else None


def limits(windows: Sequence[Window], otherwise: int | None) -> set[int | None]:
    """Return every limit that holds at some time of the day."""
    return {limit for _, limit in day(windows, otherwise)}


def day(windows: Sequence[Window], otherwise: int | None) -> Iterator[tuple[int, int | None]]:
    """Yield the day in pieces of one limit each, as (minutes, limit)."""
    for window in windows:
        yield window.length, window.limit
    rest = DAY - sum(window.length for window in windows)
    if rest:
        yield rest, otherwise


def clock(minute: int) -> str:
    """Return a minute of the day as it is written: 18:00."""
    return "%02d:%02d" % divmod(minute, 60)


def words(until: int) -> str:
    """Given when it ends, say why nothing is sent."""
    return "paused until %s by schedule" % clock(until)


def minute_of_day(moment: float) -> int:
    """Given epoch seconds, return the minute of the day in the time zone of this host."""
    local = time.localtime(moment)
    return local.tm_hour * 60 + local.tm_min
