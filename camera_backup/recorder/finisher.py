"""The queue of closed segments, and the one child at a time that finishes them."""

from __future__ import annotations

import os

from camera_backup import journal, paths
from camera_backup.recorder import children, spool
from camera_backup.recorder.recording import Closed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from camera_backup.recorder.settings import Settings
    from camera_backup.recorder.spool import RunDirectory

RETRY_SECONDS = 300.0
_MODULE = "camera_backup.recorder.finish"


class _Job:
    def __init__(self, segment: Closed, directory: RunDirectory) -> None:
        self.segment = segment
        self.directory = directory
        self.not_before = 0.0


class Finisher:
    """Finishes segments in order, at low priority, never two at a time on a host.

    At the full hour all cameras of a host close a file: 64 remuxes side by side would take the disk away from the
    64 recordings that just began.
    """

    def __init__(self, settings: Settings, run: str) -> None:
        self._settings = settings
        self._place = [settings.local_path, settings.state_path, settings.camera, settings.ffmpeg]
        self._run = run
        self._jobs: list[_Job] = []
        self._job: _Job | None = None
        self._leftovers_at: float | None = None
        self._turn: int | None = None
        self._pid: int | None = None
        self._ended_runs: list[RunDirectory] = []

    @property
    def busy(self) -> bool:
        """Whether a segment of our own waits or is worked on."""
        return self._job is not None or any(not job.not_before for job in self._jobs)

    def look_for_leftovers(self) -> None:
        """Have what earlier runs left finished, if there is anything; raise OSError."""
        if os.listdir(paths.spool(self._settings.local_path, self._settings.camera)):
            self._leftovers_at = 0.0

    def let_go(self) -> None:
        """Hold nothing on the disk, so that it can be unmounted and repaired. What waited is a leftover from now on."""
        self._jobs.clear()
        self._release()

    def add(self, segment: Closed, directory: RunDirectory) -> None:
        """Queue a closed segment."""
        self._jobs.append(_Job(segment, directory))

    def end_run(self, directory: RunDirectory) -> None:
        """FFmpeg has left this directory. What it did not report (it was killed) is queued, too."""
        known = {job.segment.path for job in [*self._jobs, *([self._job] if self._job else [])]}
        for path in directory.files():
            if path not in known:
                self.add(Closed(path, None, None), directory)
        self._ended_runs.append(directory)
        self._release()

    def work(self, now: float, leftovers: bool = True) -> None:
        """Look after the child, and start the next when it is time. leftovers: also what earlier runs left."""
        if self._pid is not None:
            status = children.reap(self._pid)
            if status is None:
                return
            self._ended(status, now)
        ready = next((job for job in self._jobs if job.not_before <= now), None)
        due = leftovers and self._leftovers_at is not None and self._leftovers_at <= now
        if (ready is not None or due) and self._take_turn():
            try:
                self._start(ready)
            except OSError as error:
                journal.log(journal.ERROR, "finish_not_started", error=str(error.strerror))
                self._ended(1, now)

    def _start(self, job: _Job | None) -> None:
        assert self._turn is not None
        self._job = job
        descriptors = {2: 2, 5: self._turn}
        if job is None:
            command = children.python(_MODULE, "leftovers", *self._place, self._run)
        else:
            self._jobs.remove(job)
            descriptors[6] = job.directory.descriptor
            closed = job.segment
            known = (closed.start, closed.end, closed.silence)
            times = ["" if seconds is None else "%.3f" % seconds for seconds in known]
            command = children.python(_MODULE, "segment", *self._place, self._run, closed.path, *times)
        self._pid = children.spawn(command, children.environment(), descriptors)

    def _ended(self, status: int, now: float) -> None:
        job, self._job, self._pid = self._job, None, None
        if self._turn is not None:
            os.close(self._turn)
            self._turn = None
        again = now + RETRY_SECONDS if status else None
        if job is None:
            self._leftovers_at = again
        elif again is not None:
            job.not_before = again
            self._jobs.append(job)
        self._release()

    def _take_turn(self) -> bool:
        try:
            turn = os.open(paths.finishing(self._settings.state_path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError:
            return False
        if not spool.locked(turn):
            os.close(turn)
            return False
        self._turn = turn
        return True

    def _release(self) -> None:
        """Let go of the directories in which nothing is left to do."""
        waiting = [job.directory for job in [*self._jobs, *([self._job] if self._job else [])]]
        for directory in [one for one in self._ended_runs if one not in waiting]:
            directory.close()
            self._ended_runs.remove(directory)
