"""A finished segment opens and seeks at once in the browsers people have. A raw recording of FFmpeg 5.1 does not."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from camera_backup.recorder import ffmpeg as recorder
from camera_backup.recorder.finish import Place, Times, finish
from tests.support.browsers import chromium, firefox
from tests.support.range_server import serving

FFMPEGS = os.environ.get("CAMERA_BACKUP_FFMPEGS", "ffmpeg").split(":")
START = 1795348800  # 2026-11-22 12:00:00 UTC
SECONDS = 3600

PLAY = """
new Promise((done) => {
    const video = document.createElement("video"), seen = {};
    const end = (trouble) => done(JSON.stringify({...seen, trouble}));
    video.muted = true;
    video.onerror = () => end(video.error.message);
    setTimeout(() => end("nothing within a minute"), 60000);
    video.onloadeddata = () => {
        Object.assign(seen, {duration: video.duration, width: video.videoWidth});
        video.onseeked = () => {
            Object.assign(seen, {at: video.currentTime, decoded: video.readyState >= 2});
            end(null);
        };
        video.currentTime = 1800;
    };
    video.src = %s;
})
"""


def ffmpeg(program, *arguments):
    quiet = [program, "-hide_banner", "-loglevel", "error", "-nostdin"]
    subprocess.run([*quiet, *map(str, arguments)], check=True, timeout=300)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A minute of a small picture with a key frame every second."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    picture = "testsrc=size=320x180:rate=5:duration=60"
    ffmpeg(FFMPEGS[0], "-f", "lavfi", "-i", picture, "-c:v", "libx264", "-preset", "ultrafast", "-g", 5, path)
    return path


def an_hour(program, clip, flags, path):
    loop = ["-stream_loop", SECONDS // 60 - 1, "-i", clip]
    ffmpeg(program, *loop, "-c", "copy", "-movflags", "+" + flags, "-f", "mp4", path)


def record(program, clip, path):
    """Write an hour into a file as the recorder has this FFmpeg do it."""
    version = recorder.version(subprocess.run([program, "-version"], capture_output=True, text=True, check=True).stdout)
    assert version
    flags = "hybrid_fragmented" if version.hybrid else "frag_keyframe+empty_moov+default_base_moof"
    an_hour(program, clip, flags, path)


def short(program):
    return Path(program).parts[-3] if "/" in program else program


@pytest.fixture(scope="module", params=FFMPEGS, ids=short)
def finished(request, clip, tmp_path_factory):
    """An hour that was recorded by this FFmpeg and finished by us: the directory it lies in, its name."""
    root = tmp_path_factory.mktemp("host")
    spool = root / "segments/front/.spool/run"
    spool.mkdir(parents=True)
    record(request.param, clip, spool / "20261122_120000.mp4")
    (root / "state/ledger").mkdir(parents=True)
    place = Place(str(root / "segments"), str(root / "state"), "front", request.param)
    name = finish(place, str(spool / "20261122_120000.mp4"), "run", Times(START, START + SECONDS))
    return root / "segments/front", name


def play(browser, directory, name):
    with serving(str(directory)) as server, browser(server.url) as page:
        server.requests.clear()
        seen = page.evaluate(PLAY % json.dumps(server.url + name))
        return seen, len(server.requests)


@pytest.mark.parametrize("browser", [chromium, firefox])
def test_an_hour_opens_with_its_length_and_seeks_to_its_middle_with_a_few_requests(browser, finished):
    seen, requests = play(browser, *finished)

    assert seen["trouble"] is None
    assert seen["duration"] == pytest.approx(SECONDS, abs=1)
    assert seen["width"] == 320
    assert seen["at"] == pytest.approx(1800, abs=1)
    assert seen["decoded"]
    assert requests <= 10


def test_the_same_hour_as_ffmpeg_5_leaves_it_cannot_be_sought_in_firefox(clip, tmp_path):
    """The reason for finishing segments at all, and the proof that the test above can fail."""
    an_hour(FFMPEGS[0], clip, "frag_keyframe+empty_moov+default_base_moof", tmp_path / "raw.mp4")

    seen, _ = play(firefox, tmp_path, "raw.mp4")

    assert seen["at"] < 1000
