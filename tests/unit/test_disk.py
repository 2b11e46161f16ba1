"""The storage is known again; the directory below a disk that is not mounted is not it."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from camera_backup import disk


@pytest.fixture
def place(tmp_path):
    for name in ("segments", "state"):
        (tmp_path / name).mkdir()
    return tmp_path


def problem(place):
    return disk.problem(str(place / "segments"), str(place / "state"))


def adopt(place):
    disk.adopt(str(place / "segments"), str(place / "state"))


def remembered(place):
    return json.loads((place / "state/storage.json").read_text())


def test_the_first_storage_is_taken_as_it_is_and_known_again(place):
    assert problem(place) is None
    adopt(place)
    assert problem(place) is None
    assert remembered(place)["id"] == (place / "segments/.camera-backup").read_text().strip()
    assert [path.name for path in place.rglob("*") if path.is_file()] == [".camera-backup", "storage.json"]


def test_the_directory_below_a_disk_that_is_not_mounted_is_refused_in_one_line(place):
    adopt(place)
    (place / "segments").rename(place / "unmounted")
    (place / "segments").mkdir()
    assert problem(place) == (
        "%s: is not the disk that was recorded to before (there is no %s); is it mounted? If it was replaced, remove %s"
        % (place / "segments", place / "segments/.camera-backup", place / "state/storage.json")
    )
    adopt(place)  # does not make a storage of it either
    assert list((place / "segments").iterdir()) == []


def test_a_disk_of_another_host_is_refused_until_the_old_one_is_forgotten(place):
    adopt(place)
    (place / "segments/.camera-backup").write_text("ab" * 16 + "\n")
    assert "%s is of another one" % (place / "segments/.camera-backup") in problem(place)
    (place / "state/storage.json").unlink()
    adopt(place)
    assert problem(place) is None
    assert remembered(place)["id"] == "ab" * 16


def test_another_local_path_in_the_configuration_is_another_storage(place):
    adopt(place)
    (place / "other").mkdir()
    assert disk.problem(str(place / "other"), str(place / "state")) is None
    disk.adopt(str(place / "other"), str(place / "state"))
    assert remembered(place)["local_path"] == str(place / "other")


@pytest.mark.parametrize("content", [b"", bytes(512), b'{"local_path', b"[]", b'{"id": "ab"}'])
def test_a_memory_that_a_power_cut_tore_remembers_nothing_and_is_written_again(place, content):
    adopt(place)
    (place / "state/storage.json").write_bytes(content)
    assert problem(place) is None
    adopt(place)
    assert remembered(place)["id"] == (place / "segments/.camera-backup").read_text().strip()


def test_killed_between_mark_and_memory_the_mark_counts(place):
    (place / "segments/.camera-backup").write_text("cd" * 16 + "\n")
    adopt(place)
    assert remembered(place)["id"] == "cd" * 16


def test_sixteen_recorders_that_start_at_once_agree(place):
    with multiprocessing.get_context("fork").Pool(16) as pool:
        for _ in range(20):
            for path in (Path(place, "segments/.camera-backup"), Path(place, "state/storage.json")):
                path.unlink(missing_ok=True)
            pool.map(adopt, [place] * 16, chunksize=1)
            assert problem(place) is None
            assert len(list((place / "segments").iterdir())) == 1
