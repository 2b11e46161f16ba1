"""A recorder that nothing happens to: every frame, in segments that are sound, named, hashed and written down.

All cameras are recorded at the same time, by every FFmpeg; the tests then look at what is left.
"""

from __future__ import annotations

import subprocess

import pytest

from camera_backup import ledger, mp4, segments
from tests.simulators.camera import CameraServer, Look
from tests.support import frames
from tests.support.certs import Authority
from tests.support.recorder import FFMPEGS, Host, name_of

AAC = Look(audio="aac")
LOOKS = {
    "aac": AAC,
    "hevc": Look(codec="h265", audio="aac"),
    "newhevc": Look(codec="h265"),
    "mulaw": Look(audio="pcmu"),
    "reordered": Look(b_frames=2, gop=2.0),
    "silent": Look(),
    "off": AAC,
    "udp": AAC,
    "secure": AAC,
}
SETTINGS = {"off": {"audio": "off"}, "udp": {"transport": "udp"}}
GAPLESS = [name for name in LOOKS if name != "newhevc"]


class Recorded:
    """What one FFmpeg recorded of each camera."""

    def __init__(self, server, authority, directory, ffmpeg):
        prefix = name_of(ffmpeg).replace(".", "")
        leaf = authority.issue()
        self.hosts = {}
        for name, look in LOOKS.items():
            secure = {"cert_file": leaf.cert_file, "key_file": leaf.key_file} if name == "secure" else {}
            camera = server.add(prefix + name, look, **secure)
            tls = {"verify": True, "ca_file": authority.ca_file if secure else None, "fingerprint": None}
            self.hosts[name] = Host(directory / prefix / name, camera, ffmpeg, tls=tls, **SETTINGS.get(name, {}))
        # What an earlier run of the recorder found out; `newhevc` has to find it out.
        self.hosts["hevc"].remember(video_codec="hevc")
        self.recorders = [host.start() for host in self.hosts.values()]

    def __getitem__(self, name) -> Host:
        return self.hosts[name]


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    directory = tmp_path_factory.mktemp("recorded")
    authority = Authority(directory / "authority")
    with CameraServer() as server:
        all_of_it = {name_of(ffmpeg): Recorded(server, authority, directory, ffmpeg) for ffmpeg in FFMPEGS}
        recorders = [recorder for one in all_of_it.values() for recorder in one.recorders]
        hosts = [host for one in all_of_it.values() for host in one.hosts.values()]
        try:
            for host in hosts:
                host.wait_for_segments(4)
        finally:
            statuses = [recorder.stop() for recorder in recorders]
        assert set(statuses) == {0}
        yield all_of_it


@pytest.fixture(params=FFMPEGS, ids=name_of)
def recorded(request, everything):
    return everything[name_of(request.param)]


@pytest.mark.parametrize("name", GAPLESS)
def test_no_frame_is_missing_doubled_or_torn_over_three_boundaries(recorded, name):
    account = recorded[name].account
    assert account.clean, account
    assert not account.unsent, account
    assert len(recorded[name].segments) >= 4
    assert len(account.recorded) > 3 * 5 * 25 - 25


@pytest.mark.parametrize("name", LOOKS)
def test_each_segment_is_sound_and_as_the_ledger_says(recorded, name):
    recorded[name].check_segments()
    assert {record.how for record in ledger.segments(recorded[name].ledger).values()} == {"complete"}


@pytest.mark.parametrize("name", ["aac", "hevc", "silent", "secure"])
def test_segments_are_named_by_the_second_they_were_opened_and_cut_at_multiples_of_their_length(recorded, name):
    records = ledger.segments(recorded[name].ledger)
    starts = {path.name: segments.parse(path.name).start for path in recorded[name].segments}
    # At the first key frame after the boundary: a key-frame interval (1 s) late, and some waiting of a busy machine.
    assert [start for start in list(starts.values())[1:] if start % 5 > 2] == []
    assert [name for name, start in starts.items() if abs(records[name].start - start) > 4] == []


@pytest.mark.parametrize("name", ["aac", "hevc", "silent", "secure"])
def test_the_times_of_the_ledger_are_those_at_which_the_camera_sent_the_frames(recorded, name):
    for path in recorded[name].segments:
        record = ledger.segments(recorded[name].ledger)[path.name]
        seen = frames.frames(path)
        assert record.start == pytest.approx(seen[0].wall, abs=0.5)
        assert record.end == pytest.approx(seen[-1].wall + 1 / 25, abs=0.5)


@pytest.mark.parametrize(
    ("name", "codecs"), [("aac", ["aac"]), ("mulaw", ["aac"]), ("silent", []), ("off", []), ("hevc", ["aac"])]
)
def test_audio_is_copied_encoded_or_left_out(recorded, name, codecs):
    shown = ["-select_streams", "a", "-show_entries", "stream=codec_name", "-of", "csv=p=0"]
    for path in recorded[name].segments:
        command = ["ffprobe", "-v", "error", *shown, str(path)]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == codecs


def test_no_audio_is_lost(recorded):
    # 16 kHz AAC, 1024 samples a packet: 5 s are 78 packets; what lies around the cuts may fall into the neighbours.
    for path in recorded["aac"].segments[1:3]:
        movie = mp4.inspect(path)
        [packets] = [count for number, count in movie.samples.items() if number != movie.video_track]
        assert packets >= 78 * movie.duration / 5 - 12


def test_h265_carries_the_tag_that_plays_everywhere(recorded):
    for path in [*recorded["hevc"].segments, *recorded["newhevc"].segments[-3:]]:
        assert b"hvc1" in path.read_bytes()
        assert b"hev1" not in path.read_bytes()


def test_to_find_out_that_a_new_camera_sends_h265_costs_seconds_once(recorded):
    host = recorded["newhevc"]
    account = host.account
    assert len(account.missing) < 8 * 25
    assert (account.doubled, account.torn, account.unknown, account.disorder) == ([], [], [], [])
    assert host.status["video_codec"] == "hevc"


@pytest.mark.parametrize("name", LOOKS)
def test_an_independent_tool_decodes_the_segments_without_a_complaint(recorded, name):
    for path in recorded[name].segments[:2]:
        decode = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "null", "-"]
        said = subprocess.run(decode, capture_output=True, text=True, check=True).stderr.splitlines()
        # FFmpeg guesses the decoding times of reordered frames; its null muxer frets over two equal ones.
        assert [line for line in said if not line.startswith("[null @")] == [], path


def test_a_clean_stop_is_written_down_and_opens_a_gap(recorded):
    for host in recorded.hosts.values():
        last = max(record.end for record in ledger.segments(host.ledger).values())
        gap = host.gaps[-1]
        assert host.ledger[-1]["event"] == "stop"
        assert (gap.cause, gap.ongoing, gap.start) == ("stopped", True, last)
        assert host.causes == ["stopped", "stopped"]


def test_the_status_says_what_was_recorded(recorded):
    for name, host in recorded.hosts.items():
        status = host.status
        assert status["state"] == "stopped"
        assert status["reconnects"] == (1 if name in ("mulaw", "newhevc") else 0), name
        assert status["frames"] == sum(record.frames for record in ledger.segments(host.ledger).values())
        assert status["video_codec"] == ("hevc" if "hevc" in name else "h264")
