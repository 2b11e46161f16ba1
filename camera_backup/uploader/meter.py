"""How fast this line is: measured while segments leave, apart for each limit that held meanwhile."""

from __future__ import annotations

import math
from typing import Any, Iterable, Mapping, NamedTuple

from camera_backup import livefile

MEMORY_SECONDS = 6 * 3600.0
"""What was measured so long ago, in time spent sending, counts a third of what is measured now."""


class Rate(NamedTuple):
    """Bytes the store has accepted in how many seconds, under a limit in bytes per second (None for no limit)."""

    limit: int | None
    bytes: float
    seconds: float


class Meter:
    """The rates of one host."""

    def __init__(self, known: Iterable[Rate] = ()) -> None:
        self._rates = {rate.limit: rate for rate in known}

    def add(self, limit: int | None, count: int, seconds: float) -> None:
        """Count in what was accepted during some seconds of sending."""
        past = self._rates.get(limit, Rate(limit, 0.0, 0.0))
        fading = math.exp(-seconds / MEMORY_SECONDS)
        self._rates[limit] = Rate(limit, past.bytes * fading + count, past.seconds * fading + seconds)

    def as_json(self) -> list[dict[str, Any]]:
        """Return them for the live status."""
        return [rate._asdict() for rate in self._rates.values()]


def read(path: str) -> tuple[Rate, ...]:
    """Given the path of a live status of the uploader, return the rates in it."""
    try:
        with open(path, encoding="utf-8") as stream:
            value = livefile.load(stream)
    except (OSError, ValueError):
        return ()
    return from_json(value) if isinstance(value, dict) else ()


def from_json(value: Mapping[str, Any]) -> tuple[Rate, ...]:
    """Given a live status of the uploader, return the rates in it, none when they cannot be read."""
    try:
        return tuple(_rate(rate["limit"], rate["bytes"], rate["seconds"]) for rate in value["rates"])
    except (KeyError, TypeError, ValueError):
        return ()


def _rate(limit: object, count: object, seconds: object) -> Rate:
    return Rate(None if limit is None else int(_amount(limit)), _amount(count), _amount(seconds))


def _amount(value: object) -> float:
    amount = float(str(value))
    if not amount >= 0:
        raise ValueError("nothing that was measured")
    return amount
