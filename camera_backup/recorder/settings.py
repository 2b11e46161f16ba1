"""The per-camera file: all that a recorder knows, written by `camera_backup.config.recorder_file`."""

from __future__ import annotations

import json

from camera_backup.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    T = TypeVar("T")

FORMAT = 1
_KINDS: dict[type, str] = {str: "a text", int: "a whole number", bool: "true or false", dict: "an object"}


class Settings:
    """The per-camera file as a value. Sizes in bytes, times in seconds.

    url: user and password percent-encoded; never print it
    transport: `tcp` or `udp`
    audio: `auto`, `copy`, `aac` or `off`
    min_free: recording pauses while the disk has less
    ffmpeg: a path or a name on PATH
    """

    def __init__(self, value: dict[str, Any]) -> None:
        """Raise ConfigError when the value is not a per-camera file of this version."""
        if value.get("format") != FORMAT:
            raise ConfigError(["format is %r, this version reads %d" % (value.get("format"), FORMAT)])
        tls: dict[str, Any] = _take(value, "tls", dict)
        self.camera = _take(value, "camera", str)
        self.url = _take(value, "url", str)
        self.transport = _take(value, "transport", str)
        self.audio = _take(value, "audio", str)
        self.tls_verify = _take(tls, "verify", bool)
        self.tls_ca_file = _text_or_none(tls, "ca_file")
        self.tls_fingerprint = _text_or_none(tls, "fingerprint")
        self.segment_duration = _take(value, "segment_duration", int)
        self.stall_timeout = _take(value, "stall_timeout", int)
        self.local_path = _take(value, "local_path", str)
        self.state_path = _take(value, "state_path", str)
        self.min_free = _take(value, "min_free", int)
        self.ffmpeg = _take(value, "ffmpeg", str)

    @property
    def secure(self) -> bool:
        """Whether the stream comes over TLS."""
        return self.url[:8].lower() == "rtsps://"

    @property
    def secrets(self) -> list[str]:
        """Everything in the URL that must not be printed, as it was before it was percent-encoded."""
        userinfo, at, _ = self.url.partition("://")[2].partition("@")
        found = [_decoded(userinfo.partition(":")[2])] if at else []
        if "=" in self.url:
            # A few cameras carry the login in the path. Only they pay for this import.
            from camera_backup import urls

            found.extend(urls.parse(self.url, strict=True).secrets)
        return [secret for secret in found if secret]


def load(path: str, camera: str) -> Settings:
    """Given a per-camera file and the camera it should be of, return the settings; raise ConfigError."""
    try:
        with open(path, encoding="utf-8") as stream:
            value = json.load(stream)
        settings = Settings(value if isinstance(value, dict) else {})
    except OSError as error:
        raise ConfigError(["%s: %s (written by camera-backup-generate)" % (path, error.strerror)]) from None
    except ValueError:
        raise ConfigError(["%s: is not JSON; run camera-backup-generate again" % path]) from None
    except ConfigError as error:
        raise ConfigError(["%s: %s; run camera-backup-generate again" % (path, error)]) from None
    if settings.camera != camera:
        raise ConfigError(["%s: is of camera %s, not of %s" % (path, settings.camera, camera)])
    return settings


def _take(value: dict[str, Any], key: str, kind: type[T]) -> T:
    found = value.get(key)
    if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
        raise ConfigError(["%s is missing or not %s" % (key, _KINDS[kind])])
    return found


def _text_or_none(value: dict[str, Any], key: str) -> str | None:
    return None if value.get(key) is None else _take(value, key, str)


def _decoded(text: str) -> str:
    """Return a percent-encoded text as it was; `urllib` would cost a megabyte."""
    head, *tails = text.split("%")
    raw = head.encode()
    for tail in tails:
        try:
            raw += bytes([int(tail[:2], 16)]) + tail[2:].encode()
        except ValueError:
            raw += b"%" + tail.encode()
    return raw.decode("utf-8", "replace")
