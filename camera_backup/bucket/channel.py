"""One connection to the store, plain or TLS. Standard library only.

Why not the sockets of urllib3: Python's ssl writes each 16 KiB record with a system call of its own, which wakes the
reader each time; here 64 KiB leave at once (a third less CPU per GiB). And nobody can end, in time, a write that
blocks for 60 s when the service is to stop, nor see that the store has already answered "no" half-way through a part.
"""

from __future__ import annotations

import io
import os
import select
import socket
import ssl

from camera_backup.bucket import dialling
from camera_backup.bucket.stopping import Stop

PATIENCE_SECONDS = 120.0
"""How long nothing may move. Per block of 64 KiB, so that the slowest uplink in use still counts as moving."""

_RECORDS = 64 * 1024


class ConnectionLost(OSError):
    """The connection ended, or nothing moved on it for too long."""


class CertificateRefused(OSError):
    """The store did not show a certificate we may trust."""


class Channel:
    """A connection. `replied`: the other side sent something, or closed, while we were still sending."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, stop: Stop) -> None:
        """Connect; raise NameUnknown, Unreachable, CertificateRefused, ConnectionLost or Stopped."""
        self._stop = stop
        self._inbox = bytearray()
        self._ended = False
        self.replied = False
        self._tls: ssl.SSLObject | None = None
        self._socket = _connected(host, port, stop)
        try:
            if context is not None:
                self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
                self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
                self._handshake(self._tls)
        except BaseException:
            self._socket.close()
            raise

    def _handshake(self, tls: ssl.SSLObject) -> None:
        while True:
            try:
                tls.do_handshake()
                return self._flush()
            except ssl.SSLWantReadError:
                self._flush()
                self._await(select.POLLIN)
                self._incoming.write(self._raw())
                if self._ended:
                    raise ConnectionLost("the connection was closed during the TLS handshake") from None
            except ssl.SSLCertVerificationError as error:
                raise CertificateRefused(error.verify_message or str(error)) from None
            except ssl.SSLError as error:
                raise ConnectionLost("TLS: %s" % (error.reason or error)) from None

    def _await(self, events: int) -> int:
        ready = self._stop.wait_for(self._socket.fileno(), events, PATIENCE_SECONDS)
        if not ready:
            raise ConnectionLost("nothing moved for %d s" % PATIENCE_SECONDS)
        return ready

    def _raw(self) -> bytes:
        """Return what has arrived, empty at the end or when nothing has."""
        try:
            data = self._socket.recv(_RECORDS)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise ConnectionLost("%s" % (error.strerror or error)) from None
        self._ended = self._ended or not data
        return data

    def _collect(self) -> None:
        """Move what has arrived into the inbox."""
        data = self._raw()
        if self._tls is None:
            self._inbox += data
            return
        self._incoming.write(data)
        try:
            while True:
                clear = self._tls.read(_RECORDS)
                if not clear:
                    self._ended = True
                    return
                self._inbox += clear
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            raise ConnectionLost("TLS: %s" % (error.reason or error)) from None

    def send(self, data: memoryview | bytes) -> None:
        """Send bytes. Stops early, without an error, when the other side has already answered: see `replied`."""
        if self._tls is None:
            self._push(memoryview(data))
            return
        view = memoryview(data)
        for start in range(0, len(view), _RECORDS):
            try:
                self._tls.write(view[start : start + _RECORDS])
            except ssl.SSLError as error:
                raise ConnectionLost("TLS: %s" % (error.reason or error)) from None
            self._flush()
            if self.replied:
                return

    def _flush(self) -> None:
        """Send what TLS has made; mostly the socket takes it at once."""
        data = self._outgoing.read()
        try:
            sent = self._socket.send(data) if data else 0
        except OSError:
            sent = 0  # `_push` meets the same error, and knows what to do
        if sent < len(data):
            self._push(memoryview(data)[sent:])

    def _push(self, view: memoryview) -> None:
        while view and not self.replied:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                if self._await(select.POLLOUT | select.POLLIN) & ~select.POLLOUT:
                    self._collect()
                    self.replied = bool(self._inbox) or self._ended
            except OSError as error:
                self._salvage(error)

    def _salvage(self, error: OSError) -> None:
        """Given a failed write, look whether an answer came before the end; raise ConnectionLost if not."""
        self._collect()
        if not self._inbox:
            raise ConnectionLost("%s" % (error.strerror or error)) from None
        self.replied = True

    def readinto(self, target: memoryview) -> int:
        """Wait for bytes and give them; 0 at the end of the connection."""
        while not self._inbox and not self._ended:
            self._await(select.POLLIN)
            self._collect()
        count = min(len(target), len(self._inbox))
        target[:count] = self._inbox[:count]
        del self._inbox[:count]
        return count

    def idle(self) -> bool:
        """Say whether an unused connection is still good: open, and silent but for TLS's own messages."""
        try:
            if self._stop.wait_for(self._socket.fileno(), select.POLLIN, 0):
                self._collect()
        except OSError:
            return False
        return not (self._inbox or self._ended or self.replied)

    def makefile(self, mode: str, *_: object) -> io.BufferedReader:
        """Return a reader of the next answer, as http.client wants it. Closing it leaves the connection open."""
        assert mode == "rb"
        return _Lines(_Reader(self))

    def certificate(self) -> bytes:
        """Return the certificate that the other side has shown, as DER; empty without TLS."""
        return (self._tls.getpeercert(binary_form=True) if self._tls else None) or b""

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


class _Reader(io.RawIOBase):
    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def readable(self) -> bool:
        return True

    def readinto(self, target: object) -> int:
        return self._channel.readinto(memoryview(target))  # type: ignore[arg-type]


class _Lines(io.BufferedReader):
    """http.client takes headers that end in the middle for whole ones."""

    def readline(self, size: int | None = -1) -> bytes:
        line = super().readline(-1 if size is None else size)
        if not line.endswith(b"\n"):
            raise ConnectionLost("the connection ended within the answer" if line else "the connection ended")
        return line


def _connected(host: str, port: int, stop: Stop) -> socket.socket:
    connection = dialling.connect(host, port, stop)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A connection that a router has forgotten is noticed within two minutes, in a wait for an answer as well.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 6)
    return connection


def trusting(ca_file: str | None) -> ssl.SSLContext:
    """Return a TLS context that trusts a CA file, or without one what the system trusts (else botocore's own list)."""
    context = ssl.create_default_context(cafile=ca_file)
    if ca_file is None and not _system_trust():
        import botocore.httpsession

        context.load_verify_locations(cafile=botocore.httpsession.get_cert_path(True))
    return context


def _system_trust() -> bool:
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile) or bool(paths.capath and os.listdir(paths.capath))
