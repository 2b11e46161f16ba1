"""What the demos know of hosts, and how they find an object of the bucket in it."""

import pytest

from camera_backup.ledger import SegmentRecord
from tools.demo import state, verdict
from tools.demo.state import State, Upload


def segment(name, **changes):
    return SegmentRecord(name, 0.0, 10.0, 1000, 250, "ab", "complete", "run")._replace(**changes)


FRONT = State({"front": {"1.mp4": segment("1.mp4")}}, [Upload("front", "1.mp4", 5.0, 7.5, 8.0)])


def test_what_a_host_says_is_read_back_with_its_prefix():
    assert state.parse(state.dump(FRONT), "nvr-1/") == State(
        {"nvr-1/front": FRONT.recorded["front"]}, [Upload("nvr-1/front", "1.mp4", 5.0, 7.5, 8.0)]
    )


def test_hosts_together_know_what_each_knows():
    one, other = (state.parse(state.dump(FRONT), prefix) for prefix in ("nvr-1/", "nvr-2/"))
    both = state.together([one, other])
    assert set(both.recorded) == {"nvr-1/front", "nvr-2/front"}
    assert both.proofs == {("nvr-1/front", "1.mp4"): 2.5, ("nvr-2/front", "1.mp4"): 2.5}


@pytest.mark.parametrize(
    "uploads", [[], [Upload("front", "1.mp4", 5.0, None, None)], [Upload("front", "1.mp4", 5.0, 7.5, None)]]
)
def test_nothing_is_settled_before_every_segment_is_proven_and_deleted(uploads):
    assert FRONT.settled
    assert not FRONT._replace(uploads=uploads).settled


@pytest.mark.parametrize("camera", ["front", "nvr-1/front", "berlin/nvr-1/front"])
def test_the_place_of_an_object_is_what_stands_before_the_date(camera):
    assert verdict.place(camera + "/2026/11/25/20261125_164545.mp4") == (camera, "20261125_164545.mp4")
