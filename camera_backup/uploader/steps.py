"""The steps of one segment that matter, in their order. A kill after any of them loses nothing; tests try each."""

from __future__ import annotations

from typing import Callable

OPENED = "opened"
"""The file is open, closed by its writer, and its row is in the catalog."""

LOOKED = "looked"
"""HEAD has told whether the object exists."""

CREATED = "created"
"""The store has begun a multipart upload; the catalog does not know yet."""

BEGUN = "begun"
"""The catalog knows it."""

PART_SENT = "part_sent"
"""The store has accepted a part; the catalog does not know yet."""

PART_KEPT = "part_kept"
"""The catalog knows it."""

STORED = "stored"
"""The object exists; nobody has looked at it yet."""

VERIFIED = "verified"
"""It was seen to hold the bytes; the catalog does not know yet."""

PROVEN = "proven"
"""The catalog knows, on the disk."""

UNLINKED = "unlinked"
"""The file is gone; the catalog does not know yet."""

DELETED = "deleted"
"""The catalog knows."""

ALL = (
    OPENED,
    LOOKED,
    CREATED,
    BEGUN,
    PART_SENT,
    PART_KEPT,
    STORED,
    VERIFIED,
    PROVEN,
    UNLINKED,
    DELETED,
)

ANNOUNCED = "announced"
"""The tombstone of a segment that is dropped for space is in the ledger, on the disk; its file is still there."""

DROPPED = "dropped"
"""The file is gone; the catalog may still tell of an upload of it."""

FORGOTTEN = "forgotten"
"""The catalog tells nothing of it any more."""

DROP = (ANNOUNCED, DROPPED, FORGOTTEN)
"""The steps of a segment that is dropped without being in the bucket."""

Hook = Callable[[str, str], None]
"""Called with a step and the name of the segment."""


def nothing(step: str, name: str) -> None:
    """Do nothing: the hook outside tests."""
