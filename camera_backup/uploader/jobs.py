"""What is to be done next, for all threads of a run."""

from __future__ import annotations

import threading
import time
from typing import Callable, Iterator

from camera_backup.uploader.mover import Job


class Jobs:
    """Hands out jobs one by one, each once. Looks for more when there is none left, and when the last look is old:
    on a slow line a backlog takes days, and what is recorded meanwhile has its turn, too.

    look: finds the jobs that were not handed out yet, in their order; every: seconds a look is good for
    tried: the jobs that were handed out, as (camera, name)
    """

    def __init__(
        self,
        look: Callable[[], Iterator[Job]],
        every: float,
        tried: set[tuple[str, str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._every = every
        self._tried = tried
        self._clock = clock
        self._lock = threading.Lock()
        self._found: Iterator[Job] = iter(())
        self._old_at = 0.0
        self._empty = False

    def next(self) -> Job | None:
        """Return the next job, None when there is none."""
        with self._lock:
            if self._clock() >= self._old_at:
                self._renew()
            job = next(self._found, None)
            if job is None and not self._empty:
                self._renew()
                job = next(self._found, None)
            # One look that finds nothing is enough for all threads.
            self._empty = job is None
            if job is not None:
                self._tried.add((job.camera, job.name))
            return job

    def _renew(self) -> None:
        self._found = self._look()
        self._old_at = self._clock() + self._every
        self._empty = False
