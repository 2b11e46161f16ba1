"""Start child processes and read their pipes, without `subprocess` (1.3 MB, times 64 recorders)."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Sequence

_LONGEST_LINE = 65536
_HIGH = 100


def which(program: str) -> str | None:
    """Return the absolute path of a program, given as a path or as a name on PATH; None when there is none."""
    candidates = [program] if "/" in program else ["%s/%s" % (place, program) for place in os.get_exec_path()]
    for path in candidates:
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return os.path.abspath(path)
    return None


def spawn(command: Sequence[str], environment: Mapping[str, str], descriptors: Mapping[int, int]) -> int:
    """Start a program and return its process id.

    descriptors: number in the child → descriptor of ours. 0, 1 and 2 are /dev/null where not given.

    It gets a session of its own, so that a Ctrl-C at a terminal reaches the supervisor alone; the supervisor ends its
    children in order. Raise OSError when the program cannot be started.
    """
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = []
    for number in (0, 1, 2):
        if number not in descriptors:
            actions.append((os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0))
    # Out of the way first: else one of ours could have the number that another one gets in the child.
    lifted = [fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, _HIGH) for ours in descriptors.values()]
    actions += [(os.POSIX_SPAWN_DUP2, high, number) for number, high in zip(descriptors, lifted)]
    try:
        return os.posix_spawn(
            command[0],
            list(command),
            dict(environment),
            file_actions=actions,
            setsid=True,
            setsigmask=(),
            setsigdef=(signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD),
        )
    finally:
        for high in lifted:
            os.close(high)


def dying_with_us(command: Sequence[str], name: str = "TERM") -> list[str]:
    """Return a command that gets a signal when this process ends, however it ends.

    Without it FFmpeg would go on writing, unwatched, after the supervisor was killed by hand. Under systemd the control
    group takes care of that, and the sandbox of the unit refuses setpriv's capset(2).
    """
    setpriv = None if "JOURNAL_STREAM" in os.environ else which("setpriv")
    return [setpriv, "--pdeathsig", name, "--", *command] if setpriv else list(command)


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of ours in a Python of its own; `-S`, for it needs nothing installed."""
    return [sys.executable, "-S", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """Return the environment of our Python children: nothing but what they need to find us and the journal."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    kept = {key: os.environ[key] for key in ("JOURNAL_STREAM", "PATH") if key in os.environ}
    return {**kept, "PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}


def capture(command: Sequence[str], variables: Mapping[str, str], content: str, seconds: float) -> str | None:
    """Run a short program with `content` on its standard input; return what it printed, None when it failed.

    It is killed after `seconds`: it holds nothing that could be lost.
    """
    (stdin, ours), (read, stdout) = os.pipe(), os.pipe()
    try:
        pid = spawn(command, variables, {0: stdin, 1: stdout, 2: 2})
        os.write(ours, content.encode())
    except OSError:
        os.close(read)
        return None
    finally:
        for descriptor in (stdin, ours, stdout):
            os.close(descriptor)
    lines, said = Lines(read), []
    deadline = time.monotonic() + seconds
    poll = select.poll()
    poll.register(read, select.POLLIN)
    while lines.open and time.monotonic() < deadline:
        poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        said += lines.read()
    if lines.open:
        send(pid, signal.SIGKILL)
        lines.close()
    _, status = os.waitpid(pid, 0)
    return "\n".join(said) if status == 0 else None


def reap(pid: int) -> int | None:
    """Return the exit status of a child that has ended (negative: the signal that ended it), None while it runs."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return -signal.SIGKILL
    if not ended:
        return None
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def send(pid: int, number: int) -> None:
    """Send a signal to a child of ours that was not reaped yet."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


class Lines:
    """The lines that come out of a pipe. Reading never blocks, and takes all there is: a full pipe stops FFmpeg."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self.open = True
        self._rest = b""

    def read(self) -> list[str]:
        """Return the whole lines that have come, and the unfinished last one once the pipe is closed."""
        content = self._rest + self._drain()
        lines = content.split(b"\n")
        self._rest = lines.pop()
        if (not self.open or len(self._rest) > _LONGEST_LINE) and self._rest:
            lines.append(self._rest)
            self._rest = b""
        return [line.decode("utf-8", "replace") for line in lines]

    def _drain(self) -> bytes:
        parts = []
        while self.open:
            try:
                part = os.read(self.descriptor, 65536)
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    break
                raise
            if not part:
                self.close()
            parts.append(part)
        return b"".join(parts)

    def close(self) -> None:
        """Close our end."""
        if self.open:
            self.open = False
            os.close(self.descriptor)
