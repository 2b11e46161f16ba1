"""What a checkout is called when it is installed: its version, and a digest of what it is made of.

The same name always means the same code: a patched checkout never hides behind the name of what is installed.
"""

from __future__ import annotations

import hashlib
import os
from typing import Iterator

from camera_backup import __version__

REQUIREMENTS = "roles/camera_backup/files/requirements.txt"


def name(root: str) -> str:
    """Given the root of a checkout, return the name of its release, such as `0.1.0+3f9a1c07`; raise OSError."""
    digest = hashlib.sha256()
    for path in sorted(_sources(root)):
        with open(os.path.join(root, path), "rb") as stream:
            digest.update(b"%s\0%s\0" % (path.encode(), hashlib.sha256(stream.read()).digest()))
    return "%s+%s" % (__version__, digest.hexdigest()[:8])


def chosen(wanted: str, checkout: str, there: list[str]) -> str:
    """Given what `camera_backup_version` says, the release of this checkout and those that are there, return the one
    that is meant; raise ValueError when there is none, or more than one.
    """
    if wanted in ("", checkout):
        return checkout
    found = sorted({one for one in (*there, checkout) if one == wanted or one.startswith(wanted + "+")})
    if len(found) == 1:
        return found[0]
    known = ", ".join(sorted({*there, checkout}))
    why = "is the beginning of %d releases" % len(found) if found else "is not known"
    raise ValueError("camera_backup_version: release %s %s; accepted: one of %s" % (wanted, why, known))


def _sources(root: str) -> Iterator[str]:
    yield REQUIREMENTS
    for directory, _, files in os.walk(os.path.join(root, "camera_backup")):
        for file in files:
            if file.endswith((".py", ".j2", ".yaml", ".typed")):
                yield os.path.relpath(os.path.join(directory, file), root)
