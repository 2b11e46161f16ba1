"""Make room on the disk. `space` decides what goes; here it goes, in a process of its own, with or without network."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from dataclasses import dataclass
from typing import Any, Iterator

from camera_backup import journal, measures, paths
from camera_backup.bucket.slices import SourceChanged, SourceGone, SourceUnreadable
from camera_backup.bucket.source import identity
from camera_backup.catalog import PROVEN, Catalog, Row
from camera_backup.errors import HostError
from camera_backup.segments import parse
from camera_backup.uploader import delete, facts, plan, recognition, space, steps, tombstones, workplace
from camera_backup.uploader.lease import Claimed, StillOpen
from camera_backup.uploader.parameters import Parameters
from camera_backup.uploader.space import Candidate
from camera_backup.uploader.witness import Witness


@dataclass
class Swept:
    """What became of it: segments and bytes.

    released: proven in the bucket; dropped: in no bucket; missing: the bucket does not hold what it was seen to hold
    unknown: files that the catalog takes for proven, and that are not known by their bytes
    short: what is still needed; busy: of segments that would have gone, had they not been on their way
    spared: of what is needed, what nothing was dropped for: see `space.worth_dropping`
    """

    released: int = 0
    released_bytes: int = 0
    dropped: int = 0
    dropped_bytes: int = 0
    missing: int = 0
    unknown: int = 0
    short: int = 0
    busy: int = 0
    spared: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it for the parent."""
        return dict(vars(self))


def sweep(parameters: Parameters, needed: int, least: int, step: steps.Hook = steps.nothing) -> Swept:
    """Free `needed` bytes, and what has outlived `storage.local_retention`; raise HostError when that fails.

    least: bytes without which recording does not go on
    """
    state_path = parameters.storage.state_path
    descriptor = workplace.lock(state_path, paths.space_lock(state_path))
    try:
        with contextlib.ExitStack() as stack:
            catalog = stack.enter_context(contextlib.closing(workplace.open_catalog(state_path)))
            witness = stack.enter_context(contextlib.closing(Witness(parameters, catalog)))
            return _Sweep(parameters, catalog, witness, step).run(needed, least)
    except (OSError, sqlite3.Error) as error:
        raise HostError("no room could be made: %s" % error) from None
    finally:
        os.close(descriptor)


class _Sweep:
    def __init__(self, parameters: Parameters, catalog: Catalog, witness: Witness, step: steps.Hook) -> None:
        self._storage = parameters.storage
        self._catalog = catalog
        self._witness = witness
        self._step = step
        self._identities: dict[tuple[str, str], str] = {}
        self._done = Swept()

    def run(self, needed: int, least: int) -> Swept:
        self._settle()
        storage = self._storage
        left = list(self._candidates())
        drops = storage.when_full == "drop_oldest"
        if drops:
            self._done.spared = needed - space.worth_dropping(sum(one.bytes for one in left), needed, least)
        for one in space.outlived(left, time.time(), storage.retention_seconds, storage.retention_bytes):
            freed = self._release(one, urgent=False)
            if freed:  # what was not released may have to go all the same, for its space
                left.remove(one)
                needed -= freed
        needed = self._free(left, needed, drops=False)
        if drops:
            needed = self._done.spared + self._free(left, needed - self._done.spared, drops=True)
        self._done.short = max(0, needed)
        return self._done

    def _free(self, left: list[Candidate], needed: int, drops: bool) -> int:
        """Delete of what is `left` until `needed` bytes are free, or nothing more may go; return what is lacking."""
        while needed > 0:
            # What could not go is not chosen again, and the next ones take its place.
            chosen = space.choose(left, needed, drops)
            if not chosen:
                break
            for one in chosen:
                left.remove(one)
                needed -= self._release(one, urgent=True) if one.proven else self._drop(one)
        return needed

    def _settle(self) -> None:
        """Forget what is gone without a word: a former run was killed after it had dropped the file."""
        for row in self._catalog.unsent():
            if not os.path.lexists("%s/%s" % (paths.footage(self._storage.local_path, row.camera), row.name)):
                self._catalog.forget(row)

    def _candidates(self) -> Iterator[Candidate]:
        for camera in plan.camera_names(self._storage.local_path):
            for name, status in _closed(paths.footage(self._storage.local_path, camera)):
                segment = parse(name)
                if segment is None:
                    continue
                self._identities[camera, name] = identity(status)
                proven = self._proven(camera, name) is not None
                yield Candidate(camera, name, segment.start, status.st_size, status.st_mtime, proven)

    def _proven(self, camera: str, name: str) -> Row | None:
        """Return the row of a segment if it says that the bucket holds this file, on whatever device it is now."""
        row = self._catalog.get(camera, name)
        if row is None or row.state != PROVEN:
            return None
        return row if recognition.is_alike(row.identity, self._identities[camera, name]) else None

    def _release(self, one: Candidate, urgent: bool) -> int:
        """Delete what is proven; return the bytes that are free now.

        I1: the bucket is asked again, since days may have passed. If it cannot be asked, what is merely too old stays.
        If the space is needed, the proof that the catalog holds counts: the footage that would not be recorded
        otherwise is lost for certain.
        """
        row = self._proven(one.camera, one.name)
        seen = self._witness.sees(row) if row is not None else None
        if row is None or (seen is None and not urgent):
            return 0
        if seen is False:
            self._done.missing += 1
            journal.log(journal.ERROR, "object_missing", camera=one.camera, name=one.name, key=row.key)
            self._catalog.restart(row)  # it is uploaded again
            return 0
        directory = paths.footage(self._storage.local_path, one.camera)
        try:
            row = self._recognised(directory, row)
            if row is None:
                return 0
            delete.remove(directory, row)
        except (SourceChanged, SourceGone, SourceUnreadable, StillOpen, delete.NotDeleted):
            return 0
        self._step(steps.UNLINKED, one.name)
        self._catalog.deleted(row)
        self._step(steps.DELETED, one.name)
        self._done.released += 1
        self._done.released_bytes += one.bytes
        checked = "now" if seen else "when-proven"
        journal.log(
            journal.INFO, "segment_released", camera=one.camera, name=one.name, bytes=one.bytes, checked=checked
        )
        return one.bytes

    def _recognised(self, directory: str, row: Row) -> Row | None:
        """I1: on a device with another number only the bytes tell that this is the file that was proven."""
        if row.identity == self._identities[row.camera, row.name]:
            return row
        identity = recognition.read(directory, row)
        if identity is not None:
            row = self._catalog.recognised(row, identity)
            return row if row.state == PROVEN else None  # a worker has begun with it meanwhile
        self._done.unknown += 1
        self._catalog.restart(row)  # it is compared with the bucket anew; nothing is sent if that holds it
        return None

    def _drop(self, one: Candidate) -> int:
        """Delete what no bucket holds, after its tombstone is on the disk (I6); return the bytes that are free now."""
        directory = paths.footage(self._storage.local_path, one.camera)
        record = facts.recorded(self._storage.state_path, one.camera, [one.name]).get(one.name)
        about = facts.facts(record, directory, one.name, one.bytes)
        end = about.start + about.duration

        def announce() -> bool:
            if self._proven(one.camera, one.name) is not None:
                return False  # proven since we looked
            tombstones.write(self._storage.state_path, one.camera, one.name, about.start, end, one.bytes)
            self._step(steps.ANNOUNCED, one.name)
            return True

        try:
            if not delete.drop(directory, one.name, self._identities[one.camera, one.name], announce):
                return 0
        except Claimed:
            self._done.busy += one.bytes
            return 0
        except (SourceChanged, StillOpen):
            return 0
        self._step(steps.DROPPED, one.name)
        self._forget(one)
        self._step(steps.FORGOTTEN, one.name)
        self._done.dropped += 1
        self._done.dropped_bytes += one.bytes
        journal.log(
            journal.WARNING,
            "segment_dropped",
            camera=one.camera,
            name=one.name,
            start=measures.moment(about.start),
            seconds=about.duration,
            bytes=one.bytes,
            reason=tombstones.REASON,
        )
        return one.bytes

    def _forget(self, one: Candidate) -> None:
        row = self._catalog.get(one.camera, one.name)
        if row is not None:
            self._catalog.forget(row)  # what was sent of it is aborted by the janitor


def _closed(directory: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the segments of a camera. One with a second name is still being published: deleting it frees nothing."""
    try:
        entries = os.scandir(directory)
    except OSError:
        return  # removed meanwhile, or not ours to read
    with entries:
        for entry in entries:
            if not plan.is_segment(entry.name):
                continue
            try:
                # Not entry.stat(): it knows neither the device nor the number of names everywhere.
                status = os.stat(entry.path, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                yield entry.name, status
