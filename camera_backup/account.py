"""The system user and groups that the services run as."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
from typing import NamedTuple

from camera_backup.errors import HostError

USER = "camera-backup"
UPLOADER_GROUP = "camera-uploader"
"""A group of its own, so that the kernel lets no recorder look into the process that holds the S3 keys."""
HOME = "/var/lib/camera-backup"

_USER_OPTIONS = ["--gid", USER, "--shell", "/usr/sbin/nologin", "--home-dir", HOME, "--no-create-home"]


class Ids(NamedTuple):
    """Numbers of a user and its group."""

    uid: int
    gid: int


def find(root: str = "/") -> Ids | None:
    """Given a root directory, return the numbers of the service user of the system in it, or None without one."""
    if root == "/":
        try:
            entry = pwd.getpwnam(USER)
        except KeyError:
            return None
        return Ids(entry.pw_uid, entry.pw_gid)
    fields = _entries(root, "passwd").get(USER)
    return Ids(int(fields[2]), int(fields[3])) if fields else None


def missing(root: str = "/") -> list[str]:
    """Given a root directory, return what its system lacks of the groups and the user, in words."""
    groups = ["group " + group for group in (USER, UPLOADER_GROUP) if not _has_group(root, group)]
    return groups if find(root) else [*groups, "user " + USER]


def create(root: str = "/") -> list[str]:
    """Create what is missing of the groups and the user in the system under `root`; return what was created; raise
    HostError when the tools refuse.
    """
    lacking = missing(root)
    for what in lacking:
        kind, name = what.split(" ")
        _run([kind + "add", *_prefix(root), "--system", *(_USER_OPTIONS if kind == "user" else []), name])
    return lacking


def has_accounts(root: str) -> bool:
    """Say whether the system under `root` has a passwd file at all."""
    return os.path.isfile(os.path.join(root, "etc/passwd"))


def _has_group(root: str, name: str) -> bool:
    if root != "/":
        return name in _entries(root, "group")
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def _entries(root: str, database: str) -> dict[str, list[str]]:
    """The lines of a passwd or group file of an image, by name."""
    try:
        with open(os.path.join(root, "etc", database), encoding="utf-8", errors="replace") as lines:
            fields = [line.rstrip("\n").split(":") for line in lines]
    except OSError:
        return {}
    return {field[0]: field for field in fields if len(field) >= 4}


def _prefix(root: str) -> list[str]:
    return [] if root == "/" else ["--prefix", root]


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise HostError("%s is missing: install the package passwd (shadow-utils)" % command[0]) from None
    if done.returncode:
        raise HostError("%s failed: %s" % (" ".join(command), (done.stderr or done.stdout).strip()))
