"""What has to be in order before FFmpeg is started."""

from __future__ import annotations

import json
import os

from camera_backup.recorder import children, ffmpeg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from camera_backup.recorder.settings import Settings

_FFMPEG_SECONDS = 20.0
_TLS_SECONDS = 15.0


class Problem(Exception):
    """Why recording cannot begin now: the cause as in the ledger, the detail in words."""

    def __init__(self, cause: str, detail: str | None) -> None:
        self.cause = cause
        self.detail = detail
        super().__init__("%s: %s" % (cause, detail))


def find_ffmpeg(name: str) -> tuple[str, ffmpeg.Version]:
    """Return the path and version of an FFmpeg given by path or name; raise Problem when none can be used.

    Asked before each start: it may have been upgraded since.
    """
    program = children.which(name)
    if program is None:
        raise Problem("ffmpeg_failed", "%s: not found; install FFmpeg 5.1 or newer" % name)
    said = children.capture([program, "-version"], {"LC_ALL": "C", "PATH": os.defpath}, "", _FFMPEG_SECONDS)
    version = ffmpeg.version(said or "")
    if version is None:
        raise Problem("ffmpeg_failed", "%s: is no FFmpeg that runs here" % program)
    if not version.supported:
        raise Problem("ffmpeg_failed", "%s: is FFmpeg %s; 5.1 or newer is needed" % (program, version.text))
    return program, version


def check_certificate(settings: Settings) -> None:
    """Have the certificate of an rtsps camera checked; raise Problem when it is refused or cannot be seen."""
    if not settings.secure or not settings.tls_verify:
        return
    asked = {"url": settings.url, "ca_file": settings.tls_ca_file, "fingerprint": settings.tls_fingerprint}
    module = children.python("camera_backup.recorder.tls")
    said = children.capture(module, children.environment(), json.dumps(asked), _TLS_SECONDS)
    if said is None:
        raise Problem("camera_unreachable", "no TLS within %d s" % _TLS_SECONDS)
    verdict = json.loads(said)
    if verdict["cause"]:
        raise Problem(verdict["cause"], verdict["detail"])
