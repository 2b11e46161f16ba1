"""Decide what to do so that a host becomes what the configuration says. Pure: values in, a plan out.

Invariant I5: a unit is stopped only when its camera is gone, restarted only when a file that it reads changed; footage
is not among the things a plan can touch. A file that we did not write is never replaced nor removed.
"""

from __future__ import annotations

import os
from typing import Collection, Mapping, NamedTuple, Sequence

from camera_backup import account
from camera_backup.directories import Directory
from camera_backup.units import names, pending
from camera_backup.units.changes import Change, changes, is_unit
from camera_backup.units.host import Host
from camera_backup.units.render import Files


class Services(NamedTuple):
    """What running services need. `owed`: unit to restart → the invocation to replace, empty for the present one."""

    enable: tuple[str, ...] = ()
    owed: Mapping[str, str] = {}  # noqa: RUF012
    start: tuple[str, ...] = ()

    @property
    def restart(self) -> tuple[str, ...]:
        """Units to restart."""
        return tuple(sorted(self.owed))


class Plan(NamedTuple):
    """Everything to do.

    stop: units whose camera is gone; links: what would start them
    directories: to make, or to close to others; files: every path of ours, also those that stay
    reload: systemd must read its files again; forget: gone units, whose last failure is of no interest any more
    refused: why a wanted unit cannot be; warnings: what else to know
    """

    stop: tuple[str, ...]
    links: tuple[str, ...]
    directories: tuple[Directory, ...]
    files: tuple[Change, ...]
    reload: bool
    forget: tuple[str, ...]
    services: Services
    refused: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def touches(self) -> bool:
        """Something is done even when services are left to the operator."""
        return bool(self.stop or self.links or self.directories or self.reload) or any(f.real for f in self.files)

    def reloads(self, services: bool) -> bool:
        """Say whether systemd reads its files again; `services`: enabling included, which 254 and newer ask it for."""
        return self.reload or (services and bool(self.services.enable))

    def changed(self, services: bool) -> bool:
        """Say whether anything is done; `services`: enabling, restarting and starting included."""
        return self.touches or (services and any(self.services))


def plan(wanted: Files, directories: Collection[Directory], host: Host) -> Plan:
    """Given the files and directories that should be, and the host as it is, return what to do."""
    files = changes(wanted, host)
    gone = _gone(files, host, wanted)
    links = _dead_links(files, host, wanted)
    touched = any(change.real and is_unit(change.path) for change in files)
    return Plan(
        stop=tuple(unit for unit in gone if host.unit(unit).up),
        links=tuple(links),
        directories=tuple(directory for directory in directories if not _fits(directory, host)),
        files=tuple(files),
        reload=host.units is not None and (touched or bool(links) or host.pending.reload or _stale(host, wanted)),
        forget=tuple(gone),
        services=_services(files, host, wanted),
        refused=tuple(_refused(files, wanted, host)),
        warnings=tuple(_warnings(files, directories, wanted, host)),
    )


def _units(wanted: Files) -> set[str]:
    return {rendered.unit for rendered in wanted.values()}


def _gone(files: Sequence[Change], host: Host, wanted: Files) -> list[str]:
    """Units that systemd knows and that lose their file now, or lost it before but still run."""
    dropped = {change.unit for change in files if change.action == "remove" and is_unit(change.path)}
    return sorted((dropped & set(host.units or ())) | (set(host.orphans) - _units(wanted)))


def _dead_links(files: Sequence[Change], host: Host, wanted: Files) -> list[str]:
    """Links to unit files of ours that are not wanted and that are not, or soon no longer, there."""
    staying = {change.path for change in files if change.action != "remove"}
    dead = []
    for link, found in host.found.items():
        unit = names.path_of(os.path.basename(link))
        target = os.path.normpath(os.path.join(os.path.dirname(link), found.text))
        if found.kind == "link" and not is_unit(link) and target == unit and unit not in staying:
            dead.append(link)
    return sorted(dead)


def _stale(host: Host, wanted: Files) -> bool:
    return any(host.unit(unit).stale for unit in _units(wanted))


def _services(files: Sequence[Change], host: Host, wanted: Files) -> Services:
    if host.units is None:
        return Services()
    blocked = {change.unit for change in files if change.action == "foreign"}
    units = sorted(unit for unit in _units(wanted) - blocked if host.unit(unit).load != "masked")
    rewritten = {change.unit for change in files if change.action in ("create", "update")}
    owed = {unit: "" for unit in units if unit in rewritten and host.unit(unit).up}
    left = pending.owed(host.pending, host.units)
    owed.update({unit: left[unit] for unit in units if unit in left and unit not in owed})
    return Services(
        enable=tuple(unit for unit in units if host.unit(unit).enabled != "enabled"),
        owed=owed,
        start=tuple(unit for unit in units if not host.unit(unit).up),
    )


def _fits(directory: Directory, host: Host) -> bool:
    """It is there; and what holds secrets is closed (I7). The mode of other directories is the operator's choice."""
    found = host.directories.get(directory.path)
    closed = not directory.secret or found is None or (found.mode, found.uid) == (directory.mode, host.root_uid)
    return found is not None and closed


def _refused(files: Sequence[Change], wanted: Files, host: Host) -> list[str]:
    why = "%s was not written by camera-backup and is left alone; move it away, then run this again"
    foreign = (change.path for change in files if change.action == "foreign" and change.path in wanted)
    return [why % path for path in foreign if not _is_mask(path, host)]


def _warnings(files: Sequence[Change], directories: Collection[Directory], wanted: Files, host: Host) -> list[str]:
    foreign = {change.path for change in files if change.action == "foreign"}
    masked = sorted(path for path in foreign & set(wanted) if _is_mask(path, host))
    return [
        *("%s was not written by us, despite its name; left alone" % path for path in sorted(foreign - set(wanted))),
        *("%s is masked and stays so; systemctl unmask it to record" % os.path.basename(path) for path in masked),
        *_unwritable(directories, host),
    ]


def _is_mask(path: str, host: Host) -> bool:
    return host.found[path].kind == "link" and host.found[path].text == "/dev/null"


def _unwritable(directories: Collection[Directory], host: Host) -> list[str]:
    """Directories that the services could not write to."""
    lines = []
    for directory in directories:
        found = host.directories.get(directory.path)
        if directory.service and found and host.user and found.uid != host.user.uid and not found.mode & 0o002:
            owner = "chown %s: %s" % (account.USER, directory.path)
            lines.append("%s does not belong to %s, who must write there: %s" % (directory.path, account.USER, owner))
    return lines
