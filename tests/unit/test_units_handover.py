import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

from camera_backup import cli
from camera_backup.errors import HostError, UsageError
from camera_backup.units import handover

ROOT = os.geteuid() == 0
SERVICE = 65534 if ROOT else os.geteuid()
"""Whom the uploader runs as: somebody else, where the test can arrange it."""


@pytest.fixture
def source(tmp_path):
    source = tmp_path / "camera-uploader.json"
    source.write_text('{"new": "keys"}')
    source.chmod(0o600)
    return source


@pytest.fixture
def runtime():
    """The uploader's runtime directory, where its owner can reach it."""
    place = pathlib.Path(tempfile.mkdtemp())
    os.chown(place, SERVICE, -1)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def uploader():
    """A process of the service that SIGHUP ends."""
    with subprocess.Popen(["sleep", "300"], **({"user": SERVICE, "group": SERVICE} if ROOT else {})) as process:
        yield process
        process.kill()


def hand_over(source, runtime, uploader):
    """In a child, because root gives up its rights for good; return the exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            handover.hand_over(str(source), {"RUNTIME_DIRECTORY": str(runtime), "MAINPID": str(uploader.pid)})
            code = 0
        finally:
            os._exit(code)
    return os.WEXITSTATUS(os.waitpid(child, 0)[1])


def test_the_uploader_gets_the_file_for_its_eyes_only_and_then_the_signal(source, runtime, uploader):
    assert hand_over(source, runtime, uploader) == 0

    handed = runtime / "uploader.json"
    assert handed.read_text() == '{"new": "keys"}'
    assert handed.stat().st_mode & 0o777 == 0o400
    assert handed.stat().st_uid == SERVICE
    assert [path.name for path in runtime.iterdir()] == ["uploader.json"]
    assert uploader.wait(30) == -signal.SIGHUP


def test_a_link_planted_by_the_service_is_replaced_and_not_followed(source, runtime, uploader, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (runtime / "uploader.json").symlink_to(precious)

    assert hand_over(source, runtime, uploader) == 0

    assert precious.read_text() == "precious"
    assert not (runtime / "uploader.json").is_symlink()


def test_outside_of_a_reload_it_says_what_to_type():
    with pytest.raises(UsageError, match="systemctl reload camera-uploader"):
        handover.hand_over("/nowhere", {})


def test_a_missing_file_is_one_line_and_no_signal_is_sent(runtime, uploader):
    with pytest.raises(HostError, match="cannot hand over /nowhere/x: No such file"):
        handover.hand_over("/nowhere/x", {"RUNTIME_DIRECTORY": str(runtime), "MAINPID": str(uploader.pid)})

    assert uploader.poll() is None


def test_the_verb_is_known(monkeypatch):
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)

    with pytest.raises(UsageError):
        cli.run(["handover"])
