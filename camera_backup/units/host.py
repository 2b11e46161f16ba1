"""What there is on this host of ours, or in the place of ours. Reads, decides nothing."""

from __future__ import annotations

import glob
import os
import stat
from typing import Callable, Iterable, Iterator, Mapping, NamedTuple

from camera_backup import account
from camera_backup.units import names, pending
from camera_backup.units.systemd import Systemctl, Unit

_LARGEST = 1 << 20


class Found(NamedTuple):
    """What is at a path.

    kind: `file`, `directory`, `link` or `other`
    text: content of a file (at most 1 MiB), target of a link
    """

    kind: str
    text: str
    mode: int
    uid: int


class Host(NamedTuple):
    """A host as it is.

    found: what lies at the paths we asked for, under names like ours, and as links that start units of ours
    directories: likewise, links followed
    units: what systemd knows; None where no systemd runs
    orphans: running units of ours without a file
    pending: what an earlier run still owes
    user: numbers of the service user, None when there is none yet
    root_uid: whom files of root belong to: 0, or the ordinary user who writes a preview
    """

    found: Mapping[str, Found] = {}  # noqa: RUF012
    directories: Mapping[str, Found] = {}  # noqa: RUF012
    units: Mapping[str, Unit] | None = None
    orphans: tuple[str, ...] = ()
    pending: pending.Pending = pending.Pending()
    user: account.Ids | None = None
    root_uid: int = 0

    def unit(self, name: str) -> Unit:
        """Return what systemd knows of a unit; nothing where no systemd runs."""
        return (self.units or {}).get(name, Unit())


def read(root: str, paths: Iterable[str], directories: Iterable[str], systemctl: Systemctl | None) -> Host:
    """Given the root directory and the paths we are going to write, return the host as it is."""
    names_like_ours = {*_similar(root, names.UNITS), *_similar(root, names.CREDENTIALS), *_links(root)}
    found = _present(root, sorted({*paths, *names_like_ours}), os.lstat)
    host = Host(found, _present(root, directories, os.stat), user=account.find(root), root_uid=os.geteuid())
    if systemctl is None:
        return host
    ours = {os.path.basename(path) for path in (*paths, *found) if path.endswith(".service")}
    # By pattern systemd shows what it has loaded; a unit that is also named would be shown, and cost, twice.
    units = systemctl.show([names.RECORDERS, names.UPLOADER])
    others = sorted(ours - set(units))
    units.update(systemctl.show(others) if others else {})
    return host._replace(units=units, orphans=tuple(_orphans(units, found)), pending=pending.read(root))


def _present(root: str, paths: Iterable[str], stat_of: Callable[[str], os.stat_result]) -> dict[str, Found]:
    looked = ((path, _look(names.under(root, path), stat_of)) for path in paths)
    return {path: found for path, found in looked if found is not None}


def _look(path: str, stat_of: Callable[[str], os.stat_result]) -> Found | None:
    try:
        status = stat_of(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISREG(status.st_mode):
        with open(path, encoding="utf-8", errors="replace") as stream:
            return Found("file", stream.read(_LARGEST), mode, status.st_uid)
    if stat.S_ISLNK(status.st_mode):
        return Found("link", os.readlink(path), mode, status.st_uid)
    return Found("directory" if stat.S_ISDIR(status.st_mode) else "other", "", mode, status.st_uid)


def _similar(root: str, directory: str) -> Iterator[str]:
    """Paths in a directory that have a name like ours."""
    try:
        entries = os.listdir(names.under(root, directory))
    except FileNotFoundError:
        return
    yield from (os.path.join(directory, entry) for entry in entries if names.is_ours(entry))


def _links(root: str) -> Iterator[str]:
    """Links with a name like ours through which targets start units."""
    units = names.under(root, names.UNITS)
    for kind in ("wants", "requires"):
        for path in glob.iglob(os.path.join(glob.escape(units), "*." + kind, "camera-*.service")):
            if names.is_ours(os.path.basename(path)):
                yield os.path.join(names.UNITS, os.path.relpath(path, units))


def _orphans(units: dict[str, Unit], found: Mapping[str, Found]) -> Iterator[str]:
    """Units whose file is gone but whose process is our recorder: the name alone would not prove that it is ours."""
    for name, unit in units.items():
        camera = names.camera_of(name)
        fileless = names.path_of(name) not in found
        if camera and unit.up and fileless and command(unit.pid)[-2:] == ["record", camera]:
            yield name


def command(pid: int) -> list[str]:
    """Return the arguments of a process, none when there is no such process."""
    try:
        with open("/proc/%d/cmdline" % pid, encoding="utf-8", errors="replace") as stream:
            return stream.read().split("\0")[:-1]
    except OSError:
        return []
