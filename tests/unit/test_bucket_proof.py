"""Proven, or not: every combination of what a store can and what it shows (I1)."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.bucket.capabilities import (
    COMPOSITE,
    HONOURED,
    IGNORED,
    OPAQUE,
    REFUSED,
    WHOLE,
    Capabilities,
    from_json,
)
from camera_backup.bucket.hashing import CRC32, MD5, composite_etag
from camera_backup.bucket.proof import (
    AUTO,
    READ_BACK,
    SIZE_ONLY,
    Evidence,
    NotProven,
    Object,
    Proven,
    judge,
    judge_reply,
)

ALL = Capabilities(
    md5_put=True,
    md5_part=True,
    crc32_put=True,
    crc32_part=True,
    put_if_absent=HONOURED,
    complete_if_absent=HONOURED,
    list_parts=True,
    etag_part=True,
    etag_put=WHOLE,
    etag_multipart=COMPOSITE,
    unsigned=True,
    missing_denied=False,
    skew=0.0,
    removes=True,
    aborts=True,
    reads=True,
    server="",
)
NOTHING = dataclasses.replace(
    ALL,
    md5_put=False,
    md5_part=False,
    crc32_put=False,
    crc32_part=False,
    etag_part=False,
    etag_put=OPAQUE,
    etag_multipart=OPAQUE,
)
OPAQUE_BUT_CHECKING = dataclasses.replace(ALL, etag_put=OPAQUE, etag_multipart=OPAQUE)

PARTS = [b"1" * 16, b"2" * 16]
IN_PARTS = Evidence(100, MD5, 2, PARTS, token="t")
IN_ONE = Evidence(100, MD5, 0, md5=b"3" * 16, token="t")


def found(etag="", size=100, token="t"):
    return Object(size, etag, {"upload": token})


def test_the_etag_of_our_parts_proves():
    assert judge(ALL, found(composite_etag(PARTS)), IN_PARTS, AUTO) == Proven("etag-of-parts")


def test_the_md5_of_the_file_as_etag_proves():
    assert judge(ALL, found((b"3" * 16).hex()), IN_ONE, AUTO) == Proven("etag-md5")


def test_an_object_that_is_not_there_or_has_another_size_is_known_to_differ():
    assert judge(ALL, None, IN_ONE, AUTO) == NotProven("the object is not there", differs=True)
    result = judge(ALL, found((b"3" * 16).hex(), size=99), IN_ONE, AUTO)
    assert isinstance(result, NotProven)
    assert result.differs


@pytest.mark.parametrize("mode", [MD5, CRC32])
@pytest.mark.parametrize("parts", [0, 2])
def test_where_etags_say_nothing_an_enforced_checksum_proves_our_own_upload(mode, parts):
    ours = Evidence(100, mode, parts, token="t")
    assert judge(OPAQUE_BUT_CHECKING, found("anything"), ours, AUTO) == Proven("enforced-" + mode)


@pytest.mark.parametrize("mode", [MD5, CRC32, ""])
@pytest.mark.parametrize("parts", [0, 2])
@pytest.mark.parametrize("token", ["t", "another", ""])
def test_a_checksum_that_nobody_was_seen_to_check_proves_nothing(mode, parts, token):
    ours = Evidence(100, mode, parts, token="t")
    assert isinstance(judge(NOTHING, found("x", token=token), ours, AUTO), NotProven)


def test_an_enforced_checksum_says_nothing_about_the_upload_of_somebody_else():
    ours = Evidence(100, CRC32, 2, token="t")
    assert isinstance(judge(OPAQUE_BUT_CHECKING, found(token="another"), ours, AUTO), NotProven)
    assert isinstance(judge(OPAQUE_BUT_CHECKING, found(token=""), dataclasses.replace(ours, token=""), AUTO), NotProven)


@pytest.mark.parametrize(
    ("ours", "etag"),
    [
        (IN_PARTS, composite_etag([b"x" * 16, b"y" * 16])),
        (IN_PARTS, "0" * 32),
        (IN_PARTS, "0" * 32 + "-3"),
        (IN_ONE, "0" * 32),
        (Evidence(100, CRC32, 2, token="t"), "0" * 32),
        (Evidence(100, CRC32, 2, token="t"), "0" * 32 + "-3"),
    ],
)
def test_an_etag_that_contradicts_us_outweighs_an_enforced_checksum(ours, etag):
    result = judge(ALL, found(etag), ours, AUTO)
    assert isinstance(result, NotProven)
    assert not result.differs


@pytest.mark.parametrize(
    ("ours", "etag"), [(IN_ONE, "0" * 32), (IN_PARTS, "0" * 32 + "-2"), (IN_PARTS, "0" * 32 + "-3")]
)
def test_an_etag_that_means_nothing_contradicts_nobody(ours, etag):
    assert judge(OPAQUE_BUT_CHECKING, found(etag), ours, AUTO) == Proven("enforced-md5")


def test_a_store_whose_etags_are_of_the_whole_is_believed_about_parts_by_its_checksum():
    whole = dataclasses.replace(ALL, etag_multipart=WHOLE)
    assert judge(whole, found("0" * 32), IN_PARTS, AUTO) == Proven("enforced-md5")


def test_reading_back_is_asked_for_even_where_the_etag_would_do():
    assert isinstance(judge(ALL, found(composite_etag(PARTS)), IN_PARTS, READ_BACK), NotProven)


def test_size_only_says_so_and_only_where_nothing_better_is_known():
    assert judge(NOTHING, found("x"), IN_PARTS, SIZE_ONLY) == Proven(SIZE_ONLY)
    assert judge(ALL, found(composite_etag(PARTS)), IN_PARTS, SIZE_ONLY) == Proven("etag-of-parts")
    assert isinstance(judge(ALL, found("0" * 32), IN_ONE, SIZE_ONLY), NotProven)
    assert isinstance(judge(NOTHING, found("x", size=1), IN_PARTS, SIZE_ONLY), NotProven)


CAN = st.builds(
    Capabilities,
    put_if_absent=st.just(HONOURED),
    complete_if_absent=st.just(HONOURED),
    etag_put=st.sampled_from([WHOLE, OPAQUE]),
    etag_multipart=st.sampled_from([COMPOSITE, WHOLE, OPAQUE]),
    skew=st.just(0.0),
    server=st.just(""),
)
DIGESTS = st.binary(min_size=16, max_size=16)


@given(
    CAN,
    st.sampled_from([MD5, CRC32, ""]),
    st.lists(DIGESTS, min_size=1, max_size=3),
    st.booleans(),
    st.text(max_size=3),
)
def test_without_an_etag_of_ours_only_what_was_seen_to_be_enforced_ever_proves(can, mode, parts, multipart, etag):
    """The etag of a store that holds other bytes is never ours (but by collision): so nothing of it may prove."""
    ours = Evidence(100, mode, len(parts) if multipart else 0, parts if mode == MD5 and multipart else None, token="t")
    result = judge(can, found(etag), ours, AUTO)
    enforced = {MD5: (can.md5_put, can.md5_part), CRC32: (can.crc32_put, can.crc32_part)}.get(mode, (False, False))
    if isinstance(result, Proven):
        assert result.how == "enforced-" + mode
        assert enforced[multipart]


@given(CAN)
def test_capabilities_survive_the_catalog(can):
    assert from_json(can.as_json()) == can


def test_capabilities_of_another_version_are_found_out_again():
    assert from_json({**ALL.as_json(), "telepathy": True}) is None
    assert from_json({}) is None


def test_an_endpoint_proves_by_etag_or_by_an_enforced_checksum():
    assert ALL.proves
    assert OPAQUE_BUT_CHECKING.proves
    assert not NOTHING.proves
    assert not dataclasses.replace(NOTHING, etag_put=WHOLE).proves


UNREAD = dataclasses.replace(ALL, reads=False, crc32_part=False)


def test_a_reply_proves_by_an_enforced_checksum_and_the_etags_of_our_bytes():
    assert judge_reply(UNREAD, composite_etag(PARTS), IN_PARTS) == Proven("accepted-md5")
    assert judge_reply(UNREAD, (b"3" * 16).hex(), IN_ONE) == Proven("accepted-md5")
    opaque = dataclasses.replace(UNREAD, etag_put=OPAQUE, etag_multipart=OPAQUE)
    assert judge_reply(opaque, "", IN_PARTS) == Proven("accepted-md5")


@pytest.mark.parametrize("etag", ["", "0" * 32, "0" * 32 + "-2"])
@pytest.mark.parametrize("ours", [IN_PARTS, IN_ONE])
def test_a_reply_with_an_etag_that_contradicts_us_proves_nothing(etag, ours):
    assert isinstance(judge_reply(UNREAD, etag, ours), NotProven)


@pytest.mark.parametrize("ours", [IN_PARTS, IN_ONE])
def test_a_reply_of_a_store_that_enforces_nothing_proves_nothing(ours):
    etag = composite_etag(PARTS) if ours.parts else (b"3" * 16).hex()
    lax = dataclasses.replace(UNREAD, md5_put=False, md5_part=False)
    assert isinstance(judge_reply(lax, etag, ours), NotProven)
    assert isinstance(judge_reply(UNREAD, etag, dataclasses.replace(ours, mode="", token="")), NotProven)


def test_bytes_that_nobody_can_look_at_go_under_md5_where_it_is_enforced():
    assert (ALL.checksum(True), ALL.checksum(False)) == (CRC32, CRC32)
    assert (UNREAD.checksum(True), UNREAD.checksum(False)) == (MD5, MD5)
    assert dataclasses.replace(UNREAD, md5_put=False).checksum(False) == CRC32


def test_parts_and_whole_objects_are_each_sent_under_what_is_enforced_for_them():
    assert dataclasses.replace(ALL, crc32_part=False).checksum(True) == MD5
    assert dataclasses.replace(ALL, crc32_put=False).checksum(False) == MD5


OVERWRITES, DAMAGE = "does not refuse overwrites", "does not refuse damaged bytes"


@pytest.mark.parametrize(
    ("lacking", "in_one", "in_parts"),
    [
        ({}, None, None),
        ({"put_if_absent": IGNORED}, OVERWRITES, None),
        ({"put_if_absent": REFUSED}, OVERWRITES, None),
        ({"complete_if_absent": IGNORED}, None, OVERWRITES),
        ({"complete_if_absent": REFUSED}, None, OVERWRITES),
        ({"md5_put": False}, None, None),
        ({"md5_put": False, "crc32_put": False}, DAMAGE, None),
        ({"md5_part": False}, None, DAMAGE),
        ({"md5_part": False, "crc32_part": True}, None, None),
    ],
)
def test_what_nobody_may_look_at_needs_a_store_that_refuses_to_replace_and_refuses_damage(lacking, in_one, in_parts):
    """I2, I1: for what is sent in one piece and in parts each, and the key proves only where it proves both."""
    can = dataclasses.replace(UNREAD, **lacking)
    for obstacle, wanted in ((can.unread_obstacle(False), in_one), (can.unread_obstacle(True), in_parts)):
        assert (obstacle is None) == (wanted is None)
        assert (wanted or "") in (obstacle or "")
    assert can.proves == (in_one is None and in_parts is None)


def test_objects_with_a_lock_go_under_md5_where_it_is_enforced():
    assert (ALL.checksum(True, locked=True), ALL.checksum(False, locked=True)) == (MD5, MD5)
    assert dataclasses.replace(ALL, md5_part=False).checksum(True, locked=True) == CRC32
