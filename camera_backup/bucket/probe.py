"""Find out what an endpoint enforces and honours, with tiny objects of our own (as kopia's validate-provider does).

A check counts as enforced only when the right value was accepted and a wrong one refused: a store that refuses the
header as such enforces nothing for us, and one that repeats our own value proves nothing. An answer that is neither
(a server error, no network) ends the probe with that error: guessing "refused" from it would be fatal.

All objects are below `<prefix>/.camera-backup/probe/<random>/` and removed afterwards.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from dataclasses import replace
from typing import Callable, Dict, Sequence

from camera_backup.bucket.capabilities import COMPOSITE, HONOURED, IGNORED, OPAQUE, REFUSED, WHOLE, Capabilities
from camera_backup.bucket.client import OWN, Bucket
from camera_backup.bucket.errors import (
    CORRUPT,
    DENIED,
    GONE,
    LOCK,
    MISSING,
    NO_REFUSAL,
    PAUSE,
    PERMANENT,
    PRECONDITION,
    UNSUPPORTED,
    BucketError,
)
from camera_backup.bucket.hashing import CRC32, MD5, base64_digest, composite_etag
from camera_backup.bucket.retry import Sleep
from camera_backup.model import Lock

Protection = Dict[str, bytes]

_NOT_ACCEPTED = (CORRUPT, PERMANENT, UNSUPPORTED)
_PAST_DAYS = -366
"""An object lock that ended a year ago binds nobody."""

_BODY, _OTHER = b"camera-backup probe\n", b"camera-backup other\n"

EXPIRES_SECONDS = 24 * 3600
"""How long the answer is believed: a provider changes its software when it likes."""


def _md5(body: bytes) -> bytes:
    return hashlib.md5(body).digest()  # noqa: S324  (the checksum S3 speaks)


def _crc32(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(4, "big")


class Probe:
    """One look at an endpoint."""

    def __init__(self, bucket: Bucket, locks: Sequence[Lock]) -> None:
        """locks: the object locks that are asked for; without any no request speaks of them."""
        self._bucket = bucket
        self._locks = locks
        folder = "%s/probe/%s" % (OWN, os.urandom(8).hex())
        self._folder = "%s/%s" % (bucket.prefix, folder) if bucket.prefix else folder
        self._made: list[str] = []
        self._begun: list[tuple[str, str]] = []
        self._reads = True

    def run(self, unsigned: bool) -> Capabilities:
        """Return what the endpoint can; raise BucketError when that cannot be found out now."""
        try:
            found = self._look(unsigned)
        except BaseException:
            self._clean()
            raise
        aborts, removes = self._clean()
        return replace(found, aborts=aborts, removes=removes)

    def accepts(self) -> None:
        """Store an object; raise BucketError when that is refused."""
        self._put({MD5: _md5(_BODY)})

    def _look(self, unsigned: bool) -> Capabilities:
        md5_put = self._enforced(MD5, _md5, self._put)
        crc32_put = self._enforced(CRC32, _crc32, self._put)
        self._reads, etag_put = self._look_at_put(md5_put)
        put_if_absent = self._put_if_absent()
        listed, etag_part, etag_multipart = self._multipart(md5_put)
        lock_put, lock_multipart = self._all_locks()
        return Capabilities(
            md5_put=md5_put,
            md5_part=self._enforced(MD5, _md5, self._one_part),
            crc32_put=crc32_put,
            crc32_part=crc32_put and self._enforced(CRC32, _crc32, self._one_part) and self._whole_with_crc32(),
            put_if_absent=put_if_absent,
            complete_if_absent=self._complete_if_absent(),
            list_parts=listed,
            etag_part=etag_part,
            etag_put=etag_put,
            etag_multipart=etag_multipart,
            unsigned=unsigned,
            missing_denied=self._reads and self._missing_denied(),
            skew=self._bucket.skew or 0.0,
            removes=False,
            aborts=False,
            reads=self._reads,
            server=self._bucket.server,
            lock_put=lock_put,
            lock_multipart=lock_multipart,
        )

    def _key(self, name: str) -> str:
        key = "%s/%s-%d" % (self._folder, name, len(self._made))
        self._made.append(key)
        return key

    # Each attempt: send the body under this protection; return normally when it was accepted.

    def _put(self, protection: Protection) -> None:
        self._bucket.put(self._key("put"), _BODY, protection, {}, absent=False)

    def _one_part(self, protection: Protection) -> None:
        # An upload for each: rclone destroys an upload when one of its parts is wrong.
        key = self._key("part")
        self._bucket.part(key, self._create(key, next(iter(protection))), 1, _BODY, protection)

    def _create(self, key: str, mode: str, lock: Lock | None = None) -> str:
        upload_id = self._bucket.create(key, {}, mode, lock)
        self._begun.append((key, upload_id))
        return upload_id

    def _enforced(self, mode: str, digest: Callable[[bytes], bytes], attempt: Callable[[Protection], None]) -> bool:
        """Return whether `attempt` accepts the right digest and refuses a wrong one."""
        return self._accepted(attempt, {mode: digest(_BODY)}) and not self._accepted(attempt, {mode: digest(_OTHER)})

    @staticmethod
    def _accepted(attempt: Callable[[Protection], None], protection: Protection) -> bool:
        try:
            attempt(protection)
        except BucketError as error:
            if error.verdict.kind in _NOT_ACCEPTED:
                return False
            if error.verdict.kind != PRECONDITION:  # an attempt whose answer was lost has made the object
                raise
        return True

    def _bare(self, send: Callable[[Protection], str], md5_enforced: bool) -> str:
        """Send without any checksum, so that there is nothing to echo and the ETag was computed there; return it.

        Buckets with Object Lock refuse that. Where Content-MD5 is enforced, an echo of it is as good.
        """
        try:
            return send({})
        except BucketError as error:
            if error.verdict.kind not in _NOT_ACCEPTED or not md5_enforced:
                raise
        return send({MD5: _md5(_BODY)})

    def _look_at_put(self, md5_enforced: bool) -> tuple[bool, str]:
        """Return whether an object we have just made may be looked at, and what its ETag is."""
        key = self._key("etag")
        told = self._bare(lambda how: self._bucket.put(key, _BODY, how, {}, absent=False), md5_enforced)
        try:
            found = self._bucket.head(key)
        except BucketError as error:
            if error.verdict.cause != DENIED:
                raise
            # The very key that was let in to write: it may not read.
            return False, WHOLE if told == _md5(_BODY).hex() else OPAQUE
        return True, WHOLE if found is not None and found.etag == _md5(_BODY).hex() else OPAQUE

    def _etag(self, key: str, told: str) -> str:
        """Given the ETag in the reply, return the one that counts: that of HEAD, if we may."""
        if not self._reads:
            return told
        found = self._bucket.head(key)
        return found.etag if found else ""

    def _missing_denied(self) -> bool:
        try:
            self._bucket.head(self._folder + "/nothing")
        except BucketError as error:
            if error.verdict.cause != DENIED:
                raise
            return True
        return False

    def _put_if_absent(self) -> str:
        key = self._key("condition")
        self._bucket.put(key, _BODY, {MD5: _md5(_BODY)}, {}, absent=False)
        if not self._accepted(self._put_absent, {MD5: _md5(_BODY)}):
            return REFUSED
        return self._condition(lambda: self._bucket.put(key, _OTHER, {MD5: _md5(_OTHER)}, {}, absent=True))

    def _put_absent(self, protection: Protection) -> None:
        self._bucket.put(self._key("absent"), _BODY, protection, {}, absent=True)

    @staticmethod
    def _condition(replace: Callable[[], object]) -> str:
        """Given an attempt to replace an object under `If-None-Match`, return what became of the condition."""
        try:
            replace()
        except BucketError as error:
            if error.verdict.kind == PRECONDITION:
                return HONOURED
            # A bucket may forbid to replace anything (object lock); that new objects are accepted was seen before.
            if error.verdict.kind in (*_NOT_ACCEPTED, GONE, MISSING) or error.verdict.cause == DENIED:
                return REFUSED
            raise
        return IGNORED

    def _complete_if_absent(self) -> str:
        key = self._key("condition")
        self._bucket.put(key, _BODY, {MD5: _md5(_BODY)}, {}, absent=False)
        new = self._condition(lambda: self._complete(self._key("absent"), absent=True))
        # On a new key it has to succeed, or we could never use it.
        return self._condition(lambda: self._complete(key, absent=True)) if new == IGNORED else REFUSED

    def _complete(self, key: str, absent: bool) -> None:
        upload_id = self._create(key, MD5)
        etag = self._bucket.part(key, upload_id, 1, _OTHER, {MD5: _md5(_OTHER)})
        self._bucket.complete(key, upload_id, [{"PartNumber": 1, "ETag": etag}], absent)

    def _multipart(self, md5_enforced: bool) -> tuple[bool, bool, str]:
        """Return whether parts are listed, whether their ETags are md5s, and what the ETag of the whole is."""
        key = self._key("multipart")
        upload_id = self._create(key, MD5)
        etag = self._bare(lambda how: self._bucket.part(key, upload_id, 1, _BODY, how), md5_enforced)
        try:
            listed = [part.etag for part in self._bucket.parts(key, upload_id) or []] == [etag]
        except BucketError as error:
            if error.verdict.kind not in (GONE, MISSING, *_NOT_ACCEPTED):
                raise
            listed = False
        told = self._bucket.complete(key, upload_id, [{"PartNumber": 1, "ETag": etag}], absent=False)
        digest = _md5(_BODY)
        forms = {composite_etag([digest]): COMPOSITE, digest.hex(): WHOLE}
        return listed, etag == digest.hex(), forms.get(self._etag(key, told), OPAQUE)

    def _whole_with_crc32(self) -> bool:
        """Return whether an upload under CRC-32 can be completed, with the size that was sent."""
        key = self._key("crc32")
        digest = _crc32(_BODY)
        try:
            upload_id = self._create(key, CRC32)
            etag = self._bucket.part(key, upload_id, 1, _BODY, {CRC32: digest})
            part = {"PartNumber": 1, "ETag": etag, "ChecksumCRC32": base64_digest(digest)}
            self._bucket.complete(key, upload_id, [part], absent=False)
        except BucketError as error:
            if error.verdict.kind in _NOT_ACCEPTED:
                return False
            raise
        # Without a look at the size it is not known that it worked.
        found = self._bucket.head(key) if self._reads else None
        return found is not None and found.size == len(_BODY)

    # Object lock. No object of ours gets one that holds: nobody could remove it.

    def _all_locks(self) -> tuple[str | None, str | None]:
        """Return what becomes of the locks, of whole objects and of multipart uploads; the first not kept decides."""
        kept = (HONOURED, HONOURED)
        for lock in self._locks:
            found = (self._in_past(self._put_locked, lock), self._lock_multipart(lock))
            if found != kept:
                return found
        return kept if self._locks else (None, None)

    def _put_locked(self, lock: Lock) -> None:
        self._bucket.put(self._key("lock"), _BODY, {MD5: _md5(_BODY)}, {}, absent=False, lock=lock)

    def _begin_locked(self, lock: Lock) -> None:
        self._create(self._key("lock"), MD5, lock)

    def _lock_multipart(self, lock: Lock) -> str:
        """Ask for the very lock, with an upload that never becomes an object; then for one in the past.

        That tells a bucket without Object Lock, and a key without the right, from a store that looks at dates.
        """
        refused = self._refused(self._begin_locked, lock)
        return refused or self._in_past(self._begin_locked, lock)

    def _in_past(self, attempt: Callable[[Lock], None], lock: Lock) -> str:
        """A store that keeps locks refuses one in the past; one that accepts it has not looked at it."""
        return HONOURED if self._refused(attempt, lock._replace(days=_PAST_DAYS)) else IGNORED

    @staticmethod
    def _refused(attempt: Callable[[Lock], None], lock: Lock) -> str | None:
        """Return DENIED or REFUSED when the lock was the reason not to accept it: without one the same is accepted."""
        try:
            attempt(lock)
        except BucketError as error:
            if error.verdict.cause == DENIED:
                return DENIED
            if error.verdict.cause != LOCK and error.verdict.kind not in (PERMANENT, UNSUPPORTED, GONE, MISSING):
                raise
            return REFUSED
        return None

    def _clean(self) -> tuple[bool, bool]:
        """Abort and remove what was made; return whether either worked.

        Failing at that is no failure: a key without those permissions is a wise choice.
        """
        aborted = [self._quietly(self._bucket.abort, *upload) for upload in self._begun]
        removed = [self._quietly(self._bucket.remove, key) for key in self._made]
        return all(aborted), all(removed)

    @staticmethod
    def _quietly(action: Callable[..., None], *arguments: str) -> bool:
        try:
            action(*arguments)
        except BucketError as error:
            return error.verdict.kind in (MISSING, GONE)
        return True


def examine(
    open_bucket: Callable[[bool], Bucket], sleep: Sleep | None = None, locks: Sequence[Lock] = ()
) -> tuple[Bucket, Capabilities]:
    """Given how to open the bucket with signed bodies or without, return it, opened the way it works, and what it can.

    sleep: makes a pause before a request that failed for the moment is repeated; without it none is
    locks: the object locks that are asked for
    Raise BucketError when that cannot be found out now.
    """
    try:
        return _examine(open_bucket(False), sleep, locks, unsigned=True)
    except BucketError as refusal:
        if refusal.verdict.kind not in (PAUSE, *_NOT_ACCEPTED) or refusal.verdict.cause in NO_REFUSAL:
            raise
        first = refusal
    try:
        # Some providers insist on signed bodies. If that does not help either, the first refusal is the true one.
        return _examine(open_bucket(True), sleep, locks, unsigned=False)
    except BucketError:
        raise first from None


def _examine(bucket: Bucket, sleep: Sleep | None, locks: Sequence[Lock], unsigned: bool) -> tuple[Bucket, Capabilities]:
    try:
        bucket.repeat = sleep
        probe = Probe(bucket, locks)
        probe.accepts()
        found = probe.run(unsigned)
    except BaseException:
        bucket.close()
        raise
    bucket.repeat = None
    bucket.missing_denied = found.missing_denied
    return bucket, found
