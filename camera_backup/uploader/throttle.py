"""One limit for all that leaves this host."""

from __future__ import annotations

import threading
import time
from typing import Callable, Iterable

GRAIN = 256 * 1024
"""Most bytes that are taken at once. A slow limit makes it smaller: eight times a second something should move."""

_SMALLEST = 4 * 1024


class Throttle:
    """Shared by all workers: each reserves its bytes on one clock, and sleeps until its turn.

    limit: tells how many bytes per second may leave now, None for no limit; asked for every block
    """

    def __init__(
        self,
        limit: Callable[[], int | None],
        sleep: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._sleep = sleep
        self._clock = clock
        self._free_at = clock()
        self._lock = threading.Lock()

    def pace(self, count: int) -> None:
        """Return when `count` more bytes may leave."""
        limit = self._limit()
        if not limit:
            return  # no limit, or nothing may leave at all: whoever sends looks after that
        with self._lock:
            now = self._clock()
            # An idle time is not saved up for a burst.
            turn = max(now, self._free_at)
            self._free_at = turn + count / limit
        if turn > now:
            self._sleep(turn - now)


def grain(limits: Iterable[int | None]) -> int:
    """Given every limit that may hold, return the most bytes to take at once."""
    slowest = min((limit for limit in limits if limit), default=8 * GRAIN)
    return max(_SMALLEST, min(GRAIN, slowest // 8))
