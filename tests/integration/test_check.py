"""`camera-backup check` against real cameras and a real store: every planted problem is found, no secret is shown."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.simulators.camera import CameraServer, Look
from tests.support.certs import Authority
from tests.support.processes import wait_until
from tests.support.recorder import FFMPEGS, name_of
from tests.support.s3_servers import Swift

PASSWORD = "p@ss %w/rd#ü'7"
WRONG = 'wr0ng "$" passw0rd'


class Site:
    """A configuration with real parts, and the command run on it."""

    def __init__(self, tmp_path, server):
        self.path = tmp_path / "config.yaml"
        self.path.touch(0o600)
        self.value = {
            "storage": {"local_path": str(tmp_path / "segments"), "state_path": str(tmp_path / "state"), "min_free": 0},
            "s3": {
                "access_key_id": server.access_key,
                "secret_access_key": server.secret_key,
                "bucket": server.make_bucket(),
                "endpoint": server.endpoint,
                "ca_file": server.ca_file,
            },
            "cameras": [],
        }

    def camera(self, name, url, **more):
        self.value["cameras"].append({"name": name, "rtsp_url": url, **more})

    def command(self, *options):
        self.path.write_text(json.dumps(self.value))
        return [sys.executable, "-m", "camera_backup", "check", str(self.path), *options]

    def check(self, *options):
        return subprocess.run(self.command(*options), capture_output=True, text=True, timeout=120)

    def found(self, *options):
        result = self.check("--json", *options)
        value = json.loads(result.stdout)
        assert value["exit_code"] == result.returncode
        return result.returncode, {(f["subject"], f["item"]): f for f in value["findings"]}


@pytest.fixture
def site(tmp_path, rclone_server):
    return Site(tmp_path, rclone_server)


@pytest.fixture(params=FFMPEGS, ids=name_of)
def every_ffmpeg(request, site):
    """Let the site's cameras be recorded by one FFmpeg after the other."""
    site.value["recording"] = {"ffmpeg": request.param}


@pytest.fixture(scope="module")
def cameras():
    with CameraServer() as server:
        yield server


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def front(cameras):
    return cameras.add("front", Look(audio="aac"), user="viewer", password=PASSWORD)


@pytest.fixture(scope="module")
def yard(cameras, authority):
    leaf = authority.issue()
    return cameras.add("yard", Look(codec="h265", audio="pcmu"), cert_file=leaf.cert_file, key_file=leaf.key_file)


def leaks(*texts):
    spellings = (str, quote, lambda text: quote(text, safe=""), lambda text: json.dumps(text)[1:-1])
    forms = {spelt(secret) for secret in (PASSWORD, WRONG) for spelt in spellings}
    return [form for form in forms for text in texts if form in text]


class Spy(threading.Thread):
    """Reads the command line and the environment of every process while a check runs."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.words, self.done = set(), set(), threading.Event()

    def run(self):
        while not self.done.is_set():
            for entry in Path("/proc").glob("[0-9]*"):
                try:
                    line = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
                    text = line + (entry / "environ").read_bytes().decode("utf-8", "replace")
                except OSError:
                    continue
                self.words.update(line.split("\0"))
                self.seen.update(leaks(text))
            time.sleep(0.05)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()


@pytest.mark.usefixtures("every_ffmpeg")
def test_a_good_site_is_well_in_every_point(site, front, yard, authority):
    site.camera("front", front.plain_url, username="viewer", password=PASSWORD)
    site.camera("yard", yard.url, tls={"ca_file": authority.ca_file})
    site.camera("old", "rtsp://127.0.0.1:1/x", enabled=False)
    with Spy() as spy:
        code, found = site.found()
    assert code == 0, found
    assert {f["level"] for f in found.values()} <= {"ok", "warning"}
    assert found["front", "connection"]["text"].endswith("over TCP, login accepted")
    assert found["front", "audio"]["text"] == "aac, copied"
    assert found["front", "key frames"]["text"] == "every 1.0 s"
    assert found["yard", "certificate"]["text"] == "verified against " + authority.ca_file
    assert found["yard", "video"]["text"] == "hevc 320×180, 25 frames a second"
    assert found["yard", "audio"]["text"] == "pcm_mulaw, converted to AAC"
    assert "kbit/s" in found["yard", "bitrate"]["text"]
    assert "holds an outage of" in found["this host", "disk"]["text"]
    assert found["this host", "clock"]["text"] == "agrees with the bucket's"
    assert not any(subject == "old" for subject, _ in found)
    assert any(word.endswith("/ffmpeg") for word in spy.words), "the spy saw no FFmpeg at work"
    assert spy.seen == set()


@pytest.mark.usefixtures("every_ffmpeg")
def test_every_camera_is_judged_by_itself_and_no_fault_hides_another(site, cameras, front, yard, authority, tmp_path):
    tag = "-%s" % tmp_path.name
    frozen = cameras.add("frozen" + tag)
    frozen.freeze()
    mute = cameras.add("mute" + tag, Look(audio="pcmu"))
    mute.novideo()
    gone = cameras.add("gone" + tag)
    gone.refuse()
    rare = cameras.add("rare" + tag, Look(gop=8.0, seconds=8, audio="pcmu"))
    other = Authority(tmp_path / "other")
    site.camera("good", front.plain_url, username="viewer", password=PASSWORD)
    site.camera("locked", front.plain_url, username="viewer", password=WRONG)
    site.camera("lost", front.url.replace("/front", "/none"))
    site.camera("impostor", yard.url, tls={"ca_file": other.ca_file})
    site.camera("pinned", yard.url + "?2", tls={"fingerprint": "ab" * 32})
    site.camera("frozen", frozen.url)
    site.camera("mute", mute.url)
    site.camera("gone", gone.url)
    site.camera("rare", rare.url, audio="copy")
    code, found = site.found()
    assert code == 5
    problems = {subject: (item, f["text"]) for (subject, item), f in found.items() if f["level"] == "problem"}
    assert problems == {
        "locked": ("login", problems["locked"][1]),
        "lost": ("stream", "stream refused: 404 Not Found"),
        "impostor": ("certificate", problems["impostor"][1]),
        "pinned": ("certificate", problems["pinned"][1]),
        "mute": ("stream", "stalled: it announces video and sends none"),
        "frozen": ("connection", problems["frozen"][1]),
        "gone": ("connection", "camera unreachable: 127.0.0.1 port %d: Connection refused" % gone.port),
    }
    assert problems["locked"][1].startswith("login refused: 401 Unauthorized")
    assert "verif" in problems["impostor"][1] or "issuer" in problems["impostor"][1]
    assert "not the configured one" in problems["pinned"][1]
    assert problems["frozen"][1].startswith("camera unreachable: 127.0.0.1 port %d" % frozen.port)
    assert found["good", "connection"]["level"] == "ok"
    assert found["rare", "key frames"]["level"] == "warning"
    assert found["rare", "audio"]["level"] == "warning"
    assert "will not be recorded" in found["rare", "audio"]["text"]
    assert all(f["advice"] for f in found.values() if f["level"] != "ok" and f["area"] == "camera")


def test_the_table_names_the_problem_and_the_way_out_and_never_the_secret(site, front):
    site.camera("locked", front.plain_url, username="viewer", password=WRONG)
    result = site.check("--debug")
    assert result.returncode == 5
    assert "login refused: 401 Unauthorized" in result.stdout
    assert "→ check user and password" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("1 problem (locked)")
    assert "\x1b" not in result.stdout
    assert leaks(result.stdout, result.stderr) == []
    assert site.value["s3"]["secret_access_key"] not in result.stdout + result.stderr


def test_both_real_stores_are_told_by_what_they_enforce(tmp_path, s3_server):
    site = Site(tmp_path, s3_server)
    code, found = site.found()
    bucket = "bucket " + site.value["s3"]["bucket"]
    assert code == 0
    assert "Content-MD5 enforced" in found[bucket, "proof"]["text"]
    assert found[bucket, "proof"]["text"].endswith("→ every part proven before its source is deleted")
    swift = isinstance(s3_server, Swift)
    told = (
        "refused by the store (If-None-Match)"
        if swift
        else "not refused by the store; every key is looked up before it is written"
    )
    assert found[bucket, "overwrites"]["text"].startswith(told)
    left = s3_server.client.list_objects_v2(Bucket=site.value["s3"]["bucket"])
    assert "Contents" not in left


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("bucket", "no-such-bucket", "the bucket does not exist"),
        ("access_key_id", "AKIDUNKNOWN", ""),
        ("secret_access_key", "planted-wrong-secret", ""),
        ("endpoint", "https://127.0.0.1:1", "the store cannot be reached"),
        ("ca_file", None, "the certificate of the store is not trusted"),
    ],
)
def test_a_bucket_that_cannot_be_used_is_a_problem_with_the_way_out_and_no_secret(
    tmp_path, s3_server, key, value, told
):
    site = Site(tmp_path, s3_server)
    site.value["s3"][key] = value
    code, found = site.found()
    assert code == 6
    access = next(f for (subject, item), f in found.items() if item == "access")
    assert access["level"] == "problem"
    assert access["text"].startswith(told)
    assert access["advice"]
    assert "planted-wrong-secret" not in json.dumps(access)


def test_a_disk_without_its_reserve_is_a_problem_of_the_host_whatever_else_is_wrong(site):
    site.value["storage"]["min_free"] = 10**15
    site.value["s3"]["bucket"] = "no-such-bucket"
    site.camera("gone", "rtsp://127.0.0.1:1/x")
    code, found = site.found()
    assert code == 4
    assert "is too small for storage.min_free (1 PB)" in found["this host", "disk"]["text"]
    assert found["gone", "connection"]["level"] == "problem"


def test_a_missing_ffmpeg_is_said_once_and_the_bucket_is_looked_at_all_the_same(site, front):
    site.value["recording"] = {"ffmpeg": "/nowhere/ffmpeg"}
    site.camera("front", front.plain_url, username="viewer", password=PASSWORD)
    code, found = site.found()
    assert code == 4
    assert found["this host", "FFmpeg"]["text"] == "/nowhere/ffmpeg: no such program"
    assert found["front", "stream"]["level"] == "warning"
    assert any(f["area"] == "bucket" for f in found.values())


def test_offline_touches_no_network(site):
    site.camera("gone", "rtsp://127.0.0.1:1/x")
    site.value["s3"]["endpoint"] = "https://127.0.0.1:1"
    code, found = site.found("--offline")
    assert code == 0
    assert {subject for subject, _ in found} == {"this host"}


def test_a_refused_configuration_is_refused_before_anything_is_looked_at(site, front):
    site.value["storage"]["min_fre"] = 5
    site.camera("front door", front.plain_url, username="viewer", password=PASSWORD)
    result = site.check()
    assert result.returncode == 3
    assert "did you mean" in result.stderr
    assert "front door" in result.stderr
    assert result.stdout == ""
    machine = site.check("--json")
    assert machine.returncode == 3
    assert len(json.loads(machine.stdout)["problems"]) == 2
    assert leaks(result.stderr, machine.stdout) == []


def test_interrupting_a_check_leaves_no_ffmpeg_behind(site, cameras):
    slow = cameras.add("slow", Look(gop=8.0, seconds=8))
    site.camera("slow", slow.url)
    process = subprocess.Popen(site.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: slow.stats()["playing"] == 1, "the check watches the camera")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    wait_until(lambda: slow.stats()["playing"] == 0, "the camera is left", 5)
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and parent(pid) == process.pid]


def parent(pid):
    try:
        return int(Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0
