"""The configuration once it is valid: plain frozen values. Sizes in bytes, rates in bytes per second, times in s."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from camera_backup.schedule import Window


@dataclass(frozen=True)
class Storage:
    """Where footage waits.

    local_path: directory of the segments, `<local_path>/<camera>/<segment>`
    state_path: directory of the ledger, the catalog and the status files
    min_free: a recorder pauses while the disk has less than this
    when_full: `keep`, or `drop_oldest`: what happens to footage that is not in the bucket yet before that
    retention_seconds, retention_bytes: how long, or how much of, what is proven is kept; None for no limit
    """

    local_path: str
    state_path: str
    min_free: int
    when_full: str = "keep"
    retention_seconds: int | None = None
    retention_bytes: int | None = None


class Lock(NamedTuple):
    """An object lock: until then the store refuses to delete or change the object.

    mode: `governance` or `compliance`; days: from the request on that makes the object
    """

    mode: str
    days: int

    @property
    def word(self) -> str:
        """Both in one word."""
        return "%s-%d" % self


@dataclass(frozen=True)
class S3:
    """The bucket. `proof` is `auto`, `read-back`, or `size-only` (the explicit opt-out)."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    bucket: str
    endpoint: str
    region: str
    prefix: str
    addressing_style: str
    ca_file: str | None
    storage_class: str | None
    proof: str
    retention_days: int | None = None
    abort_incomplete_days: int | None = None
    object_lock_mode: str | None = None
    object_lock_days: int | None = None

    @property
    def lock(self) -> Lock | None:
        """The object lock of all segments whose camera has none of its own."""
        return make_lock(self.object_lock_mode, self.object_lock_days)


def make_lock(mode: str | None, days: int | None) -> Lock | None:
    """Given both halves of an object lock, `off` for an explicit none, return it."""
    return Lock(mode, days) if mode and mode != "off" and days else None


@dataclass(frozen=True)
class Tls:
    """How the certificate of an rtsps camera is checked. `fingerprint`: its SHA-256, 64 hex digits."""

    verify: bool
    ca_file: str | None
    fingerprint: str | None


@dataclass(frozen=True)
class Camera:
    """One camera.

    url: with the user and password percent-encoded, whatever way they were written in the file
    transport: `tcp` or `udp`
    audio: `auto` (copied where MP4 can hold it, else AAC), `copy`, `aac` or `off`
    lock: of its segments in the bucket: its own, else that of the bucket
    """

    name: str
    url: str = field(repr=False)
    enabled: bool
    transport: str
    audio: str
    tls: Tls
    lock: Lock | None = None


@dataclass(frozen=True)
class Recording:
    """How all cameras are recorded. `ffmpeg` is a path or a name on PATH."""

    segment_duration: int
    stall_timeout: int
    ffmpeg: str


@dataclass(frozen=True)
class Upload:
    """How segments leave.

    workers: segments that travel side by side
    bandwidth_limit: outside all windows of the schedule; None for no limit
    order: `oldest_first` or `newest_first`
    """

    check_interval: int
    delete_after_upload: bool
    min_age: int
    workers: int
    part_size: int
    bandwidth_limit: int | None
    order: str
    schedule: tuple[Window, ...]

    @property
    def newest_first(self) -> bool:
        """Whether the newest segments leave first."""
        return self.order == "newest_first"


@dataclass(frozen=True)
class Config:
    """A whole valid `config.yaml`."""

    storage: Storage
    s3: S3
    cameras: tuple[Camera, ...]
    recording: Recording
    upload: Upload

    @property
    def locks(self) -> list[Lock]:
        """Every object lock that some segment may get."""
        return sorted({lock for lock in (self.s3.lock, *(camera.lock for camera in self.cameras)) if lock})
