"""A wish to stop that ends every wait at once: a flag, and a descriptor to poll. Standard library only."""

from __future__ import annotations

import os
import select


class Stopped(Exception):  # noqa: N818  (an event of life, not an error)
    """We were asked to end; what was sent is remembered."""


class Stop:
    """Set once, from a signal handler or another thread; seen by every thread that waits."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._open = [self._reader, self._writer]
        self._set = False

    def fileno(self) -> int:
        """Return a descriptor that becomes readable, and stays so, when the wish is uttered."""
        return self._reader

    def set(self) -> None:
        """Ask to stop."""
        if not self._set:
            self._set = True
            if self._open:  # else the number may be another file's by now
                os.write(self._writer, b"x")

    def is_set(self) -> bool:
        """Say whether to stop."""
        return self._set

    def check(self) -> None:
        """Raise Stopped if we are to stop."""
        if self._set:
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds; raise Stopped at once when asked to stop."""
        self.wait_for(-1, 0, seconds)

    def wait_for(self, descriptor: int, events: int, seconds: float) -> int:
        """Wait until a descriptor (none if -1) is ready; return its events, 0 after `seconds`; raise Stopped."""
        self.check()
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        if descriptor >= 0:
            poll.register(descriptor, events)
        ready = dict(poll.poll(max(0, round(seconds * 1000))))
        self.check()
        return ready.get(descriptor, 0)

    def close(self) -> None:
        """Give the descriptors back; done by itself when nobody holds this object any more."""
        while self._open:
            os.close(self._open.pop())

    __del__ = close
