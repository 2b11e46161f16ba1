"""The only place in which a segment is deleted."""

from __future__ import annotations

import os
from typing import Callable

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


def drop(directory: str, name: str, wanted: str, announce: Callable[[], bool]) -> bool:
    """Unlink a segment that no bucket was seen to hold, because its space is needed; return whether that was done.

    wanted: the identity of the file; announce: writes the tombstone, or returns False if the file is to stay after all

    Only with `storage.when_full: drop_oldest`. I3: only while nobody has it open for writing. Only while no worker has
    it in hand. I6: the tombstone is on the disk before the file goes. Raise SourceChanged, StillOpen, Claimed, or
    OSError when the tombstone cannot be written; the file stays then.
    """
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        descriptor = _opened(folder, name)
        if descriptor is None:
            return False
        try:
            lease.claim(descriptor, alone=True)
            lease.check(descriptor)
            if identity(os.fstat(descriptor)) != wanted:
                raise SourceChanged("the file is no longer the one that was looked at")
            if not announce():
                return False
            _unlink(folder, name, descriptor, wanted)
        finally:
            os.close(descriptor)
    finally:
        os.close(folder)
    return True


def _remove(folder: int, row: Row) -> None:
    descriptor = _opened(folder, row.name)
    if descriptor is None:
        return
    try:
        _unlink(folder, row.name, descriptor, row.identity)
    except OSError as error:
        raise NotDeleted("it is in the bucket, and cannot be deleted here: %s" % error.strerror) from None
    finally:
        os.close(descriptor)


def _opened(folder: int, name: str) -> int | None:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None  # somebody else has deleted it
    except OSError as error:
        raise SourceChanged("the file cannot be opened any more: %s" % error.strerror) from None


def _unlink(folder: int, name: str, descriptor: int, wanted: str) -> None:
    with lease.closed(descriptor):
        named = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not identity(os.fstat(descriptor)) == identity(named) == wanted:
            raise SourceChanged("the file is no longer the one that was uploaded")
        os.unlink(name, dir_fd=folder)
