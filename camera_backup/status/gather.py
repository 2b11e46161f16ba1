"""Read everything `status` tells. What cannot be read is noted and passed over: half a status beats none."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Callable, Iterable, Iterator, Mapping, NamedTuple, TypeVar

from camera_backup import jsonlines, ledger, paths, schedule
from camera_backup.model import Config
from camera_backup.segments import CAMERA_NAME
from camera_backup.status import backlog, drain, live, outage
from camera_backup.status.proofs import Proofs
from camera_backup.status.report import CameraStatus, DiskStatus, HostStatus, Lost, Waiting, together

T = TypeVar("T")

_ROOT_HINT = "%s: permission denied (run as root, or as a member of the group camera-backup)"


class Place(NamedTuple):
    """Where to look. `config`: None when it cannot be read, then only `state_path` is known."""

    state_path: str
    config: Config | None


class Gatherer:
    """Reads the files of one host at one moment, and remembers what could not be read."""

    def __init__(self, place: Place, now: float) -> None:
        self._place = place
        self._now = now
        self._boot = live.boot_id()
        self._unread: dict[str, None] = {}
        self._kept = 0
        self._proofs = Proofs(place.state_path, self.note)

    def note(self, line: str) -> None:
        """Remember what could not be read; once is enough."""
        self._unread[line] = None

    def host(self) -> HostStatus:
        """Return the status of this host."""
        cameras = tuple(self._camera(name, enabled) for name, enabled in sorted(self._names().items()))
        value = self._tried(lambda: live.read(paths.uploader_status(self._place.state_path)))
        uploader = live.uploader(value) if value else None
        gone = self._stale(uploader.updated, self._boot, uploader.pid) if uploader else "it was never started"
        upload = self._place.config.upload if self._place.config else None
        waiting = self._waiting(cameras, value)
        return HostStatus(
            now=self._now,
            cameras=cameras,
            waiting=waiting,
            uploader=uploader if not gone else None,
            uploader_gone=gone or "",
            refused=tuple(self._proofs.refused()),
            disk=self._disk(),
            patience=2 * (upload.check_interval if upload else 300) + (upload.min_age if upload else 300) + 60,
            dropped=tuple(self._dropped()),
            unread=tuple(self._unread),
            drain=self._drain(cameras, waiting, uploader),
        )

    def _tried(self, action: Callable[[], T]) -> T | None:
        try:
            return action()
        except PermissionError as error:
            self.note(_ROOT_HINT % error.filename)
        except OSError as error:
            self.note("%s: %s" % (error.filename, error.strerror))
        return None

    def _names(self) -> dict[str, bool | None]:
        if self._place.config is not None:
            return {camera.name: camera.enabled for camera in self._place.config.cameras}
        directory = os.path.dirname(paths.recorder_status(self._place.state_path, "x"))
        names = self._tried(lambda: os.listdir(directory)) or []
        stems = [name[: -len(".json")] for name in names if name.endswith(".json")]
        return {stem: None for stem in stems if CAMERA_NAME.match(stem)}

    def _stale(self, updated: float, boot: str, pid: int) -> str | None:
        return live.stale(updated, self._now, boot == self._boot, live.alive(pid))

    def _camera(self, name: str, enabled: bool | None) -> CameraStatus:
        state = self._place.state_path
        value = self._tried(lambda: live.read(paths.recorder_status(state, name)))
        last = live.recorder(value) if value else None
        events = self._tried(lambda: jsonlines.tail(paths.ledger(state, name))) or []
        gone = self._stale(last.updated, last.boot_id, last.pid) if last else "it was never started"
        current = last if last is not None and not gone and last.state != "stopped" else None
        missed = None
        if current is None:
            missed = outage.of_dead(last, gone or "stopped", events)
        elif current.state != "recording":
            missed = outage.of_waiting(current, events)
        elif current.bits_per_second is None:
            current = replace(current, bits_per_second=_last_rate(events))
        return CameraStatus(name, enabled, current, missed, self._proofs.last(name), self._held(name, events))

    def _held(self, name: str, events: Iterable[dict[str, Any]] = ()) -> Waiting | None:
        if self._place.config is None:
            return None
        directory = paths.footage(self._place.config.storage.local_path, name)
        items = self._tried(lambda: list(backlog.held(directory)))
        if not items:
            return None if items is None else Waiting()
        proven = self._proofs.proven(name, (item.name for item in items))
        self._kept += sum(item.bytes for item in items if item.name in proven)
        items = [item for item in items if item.name not in proven]
        return backlog.waiting(items, ledger.segments(events), self._place.config.recording.segment_duration)

    def _waiting(self, cameras: Iterable[CameraStatus], reported: Mapping[str, Any] | None) -> Waiting:
        """Return what waits of all cameras: as seen on the disk, else as the uploader reported it."""
        if self._place.config is None:
            told = (reported or {}).get("backlog") or {}
            return Waiting(int(told.get("segments") or 0), int(told.get("bytes") or 0), 0.0, told.get("oldest_start"))
        local = self._place.config.storage.local_path
        known = {camera.name for camera in cameras}
        others = [name for name in self._tried(lambda: backlog.cameras(local)) or [] if name not in known]
        parts = [camera.waiting for camera in cameras] + [self._held(name) for name in others]
        return together(part for part in parts if part is not None)

    def _drain(
        self, cameras: Iterable[CameraStatus], waiting: Waiting, uploader: live.Uploader | None
    ) -> drain.Drain | None:
        if self._place.config is None:
            return None
        upload = self._place.config.upload
        bits = [camera.live.bits_per_second for camera in cameras if camera.live and camera.recording]
        recording = None if None in bits else sum(filter(None, bits)) / 8
        minute = schedule.minute_of_day(self._now)
        rates = uploader.rates if uploader else ()
        return drain.estimate(waiting.bytes, recording, rates, upload.schedule, upload.bandwidth_limit, minute)

    def _disk(self) -> DiskStatus | None:
        storage = self._place.config.storage if self._place.config else None
        path = storage.local_path if storage else self._place.state_path
        space = self._tried(lambda: os.statvfs(path))
        if space is None:
            return None
        reserve = storage.min_free if storage else None
        free, when_full = space.f_bavail * space.f_frsize, storage.when_full if storage else None
        return DiskStatus(path, space.f_blocks * space.f_frsize, free, reserve, self._kept, when_full)

    def _dropped(self) -> Iterator[Lost]:
        """Yield what was dropped of every camera that has a ledger, configured or not."""
        directory = os.path.dirname(paths.ledger(self._place.state_path, "x"))
        for name in sorted(self._tried(lambda: os.listdir(directory)) or [] if os.path.isdir(directory) else []):
            camera = name[: -len(".jsonl")]
            if name.endswith(".jsonl") and CAMERA_NAME.match(camera):
                yield from self._lost(camera)

    def _lost(self, camera: str) -> Iterator[Lost]:
        found = self._tried(lambda: ledger.read_dropped(paths.ledger(self._place.state_path, camera))) or []
        if self._place.config is not None:
            # Whoever was to drop it was killed before: it is still there.
            directory = paths.footage(self._place.config.storage.local_path, camera)
            found = [one for one in found if not os.path.lexists("%s/%s" % (directory, one.name))]
        if found:
            seconds = sum(max(0.0, one.end - one.start) for one in found)
            last = max(found, key=lambda one: one.at)
            yield Lost(camera, len(found), sum(one.bytes for one in found), seconds, last.reason, last.at)


def _last_rate(events: Iterable[dict[str, Any]]) -> float | None:
    """Return the bitrate of the segment that was closed last: a recorder measures its own only after some seconds."""
    last = next(reversed(list(ledger.segments(events).values())), None)
    return last.bytes * 8 / (last.end - last.start) if last is not None and last.end > last.start else None
