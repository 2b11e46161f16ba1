"""The simulated camera and the account of its frames, proved with plain FFmpeg before our recorder is judged by them.

All recordings run at the same time, from one server; the tests then look at what is left.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.simulators.camera import Camera, CameraServer, Look
from tests.support import frames, nal, samples
from tests.support.certs import Authority
from tests.support.processes import wait_until

NASTY = "%$\"'\\@:/# ü"
SOUND = Look(audio="aac")
FRAGMENTED = "movflags=+frag_keyframe+empty_moov+default_base_moof:flush_packets=1"


class Recording:
    """FFmpeg writing a camera into segments of `segment` seconds, the URL on its standard input."""

    def __init__(self, camera: Camera, directory: Path, *output: str, segment: int = 4, transport: str = "tcp") -> None:
        self.camera = camera
        self.directory = directory
        directory.mkdir()
        command = ["ffmpeg", "-hide_banner", "-nostats", "-loglevel", "warning", "-f", "concat", "-safe", "0"]
        command += ["-protocol_whitelist", "pipe,tcp,tls,rtp,udp,rtsp,rtsps", "-i", "pipe:0"]
        command += ["-map", "0:v:0", "-map", "0:a:0?", "-c", "copy", "-copyinkf:a", *output]
        command += ["-max_interleave_delta", "500000", "-f", "segment", "-segment_time", str(segment)]
        command += ["-segment_atclocktime", "1", "-strftime", "1", "-reset_timestamps", "1", "-segment_format", "mp4"]
        command += ["-segment_format_options", FRAGMENTED, str(directory / "%Y%m%d_%H%M%S.mp4")]
        with (directory / "ffmpeg.log").open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log, env={**os.environ, "TZ": "UTC"})
        source = "ffconcat version 1.0\nfile '%s'\noption rtsp_transport %s\noption timeout 2000000\n"
        with self.process.stdin as stream:
            stream.write((source % (camera.url.replace("'", "'\\''"), transport)).encode())

    @property
    def files(self) -> list[Path]:
        return sorted(self.directory.glob("*.mp4"))

    @property
    def account(self) -> frames.Account:
        return frames.account(self.files, self.camera.sent(), self.camera.name)

    @property
    def log(self) -> str:
        return (self.directory / "ffmpeg.log").read_text(errors="replace")

    def progress(self) -> int:
        """Return how many segments there are; fail with FFmpeg's words when it has ended."""
        assert self.process.poll() is None, self.log
        return len(self.files)

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(20)


def seconds(path: Path, kind: str) -> float:
    """Return how long the video ("vide") or audio ("soun") of a file is."""
    (track,) = [track for track in samples.tracks(path) if track.kind == kind]
    return (track.samples[-1].decode - track.samples[0].decode) / track.timescale


class Case(NamedTuple):
    """How a camera is set up, and how FFmpeg is told to record it."""

    look: Look = Look()
    options: dict = {}
    output: tuple = ()
    transport: str = "tcp"
    secure: bool = False


# FFmpeg decodes "user:password" and then splits at the first colon: no colon in the name of a user, ever.
LOGIN = {"user": "us" + NASTY.replace(":", ""), "password": "p" + NASTY}
CASES = {
    "no-login": Case(),
    "digest": Case(options=LOGIN),
    "digest-qop-rtsps": Case(options={**LOGIN, "qop": True}, secure=True),
    "basic": Case(options={**LOGIN, "scheme": "basic"}),
    "aac-paced": Case(SOUND, {"pace": True}),
    "b-frames": Case(SOUND._replace(b_frames=2, slices=3)),
    "h265": Case(Look(codec="h265"), output=("-tag:v", "hvc1"), secure=True),
    "h265-b-frames": Case(SOUND._replace(codec="h265", b_frames=2), output=("-tag:v", "hvc1")),
    "mu-law": Case(Look(audio="pcmu"), output=("-c:a", "aac", "-b:a", "32k")),
    "udp": Case(SOUND, transport="udp"),
    "long-gop-at-once": Case(Look(gop=2.0), {"start": "current"}),
}


@pytest.fixture(scope="module")
def server():
    with CameraServer() as running:
        yield running


@pytest.fixture(scope="module")
def recorded(server, tmp_path_factory):
    """Every case, recorded into at least three segments at the same time."""
    directory = tmp_path_factory.mktemp("recorded")
    leaf = Authority(directory / "ca").issue()
    tls = {"cert_file": leaf.cert_file, "key_file": leaf.key_file}
    found = {}
    for name, case in CASES.items():
        camera = server.add(name, case.look, **case.options, **(tls if case.secure else {}))
        found[name] = Recording(camera, directory / name, *case.output, transport=case.transport)
    try:
        wait_until(lambda: all(one.progress() >= 3 for one in found.values()), "three segments of every camera", 60)
        time.sleep(1.2)  # the third segment holds at least one fragment
    finally:
        status = {name: one.stop() for name, one in found.items()}
    assert set(status.values()) == {255}, status
    return found


@pytest.mark.parametrize("name", CASES)
def test_three_segments_hold_every_frame_once_and_whole(recorded, name):
    account = recorded[name].account
    assert account.clean, "%s\n%s" % (account, recorded[name].log)
    assert account.head == []
    assert account.unsent == []
    assert len(account.tail) < 25
    assert len(account.recorded) > 100
    assert recorded[name].camera.stats()["logins_refused"] == 0


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.look.audio])
def test_every_segment_has_audio_as_long_as_its_video(recorded, name):
    for path in recorded[name].files:
        assert seconds(path, "soun") == pytest.approx(seconds(path, "vide"), abs=0.7)


def test_frames_of_b_pictures_are_not_shown_in_the_order_of_their_numbers(recorded):
    (track,) = [track for track in samples.tracks(recorded["b-frames"].files[1]) if track.kind == "vide"]
    shown = [sample.composition for sample in track.samples]
    assert shown != sorted(shown)


def test_ffmpeg_decodes_what_the_camera_sent(recorded):
    for name in ("no-login", "b-frames", "h265", "mu-law"):
        command = ["ffmpeg", "-v", "error", "-i", str(recorded[name].files[1]), "-f", "null", "-"]
        done = subprocess.run(command, stderr=subprocess.PIPE, check=True, timeout=60)
        assert done.stderr == b"", name


# The account sees what is done to a recording, in every container


CONTAINERS = {
    "progressive": [],
    "faststart": ["-movflags", "+faststart"],
    "fragmented": ["-movflags", "+frag_keyframe+empty_moov+default_base_moof"],
    "fragment-per-frame": ["-movflags", "+frag_every_frame+empty_moov"],
}


def contents(path: Path) -> list[bytes]:
    """Return each frame of a recording as a byte stream with start codes."""
    (track,) = [track for track in samples.tracks(path) if track.kind == "vide"]
    content = path.read_bytes()
    pictures = [content[sample.offset : sample.offset + sample.size] for sample in track.samples]
    return [b"".join(b"\0\0\0\1" + unit for unit in nal.split(picture)) for picture in pictures]


def mux(pictures: list[bytes], path: Path, *options: str) -> Path:
    command = ["ffmpeg", "-v", "error", "-y", "-f", "h264", "-framerate", "25", "-i", "-", "-c", "copy", *options]
    subprocess.run([*command, str(path)], input=b"".join(pictures), check=True, timeout=60)
    return path


@pytest.fixture
def original(recorded):
    """A recorded segment: its frames as bytes, and the numbers of its first and last."""
    path = recorded["no-login"].files[1]
    numbers = [frame.number for frame in frames.frames(path)]
    return contents(path), (numbers[0], numbers[-1])


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_removed_a_doubled_and_a_corrupted_frame_are_seen(original, tmp_path, container):
    pictures, (first, last) = original

    def account(changed: list[bytes]) -> frames.Account:
        return frames.account([mux(changed, tmp_path / "a.mp4", *CONTAINERS[container])], [(first, last)])

    assert account(pictures).clean
    assert account(pictures).recorded == list(range(first, last + 1))
    assert account(pictures[:30] + pictures[31:]).missing == [first + 30]
    assert account(pictures[:31] + pictures[30:]).doubled == [first + 30]
    flipped = pictures[30][:-20] + bytes([pictures[30][-20] ^ 0x10]) + pictures[30][-19:]
    torn = account([*pictures[:30], flipped, *pictures[31:]])
    assert [frame.number for frame in torn.torn] == [first + 30]
    assert torn.missing == [first + 30]
    shortened = account([*pictures[:30], pictures[30][:-40], *pictures[31:]])
    assert [frame.number for frame in shortened.torn] == [first + 30]


def test_a_recording_cut_off_gives_the_frames_before_the_cut(recorded, tmp_path):
    whole = recorded["b-frames"].files[1]
    numbers = [frame.number for frame in frames.frames(whole)]
    cut = tmp_path / "cut.mp4"
    for part in (0.9, 0.7, 0.4):
        cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * part)])
        found = frames.frames(cut)
        intact = [frame.number for frame in found if frame.intact]
        assert 0 < len(intact) < len(numbers)
        assert intact == numbers[: len(intact)]
        assert len(found) - len(intact) <= 1


# Faults, as FFmpeg sees them


FAULTS = ("freeze", "rtcponly", "novideo", "noaudio", "constant")


@pytest.fixture(scope="module")
def faulted(server, tmp_path_factory):
    """Recordings of three seconds into which a fault of one second fell; the connection is held."""
    directory = tmp_path_factory.mktemp("faulted")
    names = (*FAULTS, "jump", "switch", "fin", "rst", "killed")
    found = {}
    for name in names:
        found[name] = Recording(server.add("faulty-" + name, SOUND), directory / name, segment=3600)
    try:
        wait_until(lambda: all(one.camera.stats()["frames"] > 40 for one in found.values()), "frames of all", 60)
        wait_until(lambda: any(map(frames.frames, found["killed"].files)), "a fragment of the one to be killed", 60)
        for name in FAULTS:
            getattr(found[name].camera, name)()
        found["jump"].camera.jump(3600)
        found["switch"].camera.switch(SOUND._replace(width=640, height=360))
        found["fin"].camera.drop("fin")
        found["rst"].camera.drop("rst")
        found["killed"].stop(signal.SIGKILL)
        time.sleep(1)
        for one in found.values():
            one.camera.clear()
        time.sleep(2.5)
    finally:
        for one in found.values():
            one.stop()
    return found


@pytest.mark.parametrize("name", ["freeze", "rtcponly", "novideo"])
def test_a_silence_leaves_a_hole_of_frames_that_were_never_sent(faulted, name):
    account = faulted[name].account
    assert account.clean, str(account)
    assert 15 < len(account.unsent) < 100
    assert len(account.holes) == 1
    assert faulted[name].camera.stats()["connections"] == 1


@pytest.mark.parametrize("name", ["noaudio", "constant", "jump", "switch"])
def test_what_leaves_the_video_alone_costs_no_frame(faulted, name):
    account = faulted[name].account
    assert account.clean, str(account)
    assert account.holes == []
    assert len(account.recorded) > 100


def test_a_jump_of_the_clock_shows_in_the_duration(faulted):
    (path,) = faulted["jump"].files
    assert 3600 < seconds(path, "vide") < 3660


def test_the_audio_that_was_not_sent_is_not_there(faulted):
    def longest_pause(name: str) -> float:
        (track,) = [track for track in samples.tracks(faulted[name].files[0]) if track.kind == "soun"]
        moments = [sample.decode / track.timescale for sample in track.samples]
        return max(after - before for before, after in zip(moments, moments[1:]))

    assert longest_pause("noaudio") > 0.7
    assert longest_pause("switch") < 0.3


def test_another_picture_size_arrives_in_the_stream(faulted):
    (path,) = faulted["switch"].files
    units = {unit for picture in contents(path) for unit in picture.split(b"\0\0\0\1") if unit[:1] == b"\x67"}
    assert len(units) == 2


@pytest.mark.parametrize("name", ["fin", "rst"])
def test_a_dropped_connection_ends_the_recording_at_its_last_frame(faulted, name):
    account = faulted[name].account
    assert account.clean, str(account)
    assert account.unsent == []
    assert len(account.tail) <= (0 if name == "fin" else 3)
    assert faulted[name].process.returncode == 0


def test_a_killed_recording_holds_all_but_its_last_key_frame_interval(faulted):
    account = faulted["killed"].account
    assert account.clean, str(account)
    assert account.recorded
    assert len(account.tail) <= 25 + 25  # and what a busy machine had not read yet


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (lambda camera: camera.refuse(), "Connection refused"),
        (lambda camera: camera.refuse("reset"), "Impossible to open"),
        (lambda camera: camera.status(404), "404 Not Found"),
        (lambda camera: camera.status(503), "503 Service Unavailable"),
        (lambda camera: camera.hang(), "Invalid data found"),  # after its time-out
        (lambda camera: camera.freeze(), "Invalid data found"),
    ],
    ids=["refuse", "reset", "404", "503", "hang", "freeze"],
)
def test_a_camera_that_does_not_serve_fails_ffmpeg(server, tmp_path, fault, complaint):
    camera = server.add("unserving-" + tmp_path.name)
    fault(camera)
    recording = Recording(camera, tmp_path / "out")
    assert recording.process.wait(20) != 0
    assert recording.files == []
    assert complaint in recording.log


def test_a_wrong_password_is_refused_and_counted(server, tmp_path):
    camera = server.add("locked", user="user", password="right")
    camera._login = "user:wrong@"
    recording = Recording(camera, tmp_path / "out")
    assert recording.process.wait(20) != 0
    assert "401 Unauthorized" in recording.log
    assert camera.stats()["logins_refused"] == 1
    assert camera.sent() == []
