"""What an object says about itself."""

import pytest

from camera_backup import paths
from camera_backup.ledger import ClockSteps, Ledger, SegmentRecord
from camera_backup.uploader.facts import Facts, Recorded, facts, iso, metadata, recorded

NAME = "20231114_000000.mp4"
RECORD = SegmentRecord(NAME, 1699920000.5, 1699923600.0, 100, 90000, "ab" * 32, "complete", "r")


def test_the_ledger_is_believed_about_a_file_of_its_size(tmp_path):
    assert facts(Recorded(RECORD), str(tmp_path), NAME, 100) == Facts(1699920000.5, 3599.5, "ab" * 32)


@pytest.mark.parametrize("record", [None, RECORD._replace(bytes=99), RECORD._replace(sha256="")])
def test_without_a_ledger_the_name_and_the_file_have_to_do(tmp_path, record):
    (tmp_path / NAME).write_bytes(b"no movie")
    assert facts(record and Recorded(record), str(tmp_path), NAME, 100) == Facts(1699920000.0, 0.0, None)


def test_a_file_that_is_gone_has_no_length(tmp_path):
    assert facts(None, str(tmp_path), NAME, 100).duration == 0.0


def test_only_the_wanted_segments_are_taken_from_a_ledger(tmp_path):
    (tmp_path / "ledger").mkdir()
    ledger = Ledger(str(tmp_path), "cam")
    for name in (NAME, "20231114_010000.mp4"):
        ledger.append({"event": "segment", **RECORD._asdict(), "name": name})
    ledger.append({"event": "stop", "run": "r", "at": 1.0})
    assert recorded(str(tmp_path), "cam", [NAME]) == {NAME: Recorded(RECORD)}
    assert paths.ledger(str(tmp_path), "cam").endswith("cam.jsonl")


def test_a_camera_without_a_ledger_has_no_records(tmp_path):
    assert recorded(str(tmp_path), "cam", [NAME]) == {}


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1699920000.25, "2023-11-14T00:00:00.250Z"),
        (1.9999, "1970-01-01T00:00:01.999Z"),
    ],
)
def test_moments_are_written_in_utc_with_milliseconds(moment, text):
    assert iso(moment) == text


def test_metadata_is_plain_ascii_whatever_the_host_is_called():
    found = metadata(Facts(0.0, 1.5, None), "sha", "cam", "nvr-größe", "token", 5)
    assert found == {
        "camera": "cam",
        "duration": "1.500",
        "host": "nvr-gr??e",
        "part-size": "5",
        "sha256": "sha",
        "start": "1970-01-01T00:00:00.000Z",
        "upload": "token",
    }
    assert all(value.isascii() for value in found.values())


@pytest.mark.parametrize(
    ("steps", "start", "mark"),
    [
        (ClockSteps(0.0, 0.0), "2023-11-14T00:00:00.500Z", None),
        # Recorded before NTP, a day too early: `start` is put right, the mark says how wrong the name is.
        (ClockSteps(86400.0, 0.0), "2023-11-15T00:00:00.500Z", "+86400"),
        (ClockSteps(-86400.0, 0.0), "2023-11-13T00:00:00.500Z", "-86400"),
        # Set while it was being recorded: the ledger has written down the right start already.
        (ClockSteps(0.0, 60.4), "2023-11-14T00:00:00.500Z", "+60"),
    ],
)
def test_an_object_under_a_wrong_date_is_marked(tmp_path, steps, start, mark):
    about = facts(Recorded(RECORD, steps), str(tmp_path), NAME, 100)
    found = metadata(about, "sha", "cam", "nvr", "token", 5)
    assert (found["start"], found.get("clock")) == (start, mark)


@pytest.mark.parametrize(
    ("skew", "mark"), [(None, None), (59.4, None), (-59.4, None), (7200.4, "+7200"), (-86400.0, "-86400")]
)
def test_an_object_of_a_host_whose_clock_is_not_the_stores_is_marked_and_nothing_is_put_right(skew, mark):
    found = metadata(Facts(0.5, 1.5, None), "sha", "cam", "nvr", "token", 5, skew)
    assert (found.get("clock-skew"), found.get("clock")) == (mark, None)
    assert found["start"] == "1970-01-01T00:00:00.500Z"


def test_both_marks_stand_beside_each_other():
    found = metadata(Facts(0.0, 1.5, None, 60.0), "sha", "cam", "nvr", "token", 5, 7200.0)
    assert (found["clock"], found["clock-skew"]) == ("+60", "+7200")


def test_a_clock_that_was_set_is_found_in_the_ledger(tmp_path):
    (tmp_path / "ledger").mkdir()
    ledger = Ledger(str(tmp_path), "cam")
    ledger.append({"event": "run", "run": "r", "at": 1.0, "boot_id": "b", "version": "1"})
    ledger.append({"event": "segment", **RECORD._asdict()})
    ledger.append({"event": "clock", "at": 1700010000.0, "step": 86400.25})
    assert recorded(str(tmp_path), "cam", [NAME])[NAME].steps == ClockSteps(86400.25, 0.0)
