"""Media over UDP: a pair of neighbouring ports, the even one for RTP, the odd one for RTCP (RFC 3550, 11)."""

from __future__ import annotations

import socket

from tests.simulators.camera import rtp

_ATTEMPTS = 100


class Pair:
    """Two sockets that only send; what clients report is left unread."""

    def __init__(self, host: str) -> None:
        self.media, self.control = _pair(host)
        self.port: int = self.media.getsockname()[1]

    def send(self, data: bytes, host: str, port: int) -> None:
        """Send interleaved packets, each as a datagram."""
        _send(self.media, data, (host, port))

    def report(self, data: bytes, host: str, port: int) -> None:
        """Send interleaved RTCP packets, each as a datagram."""
        _send(self.control, data, (host, port))

    def close(self) -> None:
        """Free the ports."""
        self.media.close()
        self.control.close()


def _send(ours: socket.socket, data: bytes, to: tuple[str, int]) -> None:
    for piece in rtp.split(data):
        try:
            ours.sendto(rtp.datagram(piece), to)
        except OSError:  # a full buffer or a client that is gone: UDP loses packets
            return


def _pair(host: str) -> tuple[socket.socket, socket.socket]:
    for _ in range(_ATTEMPTS):
        media = _bound(host, 0)
        port = media.getsockname()[1]
        if port % 2 == 0:
            try:
                return media, _bound(host, port + 1)
            except OSError:
                pass  # the neighbour is taken
        media.close()
    raise OSError("no two neighbouring UDP ports are free")


def _bound(host: str, port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        one.bind((host, port))
    except OSError:
        one.close()
        raise
    one.setblocking(False)
    return one
