"""The simulated store: it enforces exactly what it was told to, and speaks S3 as a real client expects."""

import base64
import datetime
import hashlib

import pytest
from botocore.exceptions import ClientError

from tests.simulators.s3_checksums import encoded
from tests.simulators.s3_proxy import simulated, sink
from tests.simulators.s3_store import EVERYTHING, Store
from tests.support.s3_servers import plain_client

BODY = b"0123456789" * 1000
WRONG = {
    "content-md5": {"ContentMD5": encoded("md5", b"other")},
    "crc32": {"ChecksumCRC32": encoded("crc32", b"other")},
    "crc32c": {"ChecksumCRC32C": encoded("crc32c", b"other")},
    "crc64nvme": {"ChecksumCRC64NVME": encoded("crc64nvme", b"other")},
    "sha1": {"ChecksumSHA1": encoded("sha1", b"other")},
    "sha256": {"ChecksumSHA256": encoded("sha256", b"other")},
}


@pytest.fixture
def serve():
    """Return a function that serves a store and gives a client of it."""
    contexts = []

    def serving(store):
        store.buckets.setdefault("b", {})
        contexts.append(simulated(store))
        proxy, ca_file = contexts[-1].__enter__()
        return plain_client(proxy.endpoint, "any", "body", ca_file, retries={"total_max_attempts": 1})

    yield serving
    for context in contexts:
        context.__exit__(None, None, None)


def refused(action, **arguments):
    with pytest.raises(ClientError) as caught:
        action(**arguments)
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        # The check values of the CRC catalogue, for the text "123456789".
        ("crc32", "cbf43926"),
        ("crc32c", "e3069283"),
        ("crc64nvme", "ae8b14860a799888"),
    ],
)
def test_the_checksums_are_the_ones_of_the_catalogue(algorithm, digest):
    assert encoded(algorithm, b"123456789") == base64.b64encode(bytes.fromhex(digest)).decode()


@pytest.mark.parametrize("check", sorted(WRONG))
def test_a_store_enforces_the_one_check_it_was_told_to(serve, check):
    client = serve(Store(enforce={check}))
    assert refused(client.put_object, Bucket="b", Key="k", Body=BODY, **WRONG[check]) == "BadDigest"
    for other in sorted(set(WRONG) - {check}):
        client.put_object(Bucket="b", Key=other, Body=BODY, **WRONG[other])


def test_a_store_that_enforces_nothing_takes_everything(serve):
    client = serve(Store(enforce=()))
    for check in sorted(WRONG):
        client.put_object(Bucket="b", Key=check, Body=BODY, **WRONG[check])


def test_right_checksums_pass_a_store_that_enforces_everything(serve):
    client = serve(Store(enforce=EVERYTHING))
    md5, crc = encoded("md5", BODY), encoded("crc32", BODY)
    answer = client.put_object(Bucket="b", Key="k", Body=BODY, ContentMD5=md5, ChecksumCRC32=crc)
    assert (answer["ETag"], answer["ChecksumCRC32"]) == ('"%s"' % hashlib.md5(BODY).hexdigest(), crc)


def test_a_checksum_in_the_trailer_of_a_chunked_body_is_enforced_too(serve):
    store = Store()
    client = serve(store)
    client.put_object(Bucket="b", Key="k", Body=BODY, ChecksumAlgorithm="CRC32")
    assert store.buckets["b"]["k"].data == BODY
    assert store.buckets["b"]["k"].headers["x-amz-checksum-crc32"] == encoded("crc32", BODY)


def test_an_echo_shows_a_checksum_that_was_never_checked(serve):
    client = serve(Store(enforce=(), echo=True))
    client.put_object(Bucket="b", Key="k", Body=BODY, **WRONG["crc32"])
    shown = client.head_object(Bucket="b", Key="k", ChecksumMode="ENABLED")["ChecksumCRC32"]
    assert shown == WRONG["crc32"]["ChecksumCRC32"]


@pytest.mark.parametrize(("conditional", "code"), [(True, "PreconditionFailed"), (False, None)])
def test_if_none_match_is_honoured_or_ignored(serve, conditional, code):
    client = serve(Store(conditional=conditional))
    client.put_object(Bucket="b", Key="k", Body=b"first")
    if code:
        assert refused(client.put_object, Bucket="b", Key="k", Body=b"second", IfNoneMatch="*") == code
    else:
        client.put_object(Bucket="b", Key="k", Body=b"second", IfNoneMatch="*")


LOCK = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": datetime.datetime(2999, 1, 1)}
PAST = {**LOCK, "ObjectLockRetainUntilDate": datetime.datetime(2001, 1, 1)}


def test_a_bucket_with_object_lock_refuses_locks_in_the_past_and_deletes_nothing_that_is_locked(serve):
    client = serve(Store(locked=True))
    body = {"Bucket": "b", "Key": "k", "Body": BODY, "ContentMD5": encoded("md5", BODY)}
    assert refused(client.put_object, **body, **PAST) == "InvalidArgument"
    assert refused(client.create_multipart_upload, Bucket="b", Key="m", **PAST) == "InvalidArgument"
    client.put_object(**body, **LOCK)
    assert client.head_object(Bucket="b", Key="k")["ObjectLockMode"] == "COMPLIANCE"
    assert refused(client.delete_object, Bucket="b", Key="k") == "AccessDenied"


def test_a_bucket_without_object_lock_refuses_locks_and_a_store_that_ignores_them_forgets_them(serve):
    client = serve(Store())
    assert refused(client.put_object, Bucket="b", Key="k", Body=BODY, **LOCK) == "InvalidRequest"
    client = serve(Store(ignores_lock={"PutObject"}))
    client.put_object(Bucket="b", Key="k", Body=BODY, **PAST)
    assert "ObjectLockMode" not in client.head_object(Bucket="b", Key="k")
    assert refused(client.create_multipart_upload, Bucket="b", Key="m", **LOCK) == "InvalidRequest"


def in_parts(client, parts, **complete):
    name = client.create_multipart_upload(Bucket="b", Key="m", Metadata={"host": "nvr"})["UploadId"]
    sent = [
        client.upload_part(Bucket="b", Key="m", UploadId=name, PartNumber=number, Body=part)["ETag"]
        for number, part in enumerate(parts, 1)
    ]
    listed = client.list_parts(Bucket="b", Key="m", UploadId=name)["Parts"]
    assert [(part["PartNumber"], part["ETag"]) for part in listed] == list(enumerate(sent, 1))
    named = {"Parts": [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(sent, 1)]}
    return client.complete_multipart_upload(Bucket="b", Key="m", UploadId=name, MultipartUpload=named, **complete)


def test_a_multipart_object_has_the_etag_of_aws_and_its_metadata(serve):
    client = serve(Store())
    digests = hashlib.md5(BODY).digest() + hashlib.md5(b"tail").digest()
    expected = '"%s-2"' % hashlib.md5(digests).hexdigest()
    assert in_parts(client, [BODY, b"tail"])["ETag"] == expected
    head = client.head_object(Bucket="b", Key="m")
    assert (head["ETag"], head["Metadata"], head["ContentLength"]) == (expected, {"host": "nvr"}, len(BODY) + 4)


def test_the_etag_may_be_the_md5_of_the_file_or_say_nothing(serve):
    assert in_parts(serve(Store(etag="file")), [BODY, b"tail"])["ETag"].strip('"') == (
        hashlib.md5(BODY + b"tail").hexdigest()
    )
    opaque = serve(Store(etag="opaque"))
    assert opaque.put_object(Bucket="b", Key="k", Body=BODY)["ETag"] != '"%s"' % hashlib.md5(BODY).hexdigest()


def test_complete_refuses_a_part_with_another_etag_and_an_upload_that_is_done(serve):
    client = serve(Store())
    name = client.create_multipart_upload(Bucket="b", Key="m")["UploadId"]
    client.upload_part(Bucket="b", Key="m", UploadId=name, PartNumber=1, Body=BODY)
    wrong = {"Parts": [{"PartNumber": 1, "ETag": "0" * 32}]}
    where = {"Bucket": "b", "Key": "m", "UploadId": name}
    assert refused(client.complete_multipart_upload, MultipartUpload=wrong, **where) == "InvalidPart"
    client.abort_multipart_upload(**where)
    assert refused(client.complete_multipart_upload, MultipartUpload=wrong, **where) == "NoSuchUpload"


def test_uploads_objects_and_parts_are_listed(serve):
    client = serve(Store())
    for key in ("cam/1", "cam/2", "other/1"):
        client.put_object(Bucket="b", Key=key, Body=b"v")
    client.create_multipart_upload(Bucket="b", Key="cam/3")
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket="b", Prefix="cam/", PaginationConfig={"PageSize": 1}
    )
    assert [item["Key"] for page in pages for item in page.get("Contents", [])] == ["cam/1", "cam/2"]
    assert [one["Key"] for one in client.list_multipart_uploads(Bucket="b", Prefix="cam/")["Uploads"]] == ["cam/3"]


def test_a_range_of_an_object_can_be_read(serve):
    client = serve(Store())
    client.put_object(Bucket="b", Key="k", Body=BODY)
    assert client.get_object(Bucket="b", Key="k", Range="bytes=5-14")["Body"].read() == BODY[5:15]


def test_a_sink_keeps_and_checks_what_is_small_and_discards_the_rest(serve):
    store = sink()
    client = serve(store)
    assert refused(client.put_object, Bucket="b", Key="probe", Body=b"probe", **WRONG["content-md5"]) == "BadDigest"
    big = bytes(3 * 1024 * 1024)
    client.put_object(Bucket="b", Key="big", Body=big, ContentMD5=encoded("md5", big))
    assert store.buckets["b"]["big"].data is None
    head = client.head_object(Bucket="b", Key="big")
    assert (head["ContentLength"], head["ETag"]) == (len(big), '"%s"' % hashlib.md5(big).hexdigest())


def test_what_does_not_exist_is_missed_by_its_name(serve):
    client = serve(Store())
    assert refused(client.get_object, Bucket="b", Key="none") == "NoSuchKey"
    assert refused(client.list_objects_v2, Bucket="none") == "NoSuchBucket"
