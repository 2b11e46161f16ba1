"""Thousands of files that nobody needs any more, or that are not ours: left alone, told in one line, at a bounded cost.

The cost is that of system calls and of memory, not of time. Each look is a process of its own under strace.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from camera_backup import paths
from camera_backup.recorder import finish, spool
from camera_backup.recorder.finish import Place
from camera_backup.uploader import leftovers
from tests.unit import test_mp4 as movies

MANY, FEW = 5000, 50
CAMERA = "front"
NAME = "20261122_120000.mp4"
NOON = 1795348800.0


def litter(directory: Path, count: int, first: int = 0) -> None:
    """Leave so many stale temporaries, files of others, links, and directories with the names of segments."""
    for number in range(first // 5, (first + count) // 5):
        stamp = "20261121_%02d%02d%02d.mp4" % (number // 3600, number // 60 % 60, number % 60)
        (directory / (".%s.tmp" % stamp)).write_bytes(b"stale")
        (directory / ("notes-%d.txt" % number)).write_bytes(b"of others")
        (directory / ("%s.part" % stamp)).write_bytes(b"stale")
        (directory / stamp).symlink_to("/etc/hostname")
        (directory / (stamp[:-4] + "_2.mp4")).mkdir()


def everything(directory: Path) -> list[str]:
    return sorted(str(path) for path in directory.rglob("*"))


@pytest.fixture
def storage(tmp_path):
    (tmp_path / "segments" / CAMERA).mkdir(parents=True)
    for name in ("ledger", "recorders"):
        (tmp_path / "state" / name).mkdir(parents=True)
    os.close(spool.lock_camera(str(tmp_path / "segments"), CAMERA))
    return tmp_path


_LOOK = """
import tracemalloc
%s
tracemalloc.start()
print(look(), tracemalloc.get_traced_memory()[1])
"""

_SURVEY = """
import time
from camera_backup.uploader import plan
def look():
    found = plan.survey(%r, time.time(), 300, 10)
    return found.segments, found.cameras[0].left_alone, len(found.cameras[0].example)
"""

_START = """
from camera_backup.recorder import spool
def look():
    return spool.newest_write(%r, "front")
"""


def cost(tmp_path: Path, code: str) -> tuple[str, int, int]:
    """Look under strace; return what the look said, its system calls on files, and the most bytes it held."""
    log = tmp_path / "calls"
    command = ["strace", "-f", "-qq", "-e", "trace=file,getdents64", "-o", str(log), sys.executable, "-c", _LOOK % code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    said, _, most = done.stdout.rpartition(" ")
    calls = [line for line in log.read_text().splitlines() if "/segments" in line or "getdents64" in line]
    return said, len(calls), int(most)


def test_a_survey_reads_the_directory_once_and_asks_only_about_what_has_the_name_of_a_segment(storage):
    directory = storage / "segments" / CAMERA
    (directory / NAME).write_bytes(b"footage")
    os.utime(directory / NAME, (NOON, NOON))
    litter(directory, FEW)
    few = cost(storage, _SURVEY % str(storage / "segments"))
    litter(directory, MANY, FEW)
    before = everything(storage / "segments")
    many = cost(storage, _SURVEY % str(storage / "segments"))
    assert everything(storage / "segments") == before
    # One real segment; hidden files are nobody's business, the other four kinds are told as a number and one example.
    assert re.fullmatch(r"\(1, %d, \d\d\)" % (4 * (MANY + FEW) // 5), many[0])
    named = 2 * MANY // 5  # links and directories that are called like segments
    assert many[1] - few[1] <= named + MANY // 20
    assert many[2] < 2 * few[2] + 100_000


def test_the_start_of_a_recorder_reads_its_spool_once(storage):
    run = spool.RunDirectory(str(storage / "segments"), CAMERA, "run.1")
    (Path(run.path) / NAME).write_bytes(b"footage")
    os.utime(Path(run.path) / NAME, (NOON, NOON))
    run.close()
    litter(Path(run.path), FEW)
    few = cost(storage, _START % str(storage / "segments"))
    litter(Path(run.path), MANY, FEW)
    litter(storage / "segments" / CAMERA / ".spool", MANY)
    many = cost(storage, _START % str(storage / "segments"))
    # What others wrote a moment ago is no footage: the gap before this start does not become shorter by it.
    assert many[0] == few[0] == str(NOON)
    empty = MANY // 5  # directories in the spool may be those of a run
    assert many[1] - few[1] <= 5 * empty + MANY // 20
    assert many[2] < 2 * few[2] + 500_000


def test_what_a_crash_left_is_finished_and_what_lies_beside_it_stays(storage):
    place = Place(str(storage / "segments"), str(storage / "state"), CAMERA, "ffmpeg")
    root = Path(paths.spool(place.local_path, CAMERA))
    for name in ("run.1", "zzz.1"):
        (root / name).mkdir()
    (root / "zzz.1" / NAME).write_bytes(movies.progressive())
    litter(root, MANY)
    litter(root / "run.1", MANY)
    before = everything(storage)
    # A directory without anything in it is what a run leaves behind, whatever its name is: those alone go.
    empty = [path for path in root.iterdir() if path.is_dir() and not path.is_symlink() and not any(path.iterdir())]
    assert leftovers.of(place.local_path, CAMERA) == [str(root / "zzz.1" / NAME)]
    assert finish.leftovers(place) == finish.Leftovers([NAME], [], [])
    gone = {str(root / "zzz.1"), str(root / "zzz.1" / NAME), *map(str, empty)}
    now = set(everything(storage))
    assert set(before) - now == gone
    assert now - set(before) == {
        str(storage / "segments" / CAMERA / NAME),
        paths.ledger(place.state_path, CAMERA),
    }


def test_thousands_of_leftovers_that_cannot_be_finished_are_told_in_a_few_lines(storage, monkeypatch, capsys):
    place = Place(str(storage / "segments"), str(storage / "state"), CAMERA, "ffmpeg")
    run = Path(paths.spool(place.local_path, CAMERA)) / "run.1"
    run.mkdir()
    for number in range(MANY):
        (run / ("%09d.mp4" % number)).write_bytes(b"x")

    def broken(*_: object) -> None:
        raise OSError("Input/output error")

    monkeypatch.setattr(finish, "finish", broken)
    with pytest.raises(OSError, match="Input/output error; and 4990 more of this kind") as caught:
        finish.leftovers_in_turn(place)
    assert len(str(caught.value)) < 500
    assert finish.main(["leftovers", *place, "mine"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 11


def test_links_of_killed_finishers_are_dropped_with_two_looks_at_their_directory(storage, monkeypatch):
    place = Place(str(storage / "segments"), str(storage / "state"), CAMERA, "ffmpeg")
    run = Path(paths.spool(place.local_path, CAMERA)) / "run.1"
    run.mkdir()
    for number in range(MANY):
        (run / ("%09d.mp4.remuxed" % number)).write_bytes(b"published long ago")
    looks = []
    listed = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: looks.append(path) or listed(path))
    assert finish.leftovers(place) == finish.Leftovers([], [], [])
    assert not run.exists()
    assert len(looks) <= 2
