"""The bucket as the rest of the program sees it: few operations, plain values, every failure a BucketError.

No operation replaces an object: `put` and `complete` carry `If-None-Match` where asked to, and whether it is honoured
is for the caller to know (I2). `remove` is for our own probe objects, which it checks.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, Dict, Iterator, Mapping, NamedTuple, Sequence

from camera_backup import journal
from camera_backup.bucket.errors import (
    DENIED,
    GONE,
    MISSING,
    NONSENSE,
    REFUSED,
    TRANSIENT,
    UNSUPPORTED,
    BucketError,
    classify,
    clock_skew,
    detail,
)
from camera_backup.bucket.hashing import CRC32, MD5, base64_digest
from camera_backup.bucket.lock import request_arguments
from camera_backup.bucket.proof import Object
from camera_backup.bucket.retry import Sleep, persist
from camera_backup.bucket.session import make_client
from camera_backup.bucket.slices import Slice, SourceChanged, SourceUnreadable
from camera_backup.bucket.stopping import Stop, Stopped
from camera_backup.bucket.wire import Wire
from camera_backup.model import S3, Lock

OWN = ".camera-backup"
"""Below the prefix; never the name of a camera."""

_PROMPT_SECONDS = 10.0
"""An answer that took longer tells the time of its beginning or of its end, nobody knows which: a store may begin to
answer minutes before it is done."""


class Part(NamedTuple):
    """A part the store holds."""

    number: int
    size: int
    etag: str


class Upload(NamedTuple):
    """A multipart upload the store knows."""

    key: str
    upload_id: str


class Entry(NamedTuple):
    """An object in a listing. `modified`: seconds since the epoch."""

    key: str
    size: int
    etag: str
    modified: float


Rule = Dict[str, Any]
"""A lifecycle rule, as S3 has it."""


class Download:
    """The bytes of an object, as they come."""

    def __init__(self, body: Any, key: str) -> None:  # noqa: ANN401  (botocore is not typed)
        self._body = body
        self._key = key

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes, empty at the end; raise BucketError."""
        try:
            data: bytes = self._body.read(size)
        except Exception as error:
            raise _failure(error, "GetObject", self._key) from error
        return data

    def close(self) -> None:
        """End it, read to the end or not."""
        self._body.close()


class Bucket:
    """One bucket. Any number of threads may use it.

    missing_denied: see `Capabilities`
    skew: seconds by which the store's clock was ahead of ours when it last answered at once; None until it has
    server: the name of the store's software, as it tells it
    repeat: given a pause to make, every request that fails for the moment is repeated. For requests without a file as
        their body only; who sends files knows better what a failure may have left behind
    """

    repeat: Sleep | None = None

    def __init__(
        self, s3: S3, stop: Stop | None = None, sdk_path: str | None = None, sign_payload: bool = False
    ) -> None:
        """stop: ends every wait with Stopped; sdk_path: from `sdk.prepare`; sign_payload: see `session`."""
        journal.redact.hide(s3.access_key_id, s3.secret_access_key)
        self._name = s3.bucket
        self._storage_class = s3.storage_class
        self._wire = Wire(s3.ca_file, stop or Stop())
        self._client = make_client(s3, self._wire, sdk_path, sign_payload)
        self.skew: float | None = None
        self.server = ""
        self.prefix = s3.prefix
        self.missing_denied = False

    def _call(self, operation: str, key: str = "", **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        if key:
            arguments["Key"] = key
        if self.repeat is None:
            return self._once(operation, key, arguments)
        return persist(lambda: self._once(operation, key, arguments), self.repeat, kinds=(TRANSIENT,))

    def _once(self, operation: str, key: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        asked = time.time()
        try:
            reply: dict[str, Any] = getattr(self._client, operation)(Bucket=self._name, **arguments)
        except Exception as error:
            self._learn(getattr(error, "response", None), asked)
            raise _failure(error, operation, key, "ObjectLockMode" in arguments) from error
        self._learn(reply, asked)
        return reply

    def _learn(self, answer: object, asked: float) -> None:
        """Given an answer, a refusal as well, and when the request was begun, learn what the store tells of itself."""
        if not isinstance(answer, Mapping):
            return
        self.server = str(_http_headers(answer).get("server", ""))
        answered = time.time()
        # Backwards, too: our own clock may be set meanwhile.
        if 0 <= answered - asked <= _PROMPT_SECONDS:
            skew = clock_skew(answer, (asked + answered) / 2)
            self.skew = self.skew if skew is None else skew

    def ask_the_time(self) -> None:
        """Learn `skew` from a request that may well be refused: with a key that may not read nothing else comes before
        the first upload.
        """
        with contextlib.suppress(BucketError):
            self._once("head_object", "", {"Key": "/".join(filter(None, (self.prefix, OWN, "time")))})

    def head(self, key: str) -> Object | None:
        """Return what the bucket shows of an object, None when there is none."""
        try:
            reply = self._call("head_object", key)
        except BucketError as error:
            if error.verdict.kind == MISSING:
                return None
            refusal = self._reason(error, key) if error.verdict.cause in (DENIED, REFUSED) else error
            if self.missing_denied and refusal.verdict.cause == DENIED:
                return None
            raise refusal from error
        _is_s3(reply, "head_object", key)
        metadata = {name.lower(): str(value) for name, value in reply.get("Metadata", {}).items()}
        return Object(int(reply.get("ContentLength", -1)), _etag(reply), metadata)

    def _reason(self, refusal: BucketError, key: str) -> BucketError:
        """Given that HEAD was refused, return why: its answer has no body that could say so, that of a GET has.

        HEAD is the first request of every run. Without this, a key that was taken away would look like one without
        permissions, and a wrong region like an object that will never be accepted.
        """
        try:
            self._call("get_object", key, Range="bytes=0-0")["Body"].close()
        except BucketError as error:
            return refusal if error.verdict.kind == MISSING else error
        return refusal

    def put(
        self,
        key: str,
        body: bytes | Slice,
        protection: Mapping[str, bytes],
        metadata: Mapping[str, str],
        absent: bool,  # noqa: ANN401
        lock: Lock | None = None,
    ) -> str:
        """Store an object in one piece; return its ETag.

        protection: MD5 or CRC32 → digest of the body; absent: ask for it to be refused where an object exists
        lock: of the object, from now on
        """
        condition = {"IfNoneMatch": "*"} if absent else {}
        options = {**_headers(protection), **condition, **self._made_of(metadata, lock)}
        return _etag(self._call("put_object", key, Body=body, **options))

    def _made_of(self, metadata: Mapping[str, str], lock: Lock | None) -> dict[str, Any]:
        options: dict[str, Any] = {"Metadata": dict(metadata), "ContentType": "video/mp4"}
        if lock is not None:
            options.update(request_arguments(lock, time.time()))
        if self._storage_class:
            options["StorageClass"] = self._storage_class
        return options

    def create(self, key: str, metadata: Mapping[str, str], mode: str, lock: Lock | None = None) -> str:
        """Begin a multipart upload; return its id. lock: of the object that it becomes, from now on."""
        options = {"ChecksumAlgorithm": "CRC32"} if mode == CRC32 else {}
        return str(self._call("create_multipart_upload", key, **options, **self._made_of(metadata, lock))["UploadId"])

    def part(self, key: str, upload_id: str, number: int, body: bytes | Slice, protection: Mapping[str, bytes]) -> str:
        """Send a part; return its ETag."""
        where = {"UploadId": upload_id, "PartNumber": number}
        etag = _etag(self._call("upload_part", key, Body=body, **where, **_headers(protection)))
        if not etag:
            raise BucketError(NONSENSE, "upload_part", key)
        return etag

    def complete(self, key: str, upload_id: str, parts: Sequence[Mapping[str, Any]], absent: bool) -> str:
        """Make an object of parts (`ETag`, `PartNumber`, and `ChecksumCRC32` in that mode); return the ETag told."""
        condition = {"IfNoneMatch": "*"} if absent else {}
        arguments = {"UploadId": upload_id, "MultipartUpload": {"Parts": list(parts)}, **condition}
        return _etag(self._call("complete_multipart_upload", key, **arguments))

    def abort(self, key: str, upload_id: str) -> None:
        """Drop a multipart upload and its parts. One that is gone is fine."""
        try:
            self._call("abort_multipart_upload", key, UploadId=upload_id)
        except BucketError as error:
            if error.verdict.kind not in (GONE, MISSING):
                raise

    def parts(self, key: str, upload_id: str) -> list[Part] | None:
        """Return the parts the store holds of an upload; None when it cannot or may not say; raise BucketError GONE."""
        found: list[Part] = []
        marker: dict[str, Any] = {}
        while True:
            try:
                reply = self._call("list_parts", key, UploadId=upload_id, **marker)
            except BucketError as error:
                if error.verdict.kind == UNSUPPORTED or error.verdict.cause == DENIED:
                    return None
                raise
            found += [Part(part["PartNumber"], part["Size"], _etag(part)) for part in reply.get("Parts", [])]
            following = reply.get("NextPartNumberMarker")
            if not reply.get("IsTruncated") or not following or {"PartNumberMarker": following} == marker:
                return found
            marker = {"PartNumberMarker": following}

    def uploads(self, key: str) -> list[Upload]:
        """Return the multipart uploads in progress for exactly this key; none where the store cannot or may not say."""
        try:
            reply = self._call("list_multipart_uploads", Prefix=key)
        except BucketError as error:
            # rclone says NoSuchUpload when there is none at all.
            if error.verdict.kind in (GONE, MISSING, UNSUPPORTED) or error.verdict.cause == DENIED:
                return []
            raise
        found = [Upload(upload["Key"], upload["UploadId"]) for upload in reply.get("Uploads", [])]
        return [upload for upload in found if upload.key == key]

    def open(self, key: str, start: int = 0, etag: str = "") -> Download:
        """Begin to read an object from a byte on; with an ETag, only while it is still that object."""
        options = {"Range": "bytes=%d-" % start} if start else {}
        same = {"IfMatch": '"%s"' % etag} if start and etag else {}
        reply = self._call("get_object", key, **options, **same)
        _is_s3(reply, "get_object", key)
        return Download(reply["Body"], key)

    def list(self, prefix: str, start_after: str = "", stop_at: str = "\U0010ffff") -> Iterator[Entry]:
        """Yield the objects below a prefix in the order of their keys, after `start_after` and before `stop_at`."""
        arguments: dict[str, Any] = {"Prefix": prefix, "StartAfter": start_after}
        while True:
            reply = self._call("list_objects_v2", **arguments)
            for item in reply.get("Contents", []):
                if item["Key"] >= stop_at:
                    return
                yield Entry(item["Key"], item["Size"], _etag(item), item["LastModified"].timestamp())
            if not reply.get("IsTruncated"):
                return
            arguments["ContinuationToken"] = reply["NextContinuationToken"]

    def remove(self, key: str) -> None:
        """Delete an object of our own probe; footage is never deleted from a bucket."""
        if "/%s/" % OWN not in "/" + key:
            raise ValueError("%s is not ours to delete" % key)
        self._call("delete_object", key)

    def lifecycle(self) -> Sequence[Rule] | None:
        """Return the lifecycle rules of the bucket, None when the store knows no such thing."""
        try:
            reply = self._call("get_bucket_lifecycle_configuration")
        except BucketError as error:
            if error.verdict.kind == UNSUPPORTED:
                return None
            if error.verdict.kind == MISSING:
                return []
            raise
        return list(reply.get("Rules", []))

    def set_lifecycle(self, rules: Sequence[Rule]) -> None:
        """Replace all lifecycle rules of the bucket; raise BucketError."""
        if rules:
            configuration = {"Rules": [dict(rule) for rule in rules]}
            self._call("put_bucket_lifecycle_configuration", LifecycleConfiguration=configuration)
        else:
            self._call("delete_bucket_lifecycle")

    def versioning(self) -> str | None:
        """Return `Enabled`, `Suspended`, "" for neither, or None when it cannot be known."""
        try:
            return str(self._call("get_bucket_versioning").get("Status", ""))
        except BucketError:
            return None

    def close(self) -> None:
        """End all connections."""
        self._wire.close()


def _http_headers(reply: Mapping[str, Any]) -> Mapping[str, str]:
    headers: Mapping[str, str] = reply.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return headers


def _is_s3(reply: Mapping[str, Any], operation: str, key: str) -> None:
    """Raise BucketError when a 200 comes from something that is no S3, as the login page of a network."""
    if not reply.get("ETag") and not reply.get("LastModified"):
        raise BucketError(NONSENSE, operation, key)


def _etag(reply: Mapping[str, Any]) -> str:
    return str(reply.get("ETag", "")).strip('"')


def _headers(protection: Mapping[str, bytes]) -> dict[str, str]:
    names = {MD5: "ContentMD5", CRC32: "ChecksumCRC32"}
    return {names[mode]: base64_digest(digest) for mode, digest in protection.items()}


def _failure(error: Exception, operation: str, key: str, locking: bool = False) -> BaseException:
    """Return what to raise: a BucketError, or the error itself where it is none of the network.

    locking: the request asked for an object lock
    """
    if isinstance(error, (BucketError, Stopped, SourceChanged, SourceUnreadable)):
        return error
    return BucketError(classify(error, time.time(), locking), operation, key, journal.redact(detail(error)))
