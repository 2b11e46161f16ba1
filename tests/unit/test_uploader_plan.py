"""Which files go, and in which order."""

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.segments import Segment, parse
from camera_backup.uploader import plan
from camera_backup.uploader.plan import EMPTY, FOREIGN, HIDDEN, READY, YOUNG, Entry, classify, interleave, is_segment

NOW = 1_700_000_000.0
NAME = "20231114_000000.mp4"


def entry(name=NAME, age=1000.0, size=5, plain=True):
    return Entry(name, plain and is_segment(name), size, int((NOW - age) * 1e9), 1)


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (entry(), READY),
        (entry(age=300), READY),
        (entry(age=299), YOUNG),
        (entry(age=-10), YOUNG),
        (entry(age=-86400), READY),
        (entry(size=0), EMPTY),
        (entry(plain=False), FOREIGN),
        (entry("notes.txt"), FOREIGN),
        (entry("20231399_000000.mp4"), FOREIGN),
        (entry(".20231114_000000.mp4"), HIDDEN),
        (entry(".lock"), HIDDEN),
        (entry("20231114_000000_2.mp4"), READY),
        (entry("20231114_000000.damaged.mp4"), READY),
    ],
)
def test_an_entry_of_a_directory_is_one_thing_to_us(found, kind):
    assert classify(found, NOW, 300) == kind


def test_with_no_age_asked_for_a_file_of_this_moment_is_ready():
    assert classify(entry(age=0), NOW, 0) == READY


NAMES = st.one_of(
    st.text(max_size=30),
    st.from_regex(r"[0-9]{8}_[0-9]{6}(_[0-9]{1,5})?(\.damaged)?\.mp4", fullmatch=True),
    st.builds(Segment, st.integers(0, 4_000_000_000), st.integers(1, 99_999), st.booleans()).map(lambda s: s.name),
)


@given(NAMES)
def test_the_fast_look_at_a_name_says_what_the_thorough_one_says(name):
    assert is_segment(name) == (parse(name) is not None)


QUEUES = st.lists(st.lists(st.text("abc", min_size=1, max_size=3), max_size=6, unique=True).map(sorted), max_size=5)


ORDERS = st.booleans()


@given(QUEUES, ORDERS)
def test_every_segment_comes_once_and_each_camera_in_its_order(queues, newest_first):
    queues = [queue[::-1] if newest_first else queue for queue in queues]
    order = interleave(queues, newest_first)
    for index, queue in enumerate(queues):
        assert [name for camera, name in order if camera == index] == queue
    assert len(order) == sum(map(len, queues))


@given(QUEUES, ORDERS)
def test_no_camera_is_more_than_one_round_ahead_of_one_that_has_more(queues, newest_first):
    done = [0] * len(queues)
    for camera, _ in interleave(queues, newest_first):
        done[camera] += 1
        assert all(done[camera] <= done[other] + 1 for other in range(len(queues)) if done[other] < len(queues[other]))


def test_within_a_round_the_oldest_comes_first_or_the_newest():
    assert interleave([["b", "c"], ["a", "d"]]) == [(1, "a"), (0, "b"), (0, "c"), (1, "d")]
    assert interleave([["c", "b"], ["d", "a"]], True) == [(1, "d"), (0, "c"), (0, "b"), (1, "a")]


@pytest.fixture
def disk(tmp_path):
    def put(camera, name, size=10, age=1000.0):
        path = tmp_path / camera / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * size)
        os.utime(path, (time.time() - age,) * 2)

    return tmp_path, put


def survey(path, limit=10, wanted=None, newest_first=False):
    return plan.survey(str(path), time.time(), 300, limit, wanted, newest_first)


def test_a_survey_counts_what_is_ready_and_keeps_the_oldest_names(disk):
    path, put = disk
    for hour in range(24):
        put("a", "20231114_%02d0000.mp4" % hour, age=1000 if hour < 20 else 10)
    put("b", "20231113_000000.mp4", size=7)
    put("b", "notes.txt")
    put("b", "20231112_000000.mp4", size=0)
    found = survey(path, limit=3)
    assert (found.segments, found.bytes, found.young) == (21, 207, 4)
    assert found.candidates() == [
        ("b", "20231113_000000.mp4"),
        ("a", "20231114_000000.mp4"),
        ("a", "20231114_010000.mp4"),
        ("a", "20231114_020000.mp4"),
    ]
    assert found.backlog() == {"segments": 21, "bytes": 207, "oldest_start": parse("20231113_000000.mp4").start}
    camera = found.cameras[1]
    assert (camera.left_alone, camera.example in ("notes.txt", "20231112_000000.mp4")) == (2, True)


def test_newest_first_keeps_the_newest_names_and_still_knows_the_oldest(disk):
    path, put = disk
    for hour in range(24):
        put("a", "20231114_%02d0000.mp4" % hour)
    put("b", "20231113_000000.mp4")
    found = survey(path, limit=2, newest_first=True)
    assert [name for _, name in found.candidates()] == [
        "20231114_230000.mp4",
        "20231113_000000.mp4",
        "20231114_220000.mp4",
    ]
    assert found.oldest_start == parse("20231113_000000.mp4").start


def test_directories_that_are_no_cameras_are_not_looked_into(disk):
    path, put = disk
    put("lost+found", NAME)
    put(".spool", NAME)
    (path / "link").symlink_to(path / "lost+found")
    (path / "file").write_text("x")
    assert survey(path).cameras == []


def test_links_and_directories_with_the_name_of_a_segment_are_foreign(disk):
    path, put = disk
    put("a", "20231114_010000.mp4")
    (path / "a" / NAME).symlink_to(path / "a" / "20231114_010000.mp4")
    (path / "a" / "20231114_020000.mp4").mkdir()
    assert [name for _, name in survey(path).candidates()] == ["20231114_010000.mp4"]


def test_the_spool_is_never_looked_into(disk):
    path, put = disk
    put("a", NAME)
    (path / "a" / ".spool").mkdir()
    put("a/.spool", "20231114_010000.mp4")
    assert survey(path).segments == 1


def test_what_is_not_wanted_is_not_counted(disk):
    path, put = disk
    put("a", NAME)
    put("a", "20231114_010000.mp4")
    assert survey(path, wanted=lambda camera, entry: entry.name != NAME).segments == 1


def test_the_fingerprint_differs_when_anything_ready_differs(disk):
    path, put = disk
    put("a", NAME)
    before = survey(path).fingerprint
    assert survey(path).fingerprint == before
    put("a", "20231114_010000.mp4", age=0)
    assert survey(path).fingerprint == before
    put("a", "20231114_010000.mp4")
    assert survey(path).fingerprint != before
    (path / "a" / "20231114_010000.mp4").unlink()
    assert survey(path).fingerprint == before
    put("a", NAME, size=11)
    assert survey(path).fingerprint != before


def test_a_storage_that_is_not_there_is_an_error_not_an_empty_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        survey(tmp_path / "nothing")


def test_an_empty_storage_has_no_oldest_segment(tmp_path):
    assert survey(tmp_path).backlog() == {"segments": 0, "bytes": 0, "oldest_start": None}


@given(st.lists(st.integers(0, 10_000), max_size=60, unique=True), st.integers(1, 8), ORDERS)
def test_however_a_directory_is_read_the_first_names_are_kept(numbers, limit, newest_first):
    camera = plan.Camera("a", newest_first)
    names = ["2023111%d_%02d%02d%02d.mp4" % (n % 5, n // 3600 % 24, n // 60 % 60, n % 60) for n in numbers]
    for name in names:
        camera.add(Entry(name, True, 1, 1, 1), READY, limit)
        assert len(camera.first) < 2 * limit
    camera.trim(limit)
    assert camera.first == sorted(names, reverse=newest_first)[:limit]
    assert camera.earliest == min(names, default="")
