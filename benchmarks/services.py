"""Our two services as systemd runs them: the console script, with its one file among the credentials."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any, Iterator, Sequence

from camera_backup import config
from tests.support.processes import Program, running
from tests.support.s3_servers import program


@contextlib.contextmanager
def service(arguments: Sequence[str], credential: str, content: dict[str, Any], place: Path) -> Iterator[Program]:
    """Give a running `camera-backup ARGUMENTS` whose CREDENTIALS_DIRECTORY holds one file, named `credential`."""
    name = "-".join(arguments)
    credentials = place / (name + ".credentials")
    credentials.mkdir(exist_ok=True)
    (credentials / credential).write_text(json.dumps(content))
    command = program("CAMERA_BACKUP_PROGRAM", ".venv/bin/camera-backup")
    environment = {**os.environ, "CREDENTIALS_DIRECTORY": str(credentials)}
    with running([command, *arguments], place / (name + ".log"), environment) as process:
        yield process


@contextlib.contextmanager
def recorder(path: Path, camera: str, place: Path) -> Iterator[Program]:
    """Given a config.yaml, give the running recorder of one of its cameras."""
    loaded = config.load(str(path))
    settings = next(config.recorder_file(loaded, one) for one in loaded.cameras if one.name == camera)
    with service(["record", camera], "recorder.json", settings, place) as process:
        yield process


@contextlib.contextmanager
def uploader(path: Path, place: Path) -> Iterator[Program]:
    """Given a config.yaml, give the running uploader."""
    with service(["upload"], "uploader.json", config.uploader_file(config.load(str(path))), place) as process:
        yield process
