"""Pre-encoded clips: what a simulated camera sees, over and over. FFmpeg runs once per clip, ever.

As a program: `python -m tests.simulators.camera.clips '[LOOK, …]'` encodes them for cameras on machines without FFmpeg,
and prints where they are.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from tests.simulators.camera import rtp
from tests.support import nal, samples

CACHE = Path(os.environ.get("CAMERA_CLIPS") or Path(__file__).parents[3] / ".build" / "clips")
CLOCK = 90_000

_ENTRIES = {"h264": ("avc1",), "h265": ("hvc1", "hev1")}


class Look(NamedTuple):
    """What a camera sends.

    codec: "h264" or "h265"
    width, height: pixels; fps: whole frames per second; gop: seconds between key frames
    bitrate: of the video, bits per second
    b_frames: consecutive reordered frames; 0 as most cameras
    slices: slices per picture
    audio: None, "aac" or "pcmu"
    seconds: length of the clip before it starts over
    """

    codec: str = "h264"
    width: int = 320
    height: int = 180
    fps: int = 25
    gop: float = 1.0
    bitrate: int = 200_000
    b_frames: int = 0
    slices: int = 1
    audio: str | None = None
    seconds: int = 4


FULL_HD = Look(width=1920, height=1080, gop=2.0, bitrate=4_000_000, seconds=8)


class Unit(NamedTuple):
    """One access unit, ready to send; the stamp goes between `head` (parameter sets) and `body` (slices).

    display: when the picture is shown, in frames after the start of the clip
    """

    head: rtp.Packets
    body: rtp.Packets
    checksum: int
    key: bool
    display: int


class Audio(NamedTuple):
    """The audio of a clip: packets of `step` samples each."""

    packets: list[rtp.Packets]
    rate: int
    step: int


class Clip(NamedTuple):
    """A clip in packets, and what a session description has to say about it."""

    look: Look
    units: list[Unit]
    audio: Audio | None
    media: list[str]


@functools.lru_cache(maxsize=None)
def load(look: Look) -> Clip:
    """Given what a camera sends, return the clip, encoding it when nobody has before; packets are shared."""
    tracks = {track.kind: track for track in samples.tracks(_encoded(look, "mp4"))}
    video = tracks["vide"]
    if video.codec not in _ENTRIES[look.codec]:
        raise ValueError("the cached clip holds %s, not %s" % (video.codec, look.codec))
    sets = _parameter_sets(look.codec, video.config)
    with open(_encoded(look, "mp4"), "rb") as stream:
        step = video.timescale // look.fps
        units = [_unit(look, sets, step, one, _read(stream, one)) for one in video.samples]
        audio = _aac(tracks["soun"], stream) if look.audio == "aac" else None
    media = ["m=video 0 RTP/AVP 96", *_describe_video(look, sets)]
    if look.audio == "aac":
        media += ["m=audio 0 RTP/AVP 97", *_describe_aac(tracks["soun"])]
    elif look.audio == "pcmu":
        audio = _pcmu(_encoded(look, "ul").read_bytes())
        media += ["m=audio 0 RTP/AVP 0", "a=rtpmap:0 PCMU/8000/1"]
    return Clip(look, units, audio, media)


def _read(stream: Any, sample: samples.Sample) -> bytes:
    stream.seek(sample.offset)
    return bytes(stream.read(sample.size))


def _unit(look: Look, sets: list[bytes], step: int, sample: samples.Sample, content: bytes) -> Unit:
    slices = [unit for unit in nal.split(content) if nal.is_slice(look.codec, unit)]
    head = rtp.pack(look.codec, sets if sample.key else [])
    body = rtp.pack(look.codec, slices, marker=True)
    return Unit(head, body, nal.checksum(slices), sample.key, sample.composition // step)


def _aac(track: samples.Track, stream: Any) -> Audio:
    frames = [_read(stream, sample) for sample in track.samples]
    # RFC 3640: one header of 13 bits of size and 3 of index, its length in bits first.
    headed = [b"\x00\x10" + (len(frame) << 3).to_bytes(2, "big") + frame for frame in frames]
    return Audio([rtp.bundle([frame], 97, marker=True) for frame in headed], track.timescale, 1024)


def _pcmu(content: bytes) -> Audio:
    pieces = [content[at : at + 160] for at in range(0, len(content) - 159, 160)]
    return Audio([rtp.bundle([piece], 0, marker=False) for piece in pieces], 8000, 160)


def _describe_aac(track: samples.Track) -> list[str]:
    at = track.config.index(b"\x05\x80\x80\x80") + 4  # DecoderSpecificInfo, as FFmpeg writes its length
    config = track.config[at + 1 : at + 1 + track.config[at]]
    return [
        "a=rtpmap:97 MPEG4-GENERIC/%d/1" % track.timescale,
        "a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config="
        + config.hex(),
    ]


def _describe_video(look: Look, sets: list[bytes]) -> list[str]:
    texts = [base64.b64encode(one).decode() for one in sets]
    if look.codec == "h264":
        level = sets[0][1:4].hex().upper()
        form = "packetization-mode=1;profile-level-id=%s;sprop-parameter-sets=%s" % (level, ",".join(texts))
    else:
        form = ";".join("sprop-%s=%s" % pair for pair in zip(("vps", "sps", "pps"), texts))
    name = look.codec.upper()
    return ["a=rtpmap:96 %s/%d" % (name, CLOCK), "a=fmtp:96 " + form, "a=framerate:%d" % look.fps]


def _parameter_sets(codec: str, config: bytes) -> list[bytes]:
    """Given the decoder configuration of an MP4, return its parameter sets (ISO 14496-15, 5.3.3.1 and 8.3.3.1)."""
    sets = []
    at, groups = (5, 2) if codec == "h264" else (23, config[22])
    for _ in range(groups):
        if codec == "h264":
            count, at = config[at] & 0x1F, at + 1
        else:
            count, at = int.from_bytes(config[at + 1 : at + 3], "big"), at + 3
        for _ in range(count):
            size = int.from_bytes(config[at : at + 2], "big")
            sets.append(config[at + 2 : at + 2 + size])
            at += 2 + size
    return [one for one in sets if codec == "h264" or nal.unit_type(codec, one) in (32, 33, 34)]


def _encoded(look: Look, suffix: str) -> Path:
    """Return the file of a clip in the cache; two that encode it at once do no harm."""
    command = _command(look) if suffix == "mp4" else _tone("-c:a", "pcm_mulaw", "-ar", "8000", look=look)
    digest = hashlib.sha256(repr(command).encode()).hexdigest()[:16]
    path = CACHE / ("%s-%dx%d-%s.%s" % (look.codec, look.width, look.height, digest, suffix))
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=str(CACHE)) as scratch:
            target = os.path.join(scratch, "clip." + suffix)
            form = {"mp4": "mp4", "ul": "mulaw"}[suffix]
            subprocess.run([*command, "-f", form, target], check=True, stdin=subprocess.DEVNULL)
            os.replace(target, path)
    return path


def _tone(*output: str, look: Look) -> list[str]:
    source = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=16000:duration=%d" % look.seconds]
    return ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", *source, "-ac", "1", *output]


def _command(look: Look) -> list[str]:
    frames = look.seconds * look.fps
    keyint = math.floor(look.gop * look.fps)
    if frames % keyint:
        raise ValueError("a clip of %d frames does not end at a key frame every %d" % (frames, keyint))
    # The noise makes a picture that is as hard to compress as the world in front of a camera.
    source = "testsrc2=size=%dx%d:rate=%d,noise=alls=12:allf=t" % (look.width, look.height, look.fps)
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-f", "lavfi", "-i", source]
    if look.audio == "aac":
        command += ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=16000", "-c:a", "aac", "-b:a", "32k"]
    rate = str(look.bitrate)
    command += ["-frames:v", str(frames), "-t", str(look.seconds), "-pix_fmt", "yuv420p"]
    command += ["-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-g", str(keyint), "-bf", str(look.b_frames)]
    shared = "keyint=%d:min-keyint=%d:scenecut=0:bframes=%d" % (keyint, keyint, look.b_frames)
    if look.codec == "h264":
        codec = "%s:open-gop=0:slices=%d:b-adapt=0:force-cfr=1" % (shared, look.slices)
        return [*command, "-c:v", "libx264", "-preset", "veryfast", "-x264-params", codec]
    codec = "%s:open-gop=0:slices=%d:b-adapt=0:log-level=error:info=0" % (shared, look.slices)
    return [*command, "-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params", codec]


if __name__ == "__main__":
    for wanted in json.loads(sys.argv[1]):
        load(Look(**wanted))
    sys.stdout.write("%s\n" % CACHE)
