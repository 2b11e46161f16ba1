"""Reach the store: its name, then a connection. Every wait ends at once when we are to stop. Standard library only."""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
from typing import Any, List, Tuple

from camera_backup.bucket.stopping import Stop

CONNECT_SECONDS = 30.0
"""Patience with name servers, and with each address of the store."""

_Addresses = List[Tuple[Any, Any, int, str, Any]]


class Unreachable(OSError):
    """No connection could be made: the route, the port."""


class NameUnknown(OSError):
    """The name of the store could not be looked up."""


def connect(host: str, port: int, stop: Stop) -> socket.socket:
    """Return a connected socket that does not block; raise NameUnknown, Unreachable or Stopped."""
    problem = "has no address"
    for family, kind, protocol, _, address in _addresses(host, port, stop):
        try:
            return _dialled(socket.socket(family, kind, protocol), address, stop)
        except OSError as error:
            problem = error.strerror or str(error)
    raise Unreachable("%s port %d: %s" % (host, port, problem))


def _dialled(connection: socket.socket, address: object, stop: Stop) -> socket.socket:
    try:
        connection.setblocking(False)
        code = connection.connect_ex(address)  # type: ignore[arg-type]
        if code == errno.EINPROGRESS:
            if not stop.wait_for(connection.fileno(), select.POLLOUT, CONNECT_SECONDS):
                raise TimeoutError(errno.ETIMEDOUT, "does not answer")
            code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        connection.close()
        raise
    return connection


def _addresses(host: str, port: int, stop: Stop) -> _Addresses:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        pass  # a name
    found = _asked(host, port, stop)
    if isinstance(found, list):
        return found
    if found is None or getattr(found, "errno", None) == socket.EAI_AGAIN:
        raise NameUnknown("no name server answers for %s" % host)
    raise NameUnknown("the name %s is not known (%s)" % (host, getattr(found, "strerror", None) or found))


def _asked(host: str, port: int, stop: Stop) -> _Addresses | Exception | None:
    """Ask the name servers; return what they said, None for nothing in time.

    In a thread that is left to itself when it does not come back: the library cannot be interrupted, and with name
    servers that swallow every question it comes back after half a minute.
    """
    answers: list[_Addresses | Exception] = []
    reader, writer = os.pipe2(os.O_CLOEXEC)

    def ask() -> None:
        try:
            answers.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.append(error)
        finally:
            os.close(writer)  # seen as a hang-up at the other end

    threading.Thread(target=ask, daemon=True).start()
    try:
        stop.wait_for(reader, select.POLLIN, CONNECT_SECONDS)
    finally:
        os.close(reader)
    return answers[0] if answers else None
