"""`config.yaml`: read, validated, as plain values. The only way in, for every command and for the fleet."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from camera_backup import journal, urls
from camera_backup.config import wording, yamllines
from camera_backup.config.walker import Values, walk
from camera_backup.errors import ConfigError
from camera_backup.model import S3, Camera, Config, Recording, Storage, Tls, Upload, make_lock

DEFAULT_PATH = "/etc/camera-backup/config.yaml"

FORMAT = 1
"""Of the files for the services; one that meets another number refuses to start."""

LARGEST = 4 * 1024 * 1024
"""Bytes of a configuration; 1,000 cameras with every key are a tenth of it."""


def load(path: str) -> Config:
    """Given the path of a configuration, return it; raise ConfigError with every mistake in it.

    Its secrets are made known to the journal of this process first thing, so that no later line shows one.
    """
    config = parse(_text(path), path)
    journal.redact.hide(*secrets(config))
    return config


def parse(text: str, source: str) -> Config:
    """Given YAML and what to call it in messages, return the configuration; raise ConfigError."""
    try:
        document = yamllines.read(text)
    except yamllines.Unreadable as error:
        raise ConfigError([_line(source, error.line, str(error))]) from None
    if document.data is None and not document.problems:
        raise ConfigError([source + ": is empty; camera-backup-install writes a commented template to start from"])
    return _checked(document.data, source, document.marks, document.problems)


def validate(data: object, source: str, marks: Mapping[yamllines.Path, yamllines.Mark] | None = None) -> Config:
    """Given a configuration as plain data, return it; raise ConfigError.

    marks: where each value stands in `source`; without them messages name the key, but no line.
    """
    return _checked(data, source, marks or {}, [])


def recorder_file(config: Config, camera: Camera) -> dict[str, Any]:
    """Return what the recorder of one camera has to know, as it stands in its file: no S3 key, no other camera."""
    return {
        "format": FORMAT,
        "camera": camera.name,
        "url": camera.url,
        "transport": camera.transport,
        "audio": camera.audio,
        "tls": dict(vars(camera.tls)),
        "segment_duration": config.recording.segment_duration,
        "stall_timeout": config.recording.stall_timeout,
        "local_path": config.storage.local_path,
        "state_path": config.storage.state_path,
        "min_free": config.storage.min_free,
        "ffmpeg": config.recording.ffmpeg,
    }


def uploader_file(config: Config) -> dict[str, Any]:
    """Return what the uploader has to know, as it stands in its file: no camera password."""
    return {
        "format": FORMAT,
        "storage": dict(vars(config.storage)),
        "s3": dict(vars(config.s3)),
        "upload": dict(vars(config.upload)),
        "cameras": [camera.name for camera in config.cameras],
        "camera_locks": {camera.name: camera.lock for camera in config.cameras if camera.lock != config.s3.lock},
        "ffmpeg": config.recording.ffmpeg,
    }


def secrets(config: Config) -> list[str]:
    """Return every text of a configuration that must never be printed."""
    found = [config.s3.access_key_id, config.s3.secret_access_key]
    for camera in config.cameras:
        found.extend(urls.parse(camera.url, strict=True).secrets)
    return found


def _checked(
    data: object,
    source: str,
    marks: Mapping[yamllines.Path, yamllines.Mark],
    faults: Sequence[tuple[int, str]],
) -> Config:
    values, walker = walk(data, marks)
    found = list(faults)
    for problem in walker.problems:
        place = wording.where(problem.path, data, walker.redact)
        found.append((walker.line(problem.path), "%s: %s" % (place, problem.text)))
    if found:
        raise ConfigError([_line(source, line, text) for line, text in sorted(found, key=lambda fault: fault[0])])
    return _config(values)


def _config(values: Values) -> Config:
    return Config(
        storage=_storage(values["storage"]),
        s3=S3(**values["s3"]),
        cameras=tuple(_camera(camera, values["s3"]) for camera in values["cameras"]),
        recording=Recording(**values["recording"]),
        upload=Upload(**values["upload"]),
    )


def _storage(values: Values) -> Storage:
    kept = values["local_retention"]
    return Storage(
        local_path=values["local_path"],
        state_path=values["state_path"],
        min_free=values["min_free"],
        when_full=values["when_full"],
        retention_seconds=kept and kept.seconds,
        retention_bytes=kept and kept.bytes,
    )


def _camera(values: Values, bucket: Values) -> Camera:
    mode, days = (values[name] or bucket[name] for name in ("object_lock_mode", "object_lock_days"))
    return Camera(
        name=values["name"],
        url=values["url"].normalised(),
        enabled=values["enabled"],
        transport=values["transport"],
        audio=values["audio"],
        tls=Tls(**values["tls"]),
        lock=make_lock(mode, days),
    )


def _line(source: str, line: int, text: str) -> str:
    return "%s:%d: %s" % (source, line, text) if line else "%s: %s" % (source, text)


def _text(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            content = stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise ConfigError([path + ": no such file; camera-backup-install writes a commented template there"]) from None
    except PermissionError:
        raise ConfigError([path + ": may not be read by this user; it holds secrets, so use root"]) from None
    except IsADirectoryError:
        raise ConfigError([path + ": is a directory; accepted: a YAML file"]) from None
    except OSError as error:
        raise ConfigError(["%s: cannot be read: %s" % (path, error.strerror)]) from None
    if len(content) > LARGEST:
        raise ConfigError(["%s: is larger than %d bytes; accepted: a configuration" % (path, LARGEST)])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([_line(path, line, "is not UTF-8 text; save the file as UTF-8")]) from None
