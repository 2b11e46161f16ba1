"""Have what FFmpeg wrote reach the disk, so that a power cut, too, costs seconds and not the half minute that the
kernel may keep it in memory (I4).
"""

from __future__ import annotations

import _thread
import os
import time

SHORTEST = 2.0
_SHARE = 50


class Syncer:
    """Syncs the file being recorded, in a thread: a slow disk may take its time, the supervisor may not.

    It spends a fiftieth of its time on it, so that 64 recorders on one slow disk sync less often, not all the time.
    The thread lives for one sync only: were it still there when the supervisor is killed, FFmpeg would get its death
    signal once for each of the two threads, and the second one keeps it from finishing its file (measured on 7.1).
    """

    def __init__(self) -> None:
        self._busy = False
        self._next = 0.0

    def sync(self, path: str, now: float) -> None:
        """Have a file synced, unless that is going on or was done just now. now: monotonic seconds."""
        if not self._busy and now >= self._next:
            self._busy = True
            _thread.start_new_thread(self._work, (path,))

    def _work(self, path: str) -> None:
        began = time.monotonic()
        self._flush(path)
        ended = time.monotonic()
        # A little less than the time between two reports of FFmpeg, which is when we are asked.
        self._next = ended + max(SHORTEST - 0.5, _SHARE * (ended - began))
        self._busy = False

    @staticmethod
    def _flush(path: str) -> None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return  # it was closed and published meanwhile, which syncs it, too
        try:
            os.fdatasync(descriptor)
        except OSError:
            return  # FFmpeg meets the same error when it writes, and ends
        finally:
            os.close(descriptor)
