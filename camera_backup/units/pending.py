"""What a run still owes to systemd, remembered in `/run` so that no restart is lost when the run dies half-way, or when
the operator was to do it by hand. A reboot settles all of it, and empties `/run`.
"""

from __future__ import annotations

import json
import os
from typing import Mapping, NamedTuple

from camera_backup import files
from camera_backup.units import names
from camera_backup.units.systemd import Unit


class Pending(NamedTuple):
    """What is owed.

    reload: systemd must read the unit files again
    restart: unit → the invocation that still runs with the old files; empty: the files were not yet all written
    """

    reload: bool = False
    restart: Mapping[str, str] = {}  # noqa: RUF012


def owed(pending: Pending, units: Mapping[str, Unit]) -> dict[str, str]:
    """Given what was pending and what runs now, return the restarts that nobody did since.

    Invariant I5: a recorder that was restarted already is not interrupted again.
    """
    return {
        unit: invocation
        for unit, invocation in pending.restart.items()
        if unit in units and units[unit].up and invocation in ("", units[unit].invocation)
    }


def read(root: str) -> Pending:
    """Given the root directory, return what the last run left. What cannot be read asks for a reload: harmless."""
    try:
        with open(names.under(root, names.PENDING), encoding="utf-8") as stream:
            return _decoded(json.load(stream))
    except FileNotFoundError:
        return Pending()
    except (OSError, ValueError):
        return Pending(reload=True)


def write(root: str, pending: Pending) -> None:
    """Remember `pending`; forget the file when nothing is owed."""
    path = names.under(root, names.PENDING)
    if pending.reload or pending.restart:
        content = {"format": 1, "reload": pending.reload, "restart": dict(pending.restart)}
        os.makedirs(os.path.dirname(path), exist_ok=True)
        files.replace(path, json.dumps(content) + "\n", 0o600, durable=False)
    elif os.path.exists(path):
        os.unlink(path)


def _decoded(content: object) -> Pending:
    if not isinstance(content, dict) or not isinstance(content.get("restart"), dict):
        raise ValueError("not a pending list")
    restart = {str(unit): str(invocation) for unit, invocation in content["restart"].items()}
    return Pending(bool(content.get("reload")), restart)
