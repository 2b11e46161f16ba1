"""A part of a file as the body of a request. Standard library only."""

from __future__ import annotations

import mmap
import os
from typing import Callable

BLOCK = 256 * 1024
"""Bytes of a worker's one buffer. Fits the second-level cache: what was just hashed or encrypted is still there."""


class SourceChanged(Exception):  # noqa: N818  (an event of life, not an error)
    """The file is not the one it was: written to, cut, or replaced while it was on its way."""


class SourceGone(SourceChanged):
    """Somebody else has moved or deleted the file: there is nothing left to do."""


class SourceUnreadable(Exception):  # noqa: N818
    """The disk does not give the bytes of the file."""


def new_buffer() -> memoryview:
    """Return the buffer that a worker uses for everything it reads.

    At the beginning of a page: where `bytearray` puts it, 16 bytes behind, AMD's processors copy three times slower
    (0.7 s per GiB in place of 0.2), and every byte is read twice.
    """
    return memoryview(mmap.mmap(-1, BLOCK))


def fill(descriptor: int, view: memoryview, offset: int) -> int:
    """Read at an offset into a view; return the bytes read, never 0.

    Raise SourceChanged where the file ends, SourceUnreadable when the disk fails.
    """
    try:
        count = os.preadv(descriptor, [view], offset)
    except OSError as error:
        # Not an OSError any more: those are taken for failures of the network.
        raise SourceUnreadable("byte %d cannot be read: %s" % (offset, error.strerror)) from error
    if count == 0:
        raise SourceChanged("the file ends at byte %d, earlier than it did" % offset)
    return count


class Slice:
    """`length` bytes of a file from `offset`, read by position: readers of the same descriptor do not disturb it.

    read() returns a view of the one buffer, valid until the next read: no block is ever allocated (a fresh 128 KiB
    object is a pair of system calls and 32 page faults each time).

    pace: called with the number of bytes about to leave; may sleep, may raise to end the request
    grain: most bytes that leave at once
    """

    def __init__(
        self, descriptor: int, offset: int, length: int, buffer: memoryview, pace: Callable[[int], None], grain: int
    ) -> None:
        self._descriptor = descriptor
        self._offset = offset
        self._length = length
        self._buffer = buffer[:grain]
        self._pace = pace
        self._position = 0

    def __len__(self) -> int:
        return self._length

    def tell(self) -> int:
        """Return the position within the slice."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move within the slice, as files do."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        self._position = max(0, min(self._length, base + offset))
        return self._position

    def read(self, size: int = -1) -> memoryview | bytes:
        """Return the next bytes, as many as fit the buffer; empty at the end of the slice."""
        left = self._length - self._position
        count = min(left, len(self._buffer), left if size is None or size < 0 else size)
        if count <= 0:
            return b""
        got = fill(self._descriptor, self._buffer[:count], self._offset + self._position)
        self._pace(got)
        self._position += got
        return self._buffer[:got]
