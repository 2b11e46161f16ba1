"""The real bucket client without a network: its requests go straight to the proxy's faults and the store behind."""

from __future__ import annotations

import contextlib
import io
import urllib.parse
from typing import Any, Iterator
from unittest import mock

import botocore.awsrequest

from camera_backup.bucket import wire
from camera_backup.bucket.channel import ConnectionLost
from tests.simulators.s3_messages import Hangup, Request, Response
from tests.simulators.s3_proxy import Proxy


@contextlib.contextmanager
def wired(proxy: Proxy) -> Iterator[None]:
    """Let every request of the product's client be answered by the proxy within this process.

    All above the socket is the real thing: botocore's signing and parsing, our client, its retries and judgements.
    """
    with mock.patch.object(wire.Wire, "send", lambda self, request, **_: _answered(proxy, request)):
        yield


def _answered(proxy: Proxy, sent: Any) -> Any:
    url = urllib.parse.urlsplit(sent.url)
    headers = {name.lower(): _text(value) for name, value in sent.headers.items()}
    target = url.path + ("?" + url.query if url.query else "")
    request = Request(sent.method, target, headers, _blocks(sent.body))
    try:
        answer = proxy.answer(request)
    except Hangup as hangup:
        raise ConnectionLost(str(hangup)) from None
    return response(sent, answer)


def response(sent: Any, answer: Response) -> Any:
    """Given a request of botocore and an answer, return it as botocore wants it."""
    length = len(answer.body) if answer.length is None else answer.length
    headers: Any = {**answer.headers, "Content-Length": str(length)}
    body = _Body(b"" if sent.method == "HEAD" else answer.body)
    reply = botocore.awsrequest.AWSResponse(sent.url, answer.status, headers, body)
    if not sent.stream_output or answer.status >= 300:
        reply.content  # noqa: B018  (read now, as the real wire does)
    return reply


class _Body(io.BytesIO):
    """A body in the manner of urllib3."""

    def stream(self, amount: int = 65536, decode_content: bool | None = None) -> Iterator[bytes]:
        while True:
            data = self.read(amount)
            if not data:
                return
            yield data


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _blocks(body: Any) -> Iterator[memoryview]:
    if body is None:
        return
    if isinstance(body, (bytes, bytearray, str)):
        yield memoryview(body.encode() if isinstance(body, str) else bytes(body))
        return
    while True:
        block = body.read(65536)
        if not block:
            return
        yield memoryview(bytes(block))
