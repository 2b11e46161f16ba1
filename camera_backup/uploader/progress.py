"""What the threads of a worker are doing, for whoever looks: the live status, and the parent that notices a hang."""

from __future__ import annotations

import threading
from typing import Any


class Progress:
    """Counters of all threads. `ticks` grows as long as anything happens at all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: dict[int, list[Any]] = {}
        self.ticks = 0
        self.accepted = 0
        self.proven = 0

    def begin(self, thread: int, camera: str, name: str, size: int) -> None:
        """A thread has taken a segment."""
        with self._lock:
            self._current[thread] = [camera, name, size, 0]
        self.ticks += 1

    def sent(self, thread: int, count: int) -> None:
        """Bytes of its segment leave."""
        self._current[thread][3] += count
        self.ticks += 1

    def accept(self, count: int) -> None:
        """The store has accepted so many bytes: what left more than once counts once."""
        with self._lock:
            self.accepted += count

    def tick(self) -> None:
        """Something happened, though nothing left."""
        self.ticks += 1

    def end(self, thread: int, proven: bool) -> None:
        """The thread has laid its segment down."""
        with self._lock:
            self._current.pop(thread, None)
            self.proven += proven
        self.ticks += 1

    def as_json(self) -> dict[str, Any]:
        """Return all that the parent wants to know every second."""
        return {"current": self.current(), "ticks": self.ticks, "accepted": self.accepted}

    def current(self) -> list[dict[str, Any]]:
        """Return the segments on their way, as the live status shows them."""
        with self._lock:
            return [
                {"camera": camera, "name": name, "bytes": size, "sent": min(sent, size)}
                for camera, name, size, sent in self._current.values()
            ]
