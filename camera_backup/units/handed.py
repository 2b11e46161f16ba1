"""A configuration that is handed in, by Ansible for one, instead of being edited: put in place when it differs."""

from __future__ import annotations

import json
import os
import stat

import yaml

from camera_backup import config, directories, files, journal, urls
from camera_backup.config import yamllines
from camera_backup.config.schema import CAMERAS, S3
from camera_backup.errors import ConfigError
from camera_backup.model import Config
from camera_backup.redact import MASK
from camera_backup.units.changes import Change

_MODE = 0o600


def read(text: str, path: str, shown: bool = True) -> tuple[Config, Change]:
    """Given the text of a configuration and where it belongs, return it and what has to happen to the file; raise
    ConfigError, then nothing was touched.

    shown: the change holds both texts, masked; that costs more than all the rest, with many cameras
    """
    parsed = config.parse(text, path)
    journal.redact.hide(*config.secrets(parsed))
    present = _present(path)
    if present is None:
        return parsed, Change(path, "create", after=masked(text) if shown else "")
    before, owned = present
    if before != text:
        texts = (masked(before), masked(text)) if shown else ("", "")
        return parsed, Change(path, "update", before=texts[0], after=texts[1])
    return parsed, Change(path, "unchanged" if owned else "mode")


def put(text: str, change: Change) -> None:
    """Write the text of a configuration where it belongs, if it is not there."""
    if change.real:
        directories.make_parents(change.path)
        files.replace(change.path, text, _MODE)


def masked(text: str) -> str:
    """Given the text of a configuration, return it without comments and secrets; nothing for one that is not valid."""
    try:
        config.parse(text, "")
    except ConfigError:
        return ""
    data = yamllines.read(text).data
    plain = json.loads(json.dumps(data))
    for section, found in [(S3, plain["s3"]), *((CAMERAS, camera) for camera in plain["cameras"])]:
        for key in section.keys:
            if key.secret and found.get(key.name) is not None:
                found[key.name] = _shown(found[key.name])
    return journal.redact(yaml.safe_dump(plain, allow_unicode=True, sort_keys=False, width=10**6))


def _shown(value: str) -> str:
    return urls.mask(value) if "://" in value else MASK


def _present(path: str) -> tuple[str, bool] | None:
    """Return the text of a file and whether nobody else can get at it; None when there is no file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            status = os.fstat(stream.fileno())
            return stream.read(config.LARGEST), stat.S_IMODE(status.st_mode) == _MODE and status.st_uid == os.geteuid()
    except FileNotFoundError:
        return None
