"""A segment's file, opened once. Standard library only."""

from __future__ import annotations

import os
import stat

from camera_backup.bucket.slices import SourceChanged, SourceGone, SourceUnreadable


def identity(status: os.stat_result) -> str:
    """Return what tells a file, in one state, from every other (I1): device, inode, size and time of change."""
    return "%d:%d:%d:%d" % (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class Source:
    """One descriptor for everything: a file that is replaced under its name meanwhile cannot be mixed into it.

    identity: when it was opened; size in bytes; closed_at: when it was last written to, epoch seconds
    """

    def __init__(self, directory: str, name: str) -> None:
        """Open it; raise SourceGone, SourceChanged when it is no ordinary file, or SourceUnreadable."""
        self.directory = directory
        self.name = name
        try:
            self.descriptor = os.open("%s/%s" % (directory, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise SourceGone("the file is gone") from None
        except OSError as error:
            raise SourceUnreadable("the file cannot be opened: %s" % error.strerror) from None
        status = os.fstat(self.descriptor)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise SourceChanged("it is no ordinary file")
        self.identity = identity(status)
        self.size = status.st_size
        self.closed_at = status.st_mtime

    def unchanged(self) -> None:
        """Raise SourceChanged when the file is no longer what it was when it was opened."""
        if identity(os.fstat(self.descriptor)) != self.identity:
            raise SourceChanged("the file was written to while it was on its way")

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)
