"""A fault-injecting S3 proxy over TLS: in front of a real server, of the simulated store, or of a sink.

    with Proxy(Forward(server.endpoint, server.ca_file), certificate) as proxy:
        proxy.add(Reset("UploadPart", at="mid", times=2))
        …
        assert proxy.received("UploadPart") == …

Requests pass as they came (the Host the client signed included), so signatures stay valid. Every request is
recorded. From the command line: `python -m tests.simulators.s3_proxy --help`.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import http.server
import json
import signal
import socket
import socketserver
import ssl
import struct
import sys
import tempfile
import threading
import time
import urllib.parse
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Iterable, Iterator, Protocol, Sequence

from tests.simulators.s3_faults import Fault, parse
from tests.simulators.s3_messages import Blocks, Hangup, Request, Response, body_blocks, error
from tests.simulators.s3_store import EVERYTHING, Store
from tests.support.certs import Authority, Certificate


class Backend(Protocol):
    """What is behind the proxy."""

    def answer(self, request: Request) -> Response:
        """Given a request with an unread body, return the response."""


@dataclass
class Record:
    """One request as the proxy saw it. `received`: bytes of its body so far; `status`: None if never answered."""

    operation: str
    bucket: str
    key: str
    part: int
    at: float
    headers: dict[str, str]
    faults: list[str] = field(default_factory=list)
    received: int = 0
    status: int | None = None


_HOP = {"connection", "expect", "keep-alive", "transfer-encoding"}


class Forward:
    """A real server at `endpoint`, http or https; `ca_file` is what its certificate is checked with."""

    def __init__(self, endpoint: str, ca_file: str | None = None) -> None:
        url = urllib.parse.urlsplit(endpoint)
        self._address = (url.hostname or "", url.port or 443)
        self._context = ssl.create_default_context(cafile=ca_file) if url.scheme == "https" else None

    def _connect(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(*self._address, timeout=120)
        return http.client.HTTPSConnection(*self._address, timeout=120, context=self._context)

    def answer(self, request: Request) -> Response:
        """Pass the request on and return the server's response; an unreachable server is a reset, as on the net."""
        connection = self._connect()
        try:
            return self._exchange(connection, request)
        except (OSError, http.client.HTTPException) as failure:
            raise Hangup("upstream: %s" % failure) from failure
        finally:
            connection.close()

    def _exchange(self, connection: http.client.HTTPConnection, request: Request) -> Response:
        chunked = "content-length" not in request.headers and "transfer-encoding" in request.headers
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            if name not in _HOP:
                connection.putheader(name, value)
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        for block in request.blocks:
            connection.send(b"%x\r\n%b\r\n" % (len(block), bytes(block)) if chunked else block)
        if chunked:
            connection.send(b"0\r\n\r\n")
        answer = connection.getresponse()
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP | {"content-length"}}
        length = answer.getheader("Content-Length")
        only_head = request.method == "HEAD" and length is not None
        return Response(answer.status, headers, answer.read(), int(length or 0) if only_head else None)


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 300
    server: _Server

    def setup(self) -> None:
        # The handshake happens here, in the thread of the connection, so that a slow client delays no other.
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.server.proxy.connections.add(self.request)
        super().setup()

    def handle(self) -> None:
        try:
            super().handle()
        except (Hangup, OSError):
            self._reset()

    def finish(self) -> None:
        self.server.proxy.connections.discard(self.request)
        with contextlib.suppress(OSError):
            super().finish()
        self.request.close()

    def _reset(self) -> None:
        self.close_connection = True
        linger_zero = struct.pack("ii", 1, 0)
        with contextlib.suppress(OSError):
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)

    def handle_expect_100(self) -> bool:
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def _any(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body_blocks(self.rfile, headers))
        self._send(self.server.proxy.answer(request))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _any

    def _send(self, response: Response) -> None:
        self.send_response_only(response.status)
        length = len(response.body) if response.length is None else response.length
        headers = {"Date": self.date_time_string(), **response.headers, "Content-Length": str(length)}
        if response.early:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()
        if response.early:
            self._linger()

    def _linger(self) -> None:
        """Read on for a moment: closed with bytes unread, a socket resets, and the answer may be lost with that."""
        self.close_connection = True
        self.request.settimeout(1.0)
        with contextlib.suppress(OSError):
            while self.request.recv(65536):
                pass

    def log_message(self, *_: Any) -> None:
        """Keep still: requests are recorded, not printed."""


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, proxy: Proxy, address: str, port: int) -> None:
        self.proxy = proxy
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(proxy.certificate.cert_file, proxy.certificate.key_file)
        super().__init__((address, port), _Handler)

    def shutdown_request(self, request: Any) -> None:
        # Closed by the handler; a shutdown before would send FIN where a reset is wanted.
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Proxy:
    """The proxy; `endpoint` is where it listens. Faults may be added and cleared at any time."""

    def __init__(
        self,
        backend: Backend,
        certificate: Certificate,
        faults: Sequence[Fault] = (),
        port: int = 0,
        address: str = "127.0.0.1",
    ) -> None:
        self.backend = backend
        self.certificate = certificate
        self.faults: list[Fault] = list(faults)
        self.records: list[Record] = []
        self.connections: set[socket.socket] = set()
        self._stopping = threading.Event()
        self._server: _Server | None = None
        self._address, self._port = address, port
        self.start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.stop()

    @property
    def endpoint(self) -> str:
        return self.endpoint_at(self._address)

    def endpoint_at(self, host: str) -> str:
        """Return the endpoint for those who reach this machine under another name."""
        return "https://%s:%d" % (host, self._port)

    def start(self) -> None:
        """Listen, after `stop` again on the same port."""
        self._server = _Server(self, self._address, self._port)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections and break those there are: the uplink is down."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def add(self, *faults: Fault) -> None:
        """Let these faults happen from now on, beside those there are."""
        self.faults.extend(faults)

    def clear(self) -> None:
        """Forget all faults and all records."""
        self.faults.clear()
        self.records.clear()

    def of(self, operation: str, key: str | None = None) -> list[Record]:
        """Return the records of one operation, of one key when it is given."""
        return [one for one in self.records if one.operation == operation and key in (None, one.key)]

    def received(self, *operations: str) -> int:
        """Return how many bytes of bodies came in, for these operations (none named: uploads of parts and objects)."""
        wanted = operations or ("UploadPart", "PutObject")
        return sum(one.received for one in self.records if one.operation in wanted)

    def answer(self, request: Request) -> Response:
        """Record a request, let its faults happen, and return the answer."""
        where = (request.operation, request.bucket, request.key, request.part)
        record = Record(*where, time.time(), dict(request.headers))
        self.records.append(record)
        active = [fault for fault in self.faults if fault.takes(request)]
        record.faults = [fault.name for fault in active]
        request.blocks = _counted(request.blocks, record)
        response = self._answer(request, active)
        record.status = response.status
        return response

    def _answer(self, request: Request, active: Sequence[Fault]) -> Response:
        response: Response | None = None
        for fault in active:
            response = fault.before(request, self._stopping.wait) or response
            request.blocks = fault.body(request, request.blocks, self._stopping.wait)
        response = response or self.backend.answer(request)
        if not response.early:
            request.drain()
        for fault in active:
            response = fault.after(request, response)
        return response


def _counted(blocks: Blocks, record: Record) -> Blocks:
    for block in blocks:
        record.received += len(block)
        yield block


class Nothing:
    """No server: every request that no fault answers is an error."""

    def answer(self, request: Request) -> Response:
        """Return 503."""
        return error(503, "ServiceUnavailable", "nothing is behind this proxy")


def sink(enforce: Iterable[str] = EVERYTHING) -> Store:
    """Return a store for measuring clients: small objects (probes) are kept and checked, large bodies discarded."""
    return Store(enforce, keep=1024 * 1024)


@contextlib.contextmanager
def simulated(store: Store | None = None) -> Iterator[tuple[Proxy, str]]:
    """Give a proxy before a simulated store, with certificates of its own, and the CA file its clients need."""
    with tempfile.TemporaryDirectory(prefix="s3-proxy-") as directory:
        authority = Authority(Path(directory))
        with Proxy(store or Store(), authority.issue()) as proxy:
            yield proxy, authority.ca_file


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="store", help="URL of a real server, `store` or `sink` (default: store)")
    parser.add_argument("--backend-ca", metavar="FILE", help="what the real server's certificate is checked with")
    parser.add_argument("--enforce", default=",".join(sorted(EVERYTHING)), help="checks of the store (default: all)")
    parser.add_argument("--bucket", action="append", default=[], help="a bucket the store has from the start")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", metavar="DIR", required=True, help="directory for the certificates (ca.pem appears)")
    parser.add_argument("--fault", action="append", default=[], help="OPERATION:KIND[:NAME=VALUE…], repeatable")
    parser.add_argument("--records", action="store_true", help="print every request as a line of JSON")
    return parser


def _backend(options: argparse.Namespace) -> Backend:
    if options.backend not in ("store", "sink"):
        return Forward(options.backend, options.backend_ca)
    enforce = list(filter(None, options.enforce.split(",")))
    store = sink(enforce) if options.backend == "sink" else Store(enforce)
    store.buckets.update({name: {} for name in options.bucket})
    return store


def main() -> None:
    """Serve until SIGINT or SIGTERM; print the endpoint and the CA file as a line of JSON."""
    options = _arguments().parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    authority = Authority(Path(options.tls))
    faults = [parse(text) for text in options.fault]
    with Proxy(_backend(options), authority.issue(), faults, options.port) as proxy:
        print(json.dumps({"endpoint": proxy.endpoint, "ca_file": authority.ca_file}), flush=True)
        printed = 0
        while not stop.wait(0.2):
            printed += _print_records(proxy.records[printed:] if options.records else [])


def _print_records(records: Sequence[Record]) -> int:
    for record in records:
        line = {name: value for name, value in asdict(record).items() if name != "headers"}
        print(json.dumps(line), flush=True)
    return len(records)


if __name__ == "__main__":
    main()
