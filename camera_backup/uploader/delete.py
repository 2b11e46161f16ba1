"""The only place in which a segment is deleted."""

from __future__ import annotations

import os

from camera_backup.bucket.slices import SourceChanged
from camera_backup.bucket.source import identity
from camera_backup.catalog import PROVEN, Row
from camera_backup.uploader import lease


class NotDeleted(Exception):  # noqa: N818  (an event of life, not an error)
    """The bucket has it, and the disk does not let go of it."""


def remove(directory: str, row: Row) -> None:
    """Unlink the file of a row that says "proven" and is on the disk.

    I1: only after the bucket was seen to hold these bytes, and only if the name still stands for the very file that
    was sent (device, inode, size, time of change). I3: only while nobody has it open for writing; until it is gone,
    whoever wants to has to wait. Raise SourceChanged, StillOpen or NotDeleted, and then the file stays.
    """
    if row.state != PROVEN:
        raise AssertionError("%s/%s is not proven" % (row.camera, row.name))
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _remove(folder, row)
    finally:
        os.close(folder)


def _remove(folder: int, row: Row) -> None:
    try:
        descriptor = os.open(row.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return  # somebody else has deleted it
    except OSError as error:
        raise SourceChanged("the file cannot be opened any more: %s" % error.strerror) from None
    try:
        with lease.closed(descriptor):
            named = os.stat(row.name, dir_fd=folder, follow_symlinks=False)
            if not identity(os.fstat(descriptor)) == identity(named) == row.identity:
                raise SourceChanged("the file is no longer the one that was uploaded")
            _unlink(folder, row.name)
    finally:
        os.close(descriptor)


def _unlink(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except OSError as error:
        raise NotDeleted("it is in the bucket, and cannot be deleted here: %s" % error.strerror) from None
