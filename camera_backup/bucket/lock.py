"""Object lock: what a request says of it, and what a store that does not keep it means for uploads. Pure."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from camera_backup.bucket.capabilities import HONOURED, IGNORED, Capabilities
from camera_backup.bucket.errors import DENIED, LOCK, NO_LOCK, PAUSE, Verdict
from camera_backup.model import Lock

_DAY = 86400

_DENIED = "the key may lock no object: allow s3:PutObjectRetention to it, or ask for no lock"
_IGNORED = "the store ignores object lock%s, the footage would not be locked: use another store, or ask for no lock"


def request_arguments(lock: Lock, now: float) -> dict[str, Any]:
    """Return the arguments of a request, sent now (epoch seconds), that lock the object it makes.

    The clock of this host counts. It cannot be far wrong: the store would refuse the signature.
    """
    until = datetime.fromtimestamp(int(now) + lock.days * _DAY, timezone.utc)
    return {"ObjectLockMode": lock.mode.upper(), "ObjectLockRetainUntilDate": until}


def refusal(can: Capabilities) -> Verdict | None:
    """Say why footage that is to be locked must not be uploaded here; None where locks were seen to be kept."""
    found = (can.lock_put, can.lock_multipart)
    if found == (HONOURED, HONOURED):
        return None
    if DENIED in found:
        return Verdict(PAUSE, DENIED, _DENIED)
    if IGNORED in found:
        return Verdict(PAUSE, LOCK, _IGNORED % ("" if can.lock_put == IGNORED else " of multipart uploads"))
    return NO_LOCK
