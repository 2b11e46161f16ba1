"""When the waiting parent does what. Pure: it is told the time and what happened, and says what is next."""

from __future__ import annotations

from dataclasses import dataclass

_PAUSES = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
"""Seconds until the bucket is tried again while nothing works. It never gives up."""


@dataclass
class Agenda:
    """Times in seconds of any one clock.

    interval: `upload.check_interval`
    next_scan: when to look at the directories again
    settled: the fingerprint of what a run has left behind on purpose: files that are kept, or cannot be moved now
    settled_until: when to try that again all the same
    """

    interval: float
    next_scan: float = 0.0
    failures: int = 0
    settled: int | None = None
    settled_until: float = 0.0
    tries: int = 0

    def scanned(self, now: float, segments: int, leftovers: int, fingerprint: int) -> bool:
        """Given what a scan has found, say whether to start a worker."""
        self.next_scan = now + self.interval
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
        # What could not be moved is tried again with every scan at first, hourly in the end.
        again = min(self.interval * self.tries, max(3600.0, self.interval))
        self.settled_until = now + again if undone else float("inf")
        self.next_scan = now + self.interval

    def paused(self, now: float) -> float:
        """A run has ended because nothing works; return the seconds until the next one."""
        delay = min(_PAUSES[min(self.failures, len(_PAUSES) - 1)], max(self.interval, _PAUSES[0]))
        self.failures += 1
        self.settled = None
        self.next_scan = now + delay
        return delay

    def at_once(self, now: float) -> None:
        """Something has changed outside: new credentials, for example."""
        self.failures = 0
        self.settled = None
        self.next_scan = now
