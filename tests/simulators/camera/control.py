"""The control port: one JSON object a line in, one a line out.

As a program: `python -m tests.simulators.camera.control PORT '{"do": "sent", "camera": "front"}'` prints the answer.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from typing import Any

from tests.simulators.camera.desk import Desk


async def answer(desk: Desk, line: bytes) -> dict[str, Any]:
    """Given a line, do what it says; return the answer with "ok", or "error" in words."""
    try:
        return {"ok": True, **await desk.execute(json.loads(line))}
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        return {"ok": False, "error": "%s: %s" % (type(error).__name__, error)}


async def serve(desk: Desk, host: str = "127.0.0.1") -> asyncio.AbstractServer:
    """Return a server that listens for commands on a free port."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            writer.write(json.dumps(await answer(desk, line)).encode() + b"\n")
            await writer.drain()
        writer.close()

    return await asyncio.start_server(converse, host, 0)


def port(server: asyncio.AbstractServer) -> int:
    """Return the port that a server listens on."""
    sockets: list[socket.socket] = getattr(server, "sockets", [])
    return int(sockets[0].getsockname()[1])


if __name__ == "__main__":
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as line:
        line.sendall(sys.argv[2].encode() + b"\n")
        sys.stdout.write(line.makefile().readline())
