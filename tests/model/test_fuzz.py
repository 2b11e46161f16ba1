"""Garbage in every door: no traceback, no loss. What broke something once is an example that is always tried."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from camera_backup import catalog as catalogs
from camera_backup import config, jsonlines, ledger, paths
from camera_backup.bucket import wire
from camera_backup.bucket.client import Bucket
from camera_backup.bucket.errors import BucketError
from camera_backup.check.sample import Sampler
from camera_backup.errors import ConfigError
from camera_backup.recorder import history, output
from camera_backup.recorder.output import Line
from camera_backup.uploader import steps
from tests.model.test_uploader_model import KEPT, PART, Host, home, proxy, tidied
from tests.simulators.s3_messages import Response
from tests.simulators.s3_store import Blob
from tests.support.direct import response
from tests.support.uploading import sdk, trimmed_sdk

__all__ = ["tidied"]

FEW = settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
MANY = settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)

TEMPLATE = (Path(config.__file__).parents[1] / "templates" / "config.yaml").read_text()
YAML = st.sampled_from(("!!binary x", "&a [*a]", "? {}", "<<: 1", "- - -", "1e999", ".nan", "\t", "2026-01-01", "[[[["))


@MANY
@given(text=st.text() | YAML, at=st.integers(0, len(TEMPLATE)), keep=st.booleans())
@example("<<: *x", 0, True)
@example("\x00", 0, False)
@example("[" * 3000, 0, False)
def test_any_text_is_a_configuration_or_refused_in_words(text, at, keep):
    whole = TEMPLATE[:at] + text + TEMPLATE[at:] if keep else text
    try:
        config.parse(whole, "config.yaml")
    except ConfigError as error:
        words = error.problems
    else:
        words = ["a configuration"]
    assert words
    assert all(problem.strip() for problem in words)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
EVENT = st.fixed_dictionaries(
    {"event": st.sampled_from(("run", "stop", "segment", "gap", "gap_end")) | JSON},
    optional=dict.fromkeys(
        ("name", "id", "start", "end", "bytes", "frames", "sha256", "how", "cause", "boot_id"), JSON
    ),
)


@MANY
@given(lines=st.lists(st.binary(max_size=60) | EVENT.map(lambda event: json.dumps(event).encode()), max_size=8))
@example([b'{"event":"gap","id":1,"start":1e999,"cause":[]}'])
@example([b'{"event":"segment","name":"x","start":NaN,"end":0,"bytes":1e400,"frames":0,"sha256":"","how":""}'])
@example([b'{"event":"run","boot_id":{}}', b"\xff\xfe", b"[" * 100_000])
@example([b"9" * 5000])
def test_any_bytes_are_a_ledger(lines):
    path = home() / "camera.jsonl"
    path.write_bytes(b"\n".join(lines))
    events = list(jsonlines.read(str(path)))
    assert jsonlines.tail(str(path), 100) is not None
    ledger.segments(events)
    ledger.gaps(events, 1e9)
    past = history.Past(events)
    history.resume(past, "run", "boot", 1e9, None)
    jsonlines.append(str(path), {"event": "stop"})
    assert list(jsonlines.read(str(path)))[-1] == {"event": "stop"}


@MANY
@given(texts=st.lists(st.text(max_size=80) | st.from_regex(r"#?[a-z]+ ?[0-9]:? ?[-0-9/x, ]*"), max_size=8))
@example(["#tb 0: 1/0", "#dimensions 0: axb", "0, 1, 2", "#codec_id"])
@example(["[error] [error] ", "Stream #0:0: Video: ", "[info] Stream #0:0: Video: ", "[info] Stream #0:0: Audio:  "])
@example(["/\u00b9234567890.mp4,nan,inf", "Opening '.mp4' for writing"])
def test_whatever_a_camera_makes_ffmpeg_say_is_heard_without_a_traceback(texts):
    sampler, progress = Sampler(), output.Progress()
    for text in texts:
        line = Line(text)
        assert (line.reason, line.stream, line.opened) is not None
        output.closed(text)
        progress.feed(text)
        sampler.feed(text)
    sampler.enough(5.0)
    sampler.stream()


HEADERS = st.dictionaries(
    st.sampled_from(
        ("ETag", "Last-Modified", "Date", "Content-Type", "x-amz-meta-part-size", "x-amz-meta-upload", "Location")
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30),
)
XML = st.sampled_from(
    (
        "<ListPartsResult><IsTruncated>true</IsTruncated><Part><PartNumber>x</PartNumber></Part></ListPartsResult>",
        "<ListPartsResult><Part><Size>1</Size></Part></ListPartsResult>",
        "<InitiateMultipartUploadResult/>",
        "<ListMultipartUploadsResult><Upload><Key>k</Key></Upload></ListMultipartUploadsResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>k</Key></Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<Error><Code>InternalError</Code></Error>",
        "<Error><Code/></Error>",
        "<Error>",
        "<a xmlns='",
    )
).map(str.encode)
CALLS = (
    lambda bucket: bucket.head("k"),
    lambda bucket: bucket.put("k", b"x", {}, {}, absent=True),
    lambda bucket: bucket.create("k", {}, "md5"),
    lambda bucket: bucket.part("k", "u", 1, b"x", {}),
    lambda bucket: bucket.complete("k", "u", [{"PartNumber": 1, "ETag": "e"}], absent=True),
    lambda bucket: bucket.abort("k", "u"),
    lambda bucket: bucket.parts("k", "u"),
    lambda bucket: bucket.uploads("k"),
    lambda bucket: bucket.open("k").read(10),
    lambda bucket: [entry for entry, _ in zip(bucket.list("k"), range(3))],
)


@pytest.fixture(scope="module")
def bucket():
    return Bucket(KEPT, sdk_path=sdk.prepare(trimmed_sdk()))


@MANY
@given(
    call=st.sampled_from(CALLS),
    status=st.sampled_from((200, 204, 206, 301, 400, 403, 404, 409, 412, 500, 503)) | st.integers(200, 599),
    headers=HEADERS,
    body=st.binary(max_size=60) | XML,
)
@example(CALLS[6], 200, {}, b"<ListPartsResult><Part><Size>1</Size></Part></ListPartsResult>")
@example(CALLS[2], 200, {}, b"<InitiateMultipartUploadResult/>")
@example(CALLS[0], 200, {"Last-Modified": "yesterday", "ETag": '"e"'}, b"")
@example(CALLS[9], 200, {}, b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>")
@example(CALLS[0], 403, {"Date": "Mon, 99 Foo 9999 99:99:99 +9999"}, b"")
def test_any_answer_of_a_store_is_a_value_or_a_bucket_error(bucket, call, status, headers, body):
    def answer(self, request, **_):
        return response(request, Response(status, headers, body))

    with mock.patch.object(wire.Wire, "send", answer), contextlib.suppress(BucketError):
        call(bucket)


def damaged(host, flips, cut):
    """Flip bits of the catalog, and cut it off."""
    path = Path(paths.catalog(host.place.parameters.storage.state_path))
    content = bytearray(path.read_bytes())
    for where, bit in flips:
        content[where % len(content)] ^= 1 << bit
    path.write_bytes(content[: cut % len(content)] if cut else content)


@FEW
@given(
    step=st.sampled_from(steps.ALL),
    flips=st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 7)), max_size=40),
    cut=st.integers(0, 1 << 16) | st.just(0),
)
@example(steps.PART_KEPT, [(18, 0)], 0)
def test_a_catalog_with_any_damage_heals_and_deletes_nothing_unproven(step, flips, cut):
    host = Host()
    try:
        host.segment("yard", "20231114_000000.mp4", 3 * PART + 7)
        host.segment("yard", "20231114_010000.mp4", 100)
        host.run(kill=(step, 1))
        damaged(host, flips, cut)
        for _ in range(3):
            host.run()
            host.check()
        host.drain()
    finally:
        host.close()


CHANGES = {
    "a text that is none": "UPDATE segment SET token = CAST(X'ff4142' AS TEXT)",
    "a mode nobody knows": "UPDATE segment SET mode = 'mdq'",
    "a size that is a text": "UPDATE segment SET part_size = 'x'",
    "a part size of nothing": "UPDATE segment SET part_size = 0",
    "parts without sense": "UPDATE part SET digest = 'x', etag = X'00'",
    "another upload": "UPDATE segment SET upload_id = 'x'",
    "abilities that are no JSON": "UPDATE endpoint SET capabilities = '{'",
    "abilities of another kind": "UPDATE endpoint SET capabilities = '[]'",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("step", [steps.PART_KEPT, steps.PROVEN])
def test_a_row_without_sense_in_a_sound_catalog_stops_nothing(change, step):
    """What quick_check of SQLite does not see: a flipped bit within a value."""
    host = Host()
    try:
        host.segment("yard", "20231114_000000.mp4", 3 * PART + 7)
        host.run(kill=(step, 1))
        with host.place.catalog() as catalog:
            catalog._db.execute(change)
        host.run()
        host.check()
        host.drain()
        assert catalogs.open_or_heal(paths.catalog(host.place.parameters.storage.state_path), 0).counts()
    finally:
        host.close()


@pytest.mark.parametrize("told", ["x", "0", "-5", "\u00b2", "9" * 400])
def test_an_object_that_tells_nonsense_about_its_parts_is_compared_all_the_same(told):
    host = Host()
    try:
        host.segment("yard", "20231114_000000.mp4", 3 * PART)
        data = host.place.path("20231114_000000.mp4", "yard").read_bytes()
        key = host.place.key("20231114_000000.mp4", "yard")
        kept = Blob(len(data), '"%s-3"' % ("0" * 32), data, {"x-amz-meta-part-size": told})
        proxy().backend.buckets["b"][key] = kept
        host.run()
        host.check()
        host.drain()
    finally:
        host.close()
