"""Is it proven that the bucket holds the bytes of the file? (I1) Pure.

Two things prove it. The ETag in HEAD, where it is an md5 that the store computed: then it must be ours. Or, where
ETags are opaque, that every byte was accepted under a checksum which this store was seen to enforce, for an object
that is our own upload, with the right size. Everything else has to be read back.

A key that may write and not read sees no object at all. Then what proves is that the store carried out our own request
to make the object, every byte of which it accepted under a checksum that it was seen to enforce.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, NamedTuple, Sequence

from camera_backup.bucket.capabilities import COMPOSITE, OPAQUE, WHOLE, Capabilities
from camera_backup.bucket.hashing import CRC32, MD5, composite_etag

AUTO, READ_BACK, SIZE_ONLY = "auto", "read-back", "size-only"
"""The values of `s3.proof`."""

TOKEN = "upload"  # noqa: S105  (no secret)
"""Metadata that names the upload an object was made by: how we know our own after a lost reply."""


class Object(NamedTuple):
    """What HEAD shows. `metadata` has small keys: some stores give them back Capitalised."""

    size: int
    etag: str
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Evidence:
    """What we know of our side.

    size: bytes of the file
    mode: MD5 or CRC32: under which checksum the bytes were sent; "" when we did not send them
    parts: number of parts, 0 for an object in one piece
    part_md5s: the md5 of every part, where they are known
    md5: of the whole file, where it is known
    token: of our upload
    """

    size: int
    mode: str = ""
    parts: int = 0
    part_md5s: Sequence[bytes] | None = None
    md5: bytes | None = None
    token: str = ""


@dataclass(frozen=True)
class Proven:
    """The bucket holds these bytes; `how` we know."""

    how: str


@dataclass(frozen=True)
class NotProven:
    """It is not known. `differs`: it is known that the bucket holds something else."""

    reason: str
    differs: bool = False


def judge(can: Capabilities, found: Object | None, ours: Evidence, policy: str) -> Proven | NotProven:
    """Given what the store can, what HEAD shows and what we know, say whether the object is proven."""
    if found is None:
        return NotProven("the object is not there", differs=True)
    if found.size != ours.size:
        return NotProven("it has %d bytes there and %d here" % (found.size, ours.size), differs=True)
    if policy == READ_BACK:
        return NotProven("s3.proof asks for it to be read back")
    by_etag = _by_etag(can, found, ours)
    if by_etag is not None:
        return by_etag
    if _enforced(can, ours) and found.metadata.get(TOKEN) == ours.token:
        return Proven("enforced-" + ours.mode)
    if policy == SIZE_ONLY:
        return Proven(SIZE_ONLY)
    return NotProven("nothing this store shows proves it")


def judge_reply(can: Capabilities, etag: str, ours: Evidence) -> Proven | NotProven:
    """Given the ETag in the store's reply to our own request that made the object, say whether the object is proven.

    For keys that may not read. The request was sent under `If-None-Match` (I2), so the object is of this request.
    """
    if not _enforced(can, ours):
        return NotProven("this key may not read, and nothing that this store enforces proves what it accepted")
    form = can.etag_multipart if ours.parts else can.etag_put
    if form == COMPOSITE and ours.part_md5s:
        expected = composite_etag(ours.part_md5s)
    elif form == WHOLE and ours.md5 is not None:
        expected = ours.md5.hex()
    else:
        return Proven("accepted-" + ours.mode)
    return Proven("accepted-" + ours.mode) if etag == expected else NotProven("the store names the ETag of other bytes")


def _by_etag(can: Capabilities, found: Object, ours: Evidence) -> Proven | NotProven | None:
    """Return what the ETag says, None when it says nothing."""
    if (can.etag_multipart if "-" in found.etag or ours.parts else can.etag_put) == OPAQUE:
        return None
    if ours.part_md5s and found.etag == composite_etag(ours.part_md5s):
        return Proven("etag-of-parts")
    if ours.md5 is not None and found.etag == ours.md5.hex():
        return Proven("etag-md5")
    if ours.md5 is not None and len(found.etag) == 32:
        return NotProven("its ETag is not the md5 of the file")
    if ours.part_md5s and found.etag.endswith("-%d" % len(ours.part_md5s)):
        return NotProven("its ETag is not that of our parts")
    if ours.parts and can.etag_multipart == COMPOSITE and not found.etag.endswith("-%d" % ours.parts):
        return NotProven("its ETag is not that of %d parts" % ours.parts)
    return None


def _enforced(can: Capabilities, ours: Evidence) -> bool:
    if not ours.token:
        return False
    if ours.mode == MD5:
        return can.md5_part if ours.parts else can.md5_put
    if ours.mode == CRC32:
        return can.crc32_part if ours.parts else can.crc32_put
    return False
