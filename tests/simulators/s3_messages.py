"""What travels between an S3 client and a server: requests with a body read block by block, responses, error texts."""

from __future__ import annotations

import io
import urllib.parse
from dataclasses import dataclass, field
from typing import Iterator
from xml.sax.saxutils import escape

BLOCK = 256 * 1024

Blocks = Iterator[memoryview]


class Hangup(Exception):
    """The connection ends here with a TCP reset: a fault asked for it, or the client went away."""


@dataclass
class Response:
    """An answer. `length`: what Content-Length says when there is no body to measure (HEAD).

    early: it is sent without waiting for the body of the request, and the connection is closed after it
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: int | None = None
    early: bool = False


@dataclass
class Request:
    """A request whose body has not been read. Header names are in lower case; query values are decoded."""

    method: str
    target: str
    headers: dict[str, str]
    blocks: Blocks
    bucket: str = ""
    key: str = ""
    query: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        path, _, query = self.target.partition("?")
        bucket, _, key = path.lstrip("/").partition("/")
        self.bucket, self.key = urllib.parse.unquote(bucket), urllib.parse.unquote(key)
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    @property
    def operation(self) -> str:
        """The name S3 gives to this request."""
        return _operation(self)

    @property
    def part(self) -> int:
        """The number of the part, 0 when there is none."""
        return int(self.query.get("partNumber", 0))

    @property
    def declared(self) -> int:
        """Bytes of payload the client announced, 0 when it did not."""
        decoded = self.headers.get("x-amz-decoded-content-length")
        return int(decoded or self.headers.get("content-length") or 0)

    def drain(self) -> None:
        """Read the rest of the body, so that the next request of the connection begins where it should."""
        for _ in self.blocks:
            pass


_OBJECT = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
_UPLOAD = {"PUT": "UploadPart", "GET": "ListParts", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}
_BUCKET = {"PUT": "CreateBucket", "HEAD": "HeadBucket", "DELETE": "DeleteBucket", "POST": "DeleteObjects"}
_LIFECYCLE = {
    "GET": "GetBucketLifecycleConfiguration",
    "PUT": "PutBucketLifecycleConfiguration",
    "DELETE": "DeleteBucketLifecycle",
}
_LISTS = {
    "uploads": "ListMultipartUploads",
    "location": "GetBucketLocation",
    "versioning": "GetBucketVersioning",
    "list-type": "ListObjectsV2",
}


def _operation(request: Request) -> str:
    method, query = request.method, request.query
    if not request.bucket:
        return "ListBuckets"
    if not request.key and "lifecycle" in query:
        return _LIFECYCLE.get(method, method)
    if not request.key:
        lists = next((name for word, name in _LISTS.items() if word in query), "ListObjects")
        return _BUCKET.get(method, lists)
    if "uploadId" in query:
        return _UPLOAD.get(method, method)
    if "uploads" in query:
        return "CreateMultipartUpload"
    if "x-amz-copy-source" in request.headers:
        return "CopyObject"
    return _OBJECT.get(method, method)


def error(status: int, code: str, message: str = "") -> Response:
    """Return an error in S3's form; a status of 200 is what AWS sends when Complete fails after its headers."""
    text = "<Error><Code>%s</Code><Message>%s</Message><RequestId>simulated</RequestId></Error>"
    return xml(text % (escape(code), escape(message or code)), status)


def xml(text: str, status: int = 200) -> Response:
    """Return a response that carries an XML document."""
    body = '<?xml version="1.0" encoding="UTF-8"?>\n' + text
    return Response(status, {"Content-Type": "application/xml"}, body.encode())


def body_blocks(stream: io.BufferedIOBase, headers: dict[str, str]) -> Blocks:
    """Given the stream after the headers, yield the body as it is framed by HTTP.

    A block is valid until the next one is asked for. Raise Hangup when the client leaves in the middle.
    """
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _chunked(stream)
    return _sized(stream, int(headers.get("content-length") or 0))


def _sized(stream: io.BufferedIOBase, length: int) -> Blocks:
    buffer = memoryview(bytearray(min(BLOCK, length)))
    while length:
        count = stream.readinto(buffer[: min(BLOCK, length)])
        if not count:
            raise Hangup("the client left with %d bytes to come" % length)
        length -= count
        yield buffer[:count]


def _chunked(stream: io.BufferedIOBase) -> Blocks:
    while True:
        size = int(stream.readline().split(b";")[0] or b"-1", 16)
        if size < 0:
            raise Hangup("the client left between two chunks")
        yield from _sized(stream, size)
        stream.readline()
        if size == 0:
            return


def aws_chunks(blocks: Blocks, trailers: dict[str, str]) -> Blocks:
    """Given a body in the `aws-chunked` encoding, yield its payload and fill `trailers` with what follows it."""
    buffer = bytearray()

    def more() -> None:
        block = next(blocks, None)
        if block is None:
            raise Hangup("the aws-chunked body ends early")
        buffer.extend(block)

    def line() -> bytes:
        while b"\r\n" not in buffer:
            more()
        text, _, rest = bytes(buffer).partition(b"\r\n")
        buffer[:] = rest
        return text

    while True:
        size = int(line().split(b";")[0], 16)
        if size == 0:
            break
        while len(buffer) < size + 2:
            more()
        yield memoryview(bytes(buffer[:size]))
        del buffer[: size + 2]
    for block in blocks:
        buffer.extend(block)
    for text in bytes(buffer).decode().splitlines():
        name, _, value = text.partition(":")
        if value:
            trailers[name.strip().lower()] = value.strip()
