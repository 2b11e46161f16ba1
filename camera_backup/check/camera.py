"""What a look at a camera means for its recording. Pure."""

from __future__ import annotations

from typing import NamedTuple

from camera_backup import measures, urls
from camera_backup.check.findings import CAMERA, OK, PROBLEM, WARNING, Finding
from camera_backup.check.sample import Stream
from camera_backup.model import Camera
from camera_backup.recorder import ffmpeg

LONGEST_KEY_INTERVAL = 5.0
"""Seconds between key frames from which on it is worth a warning."""

_REFUSALS = {
    "camera_unreachable": (
        "connection",
        "is it switched on, are address and port right, does a firewall stand between?",
    ),
    "login_refused": (
        "login",
        "check user and password of rtsp_url; some cameras have a separate account for RTSP, or lock one for minutes",
    ),
    "certificate_refused": (
        "certificate",
        "give the camera's authority in tls.ca_file or its certificate in tls.fingerprint; see docs/configuration.md",
    ),
    "stream_refused": ("stream", "check the path of rtsp_url: the camera's manual or its web page names it"),
    "unsupported": ("video", "choose H.264 or H.265 in the camera's settings"),
    "stalled": ("stream", "restart the camera; too many viewers at once are a common cause, too"),
}
_ELSE = ("stream", "run FFmpeg by hand to see more, or check again")


class Seen(NamedTuple):
    """What a probe saw of a camera.

    cause: why no stream came, one of the ledger's causes; None when one came
    detail: what FFmpeg or the TLS library said about it, without secrets
    stream: what came
    seconds: how long it was watched
    """

    cause: str | None
    detail: str
    stream: Stream | None
    seconds: float


def findings(camera: Camera, seen: Seen) -> list[Finding]:
    """Given a camera and what was seen of it, return the findings."""
    if seen.cause is not None or seen.stream is None:
        return [_refusal(camera, seen)]
    stream = seen.stream
    found = [_of(camera, "connection", OK, _connection(camera)), *_certificate(camera)]
    found += [_video(camera, stream), _audio(camera, stream)]
    # A camera that is slow to begin loses some seconds; only clocks that do not run lose most of them.
    if stream.seconds < seen.seconds / 6:
        return [*found, _stuck_clock(camera, stream, seen.seconds)]
    return [*found, _keys(camera, stream, seen.seconds), _rate(camera, stream)]


def bytes_per_second(seen: Seen) -> float:
    """Return what a camera will write; 0 when that was not measured."""
    return (seen.stream.bits_per_second or 0.0) / 8 if seen.stream else 0.0


def _of(camera: Camera, item: str, level: str, text: str, advice: str = "") -> Finding:
    return Finding(CAMERA, camera.name, item, level, text, advice)


def _refusal(camera: Camera, seen: Seen) -> Finding:
    cause = seen.cause or "stalled"
    item, advice = _REFUSALS.get(cause, _ELSE)
    parts = [cause.replace("_", " "), seen.detail.rpartition("Server returned ")[2]]
    if cause == "camera_unreachable":
        parts.insert(1, "%s port %d" % urls.parse(camera.url, strict=True).address)
    return _of(camera, item, PROBLEM, ": ".join(part for part in parts if part), advice)


def _connection(camera: Camera) -> str:
    url = urls.parse(camera.url, strict=True)
    login = "login accepted" if url.user is not None else "no login given"
    return "%s port %d over %s, %s" % (*url.address, camera.transport.upper(), login)


def _certificate(camera: Camera) -> list[Finding]:
    if urls.parse(camera.url, strict=True).scheme != "rtsps":
        return []
    if not camera.tls.verify:
        text = "not checked: anybody on the way can pose as the camera and take its password"
        advice = "set tls.fingerprint or tls.ca_file, and tls.verify: true"
        return [_of(camera, "certificate", WARNING, text, advice)]
    how = "is the one of tls.fingerprint" if camera.tls.fingerprint else "verified against %s"
    text = how if camera.tls.fingerprint else how % (camera.tls.ca_file or "the system's authorities")
    return [_of(camera, "certificate", OK, text)]


def _video(camera: Camera, stream: Stream) -> Finding:
    size = " %d×%d" % stream.size if stream.size and stream.size[0] else ""
    text = "%s%s" % (stream.video, size)
    if stream.seconds >= 1:
        rate = stream.frames / stream.seconds
        text += ", %.*f frames a second" % (0 if rate >= 9.5 else 1, rate)
    if stream.video not in ffmpeg.VIDEO_CODECS:
        return _of(camera, "video", PROBLEM, text + " cannot be recorded", _REFUSALS["unsupported"][1])
    return _of(camera, "video", OK, text)


def _audio(camera: Camera, stream: Stream) -> Finding:
    if camera.audio == "off":
        return _of(camera, "audio", OK, "not recorded (audio: off)")
    if stream.audio is None:
        return _of(camera, "audio", OK, "none")
    if ffmpeg.audio_plan(camera.audio, stream.audio) == "aac":
        return _of(camera, "audio", OK, "%s, converted to AAC" % stream.audio)
    if stream.audio in ffmpeg.AUDIO_COPIED:
        return _of(camera, "audio", OK, "%s, copied" % stream.audio)
    text = "%s cannot be copied into MP4: it will not be recorded" % stream.audio
    return _of(camera, "audio", WARNING, text, "set audio: auto (converts it), or audio: off")


def _stuck_clock(camera: Camera, stream: Stream, watched: float) -> Finding:
    text = "advanced by %.1f s within %.0f s: segments would have wrong lengths" % (stream.seconds, watched)
    return _of(camera, "time stamps", WARNING, text, "restart the camera, or update its firmware")


def _keys(camera: Camera, stream: Stream, watched: float) -> Finding:
    advice = "set the camera's key-frame (I-frame, GOP) interval to 1 to 2 seconds"
    cost = "a crash and every reconnect lose up to that much, segments are cut that late"
    if stream.key_interval is None:
        text = "none seen twice within %.0f s: %s" % (max(watched, stream.seconds), cost)
        return _of(camera, "key frames", WARNING, text, advice)
    text = "every %.1f s" % stream.key_interval
    if stream.key_interval > LONGEST_KEY_INTERVAL:
        return _of(camera, "key frames", WARNING, "%s: %s" % (text, cost), advice)
    return _of(camera, "key frames", OK, text)


def _rate(camera: Camera, stream: Stream) -> Finding:
    if stream.bits_per_second is None:
        return _of(camera, "bitrate", WARNING, "could not be measured: too little came", "check again")
    text = "%s, %s a day" % (
        measures.bitrate(stream.bits_per_second),
        measures.size(stream.bits_per_second / 8 * 86400),
    )
    return _of(camera, "bitrate", OK, text)
