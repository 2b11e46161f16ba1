"""The policies of docs/bucket.md name what the requests of our client need, and nothing else."""

import inspect
import json
import re
from pathlib import Path

import pytest

from camera_backup.bucket import client
from camera_backup.bucket.client import OWN
from camera_backup.bucket.lock import request_arguments
from camera_backup.model import Lock

PAGE = Path(__file__).parents[2] / "docs" / "bucket.md"

ACTIONS = {
    "abort_multipart_upload": "s3:AbortMultipartUpload",
    "complete_multipart_upload": "s3:PutObject",
    "create_multipart_upload": "s3:PutObject",
    "delete_object": "s3:DeleteObject",
    "get_object": "s3:GetObject",
    "head_object": "s3:GetObject",
    "list_multipart_uploads": "s3:ListBucketMultipartUploads",
    "list_objects_v2": "s3:ListBucket",
    "list_parts": "s3:ListMultipartUploadParts",
    "put_object": "s3:PutObject",
    "upload_part": "s3:PutObject",
    "delete_bucket_lifecycle": "s3:PutLifecycleConfiguration",
    "get_bucket_lifecycle_configuration": "s3:GetLifecycleConfiguration",
    "get_bucket_versioning": "s3:GetBucketVersioning",
    "put_bucket_lifecycle_configuration": "s3:PutLifecycleConfiguration",
}
"""The action that AWS asks for, for each of its requests (Service Authorization Reference)."""

EXTRA = {"ObjectLockMode": "s3:PutObjectRetention", "ObjectLockLegalHoldStatus": "s3:PutObjectLegalHold"}
"""The action that AWS asks for in addition, for arguments of requests."""

RETENTION = {operation for operation in ACTIONS if "lifecycle" in operation or "versioning" in operation}
"""The requests of `camera-backup retention`, which an operator runs with another key."""

WRITING = {"put_object", "create_multipart_upload", "upload_part", "complete_multipart_upload"}


def operations():
    """Return the requests that our client makes, read from its code."""
    return set(re.findall(r'_call\(\s*"(\w+)"', inspect.getsource(client)))


def arguments():
    """Return the arguments of our requests that need a right of their own, read from the code that makes them."""
    return set(request_arguments(Lock("governance", 1), 0.0)) & set(EXTRA)


def policy(name):
    text = re.search(r"<!-- policy: %s -->\n```json\n(.*?)```" % name, PAGE.read_text(), re.DOTALL)
    assert text, name
    found = json.loads(text[1])
    assert found["Version"] == "2012-10-17"
    assert {statement["Effect"] for statement in found["Statement"]} == {"Allow"}
    return {action: statement["Resource"] for statement in found["Statement"] for action in statement["Action"]}


def test_every_request_of_the_client_is_known_here():
    assert operations() == set(ACTIONS)


def test_the_policy_for_reading_and_writing_names_exactly_what_the_client_asks_for():
    assert set(policy("read-write")) == {ACTIONS[operation] for operation in operations() - RETENTION}


def test_the_policy_for_retention_names_exactly_what_that_asks_for():
    assert set(policy("retention")) == {ACTIONS[operation] for operation in RETENTION}
    assert set(policy("retention").values()) == {"arn:aws:s3:::BUCKET"}


def test_the_policy_for_writing_only_names_exactly_what_an_upload_asks_for():
    assert operations() >= WRITING
    assert set(policy("write-only")) == {ACTIONS[operation] for operation in WRITING}


def test_the_policy_for_object_lock_names_exactly_what_that_asks_for_in_addition():
    assert set(policy("object-lock")) == {EXTRA[argument] for argument in arguments()}


@pytest.mark.parametrize("name", ["read-write", "write-only", "object-lock"])
def test_objects_are_allowed_below_the_prefix_only_and_deleting_only_our_probe(name):
    of_bucket = {"s3:ListBucket", "s3:ListBucketMultipartUploads"}
    for action, resource in policy(name).items():
        if action == "s3:DeleteObject":
            assert resource == "arn:aws:s3:::BUCKET/PREFIX/%s/probe/*" % OWN
        elif action in of_bucket:
            assert resource == "arn:aws:s3:::BUCKET"
        else:
            assert resource == "arn:aws:s3:::BUCKET/PREFIX/*"


def test_every_right_is_explained():
    table = PAGE.read_text()
    for action in policy("read-write"):
        assert "| `%s`" % action in table
