"""Is anybody writing to this file? (I3)

A read lease (fcntl F_SETLEASE) can only be had while no process has the file open for writing, nor mapped writable;
while we hold it, whoever opens it for writing waits for us. It costs 9 µs and needs the file's owner. Where the
filesystem has no leases (NFS, CIFS, FUSE), or the file is another user's, the descriptors of all processes we may
look at have to do.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import stat
from typing import Iterator


class StillOpen(Exception):  # noqa: N818  (an event of life, not an error)
    """A process has the file open for writing."""


_UNSUPPORTED = (errno.EINVAL, errno.EACCES, errno.EPERM, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOTTY)


def prepare() -> None:
    """Call once in a process that takes leases: a broken lease is told by SIGIO, which would end the process."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)


@contextlib.contextmanager
def closed(descriptor: int) -> Iterator[None]:
    """Given a file opened for reading, let nobody open it for writing meanwhile; raise StillOpen if somebody has.

    To be held for microseconds only: a writer that comes waits for us.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        if error.errno == errno.EAGAIN:
            raise StillOpen from None
        if error.errno not in _UNSUPPORTED:
            raise
        if written_by_somebody(descriptor):
            raise StillOpen from None
        yield
        return
    try:
        yield
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)


class Claimed(Exception):  # noqa: N818  (an event of life, not an error)
    """Another process of ours has the file in hand."""


def claim(descriptor: int, alone: bool) -> None:
    """Until the file is closed, be the only one who has it in hand, or one of several; raise Claimed.

    Who uploads a segment shares it, who drops it wants it alone. Where there are no such locks nobody is kept out:
    then a segment may be dropped while it travels, which loses nothing but the bytes that were sent.
    """
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Claimed from None
    except OSError as error:
        if error.errno not in (*_UNSUPPORTED, errno.EBADF):
            raise


def check(descriptor: int) -> None:
    """Raise StillOpen when a process has the file open for writing."""
    with closed(descriptor):
        pass


def written_by_somebody(descriptor: int) -> bool:
    """Say whether a process that we may look at has the file open for writing. Only without leases: it takes ms."""
    wanted = os.fstat(descriptor)
    for process in os.listdir("/proc"):
        if process.isdigit() and any(_writes(process, number, wanted) for number in _descriptors(process)):
            return True
    return False


def _descriptors(process: str) -> list[str]:
    try:
        return os.listdir("/proc/%s/fd" % process)
    except OSError:
        return []  # gone, or another user's


def _writes(process: str, number: str, wanted: os.stat_result) -> bool:
    try:
        found = os.stat("/proc/%s/fd/%s" % (process, number))
        if (found.st_dev, found.st_ino) != (wanted.st_dev, wanted.st_ino):
            return False
        # The link of a descriptor has the write bit when it was opened for writing (proc(5)).
        return bool(os.lstat("/proc/%s/fd/%s" % (process, number)).st_mode & stat.S_IWUSR)
    except OSError:
        return False
