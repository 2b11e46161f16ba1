"""A kept file whose disk has got another number: a reboot may number disks anew.

Then the identity in the catalog is that of no file any more, and nothing can be deleted by it (I1). All else of it
being equal, the bytes tell whether this is the file that was proven.
"""

from __future__ import annotations

import hashlib

from camera_backup.bucket.hashing import CRC32, hash_range
from camera_backup.bucket.slices import new_buffer
from camera_backup.bucket.source import Source
from camera_backup.catalog import Row


def is_alike(known: str, found: str) -> bool:
    """Given two identities of files, say whether they are equal, or differ in the device alone."""
    return known.partition(":")[2] == found.partition(":")[2]


def read(directory: str, row: Row) -> str | None:
    """Read the file of a proven row; return its identity if its bytes are those that were proven, else None.

    Raise SourceGone, SourceChanged or SourceUnreadable.
    """
    source = Source(directory, row.name)
    try:
        whole = hashlib.sha256()
        hash_range(source.descriptor, 0, source.size, CRC32, new_buffer(), lambda: None, also=whole)
        source.unchanged()
        return source.identity if whole.hexdigest() == row.sha256 else None
    finally:
        source.close()
