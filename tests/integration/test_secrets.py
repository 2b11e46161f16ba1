"""I7, attacked: secrets are planted, everything runs talkative and with faults, then everything is searched.

The planted words survive every way of encoding that a program could use on a password, so a search for them finds
the secret also where it was quoted or escaped.
"""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from tests.simulators.camera import CameraServer, Look
from tests.simulators.s3_faults import Error, Reset
from tests.simulators.s3_proxy import Proxy
from tests.simulators.s3_store import Store
from tests.support.certs import Authority

CAMERA, WRONG, ACCESS, SECRET = "pl4ntedCamera", "pl4ntedWrong", "PL4NTEDACCESS", "pl4ntedS3key"
WORDS = [CAMERA, WRONG, ACCESS, SECRET]
HOSTILE = CAMERA + "% $ \" ' \\ @ : / # ü"


class Watch(threading.Thread):
    """Reads command line and environment of every process of the machine, again and again."""

    def __init__(self):
        super().__init__(daemon=True)
        self.found = set()
        self.seen = set()
        self._done = threading.Event()

    def run(self):
        while not self._done.wait(0.02):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                self._look(pid)

    def _look(self, pid):
        for name in ("cmdline", "environ"):
            try:
                text = Path("/proc", pid, name).read_bytes()
            except OSError:
                continue
            if name == "cmdline":
                self.seen.update(
                    word for word in (b"ffmpeg", b"ffprobe", b"camera-backup", b"camera_backup") if word in text
                )
            self.found.update((name, word, text[:120]) for word in WORDS if word.encode() in text)

    def stop(self):
        self._done.set()
        self.join()


class Stage:
    """Two cameras, a bucket that fails at times, and a configuration with the planted secrets."""

    def __init__(self, root, cameras, proxy, ca_file):
        self.root = root
        self.output = []
        self.config = root / "config.yaml"
        good = cameras.add("good", Look(audio="aac"), user="viewer", password=HOSTILE)
        wrong = cameras.add("wrong", user="viewer", password="another")
        self.good, self.temporary = good, root / "tmp"
        self.temporary.mkdir()
        data = {
            "storage": {
                "local_path": str(root / "segments"),
                "state_path": str(root / "state"),
                "min_free": 0,
            },
            "s3": {
                "access_key_id": ACCESS,
                "secret_access_key": SECRET,
                "bucket": "footage",
                "endpoint": proxy.endpoint,
                "ca_file": ca_file,
            },
            "cameras": [
                {"name": "good", "rtsp_url": good.plain_url, "username": "viewer", "password": HOSTILE},
                {"name": "wrong", "rtsp_url": wrong.plain_url.replace("//", "//viewer:%s@" % WRONG)},
            ],
            "recording": {"segment_duration": 5, "stall_timeout": 5},
            "upload": {"min_age": 0, "check_interval": 1},
        }
        self.config.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        self.config.chmod(0o600)
        for directory in ("segments", "state"):
            (root / directory).mkdir()

    def environment(self):
        return {**os.environ, "TMPDIR": str(self.temporary), "PYTHONUNBUFFERED": "1"}

    def command(self, *words):
        program = os.path.join(os.path.dirname(sys.executable), words[0])
        return [program, *(str(word) for word in words[1:])]

    def run(self, *words):
        done = subprocess.run(
            self.command(*words, "--debug"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment(),
            timeout=120,
        )
        self.output.append(done.stdout)
        return done

    def start(self, *words):
        log = self.root / ("output-%d" % len(os.listdir(self.root)))
        with log.open("wb") as stream:
            process = subprocess.Popen(
                self.command(*words, "--debug"), stdout=stream, stderr=subprocess.STDOUT, env=self.environment()
            )
        return process, log

    def stop(self, process, log):
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        self.output.append(log.read_bytes())


def wait_for(condition, what, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory):
    """Run everything once; the tests search what is left."""
    root = tmp_path_factory.mktemp("secrets")
    store = Store()
    store.buckets["footage"] = {}
    authority = Authority(root / "tls")
    with CameraServer() as cameras, Proxy(store, authority.issue()) as proxy:
        stage = Stage(root, cameras, proxy, authority.ca_file)
        watch = Watch()
        watch.start()
        proxy.add(
            Error("PutObject", code="InternalError"), Reset("PutObject"), Error("HeadObject", code="AccessDenied")
        )
        stage.run("camera-backup", "check", stage.config)
        stage.run("camera-backup-install", "--root", root / "host")
        for option in ("--check", "--diff", "--json"):
            stage.run("camera-backup-generate", "--config", stage.config, "--root", root / "host", option)
        stage.run("camera-backup-generate", "--config", stage.config, "--root", root / "host")
        started = [
            stage.start("camera-backup", "record", "good", "--config", stage.config),
            stage.start("camera-backup", "record", "wrong", "--config", stage.config),
            stage.start("camera-backup", "upload", "--config", stage.config),
        ]
        try:
            wait_for(lambda: any("/20" in key for key in store.buckets["footage"]), "an object in the bucket")
            stage.good.drop("rst")
            stage.good.freeze()
            time.sleep(7)
            stage.good.clear()
            stage.run("camera-backup", "status", "--config", stage.config)
            stage.run("camera-backup", "list", "--all", "--config", stage.config)
            stage.run("camera-backup", "list", "--all", "--config", stage.config, "--json")
        finally:
            for process, log in started:
                stage.stop(process, log)
        proxy.add(Error("*", code="InvalidAccessKeyId", status=403, times=0))
        stage.run("camera-backup", "upload", "--once", "--config", stage.config)
        stage.run("camera-backup", "check", stage.config)
        broken = root / "broken.yaml"
        broken.write_text(stage.config.read_text(encoding="utf-8").replace("bucket:", "bukket:"), encoding="utf-8")
        broken.chmod(0o600)
        stage.run("camera-backup", "check", broken)
        watch.stop()
    return stage, watch, store


def test_no_output_of_any_command_holds_a_secret(aftermath):
    stage, _, _ = aftermath
    output = b"\n".join(stage.output)

    assert [word for word in WORDS if word.encode() in output] == []
    # The search would prove nothing over commands that said nothing or never ran into their faults.
    for expected in (b"good", b"wrong", b"login", b"bukket"):
        assert expected in output


def test_no_process_had_a_secret_in_its_arguments_or_environment(aftermath):
    _, watch, _ = aftermath

    assert watch.found == set()
    assert watch.seen >= {b"ffmpeg", b"camera-backup"}


def test_no_file_but_the_configuration_and_the_credentials_holds_a_secret(aftermath):
    stage, _, _ = aftermath
    holding = set()
    for path in stage.root.rglob("*"):
        if path.is_file() and any(word.encode() in path.read_bytes() for word in WORDS):
            holding.add(str(path.relative_to(stage.root)))

    assert holding == {
        "broken.yaml",
        "config.yaml",
        "host/etc/camera-backup/credentials/camera-recorder-good.json",
        "host/etc/camera-backup/credentials/camera-recorder-wrong.json",
        "host/etc/camera-backup/credentials/camera-uploader.json",
    }


def test_every_file_that_holds_a_secret_is_for_its_owner_alone(aftermath):
    stage, _, _ = aftermath
    open_to_others = [
        path
        for path in stage.root.rglob("*")
        if path.is_file()
        and stat.S_IMODE(path.stat().st_mode) & 0o077
        and any(word.encode() in path.read_bytes() for word in WORDS)
    ]

    assert open_to_others == []


def test_a_recorder_gets_the_secret_of_its_own_camera_only(aftermath):
    stage, _, _ = aftermath
    credentials = stage.root / "host/etc/camera-backup/credentials"
    good = (credentials / "camera-recorder-good.json").read_text(encoding="utf-8")
    uploader = (credentials / "camera-uploader.json").read_text(encoding="utf-8")

    assert [word for word in WORDS if word in good] == [CAMERA]
    assert [word for word in WORDS if word in uploader] == [ACCESS, SECRET]


def test_nothing_in_the_bucket_holds_a_secret(aftermath):
    _, _, store = aftermath
    objects = store.buckets["footage"]

    assert objects
    for key, blob in objects.items():
        described = (key + repr(vars(blob))).encode()
        assert [word for word in WORDS if word.encode() in described] == []
