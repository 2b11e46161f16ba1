"""One segment, from the directory into the bucket and, once proven, off the disk."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Mapping

from camera_backup import journal, paths, segments
from camera_backup.bucket.proof import SIZE_ONLY
from camera_backup.bucket.retry import persist
from camera_backup.bucket.slices import SourceGone
from camera_backup.bucket.source import Source
from camera_backup.bucket.transfer import Surroundings, Transfer, Worker
from camera_backup.catalog import PROVEN, REFUSED, UPLOADING, Row
from camera_backup.uploader import delete, lease
from camera_backup.uploader.facts import Recorded, facts, metadata


@dataclass(frozen=True)
class Job:
    """A segment to be moved. `known`: what the ledger says of it."""

    camera: str
    name: str
    known: Recorded | None


class Mover:
    """Moves segments, one after the other; one for each thread."""

    def __init__(self, around: Surroundings, worker: Worker, local_path: str, deletes: bool) -> None:
        """deletes: `upload.delete_after_upload`."""
        self._around = around
        self._worker = worker
        self._local_path = local_path
        self._deletes = deletes

    def move(self, job: Job) -> Row:
        """Prove a segment in the bucket, then delete it if asked to; return its row.

        Raise StillOpen, SourceChanged, SourceUnreadable, NotProvable, BucketError or Stopped; the file is kept then.
        """
        began = time.monotonic()
        source = Source(paths.footage(self._local_path, job.camera), job.name)
        try:
            _claim(source)
            lease.check(source.descriptor)
            row = self._row(job, source)
            self._around.step("opened", job.name)
            resent = 0
            if row.state != PROVEN:
                row, resent = self._upload(row, source, job)
        finally:
            source.close()
        self._report(row, time.monotonic() - began, resent)
        if self._deletes:
            self._delete(row)
        return row

    def _row(self, job: Job, source: Source) -> Row:
        """Return what the catalog knows of this very file, on its way to this very place; else begin."""
        around = self._around
        row = around.catalog.get(job.camera, job.name)
        known = row is not None and row.identity == source.identity and row.place == around.place
        begun = known and row is not None and row.state in (UPLOADING, REFUSED) and row.lock == self._lock(job)
        if row is not None and begun and _is_for(row.key, self._key(job)):
            return row
        if row is not None and known and row.state == PROVEN and self._still_there(row):
            return row
        return self._begin(job, source)

    def _begin(self, job: Job, source: Source) -> Row:
        place, key = self._around.place, self._key(job)
        return self._around.catalog.begin(
            job.camera, job.name, place, key, source.identity, source.size, source.closed_at, self._lock(job)
        )

    def _lock(self, job: Job) -> str:
        """Return the object lock of a segment in one word: an upload that was begun under another one begins again."""
        lock = self._around.lock(job.camera)
        return lock.word if lock else ""

    def _key(self, job: Job) -> str:
        return segments.object_key(self._around.bucket.prefix, job.camera, job.name)

    def _still_there(self, row: Row) -> bool:
        """I1: what a former run has proven is looked at again before the file goes: days may have passed.

        A key that may not read cannot; the proof in the catalog is of this file and this place, and stands.
        """
        if not self._around.can.reads:
            return True
        found = persist(lambda: self._around.bucket.head(row.key), self._around.sleep)
        return found is not None and (found.size, found.etag) == (row.size, row.etag)

    def _upload(self, row: Row, source: Source, job: Job) -> tuple[Row, int]:
        about = facts(job.known, source.directory, source.name, source.size)

        def described(sha256: str, token: str, part_size: int) -> Mapping[str, str]:
            # Called once the store was asked for the object, so that the skew is of this moment.
            skew = self._around.bucket.skew
            return metadata(about, sha256, job.camera, self._around.host, token, part_size, skew)

        transfer = Transfer(self._around, self._worker, source, row, about.sha256, described)
        return transfer.run(), transfer.resent

    def _report(self, row: Row, seconds: float, resent: int) -> None:
        """Write the one line that tells the story of a segment."""
        priority = journal.WARNING if row.proof == SIZE_ONLY else journal.INFO
        journal.log(
            priority,
            "segment_proven",
            camera=row.camera,
            name=row.name,
            key=row.key,
            bytes=row.size,
            seconds=seconds,
            resent=resent,
            proof=row.proof,
        )

    def _delete(self, row: Row) -> None:
        delete.remove(paths.footage(self._local_path, row.camera), row)
        self._around.step("unlinked", row.name)
        self._around.catalog.deleted(row)
        self._around.step("deleted", row.name)


def _claim(source: Source) -> None:
    """Keep the segment from being dropped for space while it travels."""
    try:
        lease.claim(source.descriptor, alone=False)
    except lease.Claimed:
        raise SourceGone("the file is being dropped") from None


def _is_for(key: str, wanted: str) -> bool:
    """Say whether a key is the wanted one, or its sibling for other bytes (I2)."""
    return key == wanted or key.startswith(wanted.rpartition(".")[0] + ".conflict-")
