"""One limit for all that leaves this host."""

from __future__ import annotations

import threading
import time
from typing import Callable

GRAIN = 256 * 1024
"""Most bytes that are taken at once. A slow limit makes it smaller: eight times a second something should move."""

_SMALLEST = 4 * 1024


class Throttle:
    """Shared by all workers: each reserves its bytes on one clock, and sleeps until its turn.

    limit: bytes per second, None for no limit
    """

    def __init__(
        self, limit: int | None, sleep: Callable[[float], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._sleep = sleep
        self._clock = clock
        self._free_at = clock()
        self._lock = threading.Lock()
        self.grain = GRAIN if limit is None else max(_SMALLEST, min(GRAIN, limit // 8))

    def pace(self, count: int) -> None:
        """Return when `count` more bytes may leave."""
        if self._limit is None:
            return
        with self._lock:
            now = self._clock()
            # An idle time is not saved up for a burst.
            turn = max(now, self._free_at)
            self._free_at = turn + count / self._limit
        if turn > now:
            self._sleep(turn - now)
