"""A valid configuration to change one thing in."""

from __future__ import annotations

from camera_backup import config
from camera_backup.errors import ConfigError

BASE = """\
storage:
  local_path: "/srv/footage"
s3:
  access_key_id: "AKIA"
  secret_access_key: "s3cret/key"
  bucket: "camera-backups"
  endpoint: "https://s3.eu-central-1.amazonaws.com"
cameras:
  - name: "front-door"
    rtsp_url: "rtsp://user:hunter2@192.168.1.20:554/stream"
  - name: "back-yard"
    rtsp_url: "rtsps://192.168.1.21/stream"
recording:
  segment_duration: 3600
upload:
  check_interval: 300
"""


def changed(*changes: tuple[str, str]) -> str:
    """Return BASE with texts replaced; each must be there exactly once."""
    text = BASE
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def problems(text: str) -> list[str]:
    """Return what is wrong with a configuration; nothing for a valid one."""
    try:
        config.parse(text, "config.yaml")
    except ConfigError as error:
        return error.problems
    return []
