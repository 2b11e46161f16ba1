"""The fault-injecting proxy: each fault happens as asked, and nothing else does."""

import hashlib
import json
import os
import socket
import ssl
import sys
import time
from email.utils import parsedate_to_datetime

import pytest
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ReadTimeoutError

from tests.simulators.s3_faults import (
    Clock,
    Corrupt,
    Error,
    Fault,
    LoseReply,
    Portal,
    Reset,
    Slow,
    Stall,
    Strip,
    WrongEtag,
    parse,
)
from tests.simulators.s3_proxy import Forward, Proxy, simulated
from tests.simulators.s3_store import Store
from tests.support.certs import Authority
from tests.support.processes import running, wait_until
from tests.support.s3_servers import ROOT, S3Server, plain_client

MIB = 1024 * 1024
BODY = bytes(range(256)) * 4096 * 5
MD5 = hashlib.md5(BODY).hexdigest()


def client_of(proxy, ca_file):
    return plain_client(proxy.endpoint, "any", "body", ca_file, retries={"total_max_attempts": 1}, read_timeout=2)


@pytest.fixture
def store():
    store = Store()
    store.buckets["b"] = {}
    return store


@pytest.fixture
def proxied(store):
    with simulated(store) as (proxy, ca_file):
        yield proxy, client_of(proxy, ca_file)


@pytest.fixture
def proxy(proxied):
    return proxied[0]


@pytest.fixture
def client(proxied):
    return proxied[1]


def upload(client, key="k", parts=(BODY, b"tail"), bucket="b"):
    """Upload in parts and return the answer of Complete."""
    name = client.create_multipart_upload(Bucket=bucket, Key=key, Metadata={"host": "nvr"})["UploadId"]
    done = []
    for number, part in enumerate(parts, 1):
        answer = client.upload_part(Bucket=bucket, Key=key, UploadId=name, PartNumber=number, Body=part)
        done.append({"PartNumber": number, "ETag": answer["ETag"]})
    return client.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=name, MultipartUpload={"Parts": done})


def code_of(caught):
    return caught.value.response["Error"]["Code"]


def test_without_faults_a_real_server_works_through_it(s3_server: S3Server, tmp_path):
    authority = Authority(tmp_path)
    bucket = s3_server.make_bucket()
    with Proxy(Forward(s3_server.endpoint, s3_server.ca_file), authority.issue()) as proxy:
        client = plain_client(proxy.endpoint, s3_server.access_key, s3_server.secret_key, authority.ca_file)
        upload(client, "cam/ü +%.mp4", bucket=bucket)
        client.put_object(Bucket=bucket, Key="plain", Body=b"small")
        assert client.get_object(Bucket=bucket, Key="plain")["Body"].read() == b"small"
        assert client.head_object(Bucket=bucket, Key="cam/ü +%.mp4")["ContentLength"] == len(BODY) + 4
        assert [one.operation for one in proxy.records[:4]] == [
            "CreateMultipartUpload",
            "UploadPart",
            "UploadPart",
            "CompleteMultipartUpload",
        ]
    assert s3_server.client.get_object(Bucket=bucket, Key="cam/ü +%.mp4")["Body"].read() == BODY + b"tail"


def test_a_chunked_body_reaches_a_real_server(swift_server: S3Server, tmp_path):
    authority = Authority(tmp_path)
    bucket = swift_server.make_bucket()
    with Proxy(Forward(swift_server.endpoint, swift_server.ca_file), authority.issue()) as proxy:
        client = plain_client(proxy.endpoint, swift_server.access_key, swift_server.secret_key, authority.ca_file)
        client.put_object(Bucket=bucket, Key="k", Body=BODY, ChecksumAlgorithm="CRC32")
        assert proxy.of("PutObject")[0].headers["transfer-encoding"] == "chunked"
    assert swift_server.client.get_object(Bucket=bucket, Key="k")["Body"].read() == BODY


def test_every_request_is_recorded_with_its_bytes(proxy, client):
    upload(client, "cam/a.mp4")
    assert [(one.operation, one.key, one.part, one.received, one.status) for one in proxy.records[1:3]] == [
        ("UploadPart", "cam/a.mp4", 1, len(BODY), 200),
        ("UploadPart", "cam/a.mp4", 2, 4, 200),
    ]
    assert proxy.received() == len(BODY) + 4


@pytest.mark.parametrize(("at", "least", "most"), [("before", 0, 0), ("mid", 0.5, 0.6), ("after", 1, 1)])
def test_a_reset_comes_before_within_or_after_the_body(proxy, client, store, at, least, most):
    proxy.add(Reset("PutObject", at=at))
    with pytest.raises(BotoCoreError):
        client.put_object(Bucket="b", Key="k", Body=BODY)
    assert least * len(BODY) <= proxy.received() <= most * len(BODY)
    assert store.buckets["b"] == {}
    client.put_object(Bucket="b", Key="k", Body=BODY)


def read_all(descriptor):
    """Read below TLS, where a reset still is one: Python's ssl shows it as an end of file."""
    while os.read(descriptor, 65536):
        pass


def test_a_reset_is_a_tcp_reset(proxy):
    proxy.add(Reset(at="before"))
    plain = ssl._create_unverified_context()
    port = int(proxy.endpoint.rpartition(":")[2])
    with plain.wrap_socket(socket.create_connection(("127.0.0.1", port))) as connection:
        connection.sendall(b"GET /b/k HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            read_all(connection.fileno())


def test_a_stall_keeps_the_connection_and_moves_nothing(proxy, client, store):
    proxy.add(Stall("PutObject"))
    with pytest.raises(ReadTimeoutError):
        client.put_object(Bucket="b", Key="k", Body=BODY)
    assert store.buckets["b"] == {}


def test_a_short_stall_is_only_late(proxy, client):
    proxy.add(Stall("PutObject", seconds=0.5))
    began = time.monotonic()
    client.put_object(Bucket="b", Key="k", Body=BODY)
    assert time.monotonic() - began >= 0.5


def test_slow_takes_the_body_at_the_asked_rate(proxy, client):
    proxy.add(Slow("PutObject", rate=10 * MIB, times=0))
    began = time.monotonic()
    client.put_object(Bucket="b", Key="k", Body=BODY)
    assert time.monotonic() - began >= 0.5


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InternalError", 500),
        ("SlowDown", 503),
        ("AccessDenied", 403),
        ("ExpiredToken", 403),
        ("RequestTimeTooSkewed", 403),
        ("NoSuchUpload", 404),
        ("NoSuchBucket", 404),
        ("InsufficientStorage", 507),
    ],
)
def test_an_error_is_answered_and_the_store_sees_nothing(proxy, client, store, code, status):
    proxy.add(Error("PutObject", code=code))
    with pytest.raises(ClientError) as caught:
        client.put_object(Bucket="b", Key="k", Body=BODY)
    assert (code_of(caught), caught.value.response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert store.buckets["b"] == {}


def test_an_early_error_does_not_wait_for_the_body(proxy, client):
    proxy.add(Error("PutObject", code="AccessDenied", early=True))
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_object(Bucket="b", Key="k", Body=BODY)
    assert proxy.received() == 0
    client.put_object(Bucket="b", Key="k", Body=BODY)


def test_the_clock_of_the_server_can_be_wrong(proxy, client):
    now = time.time()
    proxy.add(Clock("HeadBucket", seconds=-7200))
    shown = client.head_bucket(Bucket="b")["ResponseMetadata"]["HTTPHeaders"]["date"]
    assert abs(parsedate_to_datetime(shown).timestamp() - (now - 7200)) < 60
    right = client.head_bucket(Bucket="b")["ResponseMetadata"]["HTTPHeaders"]["date"]
    assert abs(parsedate_to_datetime(right).timestamp() - now) < 60


@pytest.mark.parametrize(("code", "status"), [("NotImplemented", 501), ("MethodNotAllowed", 405)])
def test_list_parts_can_be_hidden(proxy, client, code, status):
    proxy.add(Error("ListParts", code=code, times=0))
    name = client.create_multipart_upload(Bucket="b", Key="k")["UploadId"]
    with pytest.raises(ClientError) as caught:
        client.list_parts(Bucket="b", Key="k", UploadId=name)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_complete_can_fail_with_status_200(proxy, client, store):
    proxy.add(Error("CompleteMultipartUpload", code="InternalError", status=200))
    with pytest.raises(ClientError) as caught:
        upload(client)
    assert code_of(caught) == "InternalError"
    assert proxy.of("CompleteMultipartUpload")[0].status == 200
    assert store.buckets["b"] == {}


def test_a_lost_reply_of_complete_leaves_the_object_there(proxy, client, store):
    proxy.add(LoseReply("CompleteMultipartUpload"))
    with pytest.raises(BotoCoreError):
        upload(client)
    assert store.buckets["b"]["k"].data == BODY + b"tail"


def test_a_wrong_etag_replaces_the_one_of_the_part_only(proxy, client, store):
    proxy.add(WrongEtag("UploadPart", part=1))
    name = client.create_multipart_upload(Bucket="b", Key="k")["UploadId"]
    sent = [client.upload_part(Bucket="b", Key="k", UploadId=name, PartNumber=n, Body=BODY)["ETag"] for n in (1, 2)]
    assert sent == ['"%s"' % ("0" * 32), '"%s"' % MD5]


@pytest.mark.parametrize("value", ["0" * 32, ""])
def test_complete_and_head_can_show_a_wrong_or_no_etag(proxy, client, value):
    proxy.add(WrongEtag("CompleteMultipartUpload", value=value), WrongEtag("HeadObject", value=value))
    assert upload(client).get("ETag", "").strip('"') == value
    assert client.head_object(Bucket="b", Key="k").get("ETag", "").strip('"') == value


def test_a_corrupt_part_differs_by_one_bit_where_nothing_is_enforced():
    store = Store(enforce=())
    with simulated(store) as (proxy, ca_file):
        proxy.add(Corrupt("UploadPart", part=1))
        client = client_of(proxy, ca_file)
        client.create_bucket(Bucket="b")
        upload(client)
    wrong = [(a, b) for a, b in zip(store.buckets["b"]["k"].data, BODY + b"tail") if a != b]
    assert len(wrong) == 1
    assert bin(wrong[0][0] ^ wrong[0][1]).count("1") == 1


def test_a_server_that_checks_refuses_the_corrupt_part(swift_server: S3Server, tmp_path):
    authority = Authority(tmp_path)
    bucket = swift_server.make_bucket()
    forward = Forward(swift_server.endpoint, swift_server.ca_file)
    with Proxy(forward, authority.issue(), [Corrupt("PutObject")]) as proxy:
        client = plain_client(proxy.endpoint, swift_server.access_key, swift_server.secret_key, authority.ca_file)
        with pytest.raises(ClientError) as caught:
            client.put_object(Bucket=bucket, Key="k", Body=BODY, ContentMD5="invalid=", ChecksumCRC32="AAAAAA==")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_portal_answers_everything_with_a_page(proxy, client):
    proxy.add(Portal(times=0))
    assert client.head_object(Bucket="b", Key="k")["ContentType"] == "text/html"
    assert b"log in" in client.get_object(Bucket="b", Key="k")["Body"].read()
    # The page is well-formed, so that even a list of S3 is "read": as one of nothing.
    assert "Name" not in client.list_objects_v2(Bucket="b")


def test_if_none_match_can_be_hidden_from_the_store(proxy, client, store):
    client.put_object(Bucket="b", Key="k", Body=b"first")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.put_object(Bucket="b", Key="k", Body=b"second", IfNoneMatch="*")
    proxy.add(Strip("PutObject", headers="if-none-match"))
    client.put_object(Bucket="b", Key="k", Body=b"second", IfNoneMatch="*")
    assert store.buckets["b"]["k"].data == b"second"


def test_a_fault_hits_its_operation_key_part_and_count_only(proxy, client):
    fault = Error("UploadPart", "cam-?/*", code="SlowDown", times=1, skip=1, part=2)
    proxy.add(fault)
    for key in ("other/a", "cam-1/a"):
        upload(client, key)
    with pytest.raises(ClientError, match="SlowDown"):
        upload(client, "cam-2/a")
    upload(client, "cam-2/a")
    assert fault.hits == 1
    assert [(one.key, one.part) for one in proxy.records if one.faults] == [("cam-2/a", 2)]


def test_several_faults_may_hit_the_same_request(proxy, client):
    proxy.add(Slow("PutObject", rate=20 * MIB), Reset("PutObject", at="after"))
    with pytest.raises(BotoCoreError):
        client.put_object(Bucket="b", Key="k", Body=BODY)
    assert proxy.records[0].faults == ["slow", "reset"]


def test_an_uplink_that_is_down_refuses_connections_and_comes_back_on_the_same_port(proxy, client):
    client.put_object(Bucket="b", Key="k", Body=b"v")
    proxy.stop()
    with pytest.raises((BotoCoreError, HTTPClientError), match="connect|closed|reset|aborted"):
        client.head_object(Bucket="b", Key="k")
    proxy.start()
    assert client.head_object(Bucket="b", Key="k")["ContentLength"] == 1


def test_a_fault_is_read_from_the_command_line():
    fault = parse("UploadPart:reset:at=after:times=2:key=cam/*")
    assert isinstance(fault, Reset)
    assert type(parse("*:watch")) is Fault


def test_an_unknown_kind_is_refused_with_what_is_accepted():
    with pytest.raises(ValueError, match="'explode', accepted: clock, corrupt, error"):
        parse("*:explode")


def test_it_runs_as_a_program_of_its_own(tmp_path):
    command = [sys.executable, "-m", "tests.simulators.s3_proxy", "--tls", str(tmp_path / "tls"), "--bucket", "b"]
    log = tmp_path / "proxy.log"
    fault = ["--records", "--fault", "PutObject:error:code=SlowDown"]
    with running([*command, *fault], log, {**os.environ, "PYTHONPATH": str(ROOT)}):
        wait_until(lambda: b"\n" in log.read_bytes(), "the proxy is there")
        place = json.loads(log.read_text().splitlines()[0])
        client = plain_client(place["endpoint"], "any", "body", place["ca_file"], retries={"total_max_attempts": 1})
        with pytest.raises(ClientError, match="SlowDown"):
            client.put_object(Bucket="b", Key="k", Body=b"v")
        client.put_object(Bucket="b", Key="k", Body=b"v")
        wait_until(lambda: len(log.read_text().splitlines()) == 3, "both requests are printed")
    records = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    assert [(one["operation"], one["status"], one["faults"]) for one in records] == [
        ("PutObject", 503, ["error"]),
        ("PutObject", 200, []),
    ]
