"""Turn a configuration into the files of its services: unit files, and the credential files only root can read.

Pure: the same configuration and program always give the same bytes.
"""

from __future__ import annotations

import functools
import json
import os
from typing import Any, Dict, NamedTuple

import jinja2

from camera_backup import account
from camera_backup.config import DEFAULT_PATH, recorder_file, uploader_file
from camera_backup.model import Config
from camera_backup.units import escape, names
from camera_backup.units.program import HOMES

_TEMPLATES = os.path.join(os.path.dirname(os.path.dirname(__file__)), "templates")


class Rendered(NamedTuple):
    """A file as it should be; root owns it.

    unit: the service that reads it, and must be restarted when it changes
    """

    text: str
    mode: int
    unit: str

    @property
    def secret(self) -> bool:
        """Its text must not be shown."""
        return not self.mode & 0o004


Files = Dict[str, Rendered]
"""Absolute path → file."""


def wanted(config: Config, program: str) -> Files:
    """Given a configuration and the directory of the installed programs, return every file that should exist."""
    shared = _shared(config, program)
    files = _service(names.UPLOADER, "camera-uploader.service.j2", uploader_file(config), shared)
    for camera in config.cameras:
        if camera.enabled:
            content = recorder_file(config, camera)
            unit = names.recorder_unit(camera.name)
            files.update(_service(unit, "camera-recorder.service.j2", content, dict(shared, camera=camera.name)))
    return files


def _service(unit: str, template: str, content: dict[str, Any], variables: dict[str, Any]) -> Files:
    secret = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    text = _environment().get_template(template).render(variables, unit=unit, credential=names.credential(unit))
    return {
        names.credential(unit): Rendered(secret, 0o600, unit),
        names.path_of(unit): Rendered(text, 0o644, unit),
    }


def _shared(config: Config, program: str) -> dict[str, Any]:
    return {
        "config": DEFAULT_PATH,
        "credentials": names.CREDENTIALS,
        "home": any(path.startswith(HOMES) for path in _used(config)),
        "local_path": escape.path(config.storage.local_path),
        "program": escape.program(os.path.join(program, "camera-backup")),
        "state_path": escape.path(config.storage.state_path),
        "uploader_group": account.UPLOADER_GROUP,
        "user": account.USER,
    }


def _used(config: Config) -> list[str]:
    """Every path of the configuration that a service opens."""
    authorities = [config.s3.ca_file, *(camera.tls.ca_file for camera in config.cameras)]
    paths = [config.storage.local_path, config.storage.state_path, config.recording.ffmpeg, *filter(None, authorities)]
    return [os.path.normpath(path) for path in paths]


@functools.lru_cache(maxsize=None)
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        autoescape=False,  # noqa: S701 (a unit file is no HTML; paths pass escape.path)
        keep_trailing_newline=True,
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
