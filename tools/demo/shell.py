"""Types the commands of the demo as a user would, and shows that."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path
from typing import Iterator, Sequence

from tests.support.processes import Program

PROGRAM = Path(sys.executable).with_name("camera-backup")


def say(line: str = "") -> None:
    """Print a line now, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run(*words: str, program: Path = PROGRAM) -> int:
    """Show a command, run it to its end on this terminal, and return its exit code."""
    say("$ %s %s" % (program.name, " ".join(words)))
    try:
        return finish(program, *words)
    finally:
        say()


def finish(program: Path, *words: str) -> int:
    """Run a command to its end on this terminal, and return its exit code."""
    process = subprocess.Popen([program, *words])
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait()


@contextlib.contextmanager
def started(log: Path, *words: str) -> Iterator[Program]:
    """Show a command that is started in the background, run it, and end it in order when the block ends.

    It gets a session of its own: Ctrl-C reaches the demo alone, which then stops its programs one after the other.
    """
    say("$ camera-backup %s &" % " ".join(words))
    program = Program([str(PROGRAM), *words], log)
    try:
        yield program
    finally:
        program.stop(20)


def check_running(programs: Sequence[Program]) -> None:
    """Raise RuntimeError with its last words when a program that should run has ended."""
    for program in programs:
        if program.process.poll() is not None:
            raise RuntimeError("%s ended with %s:\n%s" % (program.log.stem, program.process.returncode, program.tail()))
