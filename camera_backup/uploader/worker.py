"""The work: everything that is ready, into the bucket, by a few threads. Lives as long as there is work.

As a process of its own it gets its parameters on standard input, never in argv or environment (I7), and tells its
parent on standard output, one JSON object a line, what it is doing.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, Sequence

from camera_backup import catalog as catalogs
from camera_backup import disk, journal, paths, schedule
from camera_backup.bucket import lock
from camera_backup.bucket.capabilities import Capabilities
from camera_backup.bucket.errors import DENIED, LOCK, PAUSE, PERMANENT, UNPROVABLE, UNSTEADY, BucketError, Verdict
from camera_backup.bucket.slices import SourceChanged, SourceGone, SourceUnreadable, new_buffer
from camera_backup.bucket.stopping import Stop, Stopped
from camera_backup.bucket.transfer import NotProvable, Surroundings, Worker
from camera_backup.catalog import Catalog
from camera_backup.errors import HostError
from camera_backup.uploader import delete, facts, janitor, leftovers, plan, steps, throttle, tombstones, workplace
from camera_backup.uploader.jobs import Jobs
from camera_backup.uploader.lease import StillOpen
from camera_backup.uploader.mover import Job, Mover
from camera_backup.uploader.parameters import Parameters
from camera_backup.uploader.progress import Progress
from camera_backup.uploader.throttle import Throttle

_BATCH = 4096
"""Names of all cameras together that are looked at at once: a backlog of 100,000 costs no memory here."""

_LOOK_SECONDS = 60.0
"""How often the directories are looked at during a run at most; 100,000 files take a second."""

Report = Callable[[Dict[str, Any]], None]


@dataclass
class Result:
    """What became of a run. `undone`: (camera, name) → why it is still here; `pause`: why nothing works.

    left: ready segments that the last look at the directories passed over, as tried or as kept on purpose
    """

    proven: int = 0
    left: int = 0
    undone: dict[tuple[str, str], str] = field(default_factory=dict)
    pause: Verdict | None = None
    corrupt: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it for the parent."""
        return {
            "proven": self.proven,
            "left": self.left,
            "undone": [[camera, name, why] for (camera, name), why in self.undone.items()],
            "pause": list(self.pause) if self.pause else None,
        }


def work(parameters: Parameters, stop: Stop, report: Report, step: steps.Hook = steps.nothing) -> Result:
    """Upload, prove and delete all that is ready; return what became of it.

    stop: ends it, and is used up by it; report: told about once a second what is going on.
    Raise HostError when this host does not let us work.
    """
    state_path = parameters.storage.state_path
    descriptor = workplace.lock(state_path, paths.uploader_lock(state_path))
    try:
        return _Run(parameters, stop, report, step).run()
    finally:
        os.close(descriptor)


class _Run:
    """One run. Its threads share the catalog, the bucket, the throttle and the list of what is to be done."""

    def __init__(self, parameters: Parameters, stop: Stop, report: Report, step: steps.Hook) -> None:
        self._parameters = parameters
        self._stop = stop
        self._report = report
        self._step = step
        self._result = Result()
        self._progress = Progress()
        self._lock = threading.Lock()
        self._crash: BaseException | None = None
        self._tried: set[tuple[str, str]] = set()

    def run(self) -> Result:
        storage = self._parameters.storage
        wrong = disk.problem(storage.local_path, storage.state_path)
        if wrong is not None:
            raise HostError(wrong)
        leftovers.finish(self._parameters, self._progress.tick)
        catalog = workplace.open_catalog(storage.state_path)
        try:
            self._guarded(lambda: self._all(catalog))
        finally:
            catalog.close()
        if self._result.corrupt:
            path = paths.catalog(storage.state_path)
            aside = catalogs.set_aside(path, time.time())
            journal.log(journal.ERROR, "catalog_corrupt", path=path, moved_to=aside)
        self._result.proven = self._progress.proven
        return self._result

    def _guarded(self, action: Callable[[], None]) -> None:
        """Do something; whatever stops the whole run ends up in the result."""
        try:
            action()
        except Stopped:
            return
        except BucketError as error:
            self._halt(error.verdict._replace(words=str(error)))
        except sqlite3.OperationalError as error:
            self._halt(Verdict(PAUSE, "catalog", "the catalog cannot be written: %s" % error))
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise  # a mistake of ours, not of the disk
            self._result.corrupt = True
            self._halt(Verdict(PAUSE, "catalog", "the catalog is corrupt and is begun anew: %s" % error))

    def _halt(self, verdict: Verdict) -> None:
        with self._lock:
            if self._result.pause is None and not self._stop.is_set():
                self._result.pause = verdict
        self._stop.set()

    def _all(self, catalog: Catalog) -> None:
        """Upload until nothing is left that was not tried."""
        found = self._survey(catalog)
        if not found.segments and not catalog.unfinished():
            return
        parameters = self._parameters
        self._obey()
        bucket, can = workplace.open_bucket(parameters, catalog, self._stop, self._progress.tick)
        self._report({"capabilities": can.as_json()})
        if not can.reads:
            bucket.ask_the_time()
        grain = throttle.grain(schedule.limits(parameters.upload.schedule, parameters.upload.bandwidth_limit))
        around = workplace.surroundings(parameters, catalog, bucket, can, grain, self._stop, self._stepped)
        every = max(_LOOK_SECONDS, float(parameters.upload.check_interval))
        try:
            self._look_at_locks(can)
            self._send_all(Jobs(lambda: self._jobs(self._survey(catalog).candidates()), every, self._tried), around)
            if not self._stop.is_set():
                self._survey(catalog, final=True)
                janitor.clean(catalog, bucket, around.place, parameters.storage.local_path, time.time())
        finally:
            bucket.close()
            self._doubt(catalog)

    def _look_at_locks(self, can: Capabilities) -> None:
        """Before the first byte: end the run where footage that is to be locked would not be."""
        refusal = lock.refusal(can) if self._parameters.locks else None
        if refusal is not None:
            self._halt(refusal)
        self._stop.check()

    def _doubt(self, catalog: Catalog) -> None:
        """After a pause that rights of the key, or the bucket, may have caused, the next run looks at both anew."""
        if self._result.pause is not None and self._result.pause.cause in (DENIED, LOCK, UNPROVABLE, UNSTEADY):
            catalog.forget_endpoint(workplace.endpoint_name(self._parameters))

    def _limit(self) -> int | None:
        upload = self._parameters.upload
        if not upload.schedule:
            return upload.bandwidth_limit
        return schedule.limit_at(upload.schedule, upload.bandwidth_limit, schedule.minute_of_day(time.time()))

    def _obey(self) -> None:
        """Raise Stopped when we were asked to end, or the schedule says that now nothing leaves."""
        windows = self._parameters.upload.schedule
        until = schedule.off_until(windows, schedule.minute_of_day(time.time())) if windows else None
        if until is not None:
            self._halt(Verdict(PAUSE, schedule.CAUSE, schedule.words(until)))
        self._stop.check()

    def _stepped(self, step: str, name: str) -> None:
        self._progress.tick()
        self._step(step, name)

    def _survey(self, catalog: Catalog, final: bool = False) -> plan.Survey:
        """Look for segments that were not tried; at last (`final`) also count those that were, and are still there."""
        storage, upload = self._parameters.storage, self._parameters.upload

        def kept(camera: str, entry: plan.Entry) -> bool:
            identity = "%d:%d:%d" % (entry.inode, entry.size, entry.mtime_ns)
            return not upload.delete_after_upload and catalog.is_proven(camera, entry.name, identity)

        def wanted(camera: str, entry: plan.Entry) -> bool:
            tried = (camera, entry.name) in self._tried
            on_purpose = (final or not tried) and kept(camera, entry)
            self._result.left += tried or on_purpose
            return not on_purpose and (final or not tried)

        self._result.left = 0
        try:
            each = max(1, _BATCH // max(1, len(plan.camera_names(storage.local_path))))
            found = plan.survey(
                storage.local_path, time.time(), upload.min_age, each, wanted, newest_first=upload.newest_first
            )
        except OSError as error:
            raise HostError("%s: cannot be read: %s" % (storage.local_path, error.strerror)) from None
        self._report({"backlog": found.backlog()})
        return found

    def _jobs(self, candidates: Sequence[tuple[str, str]]) -> Iterator[Job]:
        names: dict[str, list[str]] = {}
        for camera, name in candidates:
            names.setdefault(camera, []).append(name)
        state_path = self._parameters.storage.state_path
        records = {camera: facts.recorded(state_path, camera, wanted) for camera, wanted in names.items()}
        for camera, wanted in names.items():
            tombstones.take_back(state_path, camera, wanted)
        return (Job(camera, name, records[camera].get(name)) for camera, name in candidates)

    def _send_all(self, jobs: Jobs, around: Surroundings) -> None:
        line = Throttle(self._limit, self._stop.sleep)
        threads = [
            threading.Thread(target=self._thread, args=(number, jobs, around, line), daemon=True)
            for number in range(self._parameters.upload.workers)
        ]
        for thread in threads:
            thread.start()
        self._tell(around)
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(1.0 / len(threads))
            self._tell(around)
        if self._crash is not None:
            raise self._crash

    def _tell(self, around: Surroundings) -> None:
        skew = around.bucket.skew
        known = {} if skew is None else {"clock_skew": int(skew)}
        self._report({**self._progress.as_json(), "limit": self._limit(), **known})

    def _thread(self, number: int, jobs: Jobs, around: Surroundings, line: Throttle) -> None:
        try:
            self._guarded(lambda: self._take(number, jobs, around, line))
        except BaseException as error:
            # The end of a thread is a process boundary: what nobody foresaw ends the run, not one thread in silence.
            self._crash = error
            self._stop.set()

    def _take(self, number: int, jobs: Jobs, around: Surroundings, line: Throttle) -> None:
        def pace(count: int) -> None:
            self._obey()
            line.pace(count)
            self._progress.sent(number, count)

        def tick() -> None:
            self._obey()
            self._progress.tick()

        worker = Worker(new_buffer(), pace, tick, self._progress.accept)
        mover = Mover(around, worker, self._parameters.storage.local_path, self._parameters.upload.delete_after_upload)
        while not self._stop.is_set():
            self._obey()
            job = jobs.next()
            if job is None:
                return
            self._guarded(lambda job=job: self._one(number, mover, job, around.catalog))  # type: ignore[misc]

    def _one(self, number: int, mover: Mover, job: Job, catalog: Catalog) -> None:
        """Move one segment. What concerns it alone is written down; what concerns all of them is raised."""
        self._progress.begin(number, job.camera, job.name, self._size(job))
        proven = False
        try:
            mover.move(job)
            proven = True
        except SourceGone:
            pass
        except StillOpen:
            self._keep(job, "a process has the file open for writing")
        except (SourceChanged, delete.NotDeleted) as error:
            self._keep(job, str(error))
        except (SourceUnreadable, NotProvable) as error:
            self._fail(job, str(error), catalog, final=False)
        except BucketError as error:
            if error.verdict.kind == PAUSE:
                self._keep(job, str(error))
                raise
            self._fail(job, str(error), catalog, final=error.verdict.kind == PERMANENT)
        finally:
            self._progress.end(number, proven)

    def _size(self, job: Job) -> int:
        try:
            return os.stat("%s/%s" % (paths.footage(self._parameters.storage.local_path, job.camera), job.name)).st_size
        except OSError:
            return 0

    def _keep(self, job: Job, why: str) -> None:
        with self._lock:
            self._result.undone[(job.camera, job.name)] = why

    def _fail(self, job: Job, why: str, catalog: Catalog, final: bool) -> None:
        self._keep(job, why)
        row = catalog.get(job.camera, job.name)
        if row is not None:
            catalog.failed(row, why, final)
