"""The part of the uploader that is always there: waits, looks, starts a worker when there is work.

It is small (no botocore, no YAML, no SQLite), since most of the time nothing is to be done.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from typing import Any, Callable, Dict, Mapping

from camera_backup import disk, files, journal, paths, schedule
from camera_backup.errors import CameraBackupError
from camera_backup.recorder.notify import Notifier
from camera_backup.uploader import leftovers, meter, plan, skew, spread
from camera_backup.uploader.agenda import Agenda
from camera_backup.uploader.child import GRACE_SECONDS, Child
from camera_backup.uploader.keeper import LOOK_SECONDS, Keeper
from camera_backup.uploader.parameters import Parameters, parse

IDLE, UPLOADING, PAUSED, OFF = "idle", "uploading", "paused", "off"
"""`paused`: nothing works, for a cause outside; `off`: by `upload.schedule`, which is as it should be."""

_STATUS_SECONDS = 10.0
_END_SECONDS = GRACE_SECONDS + 1.0

Load = Callable[[], Dict[str, Any]]


class Signals:
    """SIGTERM and SIGINT ask to stop, SIGHUP to reload; each wakes the loop through a pipe."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.stop = self.reload = False
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGHUP, self._reload)

    def _stop(self, *_: object) -> None:
        self.stop = True

    def _reload(self, *_: object) -> None:
        self.reload = True

    def drain(self) -> None:
        """Take the wake-up calls."""
        os.read(self.reader, 4096)


class Service:
    """The waiting parent."""

    def __init__(self, load: Load, source: str, notifier: Notifier, signals: Signals) -> None:
        """load: reads the parameters, now and at every reload; source: where from, for messages."""
        self._load = load
        self._source = source
        self._notifier = notifier
        self._signals = signals
        self._child: Child | None = None
        self._keeper = Keeper()
        self._end: dict[str, Any] | None = None
        self._cause: str | None = None
        self._state, self._since = IDLE, time.time()
        self._told: dict[str, Any] = {"current": [], "backlog": {}, "capabilities": {}, "clock_skew": None}
        self._skew = skew.News()
        self._undone: dict[tuple[str, str], str] = {}
        self._foreign: dict[str, int] = {}
        self._written_at = 0.0
        self._given, self._parameters = self._read()
        self._agenda = self._new_agenda()
        self._agenda.begin(time.monotonic())
        self._meter = meter.Meter(meter.read(paths.uploader_status(self._parameters.storage.state_path)))
        self._measured: tuple[float, int] | None = None

    def _read(self) -> tuple[Mapping[str, Any], Parameters]:
        given = self._load()
        return given, parse(given, self._source)

    def _new_agenda(self) -> Agenda:
        origin = time.monotonic() - time.time()
        return Agenda(float(self._parameters.upload.check_interval), spread.share(socket.gethostname()), origin)

    def run(self) -> int:
        """Work until asked to stop; return the exit code."""
        journal.log(journal.INFO, "uploader_started", interval=self._parameters.upload.check_interval)
        os.makedirs(self._parameters.storage.state_path, mode=0o750, exist_ok=True)
        self._notifier.send("READY=1")
        self._notifier.send("STATUS=" + self._words())
        while not self._signals.stop:
            if self._signals.reload:
                self._reload()
            self._keeper.look(self._given, self._parameters)
            if self._child is None:
                self._look_at_the_clock()
            if self._idle and time.monotonic() >= self._agenda.next_scan:
                self._scan()
            self._write_status()
            self._wait()
        self._notifier.send("STOPPING=1")
        self._stop_child()
        self._keeper.stop()
        self._become(IDLE, None)
        self._write_status(final=True)
        journal.log(journal.INFO, "uploader_stopped")
        return 0

    # Waiting

    @property
    def _idle(self) -> bool:
        """Whether a worker may start. Not while room is made: it would take the oldest segments in hand."""
        return self._child is None and self._keeper.child is None

    def _timeout(self) -> float:
        until = [LOOK_SECONDS]
        if self._notifier.every is not None:
            until.append(self._notifier.every)
        if self._idle:
            until.append(self._agenda.next_scan - time.monotonic())
            until.append(60 - time.time() % 60 if self._parameters.upload.schedule else _STATUS_SECONDS)
        return max(0.0, min(until))

    def _wait(self) -> None:
        child = self._child
        poll = select.poll()
        poll.register(self._signals.reader, select.POLLIN)
        if child is not None:
            poll.register(child.descriptor, select.POLLIN)
        sweeper = self._keeper.child
        if sweeper is not None:
            poll.register(sweeper.descriptor, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(self._timeout() * 1000 + 1)}
        self._notifier.send("WATCHDOG=1")
        if self._signals.reader in ready:
            self._signals.drain()
        if sweeper is not None and sweeper.descriptor in ready:
            self._swept(self._keeper.listen())
        if child is None or child is not self._child:
            return
        if child.descriptor in ready:
            self._listen(child)
        elif child.hangs:
            journal.log(journal.ERROR, "worker_hangs", pid=child.pid)
            child.tell(signal.SIGKILL)

    def _listen(self, child: Child) -> None:
        said = child.messages()
        if said is None:
            self._child = None
            self._worker_gone(child.end(_END_SECONDS))
            return
        for message in said:
            self._end = message.get("end", self._end)
            self._told.update((key, message[key]) for key in self._told if key in message)
            self._measure(message)
            self._compare_clocks(message)
        # That a segment was taken up is no success yet: it may meet what the last one met.
        if self._state == PAUSED and any(message.get("accepted") for message in said):
            self._become(UPLOADING, None)

    def _measure(self, message: Mapping[str, Any]) -> None:
        """Given what a worker said, learn how fast the store accepts bytes while something is on its way."""
        if "accepted" not in message:
            return
        now, accepted = time.monotonic(), message["accepted"]
        if self._measured is not None:
            since, before = self._measured
            self._meter.add(message["limit"], accepted - before, now - since)
        self._measured = (now, accepted)

    def _compare_clocks(self, message: Mapping[str, Any]) -> None:
        """Given what a worker said, say once that our clock and the store's differ, and once that they agree again."""
        found = message.get("clock_skew")
        if found is None or not self._skew.is_new(found):
            return
        if skew.is_marked(found):
            text = "%s: what is uploaded is marked; %s" % (skew.words(found), skew.ADVICE)
            journal.log(journal.WARNING, "clock_differs", seconds=found, reason=text)
        else:
            journal.log(journal.NOTICE, "clock_agrees", seconds=found)

    # Work

    def _look_at_the_clock(self) -> None:
        """Begin and end the times at which nothing is sent. A worker looks at the clock itself."""
        windows = self._parameters.upload.schedule
        until = schedule.off_until(windows, schedule.minute_of_day(time.time())) if windows else None
        if until is not None:
            self._become(OFF, schedule.words(until))
        elif self._state == OFF:
            self._become(IDLE, None)
            self._agenda.begin(time.monotonic())

    def _swept(self, end: Mapping[str, Any] | None) -> None:
        """Room was made. What had to go and is on its way is taken from the worker, in order, and goes then."""
        if end is None:
            return
        if end["short"] and end["busy"] and self._child is not None:
            self._stop_child()
            self._keeper.at_once()
            self._agenda.at_once(time.monotonic())
        if end["missing"] or end["unknown"]:
            self._agenda.at_once(time.monotonic())

    def _scan(self) -> None:
        storage, upload = self._parameters.storage, self._parameters.upload
        try:
            wrong = disk.problem(storage.local_path, storage.state_path)
            found = plan.survey(storage.local_path, time.time(), upload.min_age, 1)
            waiting = leftovers.fingerprint(storage.local_path)
        except OSError as error:
            self._pause("storage", "%s: cannot be read: %s" % (storage.local_path, error.strerror))
            return
        if wrong is not None:
            self._pause("storage", wrong)
            return
        self._report_foreign(found)
        if upload.delete_after_upload or not self._told["backlog"]:
            self._told["backlog"] = found.backlog()
        start = self._agenda.scanned(time.monotonic(), found.segments, waiting, found.fingerprint ^ waiting)
        if self._state == OFF:
            return
        if start:
            self._end = self._measured = None
            try:
                self._child = Child(self._given)
            except OSError as error:
                self._pause("worker", "the worker cannot be started: %s" % error.strerror)
                return
            if self._state == IDLE:
                self._become(UPLOADING, None)
        elif self._state == PAUSED:
            self._become(IDLE, None)

    def _fingerprint(self, left: int) -> int | None:
        """Return the fingerprint of what a run has left behind; None when more is there than it has passed over.

        A segment may have become ready after the last look of the worker: it must not wait for the next change.
        """
        storage = self._parameters.storage
        found = plan.survey(storage.local_path, time.time(), self._parameters.upload.min_age, 1)
        if self._parameters.upload.delete_after_upload:
            self._told["backlog"] = found.backlog()
        if found.segments > left:
            return None
        return found.fingerprint ^ leftovers.fingerprint(storage.local_path)

    def _report_foreign(self, found: plan.Survey) -> None:
        """Say once what is left alone, and again when there is more of it."""
        for camera in found.cameras:
            if camera.left_alone > self._foreign.get(camera.name, 0):
                journal.log(
                    journal.NOTICE,
                    "files_left_alone",
                    camera=camera.name,
                    files=camera.left_alone,
                    example=camera.example,
                )
            self._foreign[camera.name] = camera.left_alone

    def _worker_gone(self, status: int) -> None:
        end, self._end = self._end, None
        self._told["current"] = []
        if end is None:
            self._pause("worker", "the worker ended with status %d before it was done" % status)
        elif end["pause"] is not None and end["pause"][1] == schedule.CAUSE:
            self._report_undone(end["undone"])
            self._become(OFF, end["pause"][2])
        elif end["pause"] is not None:
            self._report_undone(end["undone"])
            self._pause(end["pause"][1], end["pause"][2])
        else:
            self._done(end)

    def _done(self, end: Mapping[str, Any]) -> None:
        self._report_undone(end["undone"])
        try:
            self._agenda.finished(time.monotonic(), self._fingerprint(end["left"]), len(end["undone"]))
        except OSError as error:
            self._pause("storage", str(error))
            return
        self._become(IDLE, None)

    def _report_undone(self, undone: list[list[str]]) -> None:
        """Say once, for each segment, why it stays."""
        now = {(camera, name): why for camera, name, why in undone}
        for (camera, name), why in now.items():
            if self._undone.get((camera, name)) != why:
                journal.log(journal.WARNING, "segment_kept", camera=camera, name=name, reason=why)
        self._undone = now

    def _pause(self, cause: str, words: str) -> None:
        """Keep everything, say why once, look again later."""
        delay = self._agenda.paused(time.monotonic())
        if self._state != PAUSED or self._cause_name != cause:
            journal.log(journal.ERROR, "upload_paused", cause=cause, reason=words, next_attempt="in %.0f s" % delay)
        self._cause_name = cause
        self._become(PAUSED, words)

    _cause_name = ""

    # Telling

    def _become(self, state: str, cause: str | None) -> None:
        if self._state == PAUSED and state in (IDLE, UPLOADING):
            journal.log(journal.NOTICE, "upload_resumed", after=time.time() - self._since)
        if OFF in (state, self._state) and state != self._state:
            journal.log(journal.NOTICE, "upload_schedule", state="off" if state == OFF else "on", reason=cause)
        if state != self._state:
            self._since = time.time()
            self._written_at = 0.0
        self._state, self._cause = state, cause
        self._notifier.send("STATUS=" + self._words())

    def _words(self) -> str:
        waiting = self._told["backlog"].get("segments", 0)
        return "%s, %s segments wait%s" % (
            self._state,
            waiting,
            ": " + journal.redact(self._cause) if self._cause else "",
        )

    def _status(self) -> dict[str, Any]:
        now, clock = time.time(), time.monotonic()
        return {
            "format": 1,
            "state": self._state,
            "since": self._since,
            "updated": now,
            "pid": os.getpid(),
            "cause": journal.redact(self._cause) if self._cause else None,
            "next_scan": None if self._child else now + max(0.0, self._agenda.next_scan - clock),
            "rates": self._meter.as_json(),
            "space": self._keeper.status(),
            **self._told,
        }

    def _write_status(self, final: bool = False) -> None:
        now = time.monotonic()
        due = 1.0 if self._child else _STATUS_SECONDS
        if not final and now - self._written_at < due:
            return
        self._written_at = now
        try:
            files.replace(
                paths.uploader_status(self._parameters.storage.state_path), json.dumps(self._status()), durable=False
            )
        except OSError as error:
            journal.log(journal.WARNING, "status_unwritable", error=str(error))

    # Asked from outside

    def _reload(self) -> None:
        self._signals.reload = False
        try:
            self._given, self._parameters = self._read()
        except CameraBackupError as error:
            journal.log(journal.ERROR, "reload_refused", reason=str(error))
            return
        journal.log(journal.NOTICE, "uploader_reloaded")
        self._agenda = self._new_agenda()
        self._stop_child()
        self._agenda.at_once(time.monotonic())

    def _stop_child(self) -> None:
        """End the worker in order; the parts it has sent are kept."""
        if self._child is not None:
            child, self._child = self._child, None
            child.tell(signal.SIGTERM)
            child.end(_END_SECONDS)
            self._told["current"] = []
