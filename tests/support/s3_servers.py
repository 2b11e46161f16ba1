"""Real S3 servers over TLS on loopback: OpenStack Swift (enforces everything) and rclone serve s3 (the quirky one).

    with swift() as server:
        bucket = server.make_bucket()
        server.client.put_object(Bucket=bucket, Key="k", Body=b"v")

Where the programs are: CAMERA_BACKUP_SWIFT_BIN (default .build/swift/bin), CAMERA_BACKUP_RCLONE (default
.build/peers/bin/rclone), both relative to the checkout.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import uuid
from pathlib import Path
from typing import Any, Iterator, Sequence

import boto3
import botocore.config
import pytest

from tests.support import swift_config
from tests.support.certs import Authority, Certificate
from tests.support.processes import Program, free_ports, running

ROOT = Path(__file__).resolve().parents[2]
REGION = "us-east-1"

_AT_ONCE = 16
"""Buckets that are made before they are wanted."""


def program(variable: str, default: str) -> str:
    """Return the absolute path of a program or directory the set-up put in place, or the one the environment names."""
    path = Path(os.environ.get(variable, str(ROOT / default))).absolute()
    if not path.exists():
        raise FileNotFoundError("%s not found; run the set-up, or name it in %s" % (path, variable))
    return str(path)


def plain_client(endpoint: str, access_key: str, secret_key: str, ca_file: str | None, **config: Any) -> Any:
    """Return a client for the test's own look into a bucket, made without any code of the product."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        verify=ca_file,
        config=botocore.config.Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
            **config,
        ),
    )


class S3Server:
    """A server that was started. The attributes are what a client has to be configured with."""

    region = REGION

    def __init__(self, directory: Path, port: int, ca_file: str, access_key: str, secret_key: str) -> None:
        self.directory = directory
        self.port = port
        self.endpoint = "https://127.0.0.1:%d" % port
        self.ca_file = ca_file
        self.access_key = access_key
        self.secret_key = secret_key

    @functools.cached_property
    def client(self) -> Any:
        return plain_client(self.endpoint, self.access_key, self.secret_key, self.ca_file)

    def make_bucket(self) -> str:
        """Create an empty bucket of its own for a test and return its name."""
        name = "test-" + uuid.uuid4().hex[:12]
        self.client.create_bucket(Bucket=name)
        return name

    def start(self) -> None:
        """Start the server on its port and return when it answers."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop the server in order."""
        raise NotImplementedError

    def kill(self) -> None:
        """SIGKILL every process of the server."""
        raise NotImplementedError

    def restart(self) -> None:
        """Stop and start on the same port with the same contents."""
        self.stop()
        self.start()


class Rclone(S3Server):
    """`rclone serve s3`: plain files below `objects/`; without a pair of keys it accepts everybody.

    Quirks: ignores If-None-Match, HEAD shows md5 of the whole file for multipart objects, forgets metadata and open
    uploads at a restart, checks Content-MD5 only.
    """

    def __init__(self, directory: Path, port: int, authority: Authority, authenticated: bool = True) -> None:
        super().__init__(directory, port, authority.ca_file, "AKIDTEST", "SECRETTEST")
        self._certificate = authority.issue()
        self._authenticated = authenticated
        self._program: Program | None = None
        (directory / "objects").mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        command = [program("CAMERA_BACKUP_RCLONE", ".build/peers/bin/rclone"), "serve", "s3", "--config", "/dev/null"]
        command += ["--addr", "127.0.0.1:%d" % self.port]
        command += ["--cert", self._certificate.cert_file, "--key", self._certificate.key_file]
        if self._authenticated:
            command += ["--auth-key", "%s,%s" % (self.access_key, self.secret_key)]
        self._program = Program([*command, str(self.directory / "objects")], self.directory / "rclone.log")
        self._program.wait_for_port(self.port)

    def stop(self) -> None:
        if self._program:
            self._program.stop()

    def kill(self) -> None:
        if self._program:
            self._program.kill()


class Swift(S3Server):
    """OpenStack Swift with its S3 API: proxy, account, container and object server, one process each."""

    def __init__(self, directory: Path, authority: Authority) -> None:
        ports = free_ports(4)
        super().__init__(directory, ports[0], authority.ca_file, swift_config.ACCESS_KEY, swift_config.SECRET_KEY)
        self._bin = program("CAMERA_BACKUP_SWIFT_BIN", ".build/swift/bin")
        self._certificate: Certificate = authority.issue()
        self._ports = dict(zip(swift_config.SERVERS, ports))
        self._programs: list[Program] = []
        self._write_only: list[str] = []
        swift_config.write(directory, self._ports, self._certificate)
        self._build_rings()

    def _build_rings(self) -> None:
        command = [self._bin + "/python", "-W", "ignore", "-c", swift_config.RINGS, str(self.directory)]
        command += ["%s:%d" % (name, port) for name, port in self._ports.items() if name != "proxy"]
        with running(command, self.directory / "rings.log") as builder:
            if builder.process.wait(60) != 0:
                raise RuntimeError("swift rings could not be built:\n%s" % builder.tail())

    def write_only_bucket(self) -> str:
        """Return an empty bucket that the user `swift_config.WRITER_KEY` may write to, and neither read nor list.

        Many are made at once: the program that sets their ACLs takes seconds to start.
        """
        if not self._write_only:
            self._write_only = [self.make_bucket() for _ in range(_AT_ONCE)]
            self._allow_writing_only(self._write_only)
        return self._write_only.pop()

    def _allow_writing_only(self, buckets: Sequence[str]) -> None:
        """Swift keeps parts in a container beside each bucket, and looks into that on the user's behalf."""
        path = self.directory / "inside.conf"
        path.write_text(swift_config.INSIDE.format(directory=self.directory))
        command = [self._bin + "/python", "-W", "ignore", "-c", swift_config.WRITE_ONLY, str(path)]
        with running([*command, swift_config.WRITER_KEY, *buckets], self.directory / "acl.log") as setter:
            if setter.process.wait(60) != 0:
                raise RuntimeError("the ACLs could not be set:\n%s" % setter.tail())

    def start(self) -> None:
        self._programs = [
            Program(
                [self._bin + "/swift-%s-server" % name, str(self.directory / (name + ".conf")), "-v"],
                self.directory / (name + ".log"),
            )
            for name in swift_config.SERVERS
        ]
        for running_program, port in zip(self._programs, self._ports.values()):
            running_program.wait_for_port(port)

    def stop(self) -> None:
        for one in self._programs:
            one.stop()

    def kill(self) -> None:
        for one in self._programs:
            one.kill()


@contextlib.contextmanager
def _served(server: S3Server) -> Iterator[S3Server]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def swift(directory: Path | None = None) -> Iterator[S3Server]:
    """Give a running Swift; everything it stores is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="swift-", dir=directory) as path:
        server = Swift(Path(path), Authority(Path(path) / "tls"))
        with _served(server):
            yield server


@contextlib.contextmanager
def rclone(directory: Path | None = None, authenticated: bool = True) -> Iterator[S3Server]:
    """Give a running `rclone serve s3`; everything it stores is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="rclone-", dir=directory) as path:
        home = Path(path)
        server = Rclone(home, free_ports(1)[0], Authority(home / "tls"), authenticated)
        with _served(server):
            yield server


@pytest.fixture(scope="session")
def swift_server() -> Iterator[S3Server]:
    """Swift's S3 API over TLS, one for the whole run."""
    with swift() as server:
        yield server


@pytest.fixture(scope="session")
def rclone_server() -> Iterator[S3Server]:
    """`rclone serve s3` over TLS, one for the whole run."""
    with rclone() as server:
        yield server


@pytest.fixture(params=["swift", "rclone"])
def s3_server(request: pytest.FixtureRequest) -> S3Server:
    """Each real server in turn: the same test runs against both."""
    server: S3Server = request.getfixturevalue(request.param + "_server")
    return server
