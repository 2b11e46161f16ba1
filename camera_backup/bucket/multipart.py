"""An upload in parts that survives us: its id, part size and the hash of every part are in the catalog."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable, Mapping

from camera_backup.bucket.capabilities import HONOURED
from camera_backup.bucket.client import Part
from camera_backup.bucket.errors import CORRUPT, GONE, PRECONDITION, TRANSIENT, BucketError, Verdict
from camera_backup.bucket.hashing import CRC32, MD5, base64_digest, hash_range, ranges
from camera_backup.bucket.proof import Evidence
from camera_backup.bucket.retry import persist
from camera_backup.bucket.slices import Slice
from camera_backup.catalog import PartRow, Row

if TYPE_CHECKING:
    from camera_backup.bucket.source import Source
    from camera_backup.bucket.transfer import Surroundings, Worker

_WRONG_ETAG = Verdict(CORRUPT, "corrupt", "the store holds other bytes than we sent")
_EXISTS = Verdict(PRECONDITION, "exists", "the object exists already")


class Multipart:
    """One multipart upload of one file. `resent`: bytes that left more than once."""

    def __init__(self, around: Surroundings, worker: Worker, source: Source, row: Row, part_size: int) -> None:
        """part_size: for an upload that has to be begun; one that goes on keeps its own."""
        self._around = around
        self._worker = worker
        self._source = source
        self._row = row
        self._part_size = row.part_size or part_size
        self._lock = around.lock(row.camera)
        self._mode = row.mode or around.can.checksum(in_parts=True, locked=self._lock is not None)
        self.resent = 0

    def begin(self, metadata: Callable[[int], Mapping[str, str]]) -> Row:
        """Go on with the upload the catalog knows, or with one the store knows, or begin one; return the row."""
        catalog, row = self._around.catalog, self._row
        if row.upload_id is not None and self._mode == CRC32 and not self._around.can.crc32_part:
            # The store is no longer seen to check what this upload was begun with.
            self._row = row = catalog.restart(row)
            self._mode = MD5
        if row.upload_id is None and not self._adopt():
            self._create(metadata)
        found = catalog.get(row.camera, row.name)
        assert found is not None
        self._row = found
        return found

    def _create(self, metadata: Callable[[int], Mapping[str, str]]) -> None:
        around, row = self._around, self._row
        described = metadata(self._part_size)
        upload_id = persist(lambda: around.bucket.create(row.key, described, self._mode, self._lock), around.sleep)
        around.step("created", row.name)
        around.catalog.uploading(row, upload_id, self._mode, self._part_size)
        around.step("begun", row.name)

    def _adopt(self) -> bool:
        """Go on with an upload that the store holds for our key and the catalog does not know, if its parts are ours.

        One without parts is what a crash left between the store's answer and our writing it down; it becomes stale.
        So does ours where an object lock is asked for: no store says with which one an upload was begun. What is stale
        stays so: it may have been dropped for its lock.
        """
        around, row = self._around, self._row
        stale = around.catalog.stale(row.place)
        for upload in persist(lambda: around.bucket.uploads(row.key), around.sleep):
            if upload in stale:
                continue
            parts = persist(functools.partial(around.bucket.parts, row.key, upload.upload_id), around.sleep)
            if parts == [] or (parts and self._lock and self._ours(parts)):
                around.catalog.abandon(row.place, row.key, upload.upload_id)
            elif parts and self._ours(parts):
                around.catalog.uploading(row, upload.upload_id, MD5, self._part_size)
                return True
        return False

    def _ours(self, parts: list[Part]) -> bool:
        """Say whether all parts are bytes of our file, cut regularly; if so, take over how they are cut."""
        if self._mode != MD5 or not self._around.can.etag_part or parts[0].number != 1:
            return False
        cut = ranges(self._source.size, parts[0].size) if parts[0].size else []
        for part in parts:
            if part.number > len(cut) or cut[part.number - 1][1] != part.size:
                return False
            if self._digest(*cut[part.number - 1]).hex() != part.etag:
                return False
        self._part_size = parts[0].size
        return True

    def _digest(self, offset: int, length: int) -> bytes:
        worker = self._worker
        return hash_range(self._source.descriptor, offset, length, self._mode, worker.buffer, worker.tick)

    def send(self) -> dict[int, PartRow]:
        """Send every part that the store does not hold already; return all of them."""
        held = self._held()
        done: dict[int, PartRow] = {}
        for number, (offset, length) in enumerate(ranges(self._source.size, self._part_size), 1):
            digest = self._digest(offset, length)
            known = held.get(number)
            if known is not None and self._same(known, digest):
                done[number] = PartRow(number, digest, known.etag)
                continue
            done[number] = PartRow(number, digest, self._send(number, offset, length, digest))
            self._around.step("part_sent", self._row.name)
            self._around.catalog.add_part(self._row, done[number])
            self._around.step("part_kept", self._row.name)
        return done

    def _same(self, part: PartRow, digest: bytes) -> bool:
        """Say whether a part the store holds is what we would send now."""
        if self._mode == MD5 and self._around.can.etag_part:
            return part.etag == digest.hex()
        return part.digest == digest

    def _held(self) -> dict[int, PartRow]:
        """Return the parts the store holds: those the catalog knows, minus what the store has lost, plus what it got
        without our learning it. The latter have no digest: their ETag has to be that of the local bytes.
        """
        around, row = self._around, self._row
        known = around.catalog.parts(row)
        if not row.upload_id or not around.can.list_parts:
            return known
        upload_id = row.upload_id
        listed = persist(lambda: around.bucket.parts(row.key, upload_id), around.sleep)
        if listed is None:
            return known
        there = {part.number: part for part in listed}
        held = {n: part for n, part in known.items() if n in there and there[n].etag == part.etag}
        if self._mode == MD5 and around.can.etag_part:
            held.update({n: PartRow(n, b"", part.etag) for n, part in there.items() if n not in held})
        return held

    def _send(self, number: int, offset: int, length: int, digest: bytes) -> str:
        around, row, worker, source = self._around, self._row, self._worker, self._source
        body = Slice(source.descriptor, offset, length, worker.buffer, worker.pace, around.grain)

        def once() -> str:
            body.seek(0)
            etag = around.bucket.part(row.key, row.upload_id or "", number, body, {self._mode: digest})
            if self._mode == MD5 and around.can.etag_part and etag != digest.hex():
                raise BucketError(_WRONG_ETAG, "upload_part", row.key, "part %d" % number)
            return etag

        def failed(error: BucketError) -> None:
            self.resent += body.tell()
            source.unchanged()

        etag = persist(lambda: self._unless_gone(once), around.sleep, failed)
        worker.accepted(length)
        source.unchanged()
        return etag

    def _unless_gone(self, once: Callable[[], str]) -> str:
        """Some stores say "no such upload" by mistake: believe it when ListParts says it too."""
        try:
            return once()
        except BucketError as error:
            if error.verdict.kind != GONE or not self._around.can.list_parts:
                raise
            self._around.bucket.parts(self._row.key, self._row.upload_id or "")
            error.verdict = error.verdict._replace(kind=TRANSIENT)
            raise

    def complete(self, parts: Mapping[int, PartRow]) -> str:
        """Make an object of the parts; return the ETag told.

        Raise BucketError PRECONDITION when there is an object: it may even be ours.
        """
        around, row = self._around, self._row
        self._source.unchanged()
        absent = around.can.complete_if_absent == HONOURED
        if not absent:
            # I2, where the store does not help: look once more. (No object was there before the first part.)
            self._must_be_absent()
        manifest = [self._entry(parts[number]) for number in sorted(parts)]

        def once() -> str:
            return around.bucket.complete(row.key, row.upload_id or "", manifest, absent)

        # A lost reply, or an error inside a 200: it may have been done all the same, and HEAD knows. A key that may not
        # read asks again for the same: the store answers 200 to that, or that the object or no such upload is there.
        return persist(once, around.sleep, lambda error: self._must_be_absent() if around.can.reads else None)

    def _must_be_absent(self) -> None:
        around, key = self._around, self._row.key
        if persist(lambda: around.bucket.head(key), around.sleep) is not None:
            raise BucketError(_EXISTS, "complete_multipart_upload", key)

    def _entry(self, part: PartRow) -> dict[str, Any]:
        entry: dict[str, Any] = {"PartNumber": part.number, "ETag": part.etag}
        if self._mode == CRC32:
            entry["ChecksumCRC32"] = base64_digest(part.digest)
        return entry

    def evidence(self, parts: Mapping[int, PartRow]) -> Evidence:
        """Return what we know of the object that is now there."""
        digests = [parts[number].digest for number in sorted(parts)]
        return Evidence(
            self._source.size, self._mode, len(parts), digests if self._mode == MD5 else None, token=self._row.token
        )
