"""A host with cameras, a store behind a proxy, the real processes, and a keeper that restarts them as systemd would."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterator

from camera_backup import config as configuration
from camera_backup.model import Config
from tests.simulators import s3_faults as faults
from tests.simulators.camera import Camera, CameraServer, Look
from tests.simulators.s3_proxy import Proxy
from tests.simulators.s3_store import Store
from tests.support.certs import Authority
from tests.support.processes import Program
from tests.support.recorder import command_line
from tools.soak.storm import STORE, Strike

BUCKET = "footage"
FPS = 25
LOOK = Look(gop=1.0, bitrate=400_000, audio="aac")
PASSWORD = "soak-password"  # noqa: S105
SEGMENT = 10
_PART = 128 * 1024
_RESTART_SECONDS = 1.0


@dataclass
class Service:
    """A process that is started again when it ends, after a second."""

    command: list[str]
    credentials: Path
    log: Path
    program: Program | None = None
    again_at: float = 0.0
    starts: int = 0
    ended: list[int] = field(default_factory=list)

    def keep(self, now: float) -> None:
        """Start it when it is due. now: monotonic seconds."""
        if self.program is not None and self.program.process.poll() is not None:
            self.ended.append(self.program.process.returncode)
            self.program, self.again_at = None, now + _RESTART_SECONDS
        if self.program is None and now >= self.again_at:
            environment = {**os.environ, "CREDENTIALS_DIRECTORY": str(self.credentials)}
            self.program = Program(self.command, self.log, environment)
            self.starts += 1

    def kill(self) -> None:
        """SIGKILL it; its keeper notices."""
        if self.program is not None:
            self.program.process.kill()

    def stop(self) -> None:
        """End it in order."""
        if self.program is not None:
            self.program.stop(90)


class Stage:
    """Everything of one soak. `home`: where its files are."""

    def __init__(self, home: Path, server: CameraServer, proxy: Proxy, ca_file: str, count: int) -> None:
        self.home = home
        self.store: Store = proxy.backend  # type: ignore[assignment]
        self.proxy = proxy
        names = ["camera%d" % number for number in range(1, count + 1)]
        self.cameras: dict[str, Camera] = {
            name: server.add(name, LOOK, user="viewer", password=PASSWORD) for name in names
        }
        for place in ("segments", "state", "state/ledger", "state/recorders"):
            (home / place).mkdir()
        self._config = self._configured(ca_file)
        self.recorders = {name: self._recorder(name) for name in names}
        self.uploader = self._uploader()
        self.struck: list[tuple[float, Strike]] = []
        self._ends: list[tuple[float, Callable[[], object]]] = []

    def _configured(self, ca_file: str) -> Config:
        keys = {"access_key_id": "AKIDSOAK", "secret_access_key": "soak-secret", "bucket": BUCKET}
        place = {"local_path": str(self.home / "segments"), "state_path": str(self.home / "state")}
        return configuration.validate(
            {
                "storage": {**place, "min_free": "64MiB"},
                "s3": {**keys, "endpoint": self.proxy.endpoint, "ca_file": ca_file},
                "cameras": [{"name": name, "rtsp_url": camera.url} for name, camera in self.cameras.items()],
                "recording": {"segment_duration": SEGMENT, "stall_timeout": 5},
                "upload": {"check_interval": 2, "min_age": 0},
            },
            "soak",
        )

    def _credentials(self, name: str, file: str, content: dict[str, Any]) -> Path:
        home = self.home / "credentials" / name
        home.mkdir(parents=True)
        (home / file).touch(0o600)
        (home / file).write_text(json.dumps(content))
        return home

    def _recorder(self, name: str) -> Service:
        [camera] = [one for one in self._config.cameras if one.name == name]
        credentials = self._credentials(name, "recorder.json", configuration.recorder_file(self._config, camera))
        return Service([_PROGRAM, "record", name], credentials, self.home / (name + ".log"))

    def _uploader(self) -> Service:
        content = json.loads(json.dumps(configuration.uploader_file(self._config)))
        # Smaller than S3 allows and the configuration accepts, so that short segments go in parts, too.
        content["upload"]["part_size"] = _PART
        credentials = self._credentials("uploader", "uploader.json", content)
        return Service([_PROGRAM, "upload"], credentials, self.home / "uploader.log")

    def keep(self) -> None:
        """Look after all processes, and end the faults whose time is over."""
        now = time.monotonic()
        for service in (*self.recorders.values(), self.uploader):
            service.keep(now)
        for end in [one for one in self._ends if one[0] <= now]:
            self._ends.remove(end)
            end[1]()

    def strike(self, one: Strike) -> None:
        """Let a fault happen, and arrange for its end."""
        self.struck.append((time.time(), one))
        action = _strike_store if one.whom == STORE else _strike_camera
        end = action(self, one)
        if end is not None:
            self._ends.append((time.monotonic() + one.end - one.at, end))

    def calm(self) -> None:
        """End all faults."""
        for _, end in self._ends:
            end()
        self._ends.clear()
        self.proxy.faults.clear()

    def waiting(self) -> list[Path]:
        """Return the recordings that are still on the disk."""
        return sorted(path for path in (self.home / "segments").rglob("*.mp4*") if path.is_file())

    def stop(self) -> None:
        """End all processes in order."""
        for service in (*self.recorders.values(), self.uploader):
            service.stop()


_PROGRAM = str(Path(sys.executable).with_name("camera-backup"))


def _ffmpeg_of(recorder: Service) -> int | None:
    if recorder.program is None:
        return None
    pid = recorder.program.pid
    with contextlib.suppress(OSError):
        children = Path("/proc/%d/task/%d/children" % (pid, pid)).read_text().split()
        return next((int(child) for child in children if b"-segment_time" in command_line(int(child))), None)
    return None


def _kill(pid: int | None, number: int = signal.SIGKILL) -> None:
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _strike_camera(stage: Stage, one: Strike) -> Callable[[], object] | None:
    camera, recorder = stage.cameras[one.whom], stage.recorders[one.whom]
    ffmpeg = _ffmpeg_of(recorder)
    if one.kind in ("drop", "reset"):
        camera.drop("fin" if one.kind == "drop" else "rst")
    elif one.kind == "freeze":
        camera.freeze()
        return camera.clear
    elif one.kind == "refuse":
        camera.refuse()
        camera.drop()
        return camera.clear
    elif one.kind == "wrong password":
        camera._do("login", user="viewer", password="another")  # noqa: S106
        camera.drop()
        return lambda: camera._do("login", user="viewer", password=PASSWORD)
    elif one.kind == "kill FFmpeg":
        _kill(ffmpeg)
    else:
        if one.kind == "kill both":
            # Stopped first: it must not get the chance to finish its file.
            _kill(ffmpeg, signal.SIGSTOP)
        recorder.kill()
        if one.kind == "kill both":
            _kill(ffmpeg)
    return None


def _strike_store(stage: Stage, one: Strike) -> Callable[[], object] | None:
    proxy = stage.proxy
    if one.kind == "kill uploader":
        if stage.uploader.program is not None:
            pid = stage.uploader.program.pid
            with contextlib.suppress(OSError):
                for child in Path("/proc/%d/task/%d/children" % (pid, pid)).read_text().split():
                    _kill(int(child))
        stage.uploader.kill()
        return None
    if one.kind == "outage":
        proxy.stop()
        return proxy.start
    lasting = {"500": "InternalError", "503": "SlowDown", "403": "AccessDenied"}
    if one.kind in lasting:
        fault: faults.Fault = faults.Error("*", code=lasting[one.kind], times=0)
        proxy.add(fault)
        return lambda: proxy.faults.remove(fault)
    proxy.add(
        *{
            "resets": (faults.Reset("*", at="mid", times=3),),
            "stall": (faults.Stall("UploadPart", seconds=3.0),),
            "corrupt": (faults.Corrupt("UploadPart"), faults.Corrupt("PutObject")),
            "lost reply": (faults.LoseReply("CompleteMultipartUpload"), faults.LoseReply("PutObject")),
        }[one.kind]
    )
    return None


@contextlib.contextmanager
def stage(home: Path, count: int) -> Iterator[Stage]:
    """Set everything up, and stop it whatever happens."""
    store = Store()
    store.buckets[BUCKET] = {}
    authority = Authority(home / "tls")
    with CameraServer() as server, Proxy(store, authority.issue()) as proxy:
        scene = Stage(home, server, proxy, authority.ca_file, count)
        try:
            yield scene
        finally:
            scene.stop()
