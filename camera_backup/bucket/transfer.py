"""One segment into the bucket, resumable, proven. The file is never touched here.

HEAD decides, always: before the first byte (I2), after the last, after a lost reply, after a crash. What it finds is
compared with the file; equal is success, whoever put it there. Only where it finds nothing is anything sent.

For a key that may write and not read, the store's replies to our own requests decide, and it is the store that refuses
to replace an object. Whenever a reply leaves open whose object is there, ours goes beside it: sent twice, never deleted
unproven.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Callable, Mapping

from camera_backup import journal, segments
from camera_backup.bucket import comparison
from camera_backup.bucket.capabilities import HONOURED, Capabilities
from camera_backup.bucket.client import Bucket
from camera_backup.bucket.errors import (
    DENIED,
    GONE,
    PARTS_REFUSED,
    PAUSE,
    PRECONDITION,
    UNPROVABLE,
    UNSTEADY,
    BucketError,
    Verdict,
)
from camera_backup.bucket.hashing import CRC32, MAX_PARTS, MD5, choose_part_size, hash_range
from camera_backup.bucket.multipart import Multipart
from camera_backup.bucket.proof import READ_BACK, Evidence, NotProven, Object, Proven, judge, judge_reply
from camera_backup.bucket.retry import Sleep, persist
from camera_backup.bucket.slices import Slice
from camera_backup.bucket.source import Source
from camera_backup.catalog import Catalog, Row
from camera_backup.model import Lock

_ROUNDS = 6
"""How often the bucket may surprise us with one segment before we let it rest."""

_UNSTEADY = Verdict(PAUSE, UNSTEADY, "the store forgets what it has accepted")

Metadata = Callable[[str, str, int], Mapping[str, str]]
"""Given the SHA-256, the token and the part size, the metadata of the object."""


class NotProvable(Exception):  # noqa: N818  (an event of life, not an error)
    """It was sent, and the bucket does not show that it holds the bytes."""


@dataclass(frozen=True)
class Surroundings:
    """What all segments of a run share.

    place: endpoint and bucket; proof: `s3.proof`; part_size: preferred; grain: most bytes that leave at once
    step: see `uploader.steps`; lock: camera → the object lock of its segments
    """

    bucket: Bucket
    can: Capabilities
    catalog: Catalog
    place: str
    proof: str
    part_size: int
    grain: int
    host: str
    sleep: Sleep
    step: Callable[[str, str], None]
    lock: Callable[[str], Lock | None]


@dataclass(frozen=True)
class Worker:
    """What one thread has of its own: a buffer, and whom to tell.

    pace: called with the bytes about to leave; may sleep, may raise; tick: called often while nothing leaves
    accepted: called with the bytes of a part or an object that the store has taken
    """

    buffer: memoryview
    pace: Callable[[int], None]
    tick: Callable[[], None]
    accepted: Callable[[int], None]


class Transfer:
    """One segment's way into the bucket."""

    def __init__(
        self, around: Surroundings, worker: Worker, source: Source, row: Row, sha256: str | None, metadata: Metadata
    ) -> None:
        """sha256: of the file, hex, where it is known already."""
        self._around = around
        self._worker = worker
        self._source = source
        self._sha256 = sha256
        self._metadata = metadata
        self._sent: Evidence | None = None
        self._told = ""
        self._repeated = 0
        self._compared = False
        self._resumed = row.upload_id is not None
        self.row = row

    @property
    def resent(self) -> int:
        """Bytes that left more than once."""
        return self._repeated

    def run(self) -> Row:
        """Return the row once it says "proven".

        Raise NotProvable, BucketError, SourceChanged, SourceUnreadable or Stopped; what was sent is remembered.
        """
        if not self._around.can.reads:
            return self._run_unread()
        for _ in range(_ROUNDS):
            found = persist(self._head, self._around.sleep)
            self._step("looked")
            if found is not None:
                result = self._compare(found)
                if isinstance(result, Proven):
                    return self._record(found.etag, result)
                self._give_way(result)
                continue
            try:
                self._send()
            except BucketError as error:
                self._surprised(error)
        raise BucketError(_UNSTEADY, "upload", self.row.key)

    def _run_unread(self) -> Row:
        """Do it with a key that may not read: nothing can be looked at, neither before nor after (I1, I2)."""
        self._require_proof_unread()
        for _ in range(_ROUNDS):
            try:
                self._send()
            except BucketError as error:
                self._surprised_unread(error)
                continue
            assert self._sent is not None
            result = judge_reply(self._around.can, self._told, self._sent)
            if isinstance(result, Proven):
                return self._record(self._told, result)
            self._give_way(result)
        raise BucketError(_UNSTEADY, "upload", self.row.key)

    def _require_proof_unread(self) -> None:
        """Before the first byte: raise BucketError where nothing could be proven, or something might be replaced."""
        around = self._around
        obstacle = around.can.unread_obstacle(not self._in_one_piece())
        if around.proof == READ_BACK:
            obstacle = "and s3.proof is read-back"
        if obstacle is not None:
            words = "the key may write and not read, %s: nothing can be proven; allow s3:GetObject to it" % obstacle
            raise BucketError(Verdict(PAUSE, UNPROVABLE, words), "upload", self.row.key)

    def _surprised_unread(self, error: BucketError) -> None:
        """The key is taken, or the upload has gone. Whose object is there after a lost reply, nobody can say: 412 does
        not prove it to be ours, nor does a Complete that finds the upload gone, nor one that is denied: so Swift
        answers a second Complete of a key that may not see what the first one made. So ours goes beside it.
        """
        gone = error.verdict.kind == GONE
        lost = gone or error.verdict.cause == DENIED
        completing = error.operation == "complete_multipart_upload" and error.verdict.cause != PARTS_REFUSED
        if error.verdict.kind == PRECONDITION or (lost and completing):
            self._give_way(NotProven("the key is taken, and s3.access_key_id may not read by what"))
        elif gone or (lost and self._resumed and error.operation == "upload_part"):
            # So Swift answers for an upload of a former run that it has forgotten, to a key that may not look it up.
            self._resumed = False
            self.row = self._around.catalog.restart(self.row)
        else:
            raise error

    def _step(self, step: str) -> None:
        self._around.step(step, self.row.name)

    def _head(self) -> Object | None:
        return self._around.bucket.head(self.row.key)

    def _surprised(self, error: BucketError) -> None:
        """The object has appeared, or the upload has gone: look again. Every other failure is passed on."""
        if error.verdict.cause == PARTS_REFUSED and not self._compared:
            # The parts the store does not hold as we know them are found by ListParts, and sent again.
            self._compared = self._around.can.list_parts
        elif error.verdict.kind == GONE:
            self._compared = False
            self.row = self._around.catalog.restart(self.row)
        elif error.verdict.kind != PRECONDITION:
            raise error

    # What is there

    def _compare(self, found: Object) -> Proven | NotProven:
        can, policy = self._around.can, self._around.proof
        result = judge(can, found, self._sent or self._remembered(), policy)
        if isinstance(result, Proven) or result.differs:
            return result
        if self._sent is None:
            # Not of this run: what it is can be told by its ETag, once we have hashed the file.
            told = _told_part_size(found, self._source.size)
            part_size = told or self.row.part_size or self._part_size()
            evidence = comparison.local_evidence(self._source, found, part_size, self._worker.buffer, self._worker.tick)
            result = judge(can, found, evidence, policy)
        if isinstance(result, Proven) or result.differs:
            return result
        around = self._around
        return comparison.read_back(
            around.bucket, self.row.key, found, self._source, self._worker.buffer, around.sleep, self._worker.tick
        )

    def _remembered(self) -> Evidence:
        """Return what the catalog knows of an upload that a former run completed, or may have completed."""
        size, row = self._source.size, self.row
        parts = self._around.catalog.parts(row)
        expected = -(-size // row.part_size) if row.part_size else 0
        if not row.mode or len(parts) != expected:
            return Evidence(size)
        digests = [parts[number].digest for number in sorted(parts)]
        return Evidence(size, row.mode, expected, digests if row.mode == MD5 else None, token=row.token)

    def _give_way(self, result: NotProven) -> None:
        """I2: the key is taken by other bytes. They stay; ours go beside them, loudly.

        Also when those bytes are our own, damaged on the way: nothing is replaced, ever.
        """
        row, around = self.row, self._around
        key = segments.conflict_key(row.key, self._hashed())
        if ".conflict-" in row.key.rpartition("/")[2]:
            raise NotProvable("neither %s nor its original is proven to hold our bytes: %s" % (row.key, result.reason))
        journal.log(
            journal.ERROR,
            "segment_conflict",
            camera=row.camera,
            name=row.name,
            key=row.key,
            kept_as=key,
            reason=result.reason,
        )
        self.row = around.catalog.beside(row, key)
        if self._sent is not None:
            raise NotProvable(result.reason)

    # Sending

    def _part_size(self) -> int:
        return choose_part_size(self._source.size, self._around.part_size)

    def _hashed(self) -> str:
        """Return the SHA-256 of the file, from one pass over it if nobody knows it."""
        if self._sha256 is None:
            whole = hashlib.sha256()
            source, worker = self._source, self._worker
            hash_range(source.descriptor, 0, source.size, CRC32, worker.buffer, worker.tick, also=whole)
            source.unchanged()
            self._sha256 = whole.hexdigest()
        return self._sha256

    def _send(self) -> None:
        self._sent = self._put() if self._in_one_piece() else self._multipart()
        self._step("stored")

    def _in_one_piece(self) -> bool:
        return self._source.size <= self._around.part_size

    def _put(self) -> Evidence:
        source, around, worker = self._source, self._around, self._worker
        lock = around.lock(self.row.camera)
        mode = around.can.checksum(in_parts=False, locked=lock is not None)
        whole = hashlib.sha256() if self._sha256 is None else None
        digest = hash_range(source.descriptor, 0, source.size, mode, worker.buffer, worker.tick, also=whole)
        source.unchanged()
        if whole is not None:
            self._sha256 = whole.hexdigest()
        metadata = self._metadata(self._hashed(), self.row.token, self._part_size())
        absent = around.can.put_if_absent == HONOURED
        body = Slice(source.descriptor, 0, source.size, worker.buffer, worker.pace, around.grain)

        def once() -> str:
            body.seek(0)
            return around.bucket.put(self.row.key, body, {mode: digest}, metadata, absent, lock)

        self._told = persist(once, around.sleep, lambda error: self._lost_put(body))
        worker.accepted(source.size)
        return Evidence(source.size, mode, 0, md5=digest if mode == MD5 else None, token=self.row.token)

    def _lost_put(self, body: Slice) -> None:
        """A PUT failed: it may have succeeded all the same, and must then not be repeated."""
        self._repeated += body.tell()
        self._source.unchanged()
        if self._around.can.reads and persist(self._head, self._around.sleep) is not None:
            raise BucketError(Verdict(PRECONDITION, "exists", "the object exists already"), "put_object", self.row.key)

    def _multipart(self) -> Evidence:
        upload = Multipart(self._around, self._worker, self._source, self.row, self._part_size())
        try:
            self.row = upload.begin(lambda size: self._metadata(self._hashed(), self.row.token, size))
            parts = upload.send()
            self._told = upload.complete(parts)
        finally:
            self._repeated += upload.resent
        return upload.evidence(parts)

    def _record(self, etag: str, result: Proven) -> Row:
        self._source.unchanged()
        self._step("verified")
        catalog = self._around.catalog
        self.row = catalog.proven(self.row, result.how, etag, self._sha256, self._around.host)
        self._step("proven")
        return self.row


def _told_part_size(found: Object, size: int) -> int:
    """Return how the object's metadata says it was cut; 0 for nonsense, for anybody may have written that."""
    told = found.metadata.get("part-size", "")
    if not (told.isascii() and told.isdigit() and len(told) < 20):
        return 0
    return int(told) if int(told) * MAX_PARTS >= size else 0
