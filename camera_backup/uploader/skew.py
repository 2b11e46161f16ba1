"""Our clock and the store's: when they differ so much that footage is marked, and when that is news. Pure.

`skew` is the number of seconds by which the store's clock is ahead of ours. Which of the two is wrong nobody here can
know, so nothing is put right by it: it is told.
"""

from __future__ import annotations

from camera_backup import measures

MARKED = 60.0
"""Seconds from which on what is uploaded is marked. AWS refuses requests from 900 on, some stores never do. A clock
that NTP keeps is off by less than one, an answer of the store tells the time to within ten, and whoever looks for a
moment looks a minute around it anyway."""

_SETTLED = MARKED / 2
"""A difference that was told is over below this: one that stays near the mark is no news with every segment."""

ADVICE = "set the clock and keep it set (timedatectl set-ntp true)"


def is_marked(skew: float | None) -> bool:
    """Say whether what is uploaded now is marked; with a skew that nobody knows it is not."""
    return skew is not None and abs(skew) >= MARKED


def words(skew: float) -> str:
    """Return it for people."""
    way = "behind" if skew > 0 else "ahead of"
    return "the clock of this host is %s %s the store's" % (measures.duration(abs(skew)), way)


class News:
    """Whether a difference has to be told: when it begins, when it is another one, and when it is over."""

    def __init__(self) -> None:
        self._told = 0.0

    def is_new(self, skew: float) -> bool:
        """Given the skew as it is now, say whether it has to be told; it counts as told then."""
        if not is_marked(skew) and abs(skew) >= _SETTLED:
            return False
        now = skew if is_marked(skew) else 0.0
        if abs(now - self._told) < MARKED:
            return False
        self._told = now
        return True
