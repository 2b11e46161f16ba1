"""An S3 store in memory that enforces exactly what it is told to: one check at a time, all of them, or none.

It believes every signature. With `keep` it discards what is larger, and so becomes a sink for measuring clients.
`written` has the keys of all objects in the order in which they were made.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Callable, Iterable
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.simulators import s3_checksums
from tests.simulators.s3_messages import Blocks, Request, Response, aws_chunks, error, xml

CHECKSUMS = frozenset(s3_checksums.ALGORITHMS) - {"md5"}

EVERYTHING = frozenset({"content-md5", "payload-sha256"}) | CHECKSUMS
"""What can be enforced: the header Content-MD5, the signed hash of the payload, and each x-amz-checksum-*."""


MODE, UNTIL = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"


class Refused(Exception):
    """The request is answered by this error response."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        self.response = error(status, code, message)


@dataclass
class Blob:
    """Bytes the store took: an object or a part. `data` is None when they were discarded."""

    size: int
    etag: str
    data: bytes | None
    headers: dict[str, str] = field(default_factory=dict)
    modified: float = field(default_factory=time.time)


@dataclass
class Upload:
    """A multipart upload that is under way."""

    bucket: str
    key: str
    headers: dict[str, str]
    parts: dict[int, Blob] = field(default_factory=dict)
    started: float = field(default_factory=time.time)


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(moment))


def _kept(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("x-amz-meta-") or name == "content-type"}


class Store:
    """The store. Hand `answer` a request, get the response.

    enforce: which of EVERYTHING is compared with the bytes that arrived; a wrong one is a 400
    etag: `aws`, `file` (md5 of the whole object also after multipart), `opaque` or `empty`
    conditional: honours If-None-Match; echo: shows checksums it never checked, as rclone serve does
    keep: bodies of more bytes are discarded unseen, and their Content-MD5 is believed
    versioned: shows versions; locked: and the bucket has object lock: nothing is accepted without a checksum,
        nothing may be replaced, and nothing deleted before its lock ends
    ignores_lock: the operations that take the headers of an object lock and forget them
    """

    def __init__(
        self,
        enforce: Iterable[str] = EVERYTHING,
        etag: str = "aws",
        conditional: bool = True,
        echo: bool = False,
        keep: int | None = None,
        versioned: bool = False,
        locked: bool = False,
        ignores_lock: Iterable[str] = (),
    ) -> None:
        self._enforce: frozenset[str] = frozenset(enforce)
        assert self._enforce <= EVERYTHING, self._enforce - EVERYTHING
        self._etag, self._conditional, self._echo, self._keep = etag, conditional, echo, keep
        self._versioned, self._locked = versioned or locked, locked
        self._ignores_lock = frozenset(ignores_lock)
        self._lock = threading.RLock()
        self.written: list[str] = []
        self.buckets: dict[str, dict[str, Blob]] = {}
        self.uploads: dict[str, Upload] = {}
        self.lifecycle: dict[str, bytes] = {}

    def answer(self, request: Request) -> Response:
        """Given a request with an unread body, do it and return the response."""
        action: Callable[[Request], Response] | None = getattr(self, "_do_" + request.operation, None)
        try:
            if action is None:
                raise Refused(501, "NotImplemented", request.operation)
            if request.bucket and request.bucket not in self.buckets and request.operation != "CreateBucket":
                raise Refused(404, "NoSuchBucket", request.bucket)
            return action(request)
        except Refused as refusal:
            return refusal.response
        finally:
            request.drain()

    # Buckets

    def _do_ListBuckets(self, request: Request) -> Response:
        names = "".join("<Bucket><Name>%s</Name></Bucket>" % name for name in sorted(self.buckets))
        return xml("<ListAllMyBucketsResult><Buckets>%s</Buckets></ListAllMyBucketsResult>" % names)

    def _do_CreateBucket(self, request: Request) -> Response:
        self.buckets.setdefault(request.bucket, {})
        return Response(200)

    def _do_HeadBucket(self, request: Request) -> Response:
        return Response(200)

    def _do_GetBucketLocation(self, request: Request) -> Response:
        return xml("<LocationConstraint/>")

    def _do_GetBucketVersioning(self, request: Request) -> Response:
        return xml("<VersioningConfiguration/>")

    def _do_GetBucketLifecycleConfiguration(self, request: Request) -> Response:
        rules = self.lifecycle.get(request.bucket)
        if rules is None:
            raise Refused(404, "NoSuchLifecycleConfiguration")
        return Response(200, {"Content-Type": "application/xml"}, rules)

    def _do_PutBucketLifecycleConfiguration(self, request: Request) -> Response:
        body = b"".join(bytes(block) for block in request.blocks)
        rules = [node for node in ElementTree.fromstring(body) if node.tag.endswith("Rule")]
        names = [child.text for node in rules for child in node if child.tag.endswith("}ID")]
        if not rules or len(set(names)) != len(names) or len(rules) > 1000:
            raise Refused(400, "MalformedXML")
        self.lifecycle[request.bucket] = body
        return Response(200)

    def _do_DeleteBucketLifecycle(self, request: Request) -> Response:
        self.lifecycle.pop(request.bucket, None)
        return Response(204)

    def _do_ListObjects(self, request: Request) -> Response:
        query, objects = request.query, self.buckets[request.bucket]
        after = query.get("continuation-token") or query.get("marker") or query.get("start-after", "")
        limit = int(query.get("max-keys", 1000))
        names = [key for key in sorted(objects) if key.startswith(query.get("prefix", "")) and key > after]
        text = "<KeyCount>%d</KeyCount><MaxKeys>%d</MaxKeys>" % (len(names[:limit]), limit)
        if len(names) > limit:
            text += "<NextContinuationToken>%s</NextContinuationToken>" % escape(names[limit - 1])
        text += "<IsTruncated>%s</IsTruncated>" % str(len(names) > limit).lower()
        text += "".join(_listed(key, objects[key]) for key in names[:limit])
        return xml("<ListBucketResult>%s</ListBucketResult>" % text)

    _do_ListObjectsV2 = _do_ListObjects

    # Objects

    def _do_PutObject(self, request: Request) -> Response:
        lock = self._object_lock(request)
        blob = self._receive(request)
        blob.headers.update({**_kept(request.headers), **lock})
        with self._lock:
            self._refuse_overwrite(request)
            self._put(request, blob)
        return Response(200, {"ETag": blob.etag, **_checksums(blob.headers), **self._version(blob)})

    def _put(self, request: Request, blob: Blob) -> None:
        self.buckets[request.bucket][request.key] = blob
        self.written.append(request.key)

    def _version(self, blob: Blob) -> dict[str, str]:
        return {"x-amz-version-id": "v%d" % id(blob)} if self._versioned else {}

    def _do_HeadObject(self, request: Request) -> Response:
        blob = self._object(request)
        headers = {"ETag": blob.etag, "Last-Modified": formatdate(blob.modified, usegmt=True), **blob.headers}
        headers.update(self._version(blob))
        return Response(200, headers, length=blob.size)

    def _do_GetObject(self, request: Request) -> Response:
        blob = self._object(request)
        response = self._do_HeadObject(request)
        response.body, response.length = blob.data or b"", None
        if request.headers.get("range", "").startswith("bytes="):
            first, _, last = request.headers["range"][6:].partition("-")
            end = min(int(last or blob.size), blob.size - 1)
            response.status, response.body = 206, response.body[int(first) : end + 1]
            response.headers["Content-Range"] = "bytes %s-%d/%d" % (first, end, blob.size)
        return response

    def _do_DeleteObject(self, request: Request) -> Response:
        blob = self.buckets[request.bucket].get(request.key)
        if blob is not None and _in_future(blob.headers.get(UNTIL, "")):
            raise Refused(403, "AccessDenied", "Object Lock")
        self.buckets[request.bucket].pop(request.key, None)
        return Response(204)

    # Multipart uploads

    def _do_CreateMultipartUpload(self, request: Request) -> Response:
        name = uuid.uuid4().hex
        headers = {**_kept(request.headers), **self._object_lock(request)}
        self.uploads[name] = Upload(request.bucket, request.key, headers)
        text = "<Bucket>%s</Bucket><Key>%s</Key><UploadId>%s</UploadId>" % (request.bucket, escape(request.key), name)
        return xml("<InitiateMultipartUploadResult>%s</InitiateMultipartUploadResult>" % text)

    def _do_UploadPart(self, request: Request) -> Response:
        upload = self._upload(request)
        blob = self._receive(request)
        upload.parts[request.part] = blob
        return Response(200, {"ETag": blob.etag, **_checksums(blob.headers)})

    def _do_ListParts(self, request: Request) -> Response:
        upload = self._upload(request)
        after, limit = int(request.query.get("part-number-marker") or 0), int(request.query.get("max-parts", 1000))
        numbers = [number for number in sorted(upload.parts) if number > after]
        text = "<IsTruncated>%s</IsTruncated>" % str(len(numbers) > limit).lower()
        text += "<NextPartNumberMarker>%d</NextPartNumberMarker>" % (numbers[:limit] or [0])[-1]
        text += "".join(_listed_part(number, upload.parts[number]) for number in numbers[:limit])
        return xml("<ListPartsResult>%s</ListPartsResult>" % text)

    def _do_ListMultipartUploads(self, request: Request) -> Response:
        mine = [
            "<Upload><Key>%s</Key><UploadId>%s</UploadId><Initiated>%s</Initiated></Upload>"
            % (escape(upload.key), name, _iso(upload.started))
            for name, upload in sorted(self.uploads.items(), key=lambda item: item[1].key)
            if upload.bucket == request.bucket and upload.key.startswith(request.query.get("prefix", ""))
        ]
        text = "<IsTruncated>false</IsTruncated>" + "".join(mine)
        return xml("<ListMultipartUploadsResult>%s</ListMultipartUploadsResult>" % text)

    def _do_AbortMultipartUpload(self, request: Request) -> Response:
        self._upload(request)
        del self.uploads[request.query["uploadId"]]
        return Response(204)

    def _do_CompleteMultipartUpload(self, request: Request) -> Response:
        named = _named_parts(b"".join(bytes(block) for block in request.blocks))
        with self._lock:
            upload = self._upload(request)
            if not named or any(n not in upload.parts or upload.parts[n].etag.strip('"') != e for n, e in named):
                raise Refused(400, "InvalidPart", str(named))
            self._refuse_overwrite(request)
            blob = self._assembled([upload.parts[number] for number, _ in named])
            blob.headers.update(upload.headers)
            self._put(request, blob)
            del self.uploads[request.query["uploadId"]]
        text = "<Key>%s</Key><ETag>%s</ETag>" % (escape(request.key), escape(blob.etag))
        return xml("<CompleteMultipartUploadResult>%s</CompleteMultipartUploadResult>" % text)

    # How bytes come in

    def _receive(self, request: Request) -> Blob:
        claims = dict(request.headers)
        blocks = request.blocks
        if claims.get("x-amz-content-sha256", "").startswith("STREAMING-"):
            blocks = aws_chunks(blocks, claims)
        data, size = self._read(blocks, request.declared)
        if data is None:
            return Blob(size, self._tag(_claimed_md5(claims)), None, self._shown(claims))
        self._check(claims, data)
        return Blob(size, self._tag(hashlib.md5(data).hexdigest()), data, self._shown(claims))

    def _read(self, blocks: Blocks, declared: int) -> tuple[bytes | None, int]:
        if self._keep is not None and declared > self._keep:
            return None, sum(len(block) for block in blocks)
        data = bytearray()
        for block in blocks:
            data += block
        return bytes(data), len(data)

    def _check(self, claims: dict[str, str], data: bytes) -> None:
        if self._locked and not set(claims) & {"content-md5", *("x-amz-checksum-" + name for name in CHECKSUMS)}:
            raise Refused(400, "InvalidRequest", "Content-MD5 or a checksum is required with Object Lock")
        if "content-md5" in self._enforce & set(claims) and claims["content-md5"] != s3_checksums.encoded("md5", data):
            raise Refused(400, "BadDigest", "Content-MD5")
        payload = claims.get("x-amz-content-sha256", "")
        if "payload-sha256" in self._enforce and len(payload) == 64 and payload != hashlib.sha256(data).hexdigest():
            raise Refused(400, "XAmzContentSHA256Mismatch")
        for name in CHECKSUMS & self._enforce:
            claim = claims.get("x-amz-checksum-" + name)
            if claim and claim != s3_checksums.encoded(name, data):
                raise Refused(400, "BadDigest", name)

    def _shown(self, claims: dict[str, str]) -> dict[str, str]:
        shown = CHECKSUMS if self._echo else CHECKSUMS & self._enforce
        return {"x-amz-checksum-" + n: claims["x-amz-checksum-" + n] for n in shown if "x-amz-checksum-" + n in claims}

    def _assembled(self, parts: list[Blob]) -> Blob:
        size = sum(part.size for part in parts)
        whole = [part.data for part in parts if part.data is not None]
        data = b"".join(whole) if len(whole) == len(parts) else None
        if self._etag == "file" and data is not None:
            return Blob(size, self._tag(hashlib.md5(data).hexdigest()), data)
        if self._etag != "aws":
            return Blob(size, self._tag(""), data)
        digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
        return Blob(size, '"%s-%d"' % (hashlib.md5(digests).hexdigest(), len(parts)), data)

    def _tag(self, md5: str) -> str:
        if self._etag == "empty":
            return ""
        return '"%s"' % (uuid.uuid4().hex if self._etag == "opaque" or not md5 else md5)

    # What may be asked

    def _object(self, request: Request) -> Blob:
        blob = self.buckets[request.bucket].get(request.key)
        if blob is None:
            raise Refused(404, "NoSuchKey", request.key)
        return blob

    def _upload(self, request: Request) -> Upload:
        upload = self.uploads.get(request.query.get("uploadId", ""))
        if upload is None or (upload.bucket, upload.key) != (request.bucket, request.key):
            raise Refused(404, "NoSuchUpload")
        return upload

    def _object_lock(self, request: Request) -> dict[str, str]:
        """Return the headers of the object lock that is asked for."""
        asked = {name: value for name, value in request.headers.items() if name in (MODE, UNTIL)}
        if not asked or request.operation in self._ignores_lock:
            return {}
        if not self._locked:
            raise Refused(400, "InvalidRequest", "Bucket is missing Object Lock Configuration")
        if asked.get(MODE) not in ("GOVERNANCE", "COMPLIANCE") or UNTIL not in asked:
            raise Refused(400, "InvalidArgument", "Unknown wormMode directive.")
        if not _in_future(asked[UNTIL]):
            raise Refused(400, "InvalidArgument", "The retain until date must be in the future!")
        return asked

    def _refuse_overwrite(self, request: Request) -> None:
        exists = request.key in self.buckets[request.bucket]
        if self._conditional and exists and request.headers.get("if-none-match") == "*":
            raise Refused(412, "PreconditionFailed")
        if self._locked and exists:
            raise Refused(403, "AccessDenied", "Object Lock")


def _in_future(moment: str) -> bool:
    return moment > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _checksums(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("x-amz-checksum-")}


def _claimed_md5(claims: dict[str, str]) -> str:
    import base64

    return base64.b64decode(claims.get("content-md5", "")).hex()


def _named_parts(body: bytes) -> list[tuple[int, str]]:
    parts = [node for node in ElementTree.fromstring(body) if node.tag.endswith("Part")]
    values = [{child.tag.rpartition("}")[2]: child.text or "" for child in node} for node in parts]
    return [(int(value["PartNumber"]), value["ETag"].strip('"')) for value in values]


def _listed(key: str, blob: Blob) -> str:
    text = "<Contents><Key>%s</Key><LastModified>%s</LastModified><ETag>%s</ETag><Size>%d</Size></Contents>"
    return text % (escape(key), _iso(blob.modified), escape(blob.etag), blob.size)


def _listed_part(number: int, blob: Blob) -> str:
    text = "<Part><PartNumber>%d</PartNumber><LastModified>%s</LastModified><ETag>%s</ETag><Size>%d</Size></Part>"
    return text % (number, _iso(blob.modified), escape(blob.etag), blob.size)
