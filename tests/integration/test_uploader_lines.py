"""Bad lines: lossy, slow, without name servers, and with hours at which they are needed for something else."""

import dataclasses
import socket
import time

import pytest

from camera_backup.model import S3
from camera_backup.schedule import OFF, Window
from tests.integration.test_uploader_service import place, service  # noqa: F401  (a fixture)
from tests.simulators.line import HERE, PEER, Line
from tests.simulators.s3_proxy import Proxy
from tests.simulators.s3_store import Store
from tests.support.certs import Authority
from tests.support.processes import wait_until
from tests.support.uploading import MIB, PART, Place, examined

KBIT = 1000 / 8


@pytest.mark.parametrize(
    ("loss", "rate", "size"),
    [(0.1, 0, MIB), (0.0, 128 * KBIT, 48 * 1024), (0.1, 256 * KBIT, 48 * 1024)],
    ids=["10 % of packets lost", "128 kbit/s", "256 kbit/s, 10 % of packets lost"],
)
def test_a_bad_line_only_takes_longer(tmp_path, loss, rate, size):
    store = Store()
    store.buckets["b"] = {}
    authority = Authority(tmp_path / "tls")
    with Line(loss, rate) as line, Proxy(store, authority.issue(HERE, PEER), address=HERE) as proxy:
        near = S3(
            "AKIDLINE", "line-secret", "b", proxy.endpoint, "us-east-1", "", "path", authority.ca_file, None, "auto"
        )
        host = Place(tmp_path / "host", dataclasses.replace(near, endpoint=proxy.endpoint_at(PEER)), examine=False)
        host.believe(examined(near))
        proxy.clear()
        data = host.segment(size)
        began = time.monotonic()
        result = host.run()
        assert (result.proven, result.undone, result.pause) == (1, {}, None)
        assert store.buckets["b"][host.key()].data == data
        assert not host.path().exists()
        # It is TCP that sends again what was lost; to us nothing has failed.
        assert proxy.received() == size
        assert line.lost > 0 or not loss
        assert not rate or time.monotonic() - began > size / rate


@pytest.fixture
def without_names(tmp_path):
    """Return what to run a command in, so that its name server takes every question and never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.77", 53))
        path = tmp_path / "resolv.conf"
        path.write_text("nameserver 127.0.0.77\n")
        yield ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(path)]
        assert silent.recv(512), "nobody has asked"


def test_name_servers_that_never_answer_are_named_and_delay_no_stop(place, without_names):  # noqa: F811
    place.change("s3", endpoint="https://s3.store.test")
    place.segment()
    with service(place, within=without_names, RES_OPTIONS="timeout:1 attempts:1") as running:
        running.wait_log("upload_paused")
        assert "upload_paused cause=dns " in running.text()
        assert "check the network, its name servers and s3.endpoint (no name server answers for s3.store.test)" in (
            running.text()
        )
        assert running.stop()[0] == 0
    with service(place, within=without_names) as running:
        wait_until(lambda: running.children() != [], "the worker")
        time.sleep(1.5)
        code, seconds = running.stop()
        assert (code, seconds < 5) == (0, True)
        assert running.text().count("upload_paused") == 1
    assert place.path().exists()


def zone_in_which_it_is(hours, minutes, seconds):
    """Return the time zone of a place where the clocks show this now."""
    ahead = int(hours * 3600 + minutes * 60 + seconds - time.time()) % 86400
    return "TST-%d:%02d:%02d" % (ahead // 3600, ahead // 60 % 60, ahead % 60)


NOON = Window(12 * 60, 13 * 60, OFF)


def test_when_the_schedule_says_off_it_stops_in_order_within_seconds_and_keeps_the_parts(place):  # noqa: F811
    place.segment(6 * PART)
    place.change("upload", schedule=(Window(11 * 60, 12 * 60, 4 * MIB), NOON))
    with service(place, TZ=zone_in_which_it_is(11, 59, 55)) as running:
        wait_until(lambda: place.proxy.received("UploadPart") > PART, "the first part")
        running.wait_state("off")
        sent = place.proxy.received("UploadPart")
        assert sent < 6 * 4 * MIB
        assert running.status()["cause"] == "paused until 13:00 by schedule"
        # As it should be, and no fault.
        assert "upload_paused" not in running.text()
        assert running.text().count('upload_schedule state=off reason="paused until 13:00 by schedule"') == 1
        time.sleep(2)
        assert running.children() == []
        assert place.proxy.received("UploadPart") == sent
        assert running.status()["backlog"]["segments"] == 1
        assert running.stop()[0] == 0
    assert place.path().exists()
    place.change("upload", schedule=())
    assert place.run().proven == 1
    assert place.proxy.received("UploadPart") <= 7 * PART


def test_when_the_schedule_ends_it_goes_on_by_itself(place):  # noqa: F811
    place.segment()
    place.change("upload", schedule=(NOON,), check_interval=300)
    # With 300 s a host waits for its turn within a minute of its own: seen here as one of its first seconds.
    prompt = "from camera_backup.uploader import spread; spread.share = lambda host: 0.01; "
    with service(place, prompt, TZ=zone_in_which_it_is(12, 59, 56)) as running:
        running.wait_state("off")
        assert place.proxy.records == []
        wait_until(lambda: not place.path().exists(), "the segment", seconds=15)
        assert running.text().count("upload_schedule state=on") == 1


def test_once_keeps_to_the_schedule_and_says_so(place, monkeypatch):  # noqa: F811
    place.segment()
    place.change("upload", schedule=(NOON,))
    monkeypatch.setenv("TZ", zone_in_which_it_is(12, 30, 0))
    done = place.upload_once()
    assert done.returncode == 1
    assert "upload: stopped: paused until 13:00 by schedule" in done.stderr
    assert place.proxy.records == []
