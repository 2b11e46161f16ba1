"""`uploader.json`: what the uploader has to know. The file is secret, and its content stays in memory."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping

from camera_backup import journal
from camera_backup.errors import ConfigError
from camera_backup.model import S3, Lock, Storage, Upload
from camera_backup.schedule import Window

DEFAULT_PATH = "/etc/camera-backup/credentials/camera-uploader.json"

_FORMAT = 1


@dataclass(frozen=True)
class Parameters:
    """The file, as values.

    cameras: names of all configured cameras, whether enabled or not
    camera_locks: the object lock of each camera whose segments get another one than `s3.lock`
    """

    storage: Storage
    s3: S3
    upload: Upload
    cameras: tuple[str, ...]
    ffmpeg: str
    camera_locks: Mapping[str, Lock | None] = field(default_factory=dict)

    def lock(self, camera: str) -> Lock | None:
        """Return the object lock of a camera's segments, also of one that is no longer configured."""
        return self.camera_locks.get(camera, self.s3.lock)

    @property
    def locks(self) -> list[Lock]:
        """Every object lock that some segment may get."""
        return sorted({lock for lock in (self.s3.lock, *self.camera_locks.values()) if lock})


def locate(variables: Mapping[str, str]) -> str:
    """Given the environment, return the path of the file.

    $RUNTIME_DIRECTORY goes first: a reload puts a new file there, while systemd copies the credential at start only.
    """
    for variable in ("RUNTIME_DIRECTORY", "CREDENTIALS_DIRECTORY"):
        for directory in filter(None, variables.get(variable, "").split(":")):
            path = "%s/uploader.json" % directory
            if os.path.exists(path):
                return path
    return DEFAULT_PATH


def read(path: str) -> dict[str, Any]:
    """Given the path of the file, return its content; raise ConfigError."""
    try:
        with open(path, encoding="utf-8") as stream:
            value = json.load(stream)
    except OSError as error:
        hint = "; camera-backup-generate writes it" if isinstance(error, FileNotFoundError) else ""
        raise ConfigError(["%s: cannot be read: %s%s" % (path, error.strerror, hint)]) from None
    except ValueError:
        raise ConfigError([path + ": is not JSON; camera-backup-generate writes it"]) from None
    if not isinstance(value, dict) or value.get("format") != _FORMAT:
        raise ConfigError(["%s: is of another format than %d; run camera-backup-generate" % (path, _FORMAT)])
    return value


def _windows(listed: Iterable[Iterable[Any]]) -> tuple[Window, ...]:
    """JSON has no tuples."""
    return tuple(Window(*window) for window in listed)


def parse(value: Mapping[str, Any], source: str) -> Parameters:
    """Given the content, return it as values; raise ConfigError. From here on no line of the journal shows a key."""
    try:
        found = Parameters(
            storage=Storage(**value["storage"]),
            s3=S3(**value["s3"]),
            upload=Upload(**{**value["upload"], "schedule": _windows(value["upload"]["schedule"])}),
            cameras=tuple(value["cameras"]),
            ffmpeg=value["ffmpeg"],
            # Files of versions that knew no locks are good: they have none.
            camera_locks={camera: lock and Lock(*lock) for camera, lock in value.get("camera_locks", {}).items()},
        )
    except (KeyError, TypeError):
        raise ConfigError([source + ": was written by another version; run camera-backup-generate"]) from None
    journal.redact.hide(found.s3.access_key_id, found.s3.secret_access_key)
    return found
