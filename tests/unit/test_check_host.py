"""The host's disk and clock: when they are well enough to record on."""

from __future__ import annotations

import http.server
import threading
import time
from email.utils import formatdate

import pytest

from camera_backup.check import clock
from camera_backup.check.findings import OK, PROBLEM, WARNING
from camera_backup.check.host import Disk, Load, clock_finding, disk, disk_finding

GB = 10**9


def judged(free=100 * GB, reserve=GB, rate=0.0, writable=True):
    return disk_finding("/srv", Disk("/srv", 500 * GB, free, writable), reserve, Load([rate], 3600))


def test_room_for_more_than_a_day_is_well_and_told_in_hours_and_per_day():
    found = judged(rate=1_000_000)
    assert found.level == OK
    assert (
        found.text
        == "100 GB free of 500 GB at /srv; holds an outage of 1 d 3 h at 86.4 GB a day, then recording pauses"
    )


def test_room_for_less_than_a_day_is_a_warning():
    assert judged(rate=1_200_000).level == WARNING


def test_less_than_the_reserve_is_a_problem_whatever_the_rate():
    assert judged(free=GB - 1).level == PROBLEM
    assert "storage.min_free" in judged(free=GB - 1).advice


def small(total, rates, when_full="keep", seconds=3600):
    return disk_finding("/srv", Disk("/srv", total, total, True), 20 * GB, Load(rates, seconds), when_full)


def test_a_disk_that_cannot_hold_the_reserve_and_a_segment_of_each_camera_is_a_problem_with_figures():
    """22 GB at which recording goes on, 3.6 GB and 1.8 GB that are open, and a copy of the larger one."""
    found = small(31 * GB - 1, [1e6, 5e5])
    assert found.level == PROBLEM
    assert found.text == (
        "31.0 GB at /srv is too small for storage.min_free (20 GB) and segments of 1 h of 2 cameras, 9 GB (measured): "
        "recording pauses"
    )
    assert found.advice == "use a larger disk, or lower storage.min_free or recording.segment_duration"
    assert small(31 * GB, [1e6, 5e5]).level == WARNING
    assert small(31 * GB - 1, [1e6, 5e5], seconds=3000).level == WARNING


def test_with_drop_oldest_it_says_that_footage_goes_before_it_is_uploaded():
    assert small(25 * GB, [1e6], "drop_oldest").text.endswith("footage is dropped before it can be uploaded")


def test_what_was_not_measured_is_assumed_to_be_little_and_that_is_said_and_is_no_problem_by_itself():
    found = small(22 * GB, [0.0])
    assert "900 MB (1 Mbit/s assumed for each)" in found.text
    assert found.level == WARNING
    assert small(22_900_000_000, [0.0]).level == OK
    assert small(22 * GB - 1, [0.0]).level == PROBLEM
    assert "(1 measured, 1 Mbit/s assumed for each other)" in small(25 * GB, [1e6, 0.0]).text
    assert small(29_200_000_000 - 1, [1e6, 0.0]).level == PROBLEM
    assert "too small" not in small(29_650_000_000, [1e6, 0.0]).text
    assert small(22 * GB, []).level == OK


def test_a_disk_that_is_full_is_a_problem_even_where_it_may_be_too_small():
    found = disk_finding("/srv", Disk("/srv", 22 * GB, GB, True), 20 * GB, Load([0.0], 3600))
    assert (found.level, "less than the reserve" in found.text) == (PROBLEM, True)


def test_a_read_only_disk_is_a_problem():
    assert judged(writable=False).level == PROBLEM


def test_without_a_measured_bitrate_no_hours_are_invented():
    assert judged().text == "100 GB free of 500 GB at /srv"


def test_a_directory_that_does_not_exist_yet_is_judged_by_the_one_it_will_be_in(tmp_path):
    found = disk(str(tmp_path / "a" / "b"))
    assert found.path == str(tmp_path)
    assert 0 < found.free < found.total
    assert found.writable


@pytest.mark.parametrize(("skew", "level"), [(0, OK), (-30, OK), (31, WARNING), (-601, PROBLEM), (3600, PROBLEM)])
def test_a_clock_that_is_off_is_a_warning_long_before_the_bucket_refuses(skew, level):
    assert clock_finding(skew).level == level


def test_the_direction_of_the_skew_is_said():
    assert clock_finding(3600).text == "3600 s ahead of the bucket's"
    assert clock_finding(-3600).text == "3600 s behind the bucket's"
    assert "refused" in clock_finding(None, "refused").text


class Clock(http.server.BaseHTTPRequestHandler):
    offset: float | None = 0.0

    def do_HEAD(self):
        self.send_response_only(403)
        if self.offset is not None:
            self.send_header("Date", formatdate(time.time() + self.offset, usegmt=True))
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def endpoint():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Clock)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield "http://127.0.0.1:%d" % server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("offset", [0, -1800, 7200])
def test_the_skew_is_read_from_any_answer_even_a_refusal(endpoint, offset, monkeypatch):
    monkeypatch.setattr(Clock, "offset", float(offset))
    assert clock.skew(endpoint, None, 10) == pytest.approx(-offset, abs=2)


def test_an_endpoint_without_a_clock_is_said_to_have_none(endpoint, monkeypatch):
    monkeypatch.setattr(Clock, "offset", None)
    with pytest.raises(ValueError, match="sends no Date"):
        clock.skew(endpoint, None, 10)
