"""The trimmed data of botocore makes the same requests as the whole."""

import dataclasses
import os

import botocore.loaders
import pytest

from camera_backup.bucket import sdk
from camera_backup.bucket.session import make_client
from camera_backup.bucket.stopping import Stop
from camera_backup.bucket.wire import Wire
from camera_backup.model import S3

S3_BUCKET = S3("AKID", "secret", "b", "https://s3.example.net:9000", "eu-x-1", "p", "path", None, None, "auto")

REQUESTS = {
    "put_object": {"Key": "k", "ContentMD5": "x", "IfNoneMatch": "*", "Metadata": {"a": "b"}, "StorageClass": "COLD"},
    "head_object": {"Key": "a b/ü"},
    "get_object": {"Key": "k", "Range": "bytes=1-", "IfMatch": '"e"'},
    "delete_object": {"Key": "k"},
    "create_multipart_upload": {"Key": "k", "ChecksumAlgorithm": "CRC32"},
    "upload_part": {"Key": "k", "UploadId": "u", "PartNumber": 3, "ChecksumCRC32": "AAAAAA=="},
    "complete_multipart_upload": {"Key": "k", "UploadId": "u", "IfNoneMatch": "*"},
    "abort_multipart_upload": {"Key": "k", "UploadId": "u"},
    "list_parts": {"Key": "k", "UploadId": "u", "PartNumberMarker": 5},
    "list_multipart_uploads": {"Prefix": "k"},
    "list_objects_v2": {"Prefix": "k", "StartAfter": "l"},
    "head_bucket": {},
}


@pytest.fixture(scope="module")
def trimmed(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("sdk"))
    assert not sdk.ready(path)
    sdk.write(path)
    assert sdk.ready(path)
    return path


def signed(sdk_path, style="path"):
    """Return the signed URL of every request, the signature left out."""
    client = make_client(dataclasses.replace(S3_BUCKET, addressing_style=style), Wire(None, Stop()), sdk_path, False)
    urls = {
        name: client.generate_presigned_url(name, Params={"Bucket": "b", **arguments})
        for name, arguments in REQUESTS.items()
    }
    return {name: url.partition("&X-Amz-Date")[0] for name, url in urls.items()}


@pytest.mark.parametrize("style", ["path", "virtual", "auto"])
def test_every_operation_is_requested_in_the_same_way(trimmed, style):
    assert {"".join(word.title() for word in name.split("_")) for name in REQUESTS} == set(sdk.OPERATIONS)
    assert signed(trimmed, style) == signed(None, style)


def test_it_is_a_tenth_of_the_size(trimmed):
    def size(path):
        return sum(os.path.getsize(os.path.join(d, name)) for d, _, names in os.walk(path) for name in names)

    builtin = os.path.join(botocore.loaders.Loader.BUILTIN_DATA_PATH)
    assert size(trimmed) < 0.1 * os.path.getsize(os.path.join(builtin, "endpoints.json"))


def test_it_is_made_once_and_for_one_version(tmp_path, monkeypatch):
    path = sdk.prepare(str(tmp_path))
    assert path == sdk.directory(str(tmp_path))
    before = os.stat(os.path.join(path, "endpoints.json")).st_mtime_ns
    assert sdk.prepare(str(tmp_path)) == path
    assert os.stat(os.path.join(path, "endpoints.json")).st_mtime_ns == before
    monkeypatch.setattr("botocore.__version__", "9.9.9")
    assert sdk.directory(str(tmp_path)) != path


def test_where_it_cannot_be_made_botocore_uses_its_own(tmp_path):
    (tmp_path / "sdk").write_text("a file where a directory should be")
    assert sdk.prepare(str(tmp_path)) is None
