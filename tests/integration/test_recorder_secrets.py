"""I7 attacked: passwords of every kind work, and are nowhere to be seen, whatever fails and however much we print."""

from __future__ import annotations

import os
import time
from pathlib import Path
from urllib.parse import quote

from tests.simulators.camera import Look
from tests.support.certs import self_signed
from tests.support.together import performance, stage_ffmpeg, together

__all__ = ["performance", "stage_ffmpeg"]

NASTY = "S3cret%$\"'\\@:/# ü"
LOOK = Look(audio="aac", gop=1.0)


def spellings(secret):
    return {secret, quote(secret, safe=""), quote(secret), secret.replace("'", "'\\''"), repr(secret)[1:-1]}


def exposures(secret, host, directory):
    """Return where a secret can be seen by others: processes, and files that are not the per-camera file."""
    found = []
    needles = [form.encode() for form in spellings(secret)]
    for place in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                content = (place / name).read_bytes()
            except OSError:
                continue
            found += [str(place / name) for needle in needles if needle in content]
    for path in directory.rglob("*"):
        if path.is_file() and path != host.credentials / "recorder.json" and path.suffix != ".mp4":
            content = path.read_bytes()
            found += [str(path) for needle in needles if needle in content]
    return found


def watch(host, recorder, directory, secret, until, what):
    """Look for the secret again and again until something has come to pass."""
    deadline = time.monotonic() + 60
    while not until():
        assert exposures(secret, host, directory) == []
        assert time.monotonic() < deadline, what + "\n" + host.journal
        assert recorder.process.poll() is None, host.journal
        time.sleep(0.2)
    assert exposures(secret, host, directory) == []


def lives_with(stage, password, **camera):
    """Record with a password, lose the camera, be refused, and ask for a stream that is not there."""
    camera = stage.camera(LOOK, user="operator", password=password, **camera)
    tls = {"verify": False, "ca_file": None, "fingerprint": None}
    host = stage.host(camera, segment_duration=3, tls=tls)
    recorder = host.start(talkative=True)
    directory = stage.directory

    def until(condition, what):
        watch(host, recorder, directory, password, condition, what)

    until(lambda: len(host.segments) >= 2, "segments")
    camera.drop("rst")
    until(lambda: "connection_lost" in host.causes and host.status["state"] == "recording", "a new connection")
    camera.status(401)
    camera.drop("fin")
    until(lambda: host.status["cause"] == "login_refused", "a refused login")
    assert recorder.stop() == 0
    assert exposures(password, host, directory) == []
    host.write_settings(url=camera.url + "-nowhere?token=" + quote("T0ken of the path"))
    camera.clear()
    recorder = host.start(talkative=True)
    until(lambda: host.status["cause"] == "stream_refused", "a refused stream")
    assert exposures("T0ken of the path", host, directory) == []
    assert recorder.stop() == 0
    assert exposures(password, host, directory) == []
    assert "Impossible to open" in host.journal
    assert "rtsp://********@" in host.journal or "rtsps://********@" in host.journal
    account = host.account
    assert (account.doubled, account.torn, account.unknown) == ([], [], [])


@together
def test_a_password_of_all_awkward_characters_works_and_is_not_seen_with_digest(stage):
    lives_with(stage, NASTY, scheme="digest", qop=True)


@together
def test_a_password_of_all_awkward_characters_works_and_is_not_seen_with_basic(stage):
    lives_with(stage, NASTY, scheme="basic")


@together
def test_a_password_of_an_rtsps_camera_is_not_seen(stage):
    leaf = self_signed(stage.directory.parent / "tls")
    lives_with(stage, NASTY + "tls", cert_file=leaf.cert_file, key_file=leaf.key_file)


@together
def test_the_per_camera_file_is_read_by_nobody_else(stage):
    host = stage.host(LOOK)
    with host.record(1):
        for place in Path("/proc").glob("[0-9]*/fd/*"):
            try:
                assert os.readlink(place) != str(host.credentials / "recorder.json"), place
            except OSError:
                continue
