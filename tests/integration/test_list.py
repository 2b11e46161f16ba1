"""`camera-backup list` on real stores: Swift and rclone."""

from __future__ import annotations

import calendar
import json
import subprocess
import sys

import pytest

from camera_backup.segments import Segment, conflict_key, object_key

NOON = calendar.timegm((2026, 11, 22, 12, 0, 0))
PREFIX = "site-7/nvr"


class Shelf:
    """A bucket with footage in it, and the command."""

    def __init__(self, tmp_path, server):
        self.client, self.bucket = server.client, server.make_bucket()
        self.path = tmp_path / "config.yaml"
        self.path.touch(0o600)
        s3 = {"access_key_id": server.access_key, "secret_access_key": server.secret_key, "bucket": self.bucket}
        s3.update(endpoint=server.endpoint, ca_file=server.ca_file, prefix=PREFIX)
        storage = {"local_path": str(tmp_path / "segments"), "state_path": str(tmp_path / "state")}
        self.value = {"storage": storage, "s3": s3, "cameras": []}

    def put(self, camera, start, size=1000, length=None, metadata=None, **marks):
        key = object_key(PREFIX, camera, Segment(start, **marks).name)
        if metadata is None:
            metadata = {} if length is None else {"duration": "%.3f" % length, "sha256": "ab" * 32, "host": "nvr1"}
        self.client.put_object(Bucket=self.bucket, Key=key, Body=b"x" * size, Metadata=metadata)
        return key

    def run(self, *words, code=0):
        self.path.write_text(json.dumps(self.value))
        command = [sys.executable, "-m", "camera_backup", "list", *words, "--config", str(self.path)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert result.returncode == code, result.stderr
        return result

    def json(self, *words):
        return json.loads(self.run(*words, "--json").stdout)["cameras"]


@pytest.fixture
def shelf(tmp_path, s3_server):
    return Shelf(tmp_path, s3_server)


def test_all_cameras_are_listed_with_sizes_totals_and_gaps(shelf):
    keys = [shelf.put("front", NOON + 3600 * hour, length=3600.0) for hour in (0, 1, 3)]
    shelf.put("yard", NOON, 2_000, length=90.0)
    shelf.client.put_object(Bucket=shelf.bucket, Key=conflict_key(keys[2], "cd" * 32), Body=b"other")
    shelf.client.put_object(Bucket=shelf.bucket, Key=PREFIX + "/front/notes.txt", Body=b"hello")
    listed = shelf.json("--all", "--long")
    assert list(listed) == ["front", "yard"]
    front = listed["front"]
    assert [s["key"] for s in front["segments"] if not s["conflict"]] == keys
    assert front["segments"][0] == {
        "key": keys[0],
        "name": keys[0].rpartition("/")[2],
        "start": NOON,
        "bytes": 1000,
        "seconds": 3600.0,
        "seconds_exact": True,
        "conflict": False,
        "damaged": False,
        "sha256": "ab" * 32,
        "host": "nvr1",
        "clock": None,
        "clock_skew": None,
    }
    assert front["gaps"] == [{"start": NOON + 7200, "end": NOON + 10800, "cause": None}]
    assert front["foreign_objects"] == 1
    assert listed["yard"]["total"] == {"segments": 1, "bytes": 2000, "seconds": 90.0}


def test_a_question_about_an_afternoon_is_answered_with_that_afternoon(shelf):
    for hour in range(-14, 14):
        shelf.put("front", NOON + 3600 * hour, 10)
    listed = shelf.json("front", "--from", "2026-11-22T13:30", "--to", "2026-11-22T17:00+01:00")["front"]
    assert [s["start"] for s in listed["segments"]] == [NOON + 3600, NOON + 7200, NOON + 10800]
    day = shelf.json("front", "--from", "2026-11-22", "--to", "2026-11-22")["front"]
    assert len(day["segments"]) == 24


def test_the_table_says_utc_and_where_footage_is_missing(shelf):
    shelf.put("front", NOON, length=10.0)
    key = shelf.put("front", NOON + 60, length=10.0, damaged=True)
    text = shelf.run("front", "--long").stdout
    assert text.startswith("START (UTC)")
    assert "2026-11-22 12:00:10    50 s" in text
    assert key + "  (unrepaired)" in text
    assert text.splitlines()[-1] == "front: 2 segments, 2 kB, 20 s; 1 gap, 50 s without footage"


def test_what_was_uploaded_under_a_wrong_date_is_shown(shelf):
    key = shelf.put("front", NOON, metadata={"clock": "+86400", "clock-skew": "-7200"})
    line = next(line for line in shelf.run("front", "--long").stdout.splitlines() if key in line)
    assert "recorded by a wrong clock: add +86400 s, uploaded while the store's clock differed by -7200 s" in line
    [found] = shelf.json("front", "--long")["front"]["segments"]
    assert (found["clock"], found["clock_skew"]) == (86400, -7200)


def test_a_camera_without_footage_and_an_empty_bucket_are_no_errors(shelf):
    assert shelf.run("front").stdout == "front: nothing in the bucket\n"
    assert shelf.run("--all").stdout == "the bucket holds no footage\n"


def test_more_than_a_page_is_listed_to_its_end(tmp_path, rclone_server):
    shelf = Shelf(tmp_path, rclone_server)
    # Pages hold 1,000. rclone shows plain files as objects, which are made faster than objects are sent.
    for second in range(2100):
        key = object_key(PREFIX, "front", Segment(NOON + second).name)
        path = rclone_server.directory / "objects" / shelf.bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert shelf.json("front")["front"]["total"]["segments"] == 2100


def test_a_missing_bucket_and_wrong_keys_are_told_in_one_line_without_the_secret(shelf):
    shelf.value["s3"]["bucket"] = "no-such-bucket"
    missing = shelf.run("--all", code=6)
    assert "bucket does not exist" in missing.stderr
    shelf.value["s3"]["secret_access_key"] = "planted-wrong-secret"
    wrong = shelf.run("front", code=6)
    assert wrong.stderr.startswith("camera-backup: ")
    assert len(wrong.stderr.splitlines()) == 1
    assert "planted-wrong-secret" not in wrong.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("front", "--from", "yesterday"), "--from: 'yesterday' is no time"),
        (("front", "--from", "2026-11-23", "--to", "2026-11-22"), "--from 2026-11-23 is not before --to 2026-11-22"),
        (("../etc",), "CAMERA: '../etc' is no name of a camera"),
        ((), "one of the arguments CAMERA --all is required"),
    ],
)
def test_a_wrong_question_is_a_usage_error(shelf, words, told):
    assert told in shelf.run(*words, code=2).stderr
