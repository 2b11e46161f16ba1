"""HTTP below botocore: it signs and parses, this sends. Plugged in where botocore lets a handler answer a request.

With a proxy in the environment, botocore's own transport is left to do the work.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import urllib.parse
import urllib.request
from typing import Any, Iterator, Mapping

from camera_backup.bucket import strangers
from camera_backup.bucket.channel import CertificateRefused, Channel, ConnectionLost, trusting
from camera_backup.bucket.stopping import Stop

_BLOCK = 256 * 1024


class Wire:
    """Sends requests over connections that are kept open. Any number of threads."""

    def __init__(self, ca_file: str | None, stop: Stop) -> None:
        """ca_file: certificates to trust in place of the system's."""
        self._ca_file = ca_file
        self._stop = stop
        self._proxied = urllib.request.getproxies()
        self._context: ssl.SSLContext | None = None
        self._idle: dict[tuple[str, str, int], list[Channel]] = {}
        self._lock = threading.Lock()

    def send(self, request: Any, **_: object) -> Any:  # noqa: ANN401  (botocore is not typed)
        """Given a signed request of botocore, return the response; None leaves it to botocore (behind a proxy)."""
        url = urllib.parse.urlsplit(request.url)
        host = url.hostname or ""
        if url.scheme in self._proxied and not urllib.request.proxy_bypass(host):
            return None
        address = (url.scheme, host, url.port or (443 if url.scheme == "https" else 80))
        channel = self._channel(address)
        try:
            _write(channel, request, url)
            reply = _reply(channel, request.method)
            stranger = strangers.told(request.method, reply.status, _small(reply))
            if stranger:
                raise strangers.NotTheStore(stranger)
        except BaseException:
            channel.close()
            raise
        return _response(request, reply, _Raw(reply, lambda good: self._give_back(address, channel, good)))

    def _channel(self, address: tuple[str, str, int]) -> Channel:
        while True:
            with self._lock:
                waiting = self._idle.get(address)
                channel = waiting.pop() if waiting else None
            if channel is None:
                return self._opened(*address)
            if self._is_good(channel):
                return channel

    @staticmethod
    def _is_good(channel: Channel) -> bool:
        """Say whether an idle connection can be used; it is closed if not."""
        good = False
        try:
            good = channel.idle()
        finally:  # also when we are to stop
            if not good:
                channel.close()
        return good

    def _opened(self, scheme: str, host: str, port: int) -> Channel:
        try:
            return Channel(host, port, self._trust() if scheme == "https" else None, self._stop)
        except CertificateRefused as error:
            raise strangers.named(error, host, port, self._stop) from None

    def _trust(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                self._context = trusting(self._ca_file)
            return self._context

    def _give_back(self, address: tuple[str, str, int], channel: Channel, good: bool) -> None:
        if not good or channel.replied:
            channel.close()
            return
        with self._lock:
            self._idle.setdefault(address, []).append(channel)

    def close(self) -> None:
        """End all connections."""
        with self._lock:
            for channels in self._idle.values():
                for channel in channels:
                    channel.close()
            self._idle.clear()


class _Raw:
    """The body of a response, in the manner of urllib3."""

    def __init__(self, reply: http.client.HTTPResponse, done: Any) -> None:  # noqa: ANN401
        self._reply = reply
        self._done = done

    def read(self, amount: int | None = None) -> bytes:
        try:
            data = self._reply.read(amount) if amount is not None else self._reply.read()
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise ConnectionLost("the answer ended early (%s)" % type(error).__name__) from error
        if not data and amount != 0 and self._reply.length:
            self.close()
            raise ConnectionLost("the answer ended %d bytes early" % self._reply.length)
        if self._reply.isclosed():
            self._finish(good=not self._reply.will_close)
        return data

    def stream(self, amount: int = _BLOCK, decode_content: bool | None = None) -> Iterator[bytes]:
        while True:
            data = self.read(_BLOCK)
            if not data:
                return
            yield data

    def close(self) -> None:
        self._finish(good=False)

    def _finish(self, good: bool) -> None:
        done, self._done = self._done, None
        if done:
            done(good)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _head(request: Any, url: urllib.parse.SplitResult) -> bytes:  # noqa: ANN401
    default = {"https": 443, "http": 80}[url.scheme]
    host = "[%s]" % url.hostname if ":" in (url.hostname or "") else url.hostname or ""
    headers: Mapping[str, str | bytes] = request.headers
    lines = [
        "%s %s HTTP/1.1" % (request.method, urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))),
        # As botocore signed it: without the port that the scheme implies.
        "Host: %s" % (host if url.port in (None, default) else "%s:%d" % (host, url.port or 0)),
        "Accept-Encoding: identity",
        *("%s: %s" % (name, _text(value)) for name, value in headers.items()),
    ]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header with a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _write(channel: Channel, request: Any, url: urllib.parse.SplitResult) -> None:  # noqa: ANN401
    head = _head(request, url)
    body = request.body
    if body is None or isinstance(body, (bytes, bytearray, str)):
        channel.send(head + (body.encode() if isinstance(body, str) else bytes(body or b"")))
        return
    channel.send(head)
    while not channel.replied:
        block = body.read(_BLOCK)
        if not block:
            return
        channel.send(block)


def _reply(channel: Channel, method: str) -> http.client.HTTPResponse:
    reply = http.client.HTTPResponse(channel, method=method)  # type: ignore[arg-type]
    try:
        reply.begin()
    except http.client.HTTPException as error:
        raise ConnectionLost("no answer (%s)" % type(error).__name__) from error
    return reply


def _small(reply: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in reply.getheaders()}


def _response(request: Any, reply: http.client.HTTPResponse, raw: _Raw) -> Any:  # noqa: ANN401
    import botocore.awsrequest

    headers: Any = dict(reply.getheaders())
    response = botocore.awsrequest.AWSResponse(request.url, reply.status, headers, raw)
    if not request.stream_output or reply.status >= 300:
        response.content  # noqa: B018  (read now: the connection is free for the next request)
    return response
