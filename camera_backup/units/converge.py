"""Make a host what a configuration says, from reading to restarting. What the command and Ansible's module call."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import Iterator, Mapping, NamedTuple

from camera_backup import account, directories
from camera_backup.config import advice
from camera_backup.errors import HostError
from camera_backup.model import Config
from camera_backup.units import host, names, program, render
from camera_backup.units.apply import apply
from camera_backup.units.changes import Change
from camera_backup.units.plan import Plan, plan
from camera_backup.units.systemd import Systemctl, Unit


class Renewed(NamedTuple):
    """One service that was restarted.

    camera: empty for the uploader
    gap: seconds of its camera that were not recorded, as its own ledger says; None when it did not record before
    problem: why it is not well now, or empty
    """

    unit: str
    camera: str
    gap: float | None
    problem: str


class Outcome(NamedTuple):
    """What was done, or would be.

    services: enabling, restarting and starting was part of it
    failed: one line per service that did not come up
    warnings: what else to know
    handed: what happened to the configuration itself, when it was handed in; its texts are masked
    renewed: services that were restarted one at a time
    units: what systemd knew before anything was done
    """

    plan: Plan
    services: bool
    failed: list[str]
    warnings: list[str]
    handed: tuple[Change, ...] = ()
    renewed: tuple[Renewed, ...] = ()
    units: Mapping[str, Unit] = {}  # noqa: RUF012

    @property
    def changed(self) -> bool:
        """Something was done, or would be."""
        return self.plan.changed(self.services) or bool(self.renewed) or any(c.real for c in self.handed)


def converge(
    config: Config,
    root: str = "/",
    systemctl: Systemctl | None = None,
    services: bool = False,
    check: bool = False,
    programs: str | None = None,
) -> Outcome:
    """Given a valid configuration, write and prune files, tell systemd, and return what was done.

    root: directory that stands for `/`
    systemctl: None where no systemd runs; then files are all there is
    services: also enable, restart and start what needs it
    check: change nothing, return what would be done
    programs: directory of the installed programs, if not that of the running code

    Raises HostError when the machine refuses: no permission, no service user, a full disk, systemd.
    """
    wanted = render.wanted(config, programs or program.directory())
    places = [directories.CREDENTIALS, *map(directories.storage, _storage(config))]
    try:
        if check:
            todo = _plan(wanted, places, root, systemctl)[0]
            return Outcome(todo, services, [], _warnings(config, todo))
        _require_account(root)
        image = root != "/" and systemctl is None
        with contextlib.nullcontext() if image else _alone(root):
            todo, found = _plan(wanted, places, root, systemctl)
            done = todo.changed(services)
            failed = apply(todo, wanted, found, root, systemctl, services) if done else []
            return Outcome(todo, services, failed, _warnings(config, todo), units=found.units or {})
    except OSError as error:
        raise HostError("%s: %s" % (error.filename or "this machine", error.strerror)) from error


def preview(config: Config, programs: str) -> Outcome:
    """Given a valid configuration and where its programs will be, return what `converge` would do to a host on which
    nothing of ours is yet.
    """
    wanted = render.wanted(config, programs)
    places = [directories.CREDENTIALS, *map(directories.storage, _storage(config))]
    return Outcome(plan(wanted, places, host.Host(units={})), True, [], advice.warnings(config))


def _storage(config: Config) -> list[str]:
    """Directories that must be there: a service whose writable directory is missing cannot even start."""
    return [os.path.normpath(path) for path in (config.storage.local_path, config.storage.state_path)]


def _warnings(config: Config, todo: Plan) -> list[str]:
    return [*advice.warnings(config), *program.warnings(), *todo.warnings]


def _plan(
    wanted: render.Files, places: list[directories.Directory], root: str, systemctl: Systemctl | None
) -> tuple[Plan, host.Host]:
    found = host.read(root, wanted, [place.path for place in places], systemctl)
    return plan(wanted, places, found), found


def _require_account(root: str) -> None:
    """In an image the account may still come; on a running host no unit would start without it."""
    lacking = account.missing(root) if root == "/" else []
    if lacking:
        raise HostError("this machine has no %s: run camera-backup-install first" % " and no ".join(lacking))


@contextlib.contextmanager
def _alone(root: str) -> Iterator[None]:
    """Two runs at a time would undo each other."""
    path = names.under(root, names.LOCK)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HostError("another camera-backup-generate is at work on this machine; wait for it") from None
        yield
    finally:
        os.close(descriptor)
