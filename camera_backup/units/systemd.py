"""Asking and telling systemd, through `systemctl`."""

from __future__ import annotations

import os
import subprocess
from typing import Callable, Iterable, NamedTuple, Sequence

from camera_backup.errors import HostError

_PROPERTIES = "Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload,InvocationID,MainPID,Result"


class Done(NamedTuple):
    """How a program ended."""

    code: int
    out: str
    err: str


Runner = Callable[[Sequence[str]], Done]
"""Runs a command; Ansible brings its own."""


class Unit(NamedTuple):
    """What systemd knows of a unit.

    load: `loaded`, `not-found`, `masked` …; active: `active`, `activating`, `failed`, `inactive` …
    enabled: `enabled`, `disabled`, empty …; stale: its files changed after systemd read them
    invocation: another text each time it is started; result: why it ended, `success` or `exit-code` …
    """

    load: str = "not-found"
    active: str = "inactive"
    enabled: str = ""
    stale: bool = False
    invocation: str = ""
    pid: int = 0
    result: str = ""

    @property
    def up(self) -> bool:
        """It runs, or tries to."""
        return up(self.active)


def up(active: str) -> bool:
    """Given a unit's state, say whether it runs, or tries to."""
    return active in ("active", "activating", "reloading")


def here() -> bool:
    """Say whether this machine was booted with systemd (sd_booted(3))."""
    return os.path.isdir("/run/systemd/system")


def run(command: Sequence[str]) -> Done:
    """Run a command to its end; raise HostError when there is no such program."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise HostError("%s is missing on this machine" % command[0]) from None
    return Done(done.returncode, done.stdout, done.stderr)


class Systemctl:
    """`systemctl`, by way of a runner."""

    def __init__(self, runner: Runner = run) -> None:
        self._run = runner

    def show(self, names: Iterable[str]) -> dict[str, Unit]:
        """Given names, or patterns of loaded units, return what systemd knows of each."""
        out = self("show", "--no-pager", "--property=" + _PROPERTIES, *names).out
        blocks = filter(None, (block.strip() for block in out.split("\n\n")))
        fields = [dict(line.split("=", 1) for line in block.splitlines()) for block in blocks]
        return {field["Id"]: _unit(field) for field in fields}

    def active(self, names: Iterable[str]) -> list[str]:
        """Given names, or patterns of loaded units, return the state of each: `active` … Much cheaper than `show`."""
        return self.attempt("is-active", *names).out.split()

    def __call__(self, verb: str, *arguments: str) -> Done:
        """Run a verb; raise HostError when systemctl refuses it."""
        done = self.attempt(verb, *arguments)
        if done.code:
            raise HostError("systemctl %s failed: %s" % (verb, _line(done)))
        return done

    def attempt(self, verb: str, *arguments: str) -> Done:
        """Run a verb that may fail."""
        return self._run(["systemctl", verb, *arguments])


def _unit(field: dict[str, str]) -> Unit:
    return Unit(
        load=field["LoadState"],
        active=field["ActiveState"],
        enabled=field.get("UnitFileState", ""),
        stale=field.get("NeedDaemonReload") == "yes",
        invocation=field.get("InvocationID", ""),
        pid=int(field.get("MainPID", 0)),
        result=field.get("Result", ""),
    )


def _line(done: Done) -> str:
    return " ".join((done.err or done.out).split()) or "exit code %d" % done.code
