"""Numbers in the words of an operator: sizes, spans, rates, moments. Pure, standard library only.

Sizes are decimal (1 GB = 1,000,000,000 bytes), as disks and buckets are sold.
"""

from __future__ import annotations

import time

_SPANS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def _scaled(value: float, units: str, suffix: str) -> str:
    for prefix in units:
        # 999.5 would be printed as "1000": the next unit says it better.
        if abs(value) < 999.5:
            return "%s %s%s" % (_significant(value), prefix.strip(), suffix)
        value /= 1000
    return "%s %s%s" % (_significant(value), "P", suffix)


def _significant(value: float) -> str:
    if value == int(value) or abs(value) >= 99.95:
        return "%.0f" % value
    return "%.1f" % value if abs(value) >= 9.995 else "%.2f" % value


def size(count: float) -> str:
    """Given a number of bytes, return it with three digits: `1.84 GB`."""
    return _scaled(count, " kMGT", "B")


def bitrate(bits_per_second: float) -> str:
    """Given bits per second, return `4.05 Mbit/s`."""
    return _scaled(bits_per_second, " kMGT", "bit/s")


def duration(seconds: float) -> str:
    """Given a span in seconds, return its two largest units: `2 h 5 min`, `3 d`, `45 s`; a negative one is 0."""
    rest = max(0, int(seconds + 0.5))
    parts: list[str] = []
    for unit, length in _SPANS:
        amount, rest = divmod(rest, length)
        if amount:
            parts.append("%d %s" % (amount, unit))
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts) or "0 s"


def about(seconds: float) -> str:
    """Given a span that is an estimate, return it in one unit: `90 min`, `3 d`, `a minute`."""
    for unit, length in _SPANS[:3]:
        if seconds >= 2 * length or (unit == "min" and seconds >= 1.5 * length):
            return "%d %s" % (int(seconds / length + 0.5), unit)
    return "a minute"


def ago(then: float, now: float) -> str:
    """Given two moments in epoch seconds, return `2 h 5 min ago`, `just now`, or `in 5 s`."""
    if abs(now - then) < 1:
        return "just now"
    return duration(now - then) + " ago" if then < now else "in " + duration(then - now)


def moment(epoch: float) -> str:
    """Given epoch seconds, return the time in UTC: `2026-11-22 13:00:00`."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(epoch))


def plural(count: int, noun: str) -> str:
    """Given a count and a regular noun, return `1 segment` or `2,000 segments`."""
    return "%s %s%s" % (format(count, ","), noun, "" if count == 1 else "s")
