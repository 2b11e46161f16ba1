"""The protocol of sd_notify(3): tell systemd how we are. Silent where there is no systemd."""

from __future__ import annotations

import _socket as socket  # its part in C; the part in Python costs 0.3 MB, times 64 recorders
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping


class Notifier:
    """Talks to the socket that NOTIFY_SOCKET names.

    every: seconds between two pings that WATCHDOG_USEC asks for (half of its limit), None when there is no watchdog
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._address = variables.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]
        self.every = self._watchdog(variables) if self._address else None

    @staticmethod
    def _watchdog(variables: Mapping[str, str]) -> float | None:
        limit = variables.get("WATCHDOG_USEC", "")
        if (
            not limit.isdigit()
            or int(limit) == 0
            or variables.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid())
        ):
            return None
        return int(limit) / 2e6

    @property
    def active(self) -> bool:
        """Whether systemd (or whoever started us like it) listens."""
        return bool(self._address)

    def send(self, assignment: str) -> bool:
        """Send a line such as `READY=1`; return whether it was taken.

        Never raises and never waits: a deaf or busy service manager must not hold up a recording.
        """
        if not self._address:
            return False
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            sender.sendto(assignment.encode(), self._address)
        except OSError:
            return False
        finally:
            sender.close()
        return True
