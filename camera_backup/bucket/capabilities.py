"""What an endpoint was seen to enforce and to honour. Pure values: `probe` finds them out, the catalog keeps them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Mapping

from camera_backup.bucket.hashing import CRC32, MD5

HONOURED, IGNORED, REFUSED = "honoured", "ignored", "refused"
"""What became of a condition: obeyed; accepted and not obeyed (the object was replaced); not accepted at all."""

COMPOSITE, WHOLE, OPAQUE = "composite", "whole", "opaque"
"""What the ETag in HEAD is: md5 of the parts' md5s with their number, md5 of all bytes, anything else."""


@dataclass(frozen=True)
class Capabilities:
    """Nothing in here is believed because it was echoed: each True was seen with a right and with a wrong value.

    md5_put, md5_part: a wrong Content-MD5 is refused, for a whole object and for a part
    crc32_put, crc32_part: a wrong x-amz-checksum-crc32 is refused, and an upload with right ones works to its end
    put_if_absent, complete_if_absent: what becomes of `If-None-Match: *`
    list_parts: ListParts shows the parts and their ETags
    etag_part: the ETag of a part is the md5 of what the store received
    etag_put, etag_multipart: what HEAD shows as ETag of an object made in one piece, and in parts; what the reply to
        its making shows, where the key may not read
    unsigned: bodies need not be part of the signature
    missing_denied: HEAD of an object that is not there is answered 403 (AWS, to keys that may not list the bucket)
    skew: seconds by which the store's clock is ahead of ours
    removes: our probe objects could be deleted
    aborts: our multipart uploads could be aborted
    reads: the key may look at objects; a key that may only write is a wise choice, and proof has to do without HEAD
    lock_put, lock_multipart: what becomes of an object lock (or `errors.DENIED`); None where none is asked for
    """

    md5_put: bool
    md5_part: bool
    crc32_put: bool
    crc32_part: bool
    put_if_absent: str
    complete_if_absent: str
    list_parts: bool
    etag_part: bool
    etag_put: str
    etag_multipart: str
    unsigned: bool
    missing_denied: bool
    skew: float
    removes: bool
    aborts: bool
    reads: bool
    server: str
    lock_put: str | None = None
    lock_multipart: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for the catalog and the live status."""
        return asdict(self)

    @property
    def proves(self) -> bool:
        """Say whether uploads can be proven here without reading them back."""
        if not self.reads:
            return self.unread_obstacle(False) is None and self.unread_obstacle(True) is None
        by_etag = self.etag_multipart != OPAQUE and self.etag_put != OPAQUE
        return by_etag or (self.md5_put and self.md5_part) or (self.crc32_put and self.crc32_part)

    def checksum(self, in_parts: bool, locked: bool = False) -> str:
        """Return the checksum to send bytes under: the cheaper one, unless nobody may look at them afterwards, or the
        object is to be locked.

        Then MD5: the ETags in the replies are a second witness, and they are MD5s where they are anything. And with an
        object lock a checksum is required, which is Content-MD5 everywhere, and a CRC-32 not with every store.
        """
        md5, crc32 = (self.md5_part, self.crc32_part) if in_parts else (self.md5_put, self.crc32_put)
        return CRC32 if crc32 and ((self.reads and not locked) or not md5) else MD5

    def unread_obstacle(self, in_parts: bool) -> str | None:
        """Say why an object that the key may not read cannot be proven, or even sent safely; None when it can.

        I2: without a look before, the store itself has to refuse to replace an object. I1: without a look after, it
        has to refuse bytes that are not ours.
        """
        if (self.complete_if_absent if in_parts else self.put_if_absent) != HONOURED:
            return "and this store does not refuse overwrites (If-None-Match)"
        if not ((self.md5_part or self.crc32_part) if in_parts else (self.md5_put or self.crc32_put)):
            return "and this store does not refuse damaged bytes (Content-MD5)"
        return None


def from_json(value: Mapping[str, Any]) -> Capabilities | None:
    """Given what the catalog remembers, return it, or None when another version of us wrote it."""
    names = {field.name for field in fields(Capabilities)}
    return Capabilities(**value) if set(value) == names else None
