"""A port that cameras answer on, and what is wrong with it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct

from tests.simulators.camera import udp
from tests.simulators.camera.mount import Mount
from tests.simulators.camera.session import Session

HANDSHAKE_SECONDS = 10.0


class Listener:
    """Accepts connections for its mounts: in the clear, or with TLS when a context is given."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self._host = host
        self._context = context
        # Never listening, this one keeps the port ours while the camera refuses connections.
        self._reservation = _bound(host, port)
        self.port: int = self._reservation.getsockname()[1]
        self.mounts: list[Mount] = []
        self.sessions: set[Session] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._socket: socket.socket | None = None
        self._server: asyncio.Task[None] | None = None
        self._refusing = ""
        self._udp: udp.Pair | None = None
        self.open()

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return self._context is not None

    def open(self) -> None:
        """Accept connections."""
        self._refusing = ""
        if self._socket is None:
            self._socket = _bound(self._host, self.port)
            self._socket.listen(128)
            self._server = asyncio.get_running_loop().create_task(self._serve(self._socket))

    def refuse(self, how: str) -> None:
        """Refuse connections: "closed" as if nobody listened, "reset" after accepting them."""
        if how == "reset":
            self.open()
        else:
            self._shut()
        self._refusing = how

    def close(self) -> None:
        """Drop everything."""
        self._shut()
        for task in self._tasks:
            task.cancel()
        for session in list(self.sessions):
            session.drop("rst")
        if self._udp is not None:
            self._udp.close()
        self._reservation.close()

    def _shut(self) -> None:
        if self._server is not None and self._socket is not None:
            self._server.cancel()
            self._socket.close()
        self._server = self._socket = None

    async def _serve(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            peer, _ = await loop.sock_accept(listening)
            if self._refusing:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()
                continue
            task = loop.create_task(self._welcome(peer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _welcome(self, peer: socket.socket) -> None:
        """Start a session; a frozen camera leaves the connection in the hands of its kernel."""
        try:
            while self.mounts and all("freeze" in mount.faults for mount in self.mounts):
                thawed = asyncio.Event()
                self.mounts[0].parked.append(thawed.set)
                await thawed.wait()
            await self._connect(peer)
        except (OSError, asyncio.TimeoutError):  # an ssl.SSLError is an OSError
            for mount in self.mounts:
                mount.counts["tls_refused"] += 1
            peer.close()
        except asyncio.CancelledError:
            peer.close()
            raise

    async def _connect(self, peer: socket.socket) -> None:
        def session() -> Session:
            return Session(self.mounts, self._datagrams, self.sessions)

        timeout = HANDSHAKE_SECONDS if self.secure else None
        await asyncio.get_running_loop().connect_accepted_socket(
            session, peer, ssl=self._context, ssl_handshake_timeout=timeout
        )

    def _datagrams(self) -> udp.Pair:
        if self._udp is None:
            self._udp = udp.Pair(self._host)
        return self._udp


def _bound(host: str, port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind((host, port))
    one.setblocking(False)
    return one
