"""What a process and its children cost: processor seconds and memory, as the kernel counts them."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, NamedTuple, Sequence

MIB = 1024 * 1024

_SAMPLE = 0.05


class Memory(NamedTuple):
    """Bytes: resident, with shared pages divided among their users, and of this process alone."""

    rss: int
    pss: int
    private: int


class Cost(NamedTuple):
    """What a finished command took. `cpu` and `wall` in seconds, `peak` the largest sum of RSS seen, in bytes."""

    status: int
    cpu: float
    wall: float
    peak: int
    output: str


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for task in os.listdir("/proc/%d/task" % one):
                found += map(int, Path("/proc/%d/task/%s/children" % (one, task)).read_text().split())
    return found


def memory(pid: int) -> Memory:
    """Return the memory of one process; raise OSError when it is gone."""
    fields = {}
    for line in Path("/proc/%d/smaps_rollup" % pid).read_text().splitlines()[1:]:
        name, value = line.split(":")
        fields[name] = int(value.split()[0]) * 1024
    return Memory(fields["Rss"], fields["Pss"], fields["Private_Clean"] + fields["Private_Dirty"])


def resident(pid: int) -> int:
    """Return the RSS of a process and its descendants together."""
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError, IndexError):
            total += int(Path("/proc/%d/statm" % one).read_text().split()[1])
    return total * resource.getpagesize()


def busy_seconds(pid: int) -> float:
    """Return the processor time of all threads of one living process, to the nanosecond, its children left out."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with contextlib.suppress(OSError):
            total += int(Path("/proc/%d/task/%s/schedstat" % (pid, task)).read_text().split()[0])
    return total / 1e9


@dataclass
class Peak:
    """The largest sum of RSS that a process and its descendants were seen with."""

    pid: int
    bytes: int = 0

    def watch(self, done: threading.Event) -> None:
        """Sample until done."""
        while not done.wait(_SAMPLE):
            self.bytes = max(self.bytes, resident(self.pid))


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, timeout: float = 600) -> Cost:
    """Run a command to its end and return its cost, its children included.

    Memory is sampled: `ru_maxrss` of a child begins with the memory of the parent that started it.
    """
    began = time.monotonic()
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        peak, done = Peak(process.pid), threading.Event()
        threads = [threading.Thread(target=peak.watch, args=(done,))]
        output = bytearray()
        threads.append(threading.Thread(target=lambda: output.extend(process.stdout.read() if process.stdout else b"")))
        threads.append(threading.Thread(target=_kill_late, args=(process.pid, done, timeout)))
        for thread in threads:
            thread.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            # Ctrl-C, for one: what was started ends with us, and nothing waits for its time-out.
            kill_family(process.pid)
            raise
        finally:
            done.set()
        for thread in threads:
            thread.join()
        process.returncode = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
    cpu = usage.ru_utime + usage.ru_stime
    text = output.decode(errors="replace")
    return Cost(process.returncode, cpu, time.monotonic() - began, peak.bytes, text)


def _kill_late(pid: int, done: threading.Event, timeout: float) -> None:
    if not done.wait(timeout):
        kill_family(pid)


def kill_family(pid: int) -> None:
    """SIGKILL a process and its descendants, as a power cut would: none may tidy up after another."""
    victims = family(pid)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for one in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, number)
