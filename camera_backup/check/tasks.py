"""Side by side, and gone when interrupted: threads that nobody waits for longer than for their results."""

from __future__ import annotations

import threading
from typing import Callable, Generic, TypeVar

T = TypeVar("T")


class Task(Generic[T]):
    """An action that runs in a thread of its own as soon as one of `places` is free.

    A pool of concurrent.futures would make Ctrl-C wait for every time limit of the network.
    """

    def __init__(self, action: Callable[[], T], places: threading.Semaphore) -> None:
        self._action = action
        self._places = places
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._places:
            try:
                self._value = self._action()
            except BaseException as error:  # handed to the caller of result()
                self._error = error

    def result(self) -> T:
        """Return what the action returned, when it has; raise what it raised."""
        self._thread.join()
        if hasattr(self, "_error"):
            raise self._error
        return self._value

    def abandon(self, seconds: float) -> None:
        """Wait for the end of the action, but not longer than this."""
        self._thread.join(seconds)
