"""What a store can, in the words of an operator."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from camera_backup.bucket.capabilities import COMPOSITE, HONOURED, IGNORED, OPAQUE, REFUSED, WHOLE, Capabilities
from camera_backup.bucket.errors import DENIED, BucketError, Verdict
from camera_backup.check.bucket import judged, refused
from camera_backup.check.findings import BUCKET, OK, PROBLEM, WARNING
from camera_backup.model import S3

_BASE = {
    **{field.name: True for field in fields(Capabilities)},
    "put_if_absent": HONOURED,
    "complete_if_absent": HONOURED,
    "etag_put": WHOLE,
    "etag_multipart": COMPOSITE,
    "missing_denied": False,
    "skew": 0.0,
    "server": "swift",
    "lock_put": None,
    "lock_multipart": None,
}
BEST = Capabilities(**_BASE)
NOTHING = replace(
    BEST, md5_put=False, md5_part=False, crc32_put=False, crc32_part=False, etag_put=OPAQUE, etag_multipart=OPAQUE
)
PLACE = S3("AKID", "SECRET", "footage", "https://s3.test", "us-east-1", "", "path", None, None, "auto")


def seen(can, s3=PLACE):
    return {finding.item: finding for finding in judged(s3, can)}


def test_a_store_that_enforces_all_is_told_so():
    found = seen(BEST)
    assert {finding.level for finding in found.values()} == {OK}
    assert {finding.area for finding in found.values()} == {BUCKET}
    assert found["proof"].text == (
        "Content-MD5 enforced, CRC-32 enforced, ETags are the md5 of what arrived → "
        "every part proven before its source is deleted"
    )
    assert found["overwrites"].text == "refused by the store (If-None-Match)"


def test_a_key_that_may_not_list_is_a_warning():
    found = seen(replace(BEST, missing_denied=True))["access"]
    assert (found.level, found.advice) == (WARNING, "allow s3:ListBucket on the bucket to this key")


def test_a_key_that_may_write_and_not_read_is_in_order():
    found = seen(replace(BEST, reads=False, crc32_part=False, aborts=False, list_parts=False))
    assert {finding.level for finding in found.values()} == {OK}
    assert found["access"].text == "key accepted, it can write and not read at https://s3.test (write-only)"
    assert "by the store's own reply" in found["proof"].text
    assert "lifecycle rule" in found["leftovers"].text


@pytest.mark.parametrize(
    ("change", "proof"),
    [
        ({"put_if_absent": IGNORED}, "auto"),
        ({"complete_if_absent": IGNORED}, "auto"),
        ({"md5_part": False, "crc32_part": False}, "auto"),
        ({}, "read-back"),
    ],
)
def test_a_key_that_may_not_read_where_nothing_else_proves_is_a_problem(change, proof):
    found = seen(replace(BEST, reads=False, **change), replace(PLACE, proof=proof))["proof"]
    assert (found.level, "all footage stays on this host" in found.text) == (PROBLEM, True)
    assert found.advice.startswith("allow s3:GetObject")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"crc32_part": False, "etag_put": OPAQUE}, "Content-MD5 enforced →"),
        ({"md5_part": False, "crc32_part": False}, "ETags are the md5 of what arrived →"),
    ],
)
def test_one_way_of_proof_is_enough_and_only_what_was_seen_is_named(change, words):
    found = seen(replace(BEST, **change))["proof"]
    assert (found.level, found.text.startswith(words)) == (OK, True)


def test_a_store_that_proves_nothing_is_a_warning_that_names_the_cost():
    found = seen(NOTHING)["proof"]
    assert (found.level, "doubles the traffic" in found.text) == (WARNING, True)
    assert seen(NOTHING, replace(PLACE, proof="read-back"))["proof"].level == OK
    assert "not noticed" in seen(NOTHING, replace(PLACE, proof="size-only"))["proof"].text


def test_overwrites_that_the_store_does_not_refuse_are_said():
    partly = seen(replace(BEST, complete_if_absent=IGNORED))["overwrites"].text
    assert partly == "refused by the store for whole objects only; every key is looked up before it is written"
    never = seen(replace(BEST, complete_if_absent=IGNORED, put_if_absent=IGNORED))["overwrites"].text
    assert never == "not refused by the store; every key is looked up before it is written"


def test_whether_parts_are_listed_is_said():
    assert "lists the parts" in seen(BEST)["resuming"].text
    assert "this host remembers them" in seen(replace(BEST, list_parts=False))["resuming"].text


def test_locks_that_are_asked_for_and_kept_are_said():
    assert "object lock" not in seen(BEST)
    found = seen(replace(BEST, lock_put=HONOURED, lock_multipart=HONOURED))["object lock"]
    assert (found.level, "refuses locks that end in the past" in found.text) == (OK, True)


@pytest.mark.parametrize(
    ("put", "multipart", "text", "advice"),
    [
        (IGNORED, IGNORED, "the store ignores object lock, the", "use another store"),
        (IGNORED, REFUSED, "the store ignores object lock, the", "use another store"),
        (HONOURED, IGNORED, "the store ignores object lock of multipart uploads, the", "use another store"),
        (HONOURED, REFUSED, "the store refuses object lock in this bucket", "create one with Object Lock"),
        (HONOURED, DENIED, "the key may lock no object", "allow s3:PutObjectRetention"),
    ],
)
def test_locks_that_are_asked_for_and_not_to_be_had_are_a_problem(put, multipart, text, advice):
    found = seen(replace(BEST, lock_put=put, lock_multipart=multipart))["object lock"]
    assert (found.level, found.text.startswith(text)) == (PROBLEM, True)
    assert found.advice.startswith(advice)
    assert "all footage stays on this host" in found.text


def test_a_refusal_is_a_problem_with_the_cause_and_the_way_out():
    verdict = Verdict("pause", "bucket_missing", "the bucket does not exist: check s3.bucket")
    found = refused(PLACE, BucketError(verdict, "head_bucket", detail="404: Not Found"))
    assert (found.level, found.subject, found.advice) == (PROBLEM, "bucket footage", "check s3.bucket")
    assert found.text == "the bucket does not exist (404: Not Found)"
