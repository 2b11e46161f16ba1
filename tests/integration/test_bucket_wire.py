"""Our own HTTP below botocore, against servers that misbehave: byte by byte, over TLS and without."""

import contextlib
import os
import socket
import ssl
import threading
import time

import pytest

from camera_backup.bucket import channel
from camera_backup.bucket.channel import CertificateRefused, Channel, ConnectionLost, trusting
from camera_backup.bucket.client import Bucket
from camera_backup.bucket.dialling import NameUnknown, Unreachable
from camera_backup.bucket.errors import PAUSE, TRANSIENT, BucketError
from camera_backup.bucket.hashing import MD5
from camera_backup.bucket.stopping import Stop, Stopped
from camera_backup.model import S3
from tests.support.certs import Authority

BODY = os.urandom(8 * 1024 * 1024)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


class Server:
    """Plays a script with every connection: `script(connection, number)`."""

    def __init__(self, script, authority=None):
        self._script = script
        self.ca_file = authority.ca_file if authority else None
        self._context = None
        if authority:
            certificate = authority.issue()
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate.cert_file, certificate.key_file)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections = 0
        self.failures = []
        self.buckets = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._play, args=(connection, self.connections), daemon=True).start()

    def _play(self, connection, number):
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                self._script(connection, number)
        except Exception as error:  # what the client does to us is looked at by the test
            self.failures.append(error)

    def bucket(self, stop=None):
        scheme = "https" if self._context else "http"
        s3 = S3(
            "AKID",
            "secret",
            "b",
            "%s://127.0.0.1:%d" % (scheme, self.port),
            "r",
            "",
            "path",
            self.ca_file,
            None,
            "auto",
        )
        self.buckets.append(Bucket(s3, stop))
        return self.buckets[-1]

    def close(self):
        self._socket.close()
        for bucket in self.buckets:
            bucket.close()


@pytest.fixture(params=["tls", "plain"])
def serve(request, authority):
    """Start a server with a script."""
    servers = []

    def start(script):
        servers.append(Server(script, authority if request.param == "tls" else None))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def request(connection):
    """Read one request; return its head and body."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = connection.recv(65536)
        if not block:
            raise EOFError
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(65536)
    return head.decode(), body


def answer(connection, status="200 OK", body=b"", **headers):
    headers.setdefault("Content_Length", str(len(body)))
    lines = ["HTTP/1.1 " + status, *("%s: %s" % (name.replace("_", "-"), value) for name, value in headers.items())]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)


def put(bucket, body=BODY):
    return bucket.put("k", body, {MD5: b"0" * 16}, {"a": "b"}, absent=True)


def test_a_request_is_what_s3_expects_and_nothing_more(serve):
    seen = []

    def script(connection, number):
        seen.append(request(connection))
        answer(connection, ETag='"e"')

    assert put(serve(script).bucket(), b"body") == "e"
    head, body = seen[0]
    lines = head.split("\r\n")
    headers = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in lines[1:]}
    assert lines[0] == "PUT /b/k HTTP/1.1"
    assert body == b"body"
    assert headers["content-length"] == "4"
    assert headers["if-none-match"] == "*"
    assert headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert headers["user-agent"].startswith("camera-backup/")
    assert not {"expect", "transfer-encoding", "content-encoding", "x-amz-trailer"} & set(headers)
    assert "x-amz-checksum" not in head


def test_connections_are_used_again(serve):
    def script(connection, number):
        for _ in range(5):
            request(connection)
            answer(connection, ETag='"e"')

    server = serve(script)
    bucket = server.bucket()
    for _ in range(5):
        put(bucket, b"x")
    assert server.connections == 1
    bucket.close()


def test_a_connection_that_died_in_the_meantime_is_not_used(serve):
    def script(connection, number):
        request(connection)
        answer(connection, ETag='"%d"' % number)

    server = serve(script)
    bucket = server.bucket()
    assert put(bucket, b"x") == "1"
    time.sleep(0.2)
    assert put(bucket, b"x") == "2"


def test_a_server_that_says_close_is_believed(serve):
    def script(connection, number):
        request(connection)
        answer(connection, ETag='"%d"' % number, Connection="close")
        time.sleep(1)

    server = serve(script)
    bucket = server.bucket()
    assert [put(bucket, b"x"), put(bucket, b"x")] == ["1", "2"]


def test_an_answer_before_the_end_of_the_body_ends_the_sending(serve):
    """Why send 16 MiB to a store that has already refused them?"""
    received = []

    def script(connection, number):
        received.append(len(connection.recv(65536)))
        answer(connection, "403 Forbidden", b"<Error><Code>AccessDenied</Code></Error>", Connection="close")
        time.sleep(0.5)
        connection.settimeout(0.5)
        with contextlib.suppress(OSError):
            while True:
                block = connection.recv(65536)
                if not block:
                    break
                received.append(len(block))

    server = serve(script)
    with pytest.raises(BucketError) as caught:
        put(server.bucket(), SlowBody(40 * 1024 * 1024))
    assert caught.value.verdict.cause == "access_denied"
    assert sum(received) < 30 * 1024 * 1024


class SlowBody:
    """A body that gives zeros, not too fast."""

    def __init__(self, size):
        self.left = self.size = size

    def __len__(self):
        return self.size

    def tell(self):
        return self.size - self.left

    def seek(self, *_):
        self.left = self.size

    def read(self, size=-1):
        count = min(65536, self.left)
        self.left -= count
        time.sleep(0.002)
        return bytes(count)


def reset(connection, number):
    request_start = connection.recv(65536)
    assert request_start
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def close_without_answer(connection, number):
    request(connection)


def half_an_answer(connection, number):
    request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")


def shorter_than_promised(connection, number):
    request(connection)
    connection.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n<Error>")


def nonsense(connection, number):
    connection.recv(65536)
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n" * 3)


@pytest.mark.parametrize("script", [reset, close_without_answer, half_an_answer, shorter_than_promised, nonsense])
def test_a_broken_connection_is_a_failure_of_the_moment(serve, script):
    server = serve(script)
    for body in (b"x", BODY):
        with pytest.raises(BucketError) as caught:
            put(server.bucket(), body)
        assert caught.value.verdict.kind == TRANSIENT


def test_a_download_that_ends_early_is_noticed(serve):
    def script(connection, number):
        request(connection)
        connection.sendall(b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 1000\r\n\r\nonly this')

    download = serve(script).bucket().open("k")
    with pytest.raises(BucketError) as caught:
        list(iter(lambda: download.read(100), b""))
    assert caught.value.verdict.kind == TRANSIENT


def test_a_download_read_to_its_end_frees_its_connection(serve):
    def script(connection, number):
        for _ in range(2):
            request(connection)
            answer(connection, body=b"x" * 1000, ETag='"e"')

    server = serve(script)
    bucket = server.bucket()
    for _ in range(2):
        download = bucket.open("k")
        assert b"".join(iter(lambda: download.read(300), b"")) == b"x" * 1000  # noqa: B023
    assert server.connections == 1


def test_a_store_that_is_silent_is_given_up_after_a_while(serve, monkeypatch):
    monkeypatch.setattr(channel, "PATIENCE_SECONDS", 1.0)

    def script(connection, number):
        time.sleep(20)

    for body in (b"x", BODY):
        began = time.monotonic()
        with pytest.raises(BucketError) as caught:
            put(serve(script).bucket(), body)
        assert caught.value.verdict.cause == "connection_lost"
        assert "nothing moved" in str(caught.value)
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("reads", [True, False], ids=["while it waits for the answer", "while it sends"])
def test_a_wish_to_stop_ends_a_request_at_once(serve, reads):
    def script(connection, number):
        if reads:
            request(connection)
        time.sleep(20)

    stop = Stop()
    threading.Timer(0.5, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        put(serve(script).bucket(stop))
    assert time.monotonic() - began < 5


def test_a_store_nobody_certified_is_refused(authority, tmp_path):
    server = Server(lambda connection, number: None, authority)
    with pytest.raises(CertificateRefused):
        Channel("127.0.0.1", server.port, trusting(Authority(tmp_path).ca_file), Stop())
    server.ca_file = Authority(tmp_path / "other").ca_file
    with pytest.raises(BucketError) as caught:
        put(server.bucket())
    assert (caught.value.verdict.kind, caught.value.verdict.cause) == (PAUSE, "certificate")
    server.close()


def test_a_certificate_of_another_host_is_refused(authority):
    server = Server(lambda connection, number: None, authority)
    context = trusting(authority.ca_file)
    with pytest.raises(CertificateRefused):
        # The certificates of the tests are for 127.0.0.1 and localhost.
        Channel("ip6-localhost" if _resolves("ip6-localhost") else "0.0.0.0", server.port, context, Stop())
    server.close()


def _resolves(name):
    try:
        return bool(socket.getaddrinfo(name, None, socket.AF_INET))
    except OSError:
        return False


def test_what_speaks_no_tls_is_a_broken_connection(authority):
    def script(connection, number):
        connection.sendall(b"220 smtp ready\r\n")
        time.sleep(0.5)

    server = Server(script)
    with pytest.raises(ConnectionLost):
        Channel("127.0.0.1", server.port, trusting(authority.ca_file), Stop())
    server.close()


@pytest.mark.parametrize(
    ("host", "failure", "words"),
    [
        # Which of the two depends on whether this machine has a name server.
        (
            "no-such-host.invalid",
            NameUnknown,
            "no-such-host.invalid is not known|no name server answers for no-such-host",
        ),
        ("127.0.0.1", Unreachable, "127.0.0.1 port [0-9]+: Connection refused"),
    ],
)
def test_a_store_that_cannot_be_reached_is_told_by_its_name(host, failure, words):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(failure, match=words):
        Channel(host, port, None, Stop())


def test_a_certificate_of_a_stranger_is_refused_and_its_issuer_named(authority, tmp_path):
    said = []

    def script(connection, number):
        said.append(connection.recv(1000))

    server = Server(script, Authority(tmp_path, "Corporate Web Filter"))
    bucket = Bucket(
        S3(
            "AKID",
            "secret",
            "b",
            "https://127.0.0.1:%d" % server.port,
            "r",
            "",
            "path",
            authority.ca_file,
            None,
            "auto",
        )
    )
    with pytest.raises(BucketError, match="it was issued by Corporate Web Filter") as caught:
        bucket.head("k")
    assert (caught.value.verdict.kind, caught.value.verdict.cause) == (PAUSE, "certificate")
    bucket.close()
    server.close()
    # Not one byte of a request reached the stranger, on neither connection.
    assert said in ([], [b""])


def test_behind_a_proxy_botocore_does_the_sending(serve, monkeypatch):
    seen = []

    def script(connection, number):
        seen.append(request(connection))
        answer(connection, ETag='"through the proxy"')

    proxy = Server(script)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:%d" % proxy.port)
    monkeypatch.setenv("no_proxy", "")
    bucket = Bucket(S3("AKID", "secret", "b", "http://s3.example.net", "r", "", "path", None, None, "auto"))
    assert put(bucket, b"x") == "through the proxy"
    assert seen[0][0].startswith("PUT http://s3.example.net/b/k HTTP/1.1")
    assert "expect" not in seen[0][0].lower()
    bucket.close()
    proxy.close()


def test_without_a_ca_file_the_system_is_trusted():
    assert trusting(None).verify_mode == ssl.CERT_REQUIRED
    assert trusting(None).check_hostname
