"""Both ends of the line between the waiting parent and its worker."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from camera_backup.uploader.parameters import Parameters

GRACE_SECONDS = 3
"""How long a worker that was told to end may take; what it has sent is in the catalog anyway."""

HANG_SECONDS = 600.0
"""A worker in which nothing at all has happened for so long is replaced: longer than any wait it may have."""

_NO_MEMORY = "this host has no memory left"


class Child:
    """A worker process, as its parent sees it.

    messages: what it has said, to be taken away by the reader; ended: its last word, once it has said it
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        """Start it; raise OSError when this host has nothing left to start it with.

        The parameters go through a pipe: argv and environment are readable by others (I7).
        """
        command = [sys.executable, "-m", "camera_backup.uploader.child"]
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            theirs_in, ours_out = os.pipe()
            theirs.callback(os.close, theirs_in)
            ours.callback(os.close, ours_out)
            ours_in, theirs_out = os.pipe()
            theirs.callback(os.close, theirs_out)
            ours.callback(os.close, ours_in)
            actions = [(os.POSIX_SPAWN_DUP2, theirs_in, 0), (os.POSIX_SPAWN_DUP2, theirs_out, 1)]
            # A group of its own: Ctrl-C at a terminal is for the parent, which ends the worker in order.
            self.pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions, setpgroup=0)
            ours.pop_all()
        self.descriptor = ours_in
        self._pending = b""
        self._ticks = -1
        self._alive_at = time.monotonic()
        _write_all(ours_out, json.dumps(parameters).encode())
        os.close(ours_out)

    def messages(self) -> list[dict[str, Any]] | None:
        """Return what it has said since last time; None when it has closed its end. Call when `descriptor` is ready."""
        data = os.read(self.descriptor, 65536)
        if not data:
            return None
        *lines, self._pending = (self._pending + data).split(b"\n")
        said = [json.loads(line) for line in lines]
        if any(message.get("ticks", self._ticks + 1) != self._ticks for message in said):
            self._alive_at = time.monotonic()
        for message in said:
            self._ticks = message.get("ticks", self._ticks)
        return said

    @property
    def hangs(self) -> bool:
        """Whether nothing has happened in it for too long."""
        return time.monotonic() - self._alive_at > HANG_SECONDS

    def tell(self, number: int) -> None:
        """Send it a signal."""
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return

    def end(self, seconds: float) -> int:
        """Wait for its end, insist after `seconds`; return its exit status (negative: the signal that ended it)."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return self._gone(status)
            time.sleep(0.02)
        self.tell(signal.SIGKILL)
        return self._gone(os.waitpid(self.pid, 0)[1])

    def _gone(self, status: int) -> int:
        os.close(self.descriptor)
        return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _write_all(descriptor: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except BrokenPipeError:
        return  # it died at once; its end will be noticed


def say(message: Mapping[str, Any]) -> bool:
    """In the worker: tell the parent; return False when there is none any more."""
    line = json.dumps(message).encode() + b"\n"
    try:
        select.select([], [1], [], 10)
        os.write(1, line)
    except OSError:
        return False
    return True


def main() -> int:
    """The worker process."""
    from camera_backup.bucket.stopping import Stop
    from camera_backup.errors import CameraBackupError
    from camera_backup.uploader import lease, parameters

    value = json.load(sys.stdin)
    given = parameters.parse(value, "standard input")
    needed = value.get("needed")
    if needed is not None:
        return _sweep(given, needed, value["least"])
    stop = Stop()

    def asked(*_: object) -> None:
        stop.set()
        # What cannot be interrupted (a name server, a slow disk) is not waited for: SIGALRM ends us. The catalog
        # survives that at any moment.
        signal.alarm(GRACE_SECONDS)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, asked)
    lease.prepare()

    def report(message: Mapping[str, Any]) -> None:
        if not say(message):
            asked()  # without a parent nobody would ever end us

    try:
        from camera_backup.uploader import worker

        result = worker.work(given, stop, report).as_json()
    except CameraBackupError as error:
        result = {"proven": 0, "undone": [], "pause": ["pause", "host", str(error)]}
    except MemoryError:
        result = {"proven": 0, "undone": [], "pause": ["pause", "memory", _NO_MEMORY]}
    except ImportError as error:  # a library for which there was no memory, or a damaged installation
        result = {"proven": 0, "undone": [], "pause": ["pause", "host", "the uploader cannot be loaded: %s" % error]}
    say({"end": result})
    return 0


def _sweep(given: Parameters, needed: int, least: int) -> int:
    """The process that makes room. A signal ends it at any moment, and that loses nothing."""
    from camera_backup.errors import CameraBackupError
    from camera_backup.uploader import lease, sweep

    lease.prepare()
    try:
        result = sweep.sweep(given, needed, least).as_json()
    except CameraBackupError as error:
        result = {"error": str(error)}
    except MemoryError:
        result = {"error": _NO_MEMORY}
    say({"end": result})
    return 0


if __name__ == "__main__":
    sys.exit(main())
