"""A place with segments, a state directory and a bucket, and our uploader to run in it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Mapping

from camera_backup import paths, segments
from camera_backup.bucket import probe, sdk
from camera_backup.bucket.capabilities import Capabilities
from camera_backup.bucket.client import Bucket
from camera_backup.bucket.stopping import Stop
from camera_backup.catalog import Catalog
from camera_backup.model import S3, Storage, Upload
from camera_backup.uploader import lease, steps, worker, workplace
from camera_backup.uploader.parameters import Parameters
from tests.support.s3_servers import ROOT, plain_client

MIB = 1024 * 1024
PART = 5 * MIB
CAMERA = "front-door"
NAME = "20231114_000000.mp4"


@functools.lru_cache(maxsize=None)
def trimmed_sdk() -> str:
    """Return a state directory in which botocore's data was trimmed, once for the whole run."""
    home = tempfile.mkdtemp(prefix="sdk-")
    assert sdk.prepare(home)
    return home


@functools.lru_cache(maxsize=None)
def examined(s3: S3) -> Capabilities:
    """Return what an endpoint can, found out once for the whole run."""
    locks = [s3.lock] if s3.lock else []
    bucket, can = probe.examine(
        lambda sign: Bucket(s3, sdk_path=sdk.prepare(trimmed_sdk()), sign_payload=sign), locks=locks
    )
    bucket.close()
    return can


def noise(size: int, seed: int = 0) -> bytes:
    """Return bytes that nothing can compress, the same for the same seed."""
    return random.Random(seed).getrandbits(8 * size).to_bytes(size, "big")


class Place:
    """A host with segments and a bucket. Everything can be changed between runs."""

    def __init__(self, directory: Path, s3: S3, examine: bool = True) -> None:
        """examine: let the uploader know beforehand what the endpoint can."""
        self.directory = directory
        self.parameters = Parameters(
            storage=Storage(str(directory / "segments"), str(directory / "state"), 0),
            s3=s3,
            upload=Upload(5, True, 300, 1, PART, None, "oldest_first", ()),
            cameras=(CAMERA,),
            ffmpeg="ffmpeg",
        )
        (directory / "segments" / CAMERA).mkdir(parents=True)
        (directory / "state").mkdir()
        (directory / "state" / "sdk").symlink_to(Path(trimmed_sdk()) / "sdk")
        if examine:
            self.believe(examined(s3))

    @classmethod
    def at(cls, directory: Path, server: Any, **options: Any) -> Place:
        """Return a place whose bucket is a new one of a real server."""
        keys = (server.access_key, server.secret_key, server.make_bucket(), server.endpoint, server.region)
        place = cls(directory, S3(*keys, "site-7", "path", server.ca_file, None, "auto"), examine=False)
        if options.get("examine", True):
            place.believe(examined(dataclasses.replace(place.parameters.s3, bucket=_shared_bucket(server))))
        return place

    def believe(self, can: Capabilities) -> None:
        """Let the catalog remember what the endpoint can."""
        self.can = can
        with self.catalog() as catalog:
            catalog.remember(workplace.endpoint_name(self.parameters), can.as_json(), time.time() + 3600)

    def catalog(self) -> Any:
        """Give the catalog, closed again at the end of a `with`."""
        return contextlib.closing(Catalog.open(paths.catalog(self.parameters.storage.state_path)))

    def change(self, section: str, **values: object) -> None:
        """Change keys of the configuration."""
        changed = dataclasses.replace(getattr(self.parameters, section), **values)  # type: ignore[type-var]
        self.parameters = dataclasses.replace(self.parameters, **{section: changed})

    # Segments

    def path(self, name: str = NAME, camera: str = CAMERA) -> Path:
        return self.directory / "segments" / camera / name

    def segment(self, size: int = 1000, name: str = NAME, camera: str = CAMERA, age: float = 3600) -> bytes:
        """Put a segment in place that was closed `age` seconds ago; return its bytes."""
        data = noise(size, hash((name, camera)))
        self.path(name, camera).parent.mkdir(exist_ok=True)
        self.path(name, camera).write_bytes(data)
        self.grow_old(name, camera, age)
        return data

    def grow_old(self, name: str = NAME, camera: str = CAMERA, age: float = 3600) -> None:
        moment = time.time() - age
        os.utime(self.path(name, camera), (moment, moment))

    def record(self, data: bytes, name: str = NAME, camera: str = CAMERA, **fields: object) -> None:
        """Write what the recorder would have written down of a segment."""
        event = {"event": "segment", "name": name, "start": 1699920000.25, "end": 1699923600.5, "bytes": len(data)}
        event.update({"frames": 90000, "sha256": hashlib.sha256(data).hexdigest(), "how": "complete", "run": "r"})
        event.update(fields)
        path = Path(paths.ledger(self.parameters.storage.state_path, camera))
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as stream:
            stream.write(json.dumps(event) + "\n")

    # The bucket

    def key(self, name: str = NAME, camera: str = CAMERA) -> str:
        return segments.object_key(self.parameters.s3.prefix, camera, name)

    @functools.cached_property
    def client(self) -> Any:
        s3 = self.parameters.s3
        return plain_client(s3.endpoint, s3.access_key_id, s3.secret_access_key, s3.ca_file)

    def objects(self) -> dict[str, bytes]:
        """Return key → bytes of everything in the bucket."""
        bucket = self.parameters.s3.bucket
        keys = [item["Key"] for item in self.client.list_objects_v2(Bucket=bucket).get("Contents", [])]
        return {key: self.client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def metadata(self, key: str) -> dict[str, str]:
        found = self.client.head_object(Bucket=self.parameters.s3.bucket, Key=key)["Metadata"]
        return {name.lower(): value for name, value in found.items()}

    def unfinished(self) -> list[str]:
        """Return the keys of multipart uploads under way."""
        try:
            found = self.client.list_multipart_uploads(Bucket=self.parameters.s3.bucket)
        except self.client.exceptions.NoSuchUpload:
            return []  # rclone's way to say that there is none
        return [upload["Key"] for upload in found.get("Uploads", [])]

    # Runs

    def run(self, step: steps.Hook = steps.nothing, report: Callable[[Any], None] = lambda message: None) -> Any:
        """Upload in this process; return the result."""
        lease.prepare()
        return worker.work(self.parameters, Stop(), report, step)

    def write_parameters(self) -> Path:
        """Write `uploader.json` as the service gets it; return its directory."""
        home = self.directory / "credentials"
        home.mkdir(exist_ok=True)
        values = {name: dict(vars(getattr(self.parameters, name))) for name in ("storage", "s3", "upload")}
        values.update(format=1, cameras=list(self.parameters.cameras), ffmpeg=self.parameters.ffmpeg)
        values.update(camera_locks=dict(self.parameters.camera_locks))
        (home / "uploader.json").write_text(json.dumps(values))
        (home / "uploader.json").chmod(0o600)
        return home

    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "CREDENTIALS_DIRECTORY": str(self.write_parameters()), "PYTHONPATH": str(ROOT)}

    def upload_once(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run `camera-backup upload --once` and return the finished process."""
        command = [sys.executable, "-m", "camera_backup", "upload", "--once", *options]
        return subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=120)

    def killed_at(self, step: str, times: int = 1) -> None:
        """Upload in a process that SIGKILLs itself when a step is reached for the n-th time."""
        script = _KILL % (str(self.write_parameters() / "uploader.json"), step, times)
        done = subprocess.run([sys.executable, "-c", script], env=self.environment(), capture_output=True, timeout=120)
        assert done.returncode == -9, done.stderr.decode()


_KILL = """
import itertools, os, signal
from camera_backup.bucket.stopping import Stop
from camera_backup.uploader import lease, parameters, worker
given, last, times = %r, %r, %r
count = itertools.count(1)
def step(reached, name):
    if reached == last and next(count) == times:
        os.kill(os.getpid(), signal.SIGKILL)
lease.prepare()
worker.work(parameters.parse(parameters.read(given), given), Stop(), lambda message: None, step)
"""


@functools.lru_cache(maxsize=None)
def _shared_bucket(server: Any) -> str:
    """Return a bucket in which a server is examined."""
    return str(server.make_bucket())
