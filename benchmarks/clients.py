"""How each program is told to move a directory of segments into a bucket: with its defaults, as people use it.

Secrets of the simulated store stand in environments and files here; it is the peers' way, and they open nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Callable, Mapping

from tests.support.s3_servers import program

ACCESS_KEY, SECRET_KEY = "AKIDBENCH", "bench-secret-key"
CAMERA = "front-door"


@dataclass(frozen=True)
class Job:
    """A place in which one client works once: segments in `source`, everything else it writes elsewhere below."""

    directory: Path
    endpoint: str
    ca_file: str
    bucket: str
    options: str = ""

    @property
    def source(self) -> Path:
        """Where the segments are: laid out as ours wants it, which is all the same to the others."""
        return self.directory / "segments" / CAMERA


@dataclass(frozen=True)
class Client:
    """A program to measure: `command(job)` and its environment.

    keeps: it leaves the source in place by nature
    learns: it examines an endpoint it has never seen, and remembers
    """

    name: str
    command: Callable[[Job], list[str]]
    environment: Callable[[Job], Mapping[str, str]]
    keeps: bool = False
    learns: bool = False
    options: str = ""

    def job(self, job: Job) -> tuple[list[str], dict[str, str]]:
        """Return what to run for a job, and in which environment."""
        mine = replace(job, options=self.options)
        return self.command(mine), {**os.environ, **self.environment(mine)}


def write_config(job: Job, **changes: object) -> Path:
    """Write a config.yaml for ours (JSON is YAML) and return its path; `changes` replace whole sections."""
    config = {
        "storage": {
            "local_path": str(job.directory / "segments"),
            "state_path": str(job.directory / "state"),
            "min_free": 0,
        },
        "s3": {
            "access_key_id": ACCESS_KEY,
            "secret_access_key": SECRET_KEY,
            "bucket": job.bucket,
            "endpoint": job.endpoint,
            "ca_file": job.ca_file,
        },
        "cameras": [{"name": CAMERA, "rtsp_url": "rtsp://127.0.0.1:1/stream"}],
        **changes,
    }
    path = job.directory / "config.yaml"
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    return path


def _ours(job: Job) -> list[str]:
    config = write_config(job, upload={"min_age": 0, **json.loads(job.options)})
    return [sys.executable, "-m", "camera_backup", "upload", "--once", "--config", str(config)]


def _keys(job: Job) -> Mapping[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": "us-east-1",
        "AWS_CA_BUNDLE": job.ca_file,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SSL_CERT_FILE": job.ca_file,
    }


def _rclone_remote(job: Job) -> Mapping[str, str]:
    return {
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CONFIG_B_TYPE": "s3",
        "RCLONE_CONFIG_B_PROVIDER": "Other",
        "RCLONE_CONFIG_B_ENDPOINT": job.endpoint,
        "RCLONE_CONFIG_B_ACCESS_KEY_ID": ACCESS_KEY,
        "RCLONE_CONFIG_B_SECRET_ACCESS_KEY": SECRET_KEY,
        "RCLONE_CONFIG_B_NO_CHECK_BUCKET": "true",
        "RCLONE_CA_CERT": job.ca_file,
    }


def _rclone(job: Job) -> list[str]:
    rclone = program("CAMERA_BACKUP_RCLONE", ".build/peers/bin/rclone")
    return [
        rclone,
        "move",
        str(job.source),
        "b:%s/%s" % (job.bucket, CAMERA),
        "--include",
        "*.mp4",
        *job.options.split(),
    ]


def _s5cmd(job: Job) -> list[str]:
    s5cmd = program("CAMERA_BACKUP_S5CMD", ".build/peers/bin/s5cmd")
    target = "s3://%s/%s/" % (job.bucket, CAMERA)
    return [s5cmd, "--endpoint-url", job.endpoint, "mv", *job.options.split(), "%s/*.mp4" % job.source, target]


def _aws(job: Job) -> list[str]:
    aws = program("CAMERA_BACKUP_AWS", ".build/peers/bin/aws")
    target = "s3://%s/%s/" % (job.bucket, CAMERA)
    filters = ["--exclude", "*", "--include", "*.mp4"]
    return [aws, "s3", "mv", "--recursive", str(job.source), target, "--endpoint-url", job.endpoint, *filters]


def _curl(job: Job) -> list[str]:
    curl = shutil.which("curl") or "curl"
    names = ",".join(sorted(path.name for path in job.source.glob("*.mp4")))
    url = "%s/%s/%s/" % (job.endpoint, job.bucket, CAMERA)
    return [curl, "-sS", "--fail", "--cacert", job.ca_file, "-T", "%s/{%s}" % (job.source, names), url]


def ours(name: str = "camera-backup", **upload: object) -> Client:
    """Return our uploader, with keys of the configuration's `upload` section."""
    return Client(name, _ours, lambda _: {}, learns=True, options=json.dumps(upload))


def _rclone_in_parts(provider: str, job: Job) -> Mapping[str, str]:
    parts = {"RCLONE_S3_UPLOAD_CUTOFF": "8Mi", "RCLONE_S3_CHUNK_SIZE": "8Mi"}
    return {**_rclone_remote(job), **parts, "RCLONE_CONFIG_B_PROVIDER": provider}


RCLONE = Client("rclone move", _rclone, _rclone_remote)
S5CMD = Client("s5cmd mv", _s5cmd, _keys)
AWS = Client("aws s3 mv", _aws, _keys)
CURL = Client("curl -T", _curl, lambda _: {}, keeps=True)

# For small files: told to send parts of 8 MiB, as aws does by default.
RCLONE_IN_PARTS = Client("rclone move", _rclone, partial(_rclone_in_parts, "Other"))
RCLONE_CHECKED = Client("rclone move, provider Ceph", _rclone, partial(_rclone_in_parts, "Ceph"))
S5CMD_IN_PARTS = Client("s5cmd mv", _s5cmd, _keys, options="--part-size 8")


def segment_name(number: int) -> str:
    """Return the name of the n-th hourly segment of a day long ago."""
    return time.strftime("%Y%m%d_%H%M%S.mp4", time.gmtime(1_700_000_000 // 86400 * 86400 + 3600 * number))
