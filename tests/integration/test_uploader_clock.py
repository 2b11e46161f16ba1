"""A host whose clock is wrong all the time: nothing sets it, so that only the store's answers tell."""

from __future__ import annotations

import time

import pytest

from camera_backup.model import S3
from camera_backup.uploader import steps
from tests.integration.test_uploader_service import service
from tests.simulators.s3_faults import Clock, Error, Fault
from tests.simulators.s3_proxy import simulated
from tests.simulators.s3_store import Store
from tests.support.processes import wait_until
from tests.support.uploading import CAMERA, NAME, PART, Place

SMALL, LARGE = 1000, 2 * PART + 7
LATER = ["20231114_%02d0000.mp4" % hour for hour in range(1, 4)]


@pytest.fixture
def place(tmp_path):
    store = Store()
    store.buckets["b"] = {}
    with simulated(store) as (proxy, ca_file):
        place = Place(
            tmp_path, S3("AKID", "secret", "b", proxy.endpoint, "us-east-1", "", "path", ca_file, None, "auto")
        )
        place.store, place.proxy = store, proxy
        place.change("upload", check_interval=1)
        proxy.clear()
        yield place


def ahead(place, seconds):
    """From now on the store's clock is ahead of ours."""
    place.proxy.faults[:] = [fault for fault in place.proxy.faults if not isinstance(fault, Clock)]
    place.proxy.add(Clock(times=0, seconds=seconds))


def last_told(messages):
    return [message["clock_skew"] for message in messages if "clock_skew" in message][-1]


def mark(place, name=NAME):
    return place.store.buckets["b"][place.key(name)].headers.get("x-amz-meta-clock-skew")


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("seconds", [7200, -86400 * 400])
def test_what_is_uploaded_by_a_host_whose_clock_is_wrong_is_marked(place, size, seconds):
    """In the first answer that a run gets: this process has asked the store nothing before."""
    place.segment(size)
    ahead(place, seconds)
    told = []
    assert place.run(report=told.append).proven == 1
    assert float(mark(place)) == pytest.approx(seconds, abs=2)
    assert place.store.buckets["b"][place.key()].headers["x-amz-meta-start"] == "2023-11-14T00:00:00.000Z"
    assert last_told(told) == pytest.approx(seconds, abs=2)


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("seconds", [0, 55, -55])
def test_a_clock_that_agrees_leaves_no_mark(place, size, seconds):
    place.segment(size)
    ahead(place, seconds)
    assert place.run().proven == 1
    assert mark(place) is None


class Timeless(Fault):
    """The answers tell no time, or none that is one."""

    def after(self, request, response):
        response.headers["Date"] = "Sun, 06 Nov 99999 08:49:37 GMT"
        return response


def test_where_the_store_tells_no_time_nothing_is_marked(place):
    place.segment()
    place.proxy.add(Timeless(times=0))
    told = []
    assert place.run(report=told.append).proven == 1
    assert mark(place) is None
    assert not any("clock_skew" in message for message in told)


def test_an_answer_that_was_long_on_its_way_is_not_believed(place, monkeypatch):
    """A store may begin its answer minutes before it is done: the time in it is that of the beginning."""
    monkeypatch.setattr("camera_backup.bucket.client._PROMPT_SECONDS", 0.5)
    place.segment()

    class Late(Clock):
        def after(self, request, response):
            time.sleep(1)
            return super().after(request, response)

    place.proxy.add(Late("HeadObject", times=0, seconds=-120))
    told = []
    assert place.run(report=told.append).proven == 1
    assert mark(place) is None
    assert abs(last_told(told)) <= 2


def test_a_key_that_may_only_write_learns_the_time_from_a_refusal(place):
    place.segment(LARGE)
    denied = ("HeadObject", "GetObject", "List*", "DeleteObject", "AbortMultipartUpload")
    place.proxy.add(*(Error(operation, code="AccessDenied", times=0) for operation in denied))
    place.change("s3", access_key_id="WRITER")
    assert place.run().proven == 1  # the endpoint is examined
    assert mark(place) is None
    # From 300 s on its refusals cannot be told from those of a clock, and it waits until the clock is set.
    ahead(place, 200)
    place.segment(LARGE, LATER[0])
    place.proxy.records.clear()
    assert place.run().proven == 1
    assert float(mark(place, LATER[0])) == pytest.approx(200, abs=2)
    assert [one.key for one in place.proxy.of("HeadObject")] == [".camera-backup/time"]


def test_an_upload_that_goes_on_keeps_the_metadata_it_was_begun_with(place):
    place.segment(LARGE)
    place.killed_at(steps.PART_KEPT)
    ahead(place, 7200)
    assert place.run().proven == 1
    assert mark(place) is None


def test_it_is_said_once_and_shown_until_the_clocks_agree(place):
    ahead(place, 7230)
    place.segment()
    with service(place) as running:
        for name in LATER[:2]:
            wait_until(lambda: not list(place.path().parent.glob("*.mp4")), "an upload")
            place.segment(name=name)
        wait_until(lambda: len(place.store.buckets["b"]) == 3, "three uploads")
        wait_until(lambda: running.status()["clock_skew"] == pytest.approx(7230, abs=2), "the status")
        assert running.text().count("clock_differs") == 1
        assert "the clock of this host is 2 h behind the store's: what is uploaded is marked" in running.text()
        ahead(place, 0)
        place.segment(name=LATER[2])
        running.wait_log("clock_agrees")
        wait_until(lambda: abs(running.status()["clock_skew"]) <= 2, "the status of clocks that agree")
    assert [mark(place, name) is None for name in (NAME, *LATER)] == [False, False, False, True]


def test_a_single_run_says_it(place):
    ahead(place, -3630)
    place.segment()
    done = place.upload_once()
    assert done.returncode == 0
    assert done.stderr.count("the clock of this host is 1 h ahead of the store's: what was uploaded is marked") == 1
    ahead(place, 0)
    place.segment(name=LATER[0], camera=CAMERA)
    assert "clock" not in place.upload_once().stderr
