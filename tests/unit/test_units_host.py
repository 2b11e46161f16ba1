import os
import subprocess
import sys

import pytest

from camera_backup.units import host
from camera_backup.units.systemd import Done, Systemctl

UNITS = "etc/systemd/system"
SHED = "camera-recorder-shed.service"


def shows(unit, pid):
    block = "Id=%s\nLoadState=not-found\nActiveState=active\nMainPID=%d\nInvocationID=1\nResult=success\n" % (unit, pid)
    return Systemctl(lambda command: Done(0, block, ""))


@pytest.fixture
def process():
    """A process whose command line ends as that of a recorder."""
    command = [sys.executable, "-c", "print(flush=True); input()", "record", "shed"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_what_lies_at_a_path_is_told_without_following_it(tmp_path):
    units = tmp_path / UNITS
    units.mkdir(parents=True)
    (units / "camera-recorder-a.service").write_text("text")
    (units / "camera-recorder-b.service").symlink_to("/dev/null")
    (units / "camera-recorder-c.service").mkdir()
    os.mkfifo(units / "camera-recorder-d.service")
    (units / "other.service").write_text("not asked for")

    found = host.read(str(tmp_path), [], [], None).found

    assert {os.path.basename(path)[16]: (one.kind, one.text) for path, one in found.items()} == {
        "a": ("file", "text"),
        "b": ("link", "/dev/null"),
        "c": ("directory", ""),
        "d": ("other", ""),
    }


def test_a_bare_root_has_nothing(tmp_path):
    assert host.read(str(tmp_path), ["/etc/systemd/system/camera-uploader.service"], ["/srv"], None).found == {}


def test_a_directory_behind_a_link_counts_as_a_directory(tmp_path):
    (tmp_path / "disk").mkdir(mode=0o750)
    (tmp_path / "srv").symlink_to("disk")

    assert host.read(str(tmp_path), [], ["/srv"], None).directories["/srv"].kind == "directory"


def test_a_running_unit_without_a_file_is_an_orphan_of_ours_by_its_command(tmp_path, process):
    assert host.read(str(tmp_path), [], [], shows(SHED, process.pid)).orphans == (SHED,)


def test_a_running_unit_without_a_file_that_runs_something_else_is_not_ours(tmp_path, process):
    other = "camera-recorder-other.service"

    assert host.read(str(tmp_path), [], [], shows(other, process.pid)).orphans == ()
    assert host.read(str(tmp_path), [], [], shows(SHED, 2**22 + 1)).orphans == ()


def test_a_running_unit_with_a_file_is_no_orphan(tmp_path, process):
    (tmp_path / UNITS).mkdir(parents=True)
    (tmp_path / UNITS / SHED).write_text("")

    assert host.read(str(tmp_path), [], [], shows(SHED, process.pid)).orphans == ()
