"""What a valid configuration allows and an operator should still know. Warnings only: nothing is refused here."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Iterator

from camera_backup import urls

if TYPE_CHECKING:
    from camera_backup.model import S3, Camera, Config

_LOOPBACK = re.compile(r"(?i)https?://(?:localhost|127\.[0-9.]+|\[::1\])(?::[0-9]+)?\Z")
_FLEETING = re.compile(r"/(?:tmp|var/tmp)/")


def warnings(config: Config) -> list[str]:
    """Given a valid configuration, return one line for each thing worth a second look."""
    return [*_host(config), *_bucket(config.s3), *_locks(config), *_cameras(config.cameras)]


def file_warnings(path: str) -> list[str]:
    """Given the path of a configuration that exists, return a line if others than its owner can get at it."""
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if mode & 0o077 == 0:
        return []
    return ["%s: others than its owner can get at it (mode %04o), and it holds secrets: chmod 600 it" % (path, mode)]


def _host(config: Config) -> Iterator[str]:
    if _FLEETING.match(config.storage.local_path):
        yield "storage.local_path: is in a directory for temporary files; the system may empty it at any time"
    if config.storage.when_full == "drop_oldest":
        yield "storage.when_full: is drop_oldest; an outage longer than the disk holds loses the oldest footage"
    if not any(camera.enabled for camera in config.cameras):
        yield "cameras: none is enabled; this host records nothing"


def _bucket(s3: S3) -> Iterator[str]:
    if s3.endpoint.startswith("http://") and not _LOOPBACK.match(s3.endpoint):
        yield "s3.endpoint: is http://; everybody on the way can read the footage"
    if s3.endpoint.startswith("http://") and s3.ca_file is not None:
        yield "s3.ca_file: is never looked at, because s3.endpoint is http://"
    if s3.endpoint.partition("://")[2].startswith(s3.bucket + "."):
        yield "s3.endpoint: begins with the name of the bucket; it belongs in s3.bucket only"
    if s3.proof == "size-only":
        yield "s3.proof: is size-only; a segment that arrives corrupt is not noticed, and its source is deleted"


def _locks(config: Config) -> Iterator[str]:
    longest, days = max((lock.days for lock in config.locks), default=0), config.s3.retention_days
    if days is not None and days < longest:
        yield (
            "s3.retention_days: is %d, and object lock holds for up to %d days; what expires is hidden, and stays and "
            "costs until its lock ends" % (days, longest)
        )


def _cameras(cameras: tuple[Camera, ...]) -> Iterator[str]:
    first: dict[str, str] = {}
    for place, camera in enumerate(cameras):
        where = "cameras[%d].%%s (camera %s): " % (place, camera.name)
        if camera.url in first:
            yield where % "rtsp_url" + "is also that of camera %s; the stream is recorded twice" % first[camera.url]
        first.setdefault(camera.url, camera.name)
        if camera.url.startswith("rtsps:") and not camera.tls.verify:
            yield where % "tls.verify" + "is false; anybody on the way can pose as this camera and take its password"
        password = urls.parse(camera.url, strict=True).password or ""
        if len(password) > 2 and any(password.lower() in other.name.lower() for other in cameras):
            yield where % "password" + "is part of a camera's name; it is masked in all output, and so is the name"
