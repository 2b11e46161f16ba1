"""The FFmpeg of this host."""

from __future__ import annotations

import shutil
import subprocess
from typing import NamedTuple

from camera_backup.check.findings import HOST, OK, PROBLEM, Finding
from camera_backup.check.host import SUBJECT
from camera_backup.recorder import ffmpeg

LIMIT = 10.0


class Program(NamedTuple):
    """What `ffmpeg -version` said. path: None when there is no such program; version: None when it is no FFmpeg."""

    path: str | None
    version: ffmpeg.Version | None


def look(program: str) -> Program:
    """Given the name or path of FFmpeg, return what it is."""
    path = shutil.which(program)
    if path is None:
        return Program(None, None)
    try:
        output = subprocess.run(
            [path, "-hide_banner", "-version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return Program(path, None)
    return Program(path, ffmpeg.version(output.decode("utf-8", "replace")))


def finding(name: str, found: Program) -> Finding:
    """Given what the configuration calls FFmpeg and what that is, return the finding."""
    advice = "install FFmpeg 5.1 or newer (Debian 12: apt-get install ffmpeg), or give its path in recording.ffmpeg"
    if found.path is None:
        return Finding(HOST, SUBJECT, "FFmpeg", PROBLEM, "%s: no such program" % name, advice)
    if found.version is None:
        return Finding(HOST, SUBJECT, "FFmpeg", PROBLEM, "%s does not answer like FFmpeg" % found.path, advice)
    if not found.version.supported:
        text = "%s is version %s, older than 5.1" % (found.path, found.version.text)
        return Finding(HOST, SUBJECT, "FFmpeg", PROBLEM, text, advice)
    how = "segments are finished as they are written" if found.version.hybrid else "segments are remuxed when closed"
    return Finding(HOST, SUBJECT, "FFmpeg", OK, "%s: %s" % (found.version.text, how))
