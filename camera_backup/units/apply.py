"""Do what a plan says, in an order in which dying at any point loses nothing: the next run finishes the work.

Footage is not touched here (I5): only unit files, credential files, links of targets, and running services.
"""

from __future__ import annotations

import os
from typing import Sequence

from camera_backup import directories, files
from camera_backup.units import names
from camera_backup.units.changes import Change, is_unit
from camera_backup.units.host import Host
from camera_backup.units.pending import Pending, owed, write
from camera_backup.units.plan import Plan
from camera_backup.units.render import Files
from camera_backup.units.systemd import Systemctl, Unit

_TOGETHER = 32
_WELL = ("active", "reloading")


def apply(plan: Plan, wanted: Files, host: Host, root: str, systemctl: Systemctl | None, services: bool) -> list[str]:
    """Carry out a plan; return one line per service that did not come up; raise HostError or OSError.

    services: also enable, restart and start; otherwise the restarts stay remembered
    """
    if systemctl is None:
        _write_files(plan, wanted, host, root)
        return []
    # Written first and settled last: a run that dies in between loses no restart (I5, I6).
    write(root, Pending(plan.reloads(services), plan.services.owed))
    if plan.stop:
        systemctl("stop", *plan.stop)
    _write_files(plan, wanted, host, root)
    if services and plan.services.enable:
        systemctl("enable", "--no-reload", *plan.services.enable)
    if plan.reloads(services):
        systemctl("daemon-reload")
    if plan.forget:
        systemctl.attempt("reset-failed", *plan.forget)
    due = _settle(plan, root, systemctl)
    return _serve(plan, due, root, systemctl) if services else []


def _write_files(plan: Plan, wanted: Files, host: Host, root: str) -> None:
    for link in plan.links:
        os.unlink(names.under(root, link))
    for directory in plan.directories:
        directories.make(root, directory, host.user)
    # Credentials before units: a unit never names a file that is not there.
    for change in sorted(plan.files, key=lambda change: is_unit(change.path)):
        _write(change, wanted, host, names.under(root, change.path))
    for touched in {os.path.dirname(names.under(root, change.path)) for change in plan.files if change.real}:
        files.sync_directory(touched)


def _write(change: Change, wanted: Files, host: Host, path: str) -> None:
    if change.action == "remove":
        # Only what carries our fingerprint gets this action (see `changes`).
        os.unlink(path)
    elif change.action in ("create", "update"):
        directories.make_parents(path)
        files.replace(path, change.after, wanted[change.path].mode, entry=False)
    elif change.action == "mode":
        os.chown(path, host.root_uid, -1, follow_symlinks=False)
        os.chmod(path, wanted[change.path].mode)


def _settle(plan: Plan, root: str, systemctl: Systemctl) -> Pending:
    """All files are there and read: from now on a unit whose invocation changes has been restarted, by whomever."""
    units = systemctl.show(plan.services.owed) if plan.services.owed else {}
    restart = {unit: now.invocation for unit, now in units.items() if unit in plan.services.owed}
    due = Pending(restart={unit: plan.services.owed[unit] or invocation for unit, invocation in restart.items()})
    write(root, due)
    return due


def _serve(plan: Plan, due: Pending, root: str, systemctl: Systemctl) -> list[str]:
    for verb, units in (("restart", plan.services.restart), ("start", plan.services.start)):
        for few in batches(units):
            systemctl.attempt(verb, *few)
    restarted = systemctl.show(plan.services.restart) if plan.services.restart else {}
    write(root, Pending(restart=owed(due, restarted)))
    touched = sorted({*plan.services.restart, *plan.services.start})
    down = [name for name, state in zip(touched, systemctl.active(touched) if touched else ()) if state not in _WELL]
    return [_down(name, unit) for name, unit in sorted((systemctl.show(down) if down else {}).items())]


def batches(units: Sequence[str]) -> list[Sequence[str]]:
    """Divide units into those that are started together.

    Within a batch systemd works side by side, and one that fails does not hold up the others. But a sandbox takes the
    longer the more are set up at once: 256 kept two processors busy for longer than the start time-out, and none came
    up (measured with systemd 257).
    """
    return [units[first : first + _TOGETHER] for first in range(0, len(units), _TOGETHER)]


def _down(name: str, unit: Unit) -> str:
    return "%s did not start (%s); see: journalctl -u %s" % (name, unit.result or unit.active, name)
