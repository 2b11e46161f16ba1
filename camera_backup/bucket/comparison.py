"""Does an object hold the bytes of a file? By reading one or both of them."""

from __future__ import annotations

from typing import Callable

from camera_backup.bucket.client import Bucket
from camera_backup.bucket.errors import TRANSIENT, BucketError, Verdict
from camera_backup.bucket.hashing import MD5, hash_range, new_md5, ranges
from camera_backup.bucket.proof import Evidence, NotProven, Object, Proven
from camera_backup.bucket.retry import Sleep, persist
from camera_backup.bucket.slices import fill
from camera_backup.bucket.source import Source

_CHUNK = 64 * 1024

_SHORT = Verdict(TRANSIENT, "short", "the object ended early")


def local_evidence(
    source: Source, found: Object, part_size: int, buffer: memoryview, tick: Callable[[], None]
) -> Evidence:
    """Given a file, and an object that may be its copy, hash the file in the ways that the object's ETag may show.

    part_size: how the object was cut, as far as one can know
    """
    whole = new_md5()
    parts = [
        hash_range(source.descriptor, offset, length, MD5, buffer, tick, also=whole)
        for offset, length in ranges(source.size, part_size)
    ]
    in_parts = "-" in found.etag
    return Evidence(
        size=source.size,
        parts=len(parts) if in_parts else 0,
        part_md5s=parts if in_parts else None,
        md5=whole.digest(),
    )


def read_back(
    bucket: Bucket, key: str, found: Object, source: Source, buffer: memoryview, sleep: Sleep, tick: Callable[[], None]
) -> Proven | NotProven:
    """Download an object and compare every byte with the file; raise BucketError when it cannot be read."""
    position = 0

    def follow() -> bool:
        """Compare on from `position`; return whether all is equal."""
        nonlocal position
        download = bucket.open(key, position, found.etag)
        try:
            while position < source.size:
                data = download.read(min(_CHUNK, source.size - position))
                if not data:
                    raise BucketError(_SHORT, "GetObject", key)
                if not _same(source, position, data, buffer):
                    return False
                position += len(data)
                tick()
            return not download.read(1)
        finally:
            download.close()

    if persist(follow, sleep):
        return Proven("read-back")
    return NotProven("read back, it differs from byte %d on or later" % position, differs=True)


def _same(source: Source, position: int, data: bytes, buffer: memoryview) -> bool:
    while data:
        count = fill(source.descriptor, buffer[: min(len(data), len(buffer))], position)
        if buffer[:count] != data[:count]:
            return False
        position, data = position + count, data[count:]
    return True
