"""What `urls` says about FFmpeg, asked of FFmpeg: these are facts of another program, and may change."""

import subprocess

import pytest

from camera_backup import urls
from tests.simulators.camera import CameraServer

AWKWARD = "%$\"'\\@:/# ?ü[]%41&=;+"


@pytest.fixture(scope="module")
def cameras():
    with CameraServer() as server:
        yield server


def first_frame(url):
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-rtsp_transport", "tcp", "-i", url]
    return subprocess.run(
        [*command, "-map", "0:v", "-c", "copy", "-frames:v", "1", "-f", "null", "-"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def address(camera, user, password):
    return urls.parse(camera.url)._replace(user=user, password=password)


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_ffmpeg_logs_in_with_the_very_user_and_password_that_were_written(cameras, scheme):
    user, password = "ü sér%", AWKWARD
    camera = cameras.add("awkward-" + scheme, user=user, password=password, scheme=scheme)

    assert first_frame(address(camera, user, password).normalised()).returncode == 0
    assert "401 Unauthorized" in first_frame(address(camera, user, password + "x").normalised()).stderr


def test_a_password_written_raw_into_a_url_arrives_raw(cameras):
    camera = cameras.add("raw", user="admin", password=AWKWARD.replace("%41", ""))
    scheme, _, rest = camera.plain_url.partition("://")
    written = "%s://admin:%s@%s" % (scheme, AWKWARD.replace("%41", ""), rest)

    assert first_frame(urls.parse(written).normalised()).returncode == 0


def test_the_longest_login_we_accept_is_the_longest_that_ffmpeg_does_not_cut(cameras):
    longest = "p" * (urls.USERINFO_LIMIT - len("u:"))
    camera = cameras.add("longest", user="u", password=longest)
    longer = cameras.add("longer", user="u", password=longest + "p")

    assert first_frame(address(camera, "u", longest).normalised()).returncode == 0
    beyond = "rtsp://u:%sp@%s" % (longest, longer.plain_url.partition("://")[2])
    assert "401 Unauthorized" in first_frame(beyond).stderr


def test_the_longest_path_we_accept_is_the_longest_that_ffmpeg_does_not_cut(cameras):
    longest = "/" + "x" * (urls.PATH_LIMIT - 1)
    camera = cameras.add("long-path", path=longest)
    longer = cameras.add("longer-path", path=longest + "y")

    assert first_frame(urls.parse(camera.url).normalised()).returncode == 0
    assert "404 Not Found" in first_frame(longer.url).stderr


def test_a_user_without_a_password_logs_in(cameras):
    camera = cameras.add("no-password", user="u", password="")

    assert first_frame(urls.parse(camera.plain_url)._replace(user="u").normalised()).returncode == 0
