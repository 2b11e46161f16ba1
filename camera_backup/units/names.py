"""What our files are called and where they lie. The one place that knows. Pure."""

from __future__ import annotations

import os
import re

from camera_backup import directories

CREDENTIALS = directories.CREDENTIALS.path
UNITS = "/etc/systemd/system"
PENDING = "/run/camera-backup-pending.json"
LOCK = "/run/camera-backup-generate.lock"

UPLOADER = "camera-uploader.service"
RECORDERS = "camera-recorder-*.service"
"""The pattern under which systemctl knows all recorders."""

_UNIT = re.compile(r"camera-recorder-([A-Za-z0-9][A-Za-z0-9_-]{0,62})\.service\Z")
_CREDENTIAL = re.compile(r"camera-recorder-([A-Za-z0-9][A-Za-z0-9_-]{0,62})\.json\Z")
_BEGINNING = """\
# Written by camera-backup-generate; edits here are lost. To override a setting:
#   systemctl edit %s
# camera-backup:unit %s
"""
"""How the templates of both units begin."""

_FINGERPRINT = re.compile(r"^# camera-backup:unit (camera=[A-Za-z0-9_-]+|uploader)$", re.MULTILINE)


def under(root: str, path: str) -> str:
    """Given the directory that stands for `/`, return where an absolute path lies in it."""
    return os.path.join(root, path.lstrip("/"))


def recorder_unit(camera: str) -> str:
    """Given a camera, return the name of its service."""
    return "camera-recorder-%s.service" % camera


def credential(unit: str) -> str:
    """Given the name of a service, return the path of the file that systemd hands to it."""
    return "%s/%s.json" % (CREDENTIALS, unit[: -len(".service")])


def path_of(unit: str) -> str:
    """Given the name of a service, return the path of its unit file."""
    return "%s/%s" % (UNITS, unit)


def camera_of(name: str) -> str | None:
    """Given the file name of a unit or a credential file, return the camera it is named after, or None."""
    match = _UNIT.match(name) or _CREDENTIAL.match(name)
    return match[1] if match else None


def is_ours(name: str) -> bool:
    """Given the name of a file, say whether it is one that we would write: a unit or a credential file."""
    return camera_of(name) is not None or name in (UPLOADER, "camera-uploader.json")


def fingerprint(name: str) -> str:
    """Given the name of a unit file of ours, return what the fingerprint line in it must say."""
    camera = camera_of(name)
    return "uploader" if camera is None else "camera=" + camera


def carries_fingerprint(name: str, text: str) -> bool:
    """Say whether the unit file `name` was written by us under this very name: a copy made by hand is not ours.

    Ours is also what a power cut left of one before its fingerprint: its beginning, zeros, or both. An empty file is
    how an operator may mask a unit.
    """
    if text and (_BEGINNING % (name, fingerprint(name))).startswith(text.rstrip("\0")):
        return True
    match = _FINGERPRINT.search(text)
    return match is not None and match[1] == fingerprint(name)
