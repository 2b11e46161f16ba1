"""A host of its own for each recorder under test: directories, the per-camera file, the process, what it wrote."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping

from camera_backup import ledger, mp4
from camera_backup.recorder import spool
from tests.simulators.camera import Camera
from tests.support import frames
from tests.support.processes import wait_until

FFMPEGS = os.environ.get("CAMERA_BACKUP_FFMPEGS", "ffmpeg").split(":")
"""Every FFmpeg the recorder is tested with: one that writes fragmented files, one that writes hybrid ones."""

LIBFAKETIME = next(iter(sorted(glob.glob("/usr/lib/*/faketime/libfaketime.so.1"))), "libfaketime: not installed")

PROGRAM = str(Path(sys.executable).parent / "camera-backup")


def name_of(ffmpeg: str) -> str:
    """Return a short name of an FFmpeg for the ids of tests, such as `5.1.9`."""
    said = subprocess.run([ffmpeg, "-version"], capture_output=True, text=True, check=True).stdout
    return said.split()[2].split("-")[0]


class Host:
    """The directories of a host. One recorder at a time may run on it, as under systemd."""

    def __init__(self, directory: Path, camera: Camera, ffmpeg: str = "ffmpeg", **settings: Any) -> None:
        self.camera = camera
        self.name = camera.name
        self.local_path = directory / "segments"
        self.state_path = directory / "state"
        self.log = directory / "journal"
        self.credentials = directory / "credentials"
        for needed in (self.local_path, self.state_path / "ledger", self.state_path / "recorders", self.credentials):
            needed.mkdir(parents=True)
        self.settings = {
            "format": 1,
            "camera": self.name,
            "url": camera.url,
            "transport": "tcp",
            "audio": "auto",
            "tls": {"verify": True, "ca_file": None, "fingerprint": None},
            "segment_duration": 5,
            "stall_timeout": 6,
            "local_path": str(self.local_path),
            "state_path": str(self.state_path),
            "min_free": 1 << 20,
            "ffmpeg": ffmpeg,
            **settings,
        }
        self.write_settings()
        self._recorders: list[Recorder] = []

    def write_settings(self, **changes: Any) -> None:
        """Write the per-camera file anew."""
        self.settings.update(changes)
        path = self.credentials / "recorder.json"
        path.write_text(json.dumps(self.settings))
        path.chmod(0o600)

    def remember(self, **status: Any) -> None:
        """Leave a status file as an earlier run of the recorder would."""
        path = self.state_path / "recorders" / (self.name + ".json")
        path.write_text(json.dumps({"format": 1, **status}))

    def start(self, environment: Mapping[str, str] | None = None, talkative: bool = False) -> Recorder:
        """Start `camera-backup record NAME` as its unit would; talkative: with --debug."""
        recorder = Recorder(self, environment or {}, ["--debug"] if talkative else [])
        self._recorders.append(recorder)
        return recorder

    def record(self, seconds: float, environment: Mapping[str, str] | None = None) -> Recorder:
        """Start a recorder and return it when it has recorded for some seconds."""
        recorder = self.start(environment)
        self.wait_for(lambda: self.status["state"] == "recording" and self.status["pid"] == recorder.pid, "a recording")
        time.sleep(seconds)
        return recorder

    def recovered(self) -> list[str]:
        """Recover what recorders left behind; return the names of the segments, at least one.

        A child that another thread is just starting may hold a copy of our last lock for a moment.
        """
        place = (str(self.local_path), str(self.state_path), self.name, str(self.settings["ffmpeg"]))
        published: list[str] = []
        wait_until(lambda: published.extend(spool.recover(*place)) or published, "recovery")
        return published

    def stop_all(self) -> None:
        """Stop whatever still runs."""
        for recorder in self._recorders:
            recorder.stop()

    @property
    def footage(self) -> Path:
        return self.local_path / self.name

    @property
    def segments(self) -> list[Path]:
        """The published segments, oldest first."""
        return sorted(self.footage.glob("[!.]*.mp4"))

    @property
    def spooled(self) -> list[Path]:
        """The files in the spool."""
        return sorted(path for path in (self.footage / ".spool").rglob("*") if path.is_file())

    @property
    def ledger(self) -> list[dict[str, Any]]:
        return list(ledger.read(str(self.state_path / "ledger" / (self.name + ".jsonl"))))

    @property
    def gaps(self) -> list[ledger.Gap]:
        return ledger.gaps(self.ledger, time.time())

    @property
    def causes(self) -> list[str]:
        return [gap.cause for gap in self.gaps]

    @property
    def status(self) -> dict[str, Any]:
        path = self.state_path / "recorders" / (self.name + ".json")
        return json.loads(path.read_text()) if path.exists() else {"state": None, "cause": None, "pid": None}

    @property
    def account(self) -> frames.Account:
        """What became of every frame the camera sent to this recorder."""
        return frames.account(self.segments, self.camera.sent(), self.name)

    def published(self, count: int) -> bool:
        return len(self.segments) >= count

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        """Return when the condition holds; fail with the journal when it does not come to hold."""
        try:
            wait_until(condition, what, seconds)
        except TimeoutError as error:
            raise AssertionError("%s\nstatus: %s\n%s" % (error, self.status, self.journal)) from None

    def wait_for_state(self, state: str, cause: str | None = None, seconds: float = 60.0) -> None:
        self.wait_for(
            lambda: self.status["state"] == state and self.status["cause"] == cause,
            "state %s, cause %s" % (state, cause),
            seconds,
        )

    def wait_for_segments(self, count: int, seconds: float = 60.0) -> None:
        self.wait_for(lambda: self.published(count), "%d segments" % count, seconds)

    @property
    def journal(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def check_segments(self, fragmented: bool = False) -> None:
        """Assert what holds for all published segments: sound, progressive, as the ledger says; and nothing is left."""
        records = ledger.segments(self.ledger)
        assert [path.name for path in self.segments] == sorted(records)
        for path in self.segments:
            movie, record = mp4.inspect(path), records[path.name]
            assert movie.complete, (path, movie.reason)
            assert fragmented or not movie.fragmented, path
            assert movie.frames == record.frames == len(frames.frames(path))
            assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
            assert record.bytes == path.stat().st_size
            assert abs(record.end - record.start - movie.duration) < 0.5 or record.how == "repaired", (record, movie)
        assert self.spooled == []


class Recorder:
    """A running recorder."""

    def __init__(self, host: Host, environment: Mapping[str, str], options: Iterable[str]) -> None:
        self.host = host
        kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        with host.log.open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "record", host.name, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**kept, "CREDENTIALS_DIRECTORY": str(host.credentials), **environment},
                start_new_session=True,
            )

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, and see that it ends well."""
        assert self.stop() == 0, self.host.journal

    @property
    def pid(self) -> int:
        return self.process.pid

    def children(self) -> list[int]:
        return [int(pid) for pid in Path("/proc/%d/task/%d/children" % (self.pid, self.pid)).read_text().split()]

    @property
    def ffmpeg(self) -> int:
        """Process id of the FFmpeg that records."""
        found = [pid for pid in self.children() if b"-segment_time" in command_line(pid)]
        assert found, self.host.journal
        return found[0]

    def stop(self, number: int = signal.SIGTERM, seconds: float = 90.0) -> int:
        """Ask it to stop; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.process.kill()
        self.process.wait()


def command_line(pid: int) -> bytes:
    """Return the arguments of a process, joined by NULs; empty when it is gone."""
    try:
        return Path("/proc/%d/cmdline" % pid).read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def gone(pid: int) -> bool:
    """Say whether a process has ended (it may be a zombie of somebody else)."""
    try:
        return Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class NotifySocket:
    """The other end of sd_notify: collects what a service says, with the time at which it said it."""

    def __init__(self, address: str) -> None:
        """address: a path, or @name for an abstract socket."""
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.messages: list[tuple[float, str]] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            content = self._socket.recv(65536)
            self.messages.append((time.monotonic(), content.decode()))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.messages]
