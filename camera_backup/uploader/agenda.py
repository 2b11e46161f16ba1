"""When the waiting parent does what. Pure: it is told the time and what happened, and says what is next."""

from __future__ import annotations

import math
from dataclasses import dataclass

_PAUSES = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
"""Seconds until the bucket is tried again while nothing works. It never gives up."""

_FIRST_SECONDS = 60.0
"""A host that has just started looks within this time: whoever starts it waits for its first upload."""


@dataclass
class Agenda:
    """Times in seconds of any one clock.

    interval: `upload.check_interval`
    share: this host's own number from 0 to below 1. All looks are at this part of the interval, and pauses are shorter
        by up to a third of it: hosts that were started, or cut off, at one moment do not knock at one moment
    origin: any moment that is the same for all hosts, such as the beginning of the epoch
    next_scan: when to look at the directories again
    settled: the fingerprint of what a run has left behind on purpose: files that are kept, or cannot be moved now
    settled_until: when to try that again all the same
    """

    interval: float
    share: float = 0.0
    origin: float = 0.0
    next_scan: float = 0.0
    failures: int = 0
    settled: int | None = None
    settled_until: float = 0.0
    tries: int = 0

    def begin(self, now: float) -> None:
        """The service has started, or a time at which nothing was to be sent has ended: for many hosts at once."""
        self.settled = None
        self.next_scan = now + self.share * min(self.interval, _FIRST_SECONDS)

    def _following(self, now: float) -> float:
        """Return the next moment after `now` that is this host's own."""
        first = self.origin + self.share * self.interval
        found = first + math.ceil((now - first) / self.interval) * self.interval
        return found if found > now else found + self.interval

    def scanned(self, now: float, segments: int, leftovers: int, fingerprint: int) -> bool:
        """Given what a scan has found, say whether to start a worker."""
        self.next_scan = self._following(now)
        if not segments and not leftovers:
            return False
        return fingerprint != self.settled or now >= self.settled_until

    def finished(self, now: float, fingerprint: int | None, undone: int) -> None:
        """A run has ended in order.

        fingerprint: of what it has left behind; None when something is there that it has not seen
        undone: segments it could not move
        """
        self.failures = 0
        self.tries = self.tries + 1 if undone and fingerprint == self.settled else 1
        self.settled = fingerprint
        self.next_scan = self._following(now)
        # What could not be moved is tried again with every scan at first, hourly in the end.
        again = min(self.interval * (self.tries - 1), max(3600.0 - self.interval, 0.0))
        self.settled_until = self.next_scan + again if undone else float("inf")

    def paused(self, now: float) -> float:
        """A run has ended because nothing works; return the seconds until the next one."""
        delay = min(_PAUSES[min(self.failures, len(_PAUSES) - 1)], max(self.interval, _PAUSES[0]))
        delay *= 1 - self.share / 3
        self.failures += 1
        self.settled = None
        self.next_scan = now + delay
        return delay

    def at_once(self, now: float) -> None:
        """Something has changed outside: new credentials, for example."""
        self.failures = 0
        self.settled = None
        self.next_scan = now
