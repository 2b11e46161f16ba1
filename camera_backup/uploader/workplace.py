"""What a run of the worker needs before its first segment: the right to work, the catalog, the bucket."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import hashlib
import os
import socket
import sqlite3
import time
from typing import Callable, Iterator

from camera_backup import catalog as catalogs
from camera_backup import journal, paths
from camera_backup.bucket import capabilities, probe, sdk
from camera_backup.bucket.capabilities import Capabilities
from camera_backup.bucket.client import Bucket
from camera_backup.bucket.stopping import Stop
from camera_backup.bucket.transfer import Surroundings
from camera_backup.catalog import Catalog
from camera_backup.errors import HostError
from camera_backup.model import S3
from camera_backup.uploader.parameters import Parameters
from camera_backup.uploader.steps import Hook


def lock(state_path: str, path: str) -> int:
    """Become the only one at this work on this host; return the descriptor that holds the lock; raise HostError."""
    try:
        os.makedirs(state_path, mode=0o750, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise HostError("%s: %s" % (error.filename or path, error.strerror)) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise HostError("%s: another uploader is at work on this host" % path) from None
    return descriptor


def open_catalog(state_path: str) -> Catalog:
    """Return the catalog, healed if it was corrupt; raise HostError when it cannot be written."""
    path = paths.catalog(state_path)
    try:
        return catalogs.open_or_heal(path, time.time())
    except (sqlite3.Error, OSError) as error:
        raise HostError("%s: cannot be used: %s" % (path, error)) from None


def place(s3: S3) -> str:
    """Return the name of a bucket among all buckets of the world."""
    return "%s/%s" % (s3.endpoint, s3.bucket)


def open_bucket(
    parameters: Parameters, catalog: Catalog, stop: Stop, tick: Callable[[], None]
) -> tuple[Bucket, Capabilities]:
    """Return the bucket and what its endpoint can, found out now unless it is remembered; raise BucketError."""
    sdk_path = sdk.prepare(parameters.storage.state_path)
    tick()
    with _without_garbage():
        return _opened(parameters, sdk_path, catalog, stop, tick)


@contextlib.contextmanager
def _without_garbage() -> Iterator[None]:
    """What botocore loads stays for good: looking through it for garbage, again and again, is a tenth of its cost."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _opened(
    parameters: Parameters, sdk_path: str | None, catalog: Catalog, stop: Stop, tick: Callable[[], None]
) -> tuple[Bucket, Capabilities]:
    s3, locks = parameters.s3, parameters.locks

    def opened(sign_payload: bool) -> Bucket:
        tick()
        return Bucket(s3, stop, sdk_path, sign_payload)

    name = endpoint_name(parameters)
    remembered = catalog.capabilities(name, time.time())
    can = capabilities.from_json(remembered) if remembered else None
    if can is not None:
        bucket = opened(not can.unsigned)
        bucket.missing_denied = can.missing_denied
        return bucket, can
    bucket, can = probe.examine(opened, stop.sleep, locks)
    catalog.remember(name, can.as_json(), time.time() + probe.EXPIRES_SECONDS)
    journal.log(journal.INFO, "endpoint_examined", place=place(s3), **_told(can))
    return bucket, can


def endpoint_name(parameters: Parameters) -> str:
    """Return the name under which the abilities of an endpoint are remembered: all that they may depend on."""
    import botocore

    s3 = parameters.s3
    # Another key may have other rights. Its name is no secret, and still nothing to be copied about.
    key = hashlib.sha256(s3.access_key_id.encode()).hexdigest()[:16]
    about = (s3.endpoint, s3.bucket, s3.prefix, s3.region, s3.storage_class or "", key, botocore.__version__)
    return "|".join((*about, *(lock.word for lock in parameters.locks)))


def _told(can: Capabilities) -> dict[str, str]:
    return {
        "md5": "enforced" if can.md5_put and can.md5_part else "not-enforced",
        "crc32": "enforced" if can.crc32_put and can.crc32_part else "not-enforced",
        "if_none_match": "%s/%s" % (can.put_if_absent, can.complete_if_absent),
        "etag": "%s/%s" % (can.etag_put, can.etag_multipart),
        "reads": "allowed" if can.reads else "denied",
        "skew": "%.0f" % can.skew,
        **({"object_lock": "%s/%s" % (can.lock_put, can.lock_multipart)} if can.lock_put else {}),
    }


def surroundings(
    parameters: Parameters, catalog: Catalog, bucket: Bucket, can: Capabilities, grain: int, stop: Stop, step: Hook
) -> Surroundings:
    """Return what all segments of a run share."""
    return Surroundings(
        bucket=bucket,
        can=can,
        catalog=catalog,
        place=place(parameters.s3),
        proof=parameters.s3.proof,
        part_size=parameters.upload.part_size,
        grain=grain,
        host=socket.gethostname(),
        sleep=stop.sleep,
        step=step,
        lock=parameters.lock,
    )
