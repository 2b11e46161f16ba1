"""The poll loop of a recorder: look, let `machine` decide, act."""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import time

from camera_backup import __version__, disk, journal, jsonlines, paths
from camera_backup.errors import HostError
from camera_backup.recorder import backoff, children, clock, ffmpeg, history, live, machine, preflight, spool, tracks
from camera_backup.recorder.durable import Syncer
from camera_backup.recorder.finisher import Finisher
from camera_backup.recorder.picture import Picture
from camera_backup.recorder.preflight import Problem
from camera_backup.recorder.recording import Recording
from camera_backup.recorder.reporter import Reporter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from camera_backup.recorder.settings import Settings

_TICK = 1.0
_TICK_RECORDING = 2.5  # FFmpeg reports every 2 s, which wakes us anyway
_FINISHING_SECONDS = 55.0
_LEDGER_TAIL = 16384


class Supervisor:
    """Records one camera until it is told to stop."""

    def __init__(self, settings: Settings) -> None:
        """Raise HostError when this camera cannot be recorded on this host now.

        As a service it waits for a disk, and says so, where systemd would start it again every other second.
        """
        journal.redact.hide(*settings.secrets)
        self._settings = settings
        self._patience = ffmpeg.patience(settings.stall_timeout)
        self._lock: int | None = None
        self._started = time.monotonic()
        self._run = "%s-%d" % (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), os.getpid())
        self._boot_id = _boot_id()
        self._reporter = Reporter(settings)
        self._rate = live.Rate()
        self._syncer = Syncer()
        self._picture = Picture()
        self._clock = clock.Watch()
        self._finisher = Finisher(settings, self._run)
        try:
            self._take_storage()
        except spool.NoStorage:
            if not self._reporter.notifier.active:
                raise
        except OSError:
            pass  # the first attempt meets it again, and says so
        self._version: ffmpeg.Version | None = None
        self._recording: Recording | None = None
        self._stops = 0
        self._warned = False
        self._phase, self._since, self._state_since = machine.WAITING, self._started, time.time()
        self._next_attempt = self._started
        self._attempts = self._frames = 0
        self._backoff = backoff.Backoff(settings.camera)
        self._attempt_began = time.time()
        self._asked: str | None = None
        self._cause: str | None = None
        self._detail: str | None = None
        self._last_media: float | None = None
        before = live.read(paths.recorder_status(settings.state_path, settings.camera))
        self._tracks = tracks.Tracks(settings.audio, before.get("video_codec"), before.get("audio_codec"))
        self._remember(before)

    def _take_storage(self) -> None:
        """Become the only recorder of this camera, unless we are; raise NoStorage, HostError or OSError."""
        local_path, state_path = self._settings.local_path, self._settings.state_path
        try:
            wrong = disk.problem(local_path, state_path)
        except OSError as error:
            raise spool.NoStorage("%s: %s" % (error.filename, error.strerror)) from None
        if wrong is not None:
            raise spool.NoStorage(wrong)
        if self._lock is None:
            self._lock = spool.lock_camera(local_path, self._settings.camera)
            self._finisher.look_for_leftovers()
        disk.adopt(local_path, state_path)

    def _leave_storage(self) -> None:
        """Hold nothing on a disk that failed: an operator has to unmount it, and need not stop us for that."""
        self._finisher.let_go()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _remember(self, before: dict[str, Any]) -> None:
        """Find out which gap we are in, and write down that we are here."""
        settings = self._settings
        past = history.Past(jsonlines.tail(paths.ledger(settings.state_path, settings.camera), _LEDGER_TAIL))
        marks = [before.get("last_media"), spool.newest_write(settings.local_path, settings.camera)]
        if past.gap is not None:
            marks.append(before.get("updated"))
        alive = max((mark for mark in marks if isinstance(mark, (int, float))), default=None)
        now = time.time()
        # A ledger that ends with a thousand short gaps does not show the run any more; the status does.
        past.boot_id = past.boot_id or before.get("boot_id")
        self._gaps, events = history.resume(past, self._run, self._boot_id, now, alive)
        run = {"event": "run", "run": self._run, "at": now, "boot_id": self._boot_id, "version": __version__}
        self._reporter.events(*events, run)

    def run(self) -> int:
        """Record until SIGTERM or SIGINT; return 0. Raise HostError when started by hand without a usable FFmpeg."""
        wake = self._listen_to_signals()
        if not self._reporter.notifier.active:
            _need_ffmpeg(self._settings.ffmpeg)
        while True:
            now = time.monotonic()
            self._watch_clock()
            self._look(now)
            if self._act(now):
                return self._leave(wake)
            self._finisher.work(now)
            self._report(now)
            tick = _TICK_RECORDING if self._phase == machine.RECORDING else _TICK
            self._sleep(wake, min(tick, self._reporter.notifier.every or tick))

    def _watch_clock(self) -> None:
        """Write down that the clock was set: what was recorded before has a wrong time in its name."""
        step = self._clock.step(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))
        if step:
            self._reporter.events({"event": "clock", "at": time.time(), "step": step})

    def _listen_to_signals(self) -> int:
        """Return a descriptor that becomes readable when a signal has come."""
        read, write = os.pipe()
        for end in (read, write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # The per-camera file is read at the start only: a change of it is a restart.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        return read

    def _stop(self, *_: object) -> None:
        self._stops += 1

    def _sleep(self, wake: int, seconds: float) -> None:
        """Wait until a child says something or ends, a signal comes, or it is time to look again."""
        poller = select.poll()
        poller.register(wake, select.POLLIN)
        for pipe in self._recording.pipes if self._recording else ():
            if pipe.open:
                poller.register(pipe.descriptor, select.POLLIN)
        poller.poll(seconds * 1000)
        try:
            os.read(wake, 1024)
        except BlockingIOError:
            return

    def _look(self, now: float) -> None:
        """Take what the running FFmpeg says; notice its first frame and its end."""
        if self._recording is None:
            return
        recording = self._recording
        before = recording.segment
        status = children.reap(recording.pid)
        recording.drain(now, time.time())
        for segment in recording.done:
            self._finisher.add(segment, recording.directory)
        recording.done.clear()
        if recording.segment is not before:
            self._reporter.hurry()
        if recording.segment is not None:
            self._syncer.sync(recording.segment[0], now)
        self._last_media = recording.last_media or self._last_media
        if status is not None:
            self._ended(recording, now)
        elif self._phase == machine.STARTING:
            self._while_starting(recording, now)
        elif self._phase == machine.RECORDING:
            if now - self._since >= machine.SETTLED_AFTER:
                self._backoff.forget()
            if recording.out_of_time:
                self._terminate("connection_lost", "the camera's clock was set, its time stamps jumped", now)
            elif recording.segment and self._picture.changed(recording.segment[0], self._tracks.video, now):
                self._terminate("connection_lost", "the camera changed the format of its picture", now)

    def _while_starting(self, recording: Recording, now: float) -> None:
        answer = self._tracks.learn(recording.codecs)
        if answer == tracks.UNSUPPORTED:
            self._terminate(answer, self._tracks.refusal(), now)
        elif answer == tracks.SWITCH:
            self._terminate(answer, None, now)
        elif recording.frames:
            self._reporter.events(*self._gaps.end(recording.wall.zero or time.time()))
            self._cause = self._detail = None
            self._enter(machine.RECORDING, now)
            journal.log(journal.NOTICE, "recording", camera=self._settings.camera, audio=self._audio())
            self._warn_of_other_streams(recording.videos)

    def _warn_of_other_streams(self, videos: int) -> None:
        if videos > 1 and not self._warned:
            self._warned = True
            camera = self._settings.camera
            journal.log(journal.WARNING, "other_streams_ignored", camera=camera, videos=videos, recorded="the first")

    def _act(self, now: float) -> bool:
        """Do what `machine` decides; return whether it is time to leave."""
        action, cause = machine.decide(self._view(now))
        if action == machine.START:
            self._attempt(now)
        elif action == machine.TERMINATE:
            self._terminate(cause, None, now)
        elif action == machine.PAUSE:
            self._failed(cause, None, now)
        elif action == machine.KILL and self._recording is not None:
            self._recording.kill()
        return action == machine.EXIT

    def _view(self, now: float) -> machine.View:
        free, left = _room(self._settings.local_path)
        return machine.View(
            phase=self._phase,
            now=now,
            since=self._since,
            last_frame=self._recording.last_frame if self._recording else now,
            next_attempt=self._next_attempt,
            free=free,
            files=left,
            min_free=self._settings.min_free,
            stall_timeout=self._settings.stall_timeout,
            patience=self._patience,
            stop=self._stops > 0,
        )

    def _attempt(self, now: float) -> None:
        """Start FFmpeg, in a directory of its own."""
        self._attempt_began = time.time()
        try:
            program, self._version = preflight.find_ffmpeg(self._settings.ffmpeg)
            preflight.check_certificate(self._settings)
            self._take_storage()
            self._recording = self._started_recording(program, self._version, now)
        except Problem as problem:
            self._failed(problem.cause, problem.detail, now)
        except spool.NoStorage as problem:
            self._failed("disk_failed", str(problem), now)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            self._failed("disk_full" if full else "disk_failed", "%s: %s" % (error.filename, error.strerror), now)
        else:
            self._asked = None
            self._picture.begin()
            self._enter(machine.STARTING, now)

    def _started_recording(self, program: str, version: ffmpeg.Version, now: float) -> Recording:
        settings, plan = self._settings, self._tracks
        self._attempts += 1
        directory = spool.RunDirectory(settings.local_path, settings.camera, "%s.%d" % (self._run, self._attempts))
        options = {
            "rtsp_transport": settings.transport,
            "timeout": "%d" % (self._patience * 1e6),
            **ffmpeg.tls_options(version, settings.tls_verify, settings.tls_ca_file, settings.tls_fingerprint),
        }
        command = ffmpeg.command(
            program, version, settings.transport, settings.segment_duration, plan.video, plan.audio, directory.path
        )
        try:
            return Recording(command, ffmpeg.script(settings.url, options), directory, now, self._patience)
        except (OSError, ValueError) as error:
            directory.close()
            raise Problem("ffmpeg_failed", str(error)) from None

    def _terminate(self, cause: str, detail: str | None, now: float) -> None:
        """Ask FFmpeg to finish its file and end. I4: what it has recorded stays."""
        assert self._recording is not None
        self._asked = cause
        self._recording.terminate()
        if cause == "stalled":
            detail = machine.detail(cause, None, None, now - self._recording.last_frame)
        if cause not in (tracks.SWITCH, "stopped"):
            self._explain(cause, detail)
        self._enter(machine.ENDING, now)

    def _ended(self, recording: Recording, now: float) -> None:
        """FFmpeg is gone: hand its files on, find out why, and go on accordingly."""
        self._recording = None
        recording.close()
        self._frames += recording.frames
        self._finisher.end_run(recording.directory)
        silent = now - recording.last_frame
        told = recording.reason.cause if recording.reason else None
        cause = machine.verdict(self._asked, recording.frames > 0, silent, self._patience, told)
        if cause == "unsupported" and not self._asked and self._tracks.settle(recording.codecs):
            cause = tracks.SWITCH
        if cause == tracks.SWITCH:
            self._next_attempt = now
            self._enter(machine.WAITING, now)
        else:
            detail = self._detail if self._asked else machine.detail(cause, told, recording.said, silent)
            self._failed(cause, detail, now)

    def _failed(self, cause: str, detail: str | None, now: float) -> None:
        """Nothing is recorded from here on, or still not: say so, and when the next attempt is."""
        if cause != "stopped":
            self._explain(cause, detail)
        if cause == "disk_full":
            self._enter(machine.PAUSED, now)
            return
        if cause == "disk_failed":
            self._leave_storage()
        self._next_attempt = now + self._backoff.failed(cause)
        self._enter(machine.WAITING, now)

    def _explain(self, cause: str, detail: str | None) -> None:
        """Open the gap, unless we are in it already (I6). It begins with the last media, or when we began to try."""
        moment = time.time() if self._gaps.identity is not None else self._last_media or self._attempt_began
        self._reporter.events(*self._gaps.begin(moment, cause, detail))
        self._cause, self._detail = cause, detail

    def _enter(self, phase: str, now: float) -> None:
        self._phase, self._since, self._state_since = phase, now, time.time()
        self._reporter.tell(self._status(now), now)

    def _report(self, now: float) -> None:
        # Not before the first media or the first failure: so far `systemctl start` waits, and the boot.
        known = self._backoff.failures > 0 or self._phase in (machine.RECORDING, machine.PAUSED)
        if known or now - self._started > machine.READY_AFTER:
            self._reporter.ready()
        if self._reporter.due(now):
            self._reporter.tell(self._status(now), now)
        self._reporter.ping(now)

    def _audio(self) -> str | None:
        if self._recording is None or not self._recording.codecs:
            return None
        return self._tracks.audio if "Audio" in self._recording.codecs else "none"

    def _status(self, now: float) -> dict[str, Any]:
        recording = self._recording
        path, opened = recording.segment if recording and recording.segment else (None, 0.0)
        size = _size(path)
        self._rate.take(path, size, now)
        waiting = self._phase == machine.WAITING
        return live.rounded(
            {
                "format": live.FORMAT,
                "camera": self._settings.camera,
                "state": live.STATES.get(self._phase, self._phase),
                "since": self._state_since,
                "cause": self._cause,
                "detail": self._detail,
                "pid": os.getpid(),
                "boot_id": self._boot_id,
                "updated": time.time(),
                "segment": path and {"name": os.path.basename(path), "start": round(opened, 3), "bytes": size},
                "bits_per_second": self._rate.bits_per_second,
                "frames": self._frames + (recording.frames if recording else 0),
                "reconnects": max(0, self._attempts - 1),
                "next_attempt": time.time() + self._next_attempt - now if waiting else None,
                "ffmpeg": self._version.text if self._version else None,
                "audio": self._audio(),
                "last_media": self._last_media,
                "video_codec": self._tracks.video,
                "audio_codec": self._tracks.audio_codec,
            }
        )

    def _leave(self, wake: int) -> int:
        """Finish what FFmpeg closed, say that we stopped, and return 0. What takes too long is left to the next run."""
        self._reporter.notifier.send("STOPPING=1")
        deadline = time.monotonic() + _FINISHING_SECONDS
        while self._finisher.busy and time.monotonic() < deadline and self._stops < 2:
            self._finisher.work(time.monotonic(), leftovers=False)
            self._reporter.ping(time.monotonic())
            self._sleep(wake, 0.2)
        self._explain("stopped", None)
        self._reporter.events({"event": "stop", "run": self._run, "at": time.time()})
        self._enter("stopped", time.monotonic())
        return 0


def _need_ffmpeg(name: str) -> None:
    try:
        preflight.find_ffmpeg(name)
    except Problem as problem:
        raise HostError(str(problem.detail)) from None


def _room(path: str) -> tuple[int, int | None]:
    """Return the bytes and the files a disk can still take (None: any number).

    One that cannot be asked is not called full: the next attempt to write finds out what is wrong with it.
    """
    try:
        room = os.statvfs(path)
    except OSError:
        return sys.maxsize, None
    return room.f_bavail * room.f_frsize, room.f_favail if room.f_files else None


def _size(path: str | None) -> int:
    try:
        return os.stat(path).st_size if path else 0
    except OSError:
        return 0  # it was published and uploaded between two looks


def _boot_id() -> str:
    """Return what tells one boot of this host from another.

    Its unit hands it to a service that may not look into /proc/sys; there systemd leaves out the dashes.
    """
    given = os.environ.get("CAMERA_BACKUP_BOOT_ID", "")
    if len(given) == 32:
        return "-".join((given[:8], given[8:12], given[12:16], given[16:20], given[20:]))
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            return stream.read().strip()
    except OSError:
        return ""
