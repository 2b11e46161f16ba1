"""What the uploader's eye on the disk takes from recorders."""

from __future__ import annotations

import json
import time

import pytest

from camera_backup import paths
from camera_backup.uploader.keeper import room


@pytest.fixture
def tell(tmp_path):
    """Return a function that writes the live status of a recorder."""
    state = str(tmp_path / "state")

    def write(name, text):
        path = tmp_path / paths.recorder_status(state, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return room(str(tmp_path), state, 1)

    return write


def status(**changes):
    return json.dumps({"updated": time.time(), "bits_per_second": 800, "segment": {"bytes": 5}, **changes})


def test_rates_are_added_up_and_the_largest_segment_counts(tell):
    tell("a", status())
    seen = tell("b", status(segment={"bytes": 7}))
    assert (seen.rate, seen.largest) == (200, 7)


@pytest.mark.parametrize("nonsense", ["x", 7, [1], {"bytes": "x"}, {"bytes": -1}, {"bytes": 1e300}, None, {}])
def test_nonsense_in_one_live_status_leaves_what_the_others_say(tell, nonsense):
    tell("a", status())
    seen = tell("b", status(segment=nonsense, bits_per_second=nonsense))
    assert seen.largest == 5
    assert seen.rate == pytest.approx(100 if nonsense != 7 else 100.875)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000, '{"updated": 1}'])
def test_a_live_status_that_is_none_or_old_counts_for_nothing(tell, text):
    seen = tell("a", text)
    assert (seen.rate, seen.largest) == (0, 0)
