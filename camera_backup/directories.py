"""The directories of the product: who owns them and who may look inside."""

from __future__ import annotations

import os
from typing import NamedTuple

from camera_backup import account


class Directory(NamedTuple):
    """A directory as it should be.

    service: it belongs to the service user, else to root
    """

    path: str
    mode: int
    service: bool = False

    @property
    def secret(self) -> bool:
        """Nobody but its owner may look inside."""
        return not self.mode & 0o077


CONFIG = Directory("/etc/camera-backup", 0o755)
"""Open to all, because CA files lie here too; what is secret in it has modes of its own."""
CREDENTIALS = Directory("/etc/camera-backup/credentials", 0o700)
HOME = Directory("/var/lib/camera-backup", 0o750, service=True)


def storage(path: str) -> Directory:
    """Return the directory for footage or state at `path`."""
    return Directory(path, 0o750, service=True)


def make(root: str, directory: Directory, user: account.Ids | None) -> None:
    """Make a directory, or give one that is there the owner and the mode it should have. Missing parents belong to
    root and are open to all.

    Only root can give away; without a service user (an image that has none yet) all directories are root's.
    """
    path = os.path.join(root, directory.path.lstrip("/"))
    make_parents(path)
    if not os.path.isdir(path):
        os.mkdir(path, 0o700)
    if os.geteuid() == 0:
        owner = user if directory.service and user else account.Ids(0, 0)
        os.chown(path, owner.uid, owner.gid)
    os.chmod(path, directory.mode)


def make_parents(path: str) -> None:
    """Make the missing parents of a path, open to all whatever the umask: a service has to pass through them."""
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        make_parents(parent)
        os.mkdir(parent)
        os.chmod(parent, 0o755)  # noqa: S103 (holds nothing but directories with modes of their own)
