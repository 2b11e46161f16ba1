"""Start a program, wait until it serves, and be sure that it ends with us, whatever ends us."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterator, Mapping, Sequence


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback address that nobody uses at this moment, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30.0, interval: float = 0.05) -> None:
    """Return when `condition()` is true; raise TimeoutError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("not within %g s: %s" % (seconds, what))
        time.sleep(interval)


def listening(port: int) -> bool:
    """Say whether something accepts connections at a loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Program:
    """A child process with its output in a file.

    Its own session keeps Ctrl-C of the terminal from it (we stop it, in order); the death signal of setpriv stops
    it when we are killed.
    """

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        self.name = Path(command[0]).name
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=None if environment is None else dict(environment),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_for_port(self, port: int, seconds: float = 30.0) -> None:
        """Return when the program accepts connections; raise RuntimeError with its output if it ends before."""

        def ready() -> bool:
            if self.process.poll() is not None:
                raise RuntimeError("%s ended with %s:\n%s" % (self.name, self.process.returncode, self.tail()))
            return listening(port)

        wait_until(ready, "port %d of %s" % (port, self.name), seconds)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def stop(self, seconds: float = 5.0) -> int:
        """Ask it to end, insist after `seconds`; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End it at once, as a power cut would; return its exit status."""
        self.process.kill()
        return self.process.wait()


@contextlib.contextmanager
def running(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[Program]:
    """Give a running program that is stopped at the end."""
    program = Program(command, log, environment)
    try:
        yield program
    finally:
        program.stop()
