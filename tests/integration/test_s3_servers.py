"""The servers the other tests stand on: they serve over TLS, survive a kill, and end when we do."""

import signal
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError, SSLError

from tests.support.processes import listening, wait_until
from tests.support.s3_servers import ROOT, S3Server, plain_client, rclone


def test_a_bucket_keeps_what_was_put_into_it(s3_server: S3Server):
    bucket = s3_server.make_bucket()
    s3_server.client.put_object(Bucket=bucket, Key="cam/a.mp4", Body=b"footage")
    assert s3_server.client.get_object(Bucket=bucket, Key="cam/a.mp4")["Body"].read() == b"footage"


def test_the_certificate_is_refused_by_who_does_not_trust_our_authority(s3_server: S3Server):
    stranger = plain_client(s3_server.endpoint, s3_server.access_key, s3_server.secret_key, None)
    with pytest.raises(SSLError):
        stranger.list_buckets()


def test_a_wrong_secret_is_refused(s3_server: S3Server):
    thief = plain_client(s3_server.endpoint, s3_server.access_key, "guessed", s3_server.ca_file)
    with pytest.raises(ClientError, match="SignatureDoesNotMatch|AccessDenied|InvalidAccessKeyId"):
        thief.list_buckets()


def test_objects_survive_a_power_cut_of_the_server(s3_server: S3Server):
    bucket = s3_server.make_bucket()
    s3_server.client.put_object(Bucket=bucket, Key="k", Body=b"v")
    s3_server.kill()
    s3_server.start()
    assert s3_server.client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"v"


def test_swift_enforces_content_md5_and_if_none_match(swift_server: S3Server):
    bucket = swift_server.make_bucket()
    with pytest.raises(ClientError, match="BadDigest"):
        swift_server.client.put_object(Bucket=bucket, Key="k", Body=b"v", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    swift_server.client.put_object(Bucket=bucket, Key="k", Body=b"v")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        swift_server.client.put_object(Bucket=bucket, Key="k", Body=b"w", IfNoneMatch="*")


def test_rclone_without_keys_accepts_everybody():
    with rclone(authenticated=False) as server:
        plain_client(server.endpoint, "any", "body", server.ca_file).create_bucket(Bucket="open")


HELD = """
from tests.support.s3_servers import swift
with swift() as server:
    print(server.port, flush=True)
    import time
    time.sleep(600)
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "SIGKILL"])
def test_no_server_outlives_the_run_that_started_it(ending):
    holder = subprocess.Popen([sys.executable, "-c", HELD], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT)
    with holder:
        port = int(holder.stdout.readline())
        assert listening(port)
        holder.send_signal(ending)
        holder.wait(30)
    wait_until(lambda: not listening(port), "the server is gone", 10)
