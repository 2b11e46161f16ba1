"""`make demo-local`, shortened: it proves what it says it proves, and interrupted at any moment it leaves nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.processes import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def demo(tmp_path):
    """Start the demo with its files below tmp_path, by which everything it starts can be found."""
    started = []

    def start(*options):
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.demo.local", *options],
            cwd=ROOT,
            env={**os.environ, "CAMERA_BACKUP_DEMO_DIR": str(tmp_path), "TMPDIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def descendants(tmp_path):
    """Return what runs anywhere with our directory in its command line, environment or open files."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        if int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            links = [os.readlink(link) for link in (entry / "fd").iterdir()]
        except OSError:
            continue
        if str(tmp_path).encode() in text or any(link.startswith(str(tmp_path)) for link in links):
            found.append("%s %s" % (entry.name, text.split(b"\0\0")[0][:200]))
    return found


def test_the_demo_ends_with_every_object_proven_and_every_frame_accounted_for(demo, tmp_path):
    process = demo("--seconds", "17", "--segment", "5")
    output = process.communicate(timeout=200)[0]
    assert process.returncode == 0, output
    assert re.findall(r"^\$ camera-backup (\S+)", output, re.MULTILINE) == [
        *("check", "upload", "record", "record", "status", "list")
    ]
    table = output.partition("IN THE BUCKET")[2]
    for camera in ("front-door", "back-yard"):
        rows = re.findall(r"^%s/\d{4}/\d\d/\d\d/\S+\.mp4 .* equal +[0-9.]+ s$" % camera, table, re.MULTILINE)
        assert len(rows) >= 3
        assert re.search(r"^%s: [1-9]\d+ frames recorded, 0 missing, 0 doubled, 0 torn$" % camera, table, re.MULTILINE)
    for step in ("closed", "uploading", "proven", "deleted"):
        assert re.search(r"^  \d:\d\d  (front-door|back-yard) .* %s" % step, output, re.MULTILINE)
    assert "every one proven byte for byte, none left here" in output
    assert "Where to look next" in output
    assert list(tmp_path.iterdir()) == []
    assert descendants(tmp_path) == []


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("$ camera-backup check", signal.SIGINT),
        ("uploading", signal.SIGINT),
        ("The recorders are asked", signal.SIGTERM),
    ],
)
def test_interrupted_at_any_moment_it_leaves_no_process_and_no_file(demo, tmp_path, moment, number):
    process = demo("--seconds", "5", "--segment", "5")
    lines = []
    reached = threading.Event()

    def follow():
        for line in process.stdout:
            lines.append(line)
            if moment in line:
                reached.set()

    reader = threading.Thread(target=follow)
    reader.start()
    assert reached.wait(120), "".join(lines)
    assert descendants(tmp_path) != []
    # As a terminal does it: every process of the foreground group gets the signal.
    os.killpg(process.pid, number)
    process.wait(60)
    reader.join(10)
    assert process.returncode == 130, "".join(lines)
    assert "Interrupted; everything is stopped and tidied up." in lines[-1]
    wait_until(lambda: descendants(tmp_path) == [], "every process has ended", 10)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_demo_started_dies_with_it(demo, tmp_path):
    process = demo("--seconds", "60", "--segment", "5")
    for line in process.stdout:
        if "closed" in line:
            break
    process.kill()
    process.wait()
    wait_until(lambda: descendants(tmp_path) == [], "every process has ended", 30)
