"""Decide what happens to each file of ours, and tell ours from foreign. Pure."""

from __future__ import annotations

import json
import os
from typing import NamedTuple

from camera_backup.units import names
from camera_backup.units.host import Found, Host
from camera_backup.units.render import Files, Rendered


class Change(NamedTuple):
    """What happens to one path.

    action: `create`, `update`, `mode` (only owner or permissions are wrong), `remove`, `unchanged`, or `foreign`
        (not written by us, left alone)
    before, after: text, empty where there is none
    """

    path: str
    action: str
    secret: bool = False
    before: str = ""
    after: str = ""

    @property
    def real(self) -> bool:
        """Something is done."""
        return self.action not in ("unchanged", "foreign")

    @property
    def unit(self) -> str:
        """The service that reads this file."""
        return os.path.splitext(os.path.basename(self.path))[0] + ".service"


def changes(wanted: Files, host: Host) -> list[Change]:
    """Given the files that should be and the host as it is, return what happens to each, sorted by path."""
    kept = [_keep(path, rendered, host) for path, rendered in wanted.items()]
    return sorted([*kept, *(_drop(path, found) for path, found in host.found.items() if _left_over(path, wanted))])


def is_unit(path: str) -> bool:
    """Say whether a path is that of a unit file."""
    return os.path.dirname(path) == names.UNITS


def _left_over(path: str, wanted: Files) -> bool:
    """It lies among our files under a name like ours, and the configuration knows nothing of it."""
    place, name = os.path.split(path)
    return path not in wanted and place in (names.UNITS, names.CREDENTIALS) and names.is_ours(name)


def _keep(path: str, rendered: Rendered, host: Host) -> Change:
    found = host.found.get(path)
    if found is None:
        return Change(path, "create", rendered.secret, "", rendered.text)
    if found.kind != "file" or (is_unit(path) and not _ours(path, found)):
        return Change(path, "foreign", rendered.secret)
    return Change(path, _action(rendered, found, host), rendered.secret, found.text, rendered.text)


def _action(rendered: Rendered, found: Found, host: Host) -> str:
    if found.text != rendered.text:
        return "update"
    return "unchanged" if (found.mode, found.uid) == (rendered.mode, host.root_uid) else "mode"


def _drop(path: str, found: Found) -> Change:
    secret = not is_unit(path)
    return Change(path, "remove", secret, found.text) if _ours(path, found) else Change(path, "foreign", secret)


def _ours(path: str, found: Found) -> bool:
    """We wrote it, under this very name. A link, or a copy made by hand under another name, is somebody else's."""
    name = os.path.basename(path)
    if found.kind != "file":
        return False
    return names.carries_fingerprint(name, found.text) if is_unit(path) else _is_credential(name, found.text)


def _is_credential(name: str, text: str) -> bool:
    try:
        content = json.loads(text)
    except ValueError:
        return False
    return isinstance(content, dict) and "format" in content and content.get("camera") == names.camera_of(name)
