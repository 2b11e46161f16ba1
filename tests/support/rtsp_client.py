"""An RTSP client small enough to see every byte: for tests of the simulated camera, and for load without decoding."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import time
from types import TracebackType
from typing import Iterator, NamedTuple

from tests.simulators.camera.auth import digest
from tests.simulators.camera.handle import Camera

SECONDS = 10.0


class Response(NamedTuple):
    """An answer: its status, headers (names in lower case), body."""

    status: int
    headers: dict[str, str]
    body: str


class Packet(NamedTuple):
    """An interleaved RTP packet: its channel, the fields of its header, its payload."""

    channel: int
    marker: bool
    kind: int
    sequence: int
    timestamp: int
    source: int
    payload: bytes


class Client:
    """One connection to a camera."""

    def __init__(self, camera: Camera, context: ssl.SSLContext | None = None) -> None:
        self._url = camera.plain_url
        self._socket: socket.socket = socket.create_connection(("127.0.0.1", camera.port), timeout=SECONDS)
        if context is not None:
            self._socket = context.wrap_socket(self._socket, server_hostname="127.0.0.1")
        self._buffer = bytearray()
        self._count = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def fileno(self) -> int:
        """Return the descriptor of the connection."""
        return self._socket.fileno()

    def send(self, method: str, track: str = "", body: str = "", **headers: str) -> None:
        """Send a request. A header's name is given with `_` for `-`."""
        if body:
            headers["Content-Length"] = str(len(body))
        self._count += 1
        lines = ["%s %s%s RTSP/1.0" % (method, self._url, track), "CSeq: %d" % self._count]
        lines += ["%s: %s" % (name.replace("_", "-"), value) for name, value in headers.items()]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    def ask(self, method: str, track: str = "", body: str = "", **headers: str) -> Response:
        """Send a request, return the answer; media that comes before it is dropped."""
        self.send(method, track, body, **headers)
        return self.answer()

    def answer(self) -> Response:
        """Return the next answer; media that comes before it is dropped. Raise EOFError at the end."""
        while self._peek(1) == b"$":
            self._frame()
        return self._response()

    def login(self, user: str, password: str, method: str = "DESCRIBE") -> Response:
        """Ask as somebody, in digest without quality of protection."""
        challenge = self.ask(method).headers["www-authenticate"]
        realm, nonce = re.findall(r'(?:realm|nonce)="([^"]*)"', challenge)
        secret = digest("%s:%s:%s" % (user, realm, password))
        response = digest("%s:%s:%s" % (secret, nonce, digest("%s:%s" % (method, self._url))))
        fields = 'username="%s", realm="%s", nonce="%s", uri="%s", response="%s"'
        return self.ask(method, Authorization="Digest " + fields % (user, realm, nonce, self._url, response))

    def play(self, tracks: int = 1) -> Response:
        """Set up the first tracks on channels 0, 2, … and play them."""
        for track in range(tracks):
            transport = "RTP/AVP/TCP;unicast;interleaved=%d-%d" % (2 * track, 2 * track + 1)
            session = self.ask("SETUP", "/track%d" % track, Transport=transport).headers["session"].partition(";")[0]
        return self.ask("PLAY", Session=session)

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Yield the channel and content of each interleaved frame, RTP and RTCP."""
        try:
            while True:
                if self._peek(1) == b"$":
                    yield self._frame()
                else:
                    self._response()
        except EOFError:
            return

    def collect(self, seconds: float) -> list[tuple[int, bytes]]:
        """Return the channel and content of what arrives from now on for some seconds."""
        found = []
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
                if self._peek(1) == b"$":
                    found.append(self._frame())
                else:
                    self._response()
        except socket.timeout:
            pass
        self._socket.settimeout(SECONDS)
        return found

    def packets(self) -> Iterator[Packet]:
        """Yield the RTP packets."""
        for channel, content in self.frames():
            if channel % 2 == 0:
                _, kind, sequence, timestamp, source = struct.unpack(">BBHII", content[:12])
                yield Packet(channel, bool(kind & 0x80), kind & 0x7F, sequence, timestamp, source, content[12:])

    def _peek(self, count: int) -> bytes:
        """Return the first bytes to come without taking them."""
        while len(self._buffer) < count:
            received = self._socket.recv(1 << 16)
            if not received:
                raise EOFError("the camera closed the connection")
            self._buffer += received
        return bytes(self._buffer[:count])

    def _take(self, count: int) -> bytes:
        taken = self._peek(count)
        del self._buffer[:count]
        return taken

    def _frame(self) -> tuple[int, bytes]:
        _, channel, size = struct.unpack(">cBH", self._peek(4))
        return channel, self._take(4 + size)[4:]

    def _response(self) -> Response:
        while b"\r\n\r\n" not in self._buffer:
            self._peek(len(self._buffer) + 1)
        first, *lines = self._take(self._buffer.index(b"\r\n\r\n") + 4).decode().strip().split("\r\n")
        fields = [line.partition(":") for line in lines]
        headers = {name.lower(): value.strip() for name, _, value in fields}
        return Response(int(first.split()[1]), headers, self._take(int(headers.get("content-length", "0"))).decode())


def pictures(packets: Iterator[Packet], codec: str = "h264") -> Iterator[list[bytes]]:
    """Given the RTP packets of a video track, yield the units of each picture, put together again."""
    units: list[bytes] = []
    for packet in packets:
        _join(units, packet.payload, codec)
        if packet.marker:
            yield units
            units = []


def _join(units: list[bytes], payload: bytes, codec: str) -> None:
    size = 1 if codec == "h264" else 2
    fragment = payload[0] & 0x1F == 28 if codec == "h264" else payload[0] >> 1 & 0x3F == 49
    if not fragment:
        units.append(payload)
        return
    header, content = payload[size], payload[size + 1 :]
    if header & 0x80:
        kind = header & 0x1F | payload[0] & 0xE0 if codec == "h264" else payload[0] & 0x81 | (header & 0x3F) << 1
        units.append(bytes([kind]) + payload[1:size])
    units[-1] += content
