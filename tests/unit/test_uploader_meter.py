"""How fast a line was seen to be."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.uploader import meter
from camera_backup.uploader.meter import MEMORY_SECONDS, Meter, Rate


def rates(found):
    return {rate.limit: rate for rate in meter.from_json({"rates": found.as_json()})}


@given(st.integers(1, 10**9), st.lists(st.floats(0.001, 3600), min_size=1, max_size=50))
def test_a_steady_line_is_measured_as_what_it_is(speed, spans):
    found = Meter()
    for seconds in spans:
        found.add(None, int(speed * seconds * 1000) / 1000, seconds)
    rate = rates(found)[None]
    assert rate.bytes / rate.seconds == pytest.approx(speed, rel=0.02, abs=2)


def test_a_line_that_became_slower_is_known_to_be_after_a_while():
    found = Meter()
    for _ in range(24 * 3600):
        found.add(None, 1000, 1.0)
    assert rates(found)[None].seconds <= MEMORY_SECONDS + 1
    for _ in range(3 * int(MEMORY_SECONDS)):
        found.add(None, 10, 1.0)
    rate = rates(found)[None]
    assert rate.bytes / rate.seconds < 70


def test_each_limit_has_its_own():
    found = Meter()
    found.add(None, 1000, 1)
    found.add(50, 45, 1)
    assert rates(found) == {None: Rate(None, 1000, 1), 50: Rate(50, 45, 1)}


def test_it_goes_on_where_the_last_service_ended(tmp_path):
    first = Meter()
    first.add(None, 1000, 10)
    path = tmp_path / "uploader.json"
    path.write_text(json.dumps({"rates": first.as_json()}))
    second = Meter(meter.read(str(path)))
    assert second.as_json() == first.as_json()


def one(limit, count, seconds):
    return '{"rates": [{"limit": %s, "bytes": %s, "seconds": %s}]}' % (limit, count, seconds)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{",
        "[]",
        "{}",
        '{"rates": 5}',
        '{"rates": [{"limit": null}]}',
        one("[]", 1, 1),
        one("null", "Infinity", 1),
        one("null", 1, "NaN"),
        one("null", 10**400, 1),
        one("null", -1, 1),
    ],
)
def test_what_cannot_be_read_is_nothing_known(tmp_path, text):
    path = tmp_path / "uploader.json"
    if text is not None:
        path.write_text(text)
    assert meter.read(str(path)) == ()
