"""Rewrite a fragmented or torn file as a progressive one, index first, without losing a sample."""

from __future__ import annotations

import os
import subprocess
from typing import Sequence

from camera_backup import mp4
from camera_backup.errors import HostError
from camera_backup.recorder import children

_MARGIN = 16 << 20


class NoRoom(HostError):
    """The disk has no room for a second copy at the moment."""


class NotPossible(Exception):
    """No sample may be lost, and this file cannot be rewritten without."""


def remux(ffmpeg: str, source: str, movie: mp4.Movie, target: str) -> None:
    """Write `target` with every whole sample of `source`; remove it again, and raise, when that failed.

    Raise HostError or OSError when it may work later, NotPossible when it never will.
    """
    program = children.which(ffmpeg)
    if program is None:
        raise HostError("%s: not found" % ffmpeg)
    room = os.statvfs(os.path.dirname(source))
    if room.f_bavail * room.f_frsize < movie.sound_bytes + _MARGIN:
        raise NoRoom("%s: no room to remux it" % source)
    try:
        _run(command(program, source, movie, target))
        _compare(movie, mp4.inspect(target))
    except BaseException:
        # I4: the source is untouched, and this is not yet anything.
        if os.path.exists(target):
            os.unlink(target)
        raise


def command(ffmpeg: str, source: str, movie: mp4.Movie, target: str) -> list[str]:
    """Return the command line. What is torn is read up to its last whole sample, each track by itself.

    Read together, a track whose last samples are missing would end the other one too (measured on 5.1 and 7.1).
    """
    arguments = [ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "error"]
    if movie.complete:
        arguments += ["-i", "file:" + source, "-map", "0"]
    else:
        # subfile: FFmpeg would take the first bytes of a torn frame for a frame.
        limited = "subfile,,start,0,end,%d,,:file:%s" % (movie.sound_bytes, source)
        streams = [position for position, count in enumerate(movie.samples.values()) if count]
        arguments += ["-i", limited] * len(streams)
        for index, stream in enumerate(streams):
            arguments += ["-map", "%d:%d" % (index, stream)]
    # copyinkf: else 7.1 drops the audio.
    arguments += ["-c", "copy", "-copyinkf:a", "-movflags", "+faststart", "-f", "mp4", "-y", "file:" + target]
    return arguments


def _run(arguments: Sequence[str]) -> None:
    done = subprocess.run(
        children.dying_with_us(arguments, "KILL"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={"TZ": "UTC", "LC_ALL": "C", "PATH": os.defpath},
        check=False,
    )
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    last = said[-1] if said else "no message"
    if done.returncode < 0:
        raise OSError("remuxing was ended by signal %d" % -done.returncode)
    if any("No space left" in text or "quota exceeded" in text for text in said):
        raise NoRoom(last)
    if done.returncode:
        raise NotPossible("FFmpeg ended with %d: %s" % (done.returncode, last))


def _compare(before: mp4.Movie, after: mp4.Movie) -> None:
    """Raise NotPossible unless `after` is finished and has as many samples in each track as `before` (I4)."""
    if not after.complete or after.fragmented:
        raise NotPossible("the result is not a progressive file: " + (after.reason or "fragmented"))
    counts = [[count for count in movie.samples.values() if count] for movie in (before, after)]
    if counts[0] != counts[1]:
        raise NotPossible("the result has %s samples instead of %s" % (counts[1], counts[0]))
