"""A web server for one directory that honours Range, as any object store does, and counts the requests."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import re
import threading
from typing import Iterator


class RangeServer(http.server.ThreadingHTTPServer):
    """Serves files with byte ranges. `requests` are the paths asked for, in order."""

    daemon_threads = True

    def __init__(self, directory: str) -> None:
        self.requests: list[str] = []
        super().__init__(("127.0.0.1", 0), functools.partial(_Handler, directory=directory))

    @property
    def url(self) -> str:
        return "http://127.0.0.1:%d/" % self.server_address[1]


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RangeServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        return

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        wanted = re.match(r"bytes=(\d+)-(\d*)\Z", self.headers.get("Range", ""))
        path = self.translate_path(self.path)
        if wanted is None or not os.path.isfile(path):
            super().do_GET()
            return
        size = os.path.getsize(path)
        first, last = int(wanted[1]), min(int(wanted[2] or size - 1), size - 1)
        self.send_response(206)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Range", "bytes %d-%d/%d" % (first, last, size))
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        # A browser that has seen enough hangs up in the middle of a range.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError), open(path, "rb") as stream:
            stream.seek(first)
            remaining = last - first + 1
            while remaining:
                piece = stream.read(min(remaining, 1 << 16))
                self.wfile.write(piece)
                remaining -= len(piece)


@contextlib.contextmanager
def serving(directory: str) -> Iterator[RangeServer]:
    """Serve `directory` on a free loopback port until the block ends."""
    server = RangeServer(directory)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
