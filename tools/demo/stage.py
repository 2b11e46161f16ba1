"""What the demo plays on: two cameras, a bucket, a configuration, all in one temporary directory."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Iterator, NamedTuple

from tests.simulators.camera import Camera, CameraServer, Look
from tests.support import s3_servers
from tests.support.certs import Authority
from tests.support.s3_servers import S3Server

BUCKET = "camera-backups"

# Not below /tmp, where `check` would rightly warn of the system tidying up.
_PLACE = Path(os.environ.get("CAMERA_BACKUP_DEMO_DIR") or Path(__file__).parents[2] / ".build")

# A password as people choose them. It must never appear in any output; the demo looks for it at the end.
PASSWORD = 'p@ss/w%rd #1 "ü"'  # noqa: S105

_CONFIG = """\
storage:
  local_path: {home}/segments
  state_path: {home}/state
  min_free: 64MiB
s3:
  access_key_id: {access_key}
  secret_access_key: {secret_key}
  bucket: {bucket}
  endpoint: {endpoint}
  ca_file: {s3_ca}
cameras:
  - name: front-door          # rtsp, digest login
    rtsp_url: {front}
    username: viewer
    password: {password}
  - name: back-yard           # rtsps: the certificate is checked against the cameras' own authority
    rtsp_url: {back}
    tls: {{ca_file: {camera_ca}}}
recording:
  segment_duration: {segment}    # seconds; 3600 in real life
upload:
  check_interval: 2       # seconds; 300 in real life
  min_age: 0
"""


class Stage(NamedTuple):
    """Everything the demo needs to know about its surroundings. `config`: as a user in this directory would type it."""

    home: Path
    config: str
    cameras: dict[str, Camera]
    server: S3Server


@contextlib.contextmanager
def stage(segment: int, keep: bool) -> Iterator[Stage]:
    """Set everything up, and take it down again whatever happens. `keep`: leave the files."""
    with contextlib.ExitStack() as stack:
        _PLACE.mkdir(exist_ok=True)
        home = Path(tempfile.mkdtemp(prefix="demo-", dir=_PLACE))
        if not keep:
            stack.enter_context(_removed(home))
        for name in ("segments", "state", "state/ledger", "state/recorders"):
            (home / name).mkdir()
        cameras = _cameras(stack.enter_context(CameraServer()), home)
        server = stack.enter_context(s3_servers.rclone(home))
        server.client.create_bucket(Bucket=BUCKET)
        _configure(home, cameras, server, segment)
        yield Stage(home, os.path.relpath(home / "config.yaml"), cameras, server)


@contextlib.contextmanager
def _removed(home: Path) -> Iterator[None]:
    try:
        yield
    finally:
        shutil.rmtree(home)


def _cameras(server: CameraServer, home: Path) -> dict[str, Camera]:
    look = Look(width=640, height=360, bitrate=800_000, gop=1.0, audio="aac")
    certificate = Authority(home / "camera-ca").issue()
    front = server.add("front-door", look, user="viewer", password=PASSWORD, scheme="digest")
    back = server.add("back-yard", look, cert_file=certificate.cert_file, key_file=certificate.key_file)
    return {"front-door": front, "back-yard": back}


def _configure(home: Path, cameras: dict[str, Camera], server: S3Server, segment: int) -> None:
    path = home / "config.yaml"
    path.touch(0o600)
    path.write_text(
        _CONFIG.format(
            home=home,
            access_key=server.access_key,
            secret_key=server.secret_key,
            bucket=BUCKET,
            endpoint=server.endpoint,
            s3_ca=server.ca_file,
            front=cameras["front-door"].plain_url,
            back=cameras["back-yard"].plain_url,
            password=json.dumps(PASSWORD),
            camera_ca=home / "camera-ca" / "ca.pem",
            segment=segment,
        ),
        encoding="utf-8",
    )
