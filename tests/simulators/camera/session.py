"""One RTSP connection (RFC 2326)."""

from __future__ import annotations

import asyncio
import functools
import re
import secrets
import socket
import struct
from typing import Callable, NamedTuple, Sequence
from urllib.parse import unquote, urlsplit

from tests.simulators.camera import auth, udp
from tests.simulators.camera.mount import Mount
from tests.simulators.camera.player import Outlet, Player

_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    454: "Session Not Found",
    461: "Unsupported Transport",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}
_METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER")
_OPEN = ("OPTIONS",)  # answered without a login, as cameras do


class Request(NamedTuple):
    """method, uri and headers (names in lower case) of a request."""

    method: str
    uri: str
    headers: dict[str, str]


class Refusal(Exception):
    """An RTSP status that ends the handling of a request."""

    def __init__(self, status: int, *headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers


def take(buffer: bytearray) -> Request | None:
    """Given what a client sent, remove the first request (and binary frames before it) and return it.

    Return None, and leave the buffer, while it is incomplete.
    """
    while buffer[:1] == b"$":
        size = 4 + int.from_bytes(buffer[2:4], "big")
        if len(buffer) < max(size, 4):
            return None
        del buffer[:size]
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    first, *lines = bytes(buffer[:end]).decode("utf-8", "surrogateescape").split("\r\n")
    fields = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    size = int(headers.get("content-length", "0"))
    if len(buffer) < end + 4 + size:
        return None
    del buffer[: end + 4 + size]
    method, _, rest = first.partition(" ")
    return Request(method, rest.rpartition(" ")[0], headers)


class Session(asyncio.Protocol):
    """Answers the requests of one client, and carries its media."""

    def __init__(self, mounts: Sequence[Mount], datagrams: Callable[[], udp.Pair], sessions: set[Session]):
        self._mounts = mounts
        self._datagrams = datagrams
        self._sessions = sessions
        self._buffer = bytearray()
        self._nonce = secrets.token_hex(16)
        self._id = secrets.token_hex(8)
        self._outlets: dict[str, Outlet] = {}
        self._player: Player | None = None
        self._transport: asyncio.Transport
        self.mount: Mount | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._sessions.add(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._process()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.mount is not None and self._player is not None:
            self.mount.leave(self._player)
        self._sessions.discard(self)

    def drop(self, how: str) -> None:
        """End the connection: "fin" after what was sent, "rst" at once."""
        if self._player is not None and self.mount is not None:
            self._player.flush()
            self.mount.leave(self._player)
        if how == "rst":
            peer = self._transport.get_extra_info("socket")
            if peer is not None:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()

    def _process(self) -> None:
        while self._buffer and not self._transport.is_closing():
            kept = bytes(self._buffer)
            request = take(self._buffer)
            if request is None:
                return
            mount = self._find(request.uri)
            if mount is not None and self._ignored(mount, request):
                self._buffer[:] = kept
                mount.parked.append(self._process)
                return
            self._handle(mount, request)

    def _ignored(self, mount: Mount, request: Request) -> bool:
        return "freeze" in mount.faults or ("hang" in mount.faults and request.method == "DESCRIBE")

    def _find(self, uri: str) -> Mount | None:
        parts = urlsplit(uri)
        path = unquote(parts.path + ("?" + parts.query if parts.query else ""))
        fitting = [one for one in self._mounts if path == one.path or path.startswith(one.path.rstrip("/") + "/")]
        return max(fitting, key=lambda one: len(one.path), default=None)

    def _handle(self, mount: Mount | None, request: Request) -> None:
        try:
            if request.method not in _METHODS:
                raise Refusal(501)
            if mount is None:
                raise Refusal(404)
            self._enter(mount)
            self._authorize(mount, request)
            getattr(self, "_" + request.method.lower())(mount, request)
        except Refusal as refusal:
            self._reply(request, refusal.status, *refusal.headers)

    def _enter(self, mount: Mount) -> None:
        if self.mount is None:
            mount.counts["connections"] += 1
        self.mount = mount
        mount.counts["requests"] += 1

    def _authorize(self, mount: Mount, request: Request) -> None:
        login = mount.login
        challenge = "WWW-Authenticate: " + auth.challenge(login or auth.Login("digest", "", ""), self._nonce)
        if request.method in _OPEN:
            return
        if "status" in mount.faults and request.method in ("DESCRIBE", "SETUP", "PLAY"):
            status = int(mount.faults["status"])
            raise Refusal(status, *([challenge] if status == 401 else []))
        if login is None:
            return
        given = request.headers.get("authorization")
        if given is None:
            raise Refusal(401, challenge)
        if not auth.accepts(login, self._nonce, request.method, request.uri, given):
            mount.counts["logins_refused"] += 1
            raise Refusal(401, challenge)

    def _reply(self, request: Request, status: int, *headers: str, body: str = "") -> None:
        lines = [
            "RTSP/1.0 %d %s" % (status, _REASONS.get(status, "Status")),
            "CSeq: " + request.headers.get("cseq", "0"),
        ]
        lines += [*headers, "Content-Length: %d" % len(body)] if body else headers
        self._transport.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8", "surrogateescape"))

    def _options(self, mount: Mount, request: Request) -> None:
        mount.counts["keepalives"] += self._player is not None
        self._reply(request, 200, "Public: " + ", ".join(_METHODS))

    def _get_parameter(self, mount: Mount, request: Request) -> None:
        mount.counts["keepalives"] += 1
        self._reply(request, 200, "Session: " + self._id)

    _set_parameter = _get_parameter

    def _describe(self, mount: Mount, request: Request) -> None:
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=" + mount.name, "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*"]
        track = 0
        for line in mount.describe():
            lines.append(line)
            if line.startswith("m="):
                lines.append("a=control:track%d" % track)
                track += 1
        base = "Content-Base: %s/" % request.uri.rstrip("/")
        self._reply(request, 200, base, "Content-Type: application/sdp", body="\r\n".join(lines) + "\r\n")

    def _setup(self, mount: Mount, request: Request) -> None:
        track = re.search(r"/track([0-2])$", request.uri)
        kinds = ["video"] + (["audio"] if mount.clip.audio is not None else [])
        if track is not None and int(track[1]) == len(kinds) and "second_picture" in mount.faults:
            self._reply(request, 200, "Transport: %s" % request.headers.get("transport", ""), self._session())
            return
        if track is None or int(track[1]) >= len(kinds):
            raise Refusal(404)
        kind = kinds[int(track[1])]
        wanted = request.headers.get("transport", "")
        if "TCP" in wanted:
            pair = re.search(r"interleaved=(\d+)", wanted)
            self._outlets[kind], answer = self._interleaved(int(pair[1]) if pair else 2 * int(track[1]))
        else:
            pair = re.search(r"client_port=(\d+)", wanted)
            if pair is None or "multicast" in wanted:
                raise Refusal(461)
            self._outlets[kind], answer = self._udp(int(pair[1]))
        self._reply(request, 200, "Transport: %s;ssrc=%08X" % (answer, self._outlets[kind].source), self._session())

    def _session(self) -> str:
        return "Session: %s;timeout=60" % self._id

    def _interleaved(self, channel: int) -> tuple[Outlet, str]:
        answer = "RTP/AVP/TCP;unicast;interleaved=%d-%d" % (channel, channel + 1)
        return Outlet(self._write, self._write, channel), answer

    def _udp(self, port: int) -> tuple[Outlet, str]:
        host = self._transport.get_extra_info("peername")[0]
        ours = self._datagrams()
        answer = "RTP/AVP;unicast;client_port=%d-%d;server_port=%d-%d" % (port, port + 1, ours.port, ours.port + 1)
        media = functools.partial(ours.send, host=host, port=port)
        return Outlet(media, functools.partial(ours.report, host=host, port=port + 1)), answer

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def _play(self, mount: Mount, request: Request) -> None:
        if not self._outlets:
            raise Refusal(454)
        self._reply(request, 200, self._session(), "Range: npt=now-")
        if self._player is None:
            agent = request.headers.get("user-agent", "")
            self._player = Player(self._outlets, self._transport.get_write_buffer_size, agent)
            mount.play(self._player)

    def _pause(self, mount: Mount, request: Request) -> None:
        self._stop(mount)
        self._reply(request, 200, self._session())

    def _teardown(self, mount: Mount, request: Request) -> None:
        self._stop(mount)
        self._reply(request, 200)
        self._transport.close()

    def _stop(self, mount: Mount) -> None:
        if self._player is not None:
            mount.leave(self._player)
            self._player = None
