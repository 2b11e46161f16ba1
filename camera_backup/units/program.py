"""Where the installed programs are, as the units should name them."""

from __future__ import annotations

import os
import sys
import sysconfig

RELEASES = "/opt/camera-backup"
CURRENT = RELEASES + "/current"
HOMES = ("/home/", "/root/", "/run/user/")
"""What `ProtectHome=` hides."""


def directory() -> str:
    """Return the directory of the `camera-backup` program that belongs to the running code."""
    return through_current(sysconfig.get_path("scripts"), os.path.islink(CURRENT))


def through_current(scripts: str, switched: bool) -> str:
    """Given the directory of the scripts, return how units name it.

    switched: `/opt/camera-backup/current` is a link. Then a program of any `/opt/camera-backup/<version>` is named
    through it, so that an upgrade or a rollback is one switch of that link and no unit changes.
    """
    inside = os.path.relpath(scripts, RELEASES).split(os.sep)
    if not switched or inside[0] in (os.pardir, os.curdir):
        return scripts
    return os.path.join(CURRENT, *inside[1:])


def warnings() -> list[str]:
    """Return a line if the running program lies where services cannot see it."""
    places = (directory(), os.path.dirname(os.path.realpath(__file__)), sys.prefix, sys.base_prefix)
    hidden = sorted({place for place in places if (place + "/").startswith(HOMES)})
    why = "%s is in a home directory, which is hidden from services; install camera-backup in /opt/camera-backup"
    return [why % place for place in hidden[:1]]
