"""Look at a camera exactly as its recorder will: the same FFmpeg, the same input script, some seconds of stream."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from typing import IO, Callable

from camera_backup import journal, urls
from camera_backup.check.camera import Seen
from camera_backup.check.sample import Sampler
from camera_backup.model import Camera
from camera_backup.recorder import children, ffmpeg, machine, tls
from camera_backup.recorder.output import Line

SECONDS = 5.0
"""Of video that are watched at least; longer until two key frames were seen."""

LIMIT = 30.0
"""Seconds after which a camera that sends nothing, or no second key frame, has been watched enough."""

_NO_VIDEO = "Could not find codec parameters for stream 0 (Video"
_TICK = 0.2
_BLOCK = 65536


def look(camera: Camera, stall_timeout: float, program: str, version: ffmpeg.Version, stop: threading.Event) -> Seen:
    """Given a camera and the FFmpeg that will record it, return what is to be seen of it.

    stop: ends the look early, when the whole check is interrupted
    """
    patience = ffmpeg.patience(stall_timeout)
    options = {"rtsp_transport": camera.transport, "timeout": "%d" % (patience * 1e6)}
    if urls.parse(camera.url, strict=True).scheme == "rtsps" and camera.tls.verify:
        verdict = tls.check(camera.url, camera.tls.ca_file, camera.tls.fingerprint, patience)
        if verdict.cause is not None:
            return Seen(verdict.cause, verdict.detail or "", None, 0.0)
    options.update(ffmpeg.tls_options(version, camera.tls.verify, camera.tls.ca_file, camera.tls.fingerprint))
    line = children.dying_with_us(command(program, camera.transport, camera.audio != "off"))
    try:
        return Watcher(line, ffmpeg.script(camera.url, options), patience, stop).watch(LIMIT)
    except OSError as error:
        return Seen("ffmpeg_failed", "%s: %s" % (program, error.strerror), None, 0.0)


class Watcher:
    """One FFmpeg that prints the packets of one camera. `patience`: its own time limit for an answer, in s."""

    def __init__(self, command: list[str], script: str, patience: float, stop: threading.Event) -> None:
        self._patience = patience
        self._stop = stop
        self._asked: str | None = None
        self._sampler = Sampler()
        self._complaints: list[Line] = []
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
        )
        assert self._process.stdin is not None
        # The script is far smaller than a pipe holds, so this cannot block.
        with self._process.stdin as stream:
            stream.write(script.encode())

    def watch(self, limit: float) -> Seen:
        """Return what came within `limit` seconds, or sooner when it is enough."""
        started = time.monotonic()
        try:
            self._read(started + limit)
        finally:
            self._end()
        return self._seen(time.monotonic() - started)

    def _read(self, deadline: float) -> None:
        outputs: list[tuple[IO[bytes] | None, Callable[[str], None]]] = [
            (self._process.stdout, self._sampler.feed),
            (self._process.stderr, lambda text: self._complaints.append(Line(text))),
        ]
        with selectors.DefaultSelector() as selector:
            for stream, take in outputs:
                assert stream is not None
                selector.register(stream, selectors.EVENT_READ, _Lines(take))
            while selector.get_map() and time.monotonic() < deadline and not self._stop.is_set():
                for key, _ in selector.select(_TICK):
                    if not key.data.feed(os.read(key.fd, _BLOCK)):
                        selector.unregister(key.fileobj)
                if self._sampler.enough(SECONDS):
                    return
            # Both pipes still open: it is we who end it, after a long silence.
            self._asked = "stalled" if selector.get_map() else None

    def _end(self) -> None:
        """Let FFmpeg say goodbye to the camera, which else keeps the session open for a minute."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                self._process.send_signal(number)
                try:
                    self._process.wait(2)
                except subprocess.TimeoutExpired:
                    continue
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def _seen(self, seconds: float) -> Seen:
        stream = self._sampler.stream()
        if stream.video is not None and stream.frames:
            return Seen(None, "", stream, seconds)
        reasons = [line.reason for line in self._complaints]
        told = min((reason for reason in reasons if reason), key=lambda reason: reason.rank, default=None)
        said = told.text if told else self._complaints[-1].text if self._complaints else ""
        if any(_NO_VIDEO in line.text for line in self._complaints):
            return Seen("stalled", "it announces video and sends none", None, seconds)
        # The recorder's own judgement: the same words for the same failure.
        cause = machine.verdict(self._asked, False, seconds, self._patience, told.cause if told else None)
        detail = machine.detail(cause, told.cause if told else None, journal.redact(said), seconds)
        return Seen(cause, detail or "", None, seconds)


class _Lines:
    """Cuts what a pipe gives into lines."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._rest = b""

    def feed(self, block: bytes) -> bool:
        """Take a block; return whether there may be more."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        for line in lines:
            self._take(line.decode("utf-8", "replace"))
        return bool(block)


def environment() -> dict[str, str]:
    """Return the environment for FFmpeg: as ours, in a language whose messages we can read."""
    return {**os.environ, "LC_ALL": "C", "TZ": "UTC"}


def command(program: str, transport: str, audio: bool) -> list[str]:
    """Return FFmpeg's command line: packets as text, nothing decoded, the URL on standard input (I7)."""
    protocols = "pipe,tcp,tls,rtsp,rtsps" + (",udp,rtp" if transport == "udp" else "")
    arguments = [program, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+warning"]
    arguments += ["-f", "concat", "-safe", "0", "-protocol_whitelist", protocols, "-i", "pipe:0", "-map", "0:v:0"]
    if audio:
        arguments += ["-map", "0:a:0?"]
    return [
        *arguments,
        "-c",
        "copy",
        "-copyinkf:a",
        "-max_interleave_delta",
        "500000",
        "-flush_packets",
        "1",
        "-f",
        "framecrc",
        "-",
    ]
