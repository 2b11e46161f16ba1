"""Hashes of byte ranges of a file, and the forms in which S3 shows them. Standard library only."""

from __future__ import annotations

import base64
import hashlib
import sys
import zlib
from typing import Callable, NamedTuple, Sequence

from camera_backup.bucket.slices import fill

MD5 = "md5"
CRC32 = "crc32"
"""How the bytes of a request are protected: 1.5 and 0.3 CPU seconds per GiB. The header of each is below."""


def new_md5() -> hashlib._Hash:
    """Return a fresh MD5."""
    # Not for security: the checksum S3 speaks. FIPS hosts refuse it without being told so (Python 3.9 and newer).
    if sys.version_info >= (3, 9):
        return hashlib.md5(usedforsecurity=False)  # novermin
    return hashlib.md5()  # noqa: S324


class _Crc32:
    """zlib's CRC-32 in the manner of hashlib."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: memoryview) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def hash_range(
    descriptor: int,
    offset: int,
    length: int,
    mode: str,
    buffer: memoryview,
    tick: Callable[[], None],
    also: hashlib._Hash | None = None,
) -> bytes:
    """Given a range of a file, return its MD5 or CRC-32; raise SourceChanged where the file is shorter.

    tick: called for every block; may raise to stop
    also: fed with the same bytes, so that one pass over the file gives both
    """
    hasher = new_md5() if mode == MD5 else _Crc32()
    position, end = offset, offset + length
    while position < end:
        view = buffer[: min(len(buffer), end - position)]
        view = view[: fill(descriptor, view, position)]
        hasher.update(view)
        if also is not None:
            also.update(view)
        position += len(view)
        tick()
    return hasher.digest()


def ranges(size: int, part_size: int) -> list[tuple[int, int]]:
    """Given the size of a file and of its parts, return the offset and length of each part."""
    return [(offset, min(part_size, size - offset)) for offset in range(0, size, part_size)]


MAX_PARTS = 10_000
"""Limit of S3: an upload has at most 10,000 parts. (That every part but the last has 5 MiB, the schema sees to.)"""

_MEBIBYTE = 1024 * 1024


def choose_part_size(size: int, preferred: int) -> int:
    """Given the size of a file, return that of its parts: the preferred one, or the next MiB that needs ≤ 10,000."""
    needed = -(-size // MAX_PARTS)
    return preferred if needed <= preferred else -(-needed // _MEBIBYTE) * _MEBIBYTE


class FileHashes(NamedTuple):
    """Hashes of a whole file, from one pass. Digests are raw bytes, `sha256` is hex."""

    parts: list[bytes]
    sha256: str


def hash_file(
    descriptor: int, size: int, part_size: int, mode: str, buffer: memoryview, tick: Callable[[], None]
) -> FileHashes:
    """Given a file, return the digest of each part and the SHA-256 of all, in one pass."""
    whole = hashlib.sha256()
    parts = [
        hash_range(descriptor, offset, length, mode, buffer, tick, whole) for offset, length in ranges(size, part_size)
    ]
    return FileHashes(parts, whole.hexdigest())


def base64_digest(digest: bytes) -> str:
    """Return a digest as the headers Content-MD5 and x-amz-checksum-crc32 carry it."""
    return base64.b64encode(digest).decode("ascii")


def composite_etag(part_md5s: Sequence[bytes]) -> str:
    """Given the MD5 of every part, return the ETag S3 gives a multipart object: md5 of the md5s, and their number."""
    joined = new_md5()
    joined.update(b"".join(part_md5s))
    return "%s-%d" % (joined.hexdigest(), len(part_md5s))
