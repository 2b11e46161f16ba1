"""The uploader as a service: what it promises to systemd, to the operator, and to a small host."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time

import pytest

from camera_backup import disk, paths
from camera_backup.model import S3
from tests.simulators.s3_faults import Error, Slow, Stall
from tests.simulators.s3_proxy import simulated
from tests.simulators.s3_store import Store
from tests.support.disks import tmpfs
from tests.support.processes import wait_until
from tests.support.uploading import MIB, NAME, PART, Place

KEY, SECRET = "AKIDPLANTEDKEY", "planted+secret/of the bucket"


@pytest.fixture
def place(tmp_path):
    store = Store()
    store.buckets["b"] = {}
    with simulated(store) as (proxy, ca_file):
        place = Place(tmp_path, S3(KEY, SECRET, "b", proxy.endpoint, "us-east-1", "", "path", ca_file, None, "auto"))
        place.store, place.proxy = store, proxy
        place.change("upload", check_interval=1)
        proxy.clear()
        yield place


class Service:
    """A running `camera-backup upload`, with the socket of a systemd that listens."""

    def __init__(self, place, before="", within=(), **environment):
        """before: Python to run first; within: a command that runs the rest of its arguments."""
        self.place = place
        self.log = place.directory / "journal"
        self.address = str(place.directory / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address)
        self.socket.setblocking(False)
        self.told = []
        variables = {**place.environment(), "NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": "2000000", **environment}
        with self.log.open("ab") as log:
            command = [
                *within,
                sys.executable,
                "-c",
                before + "import sys, camera_backup.cli as c; sys.exit(c.main(['upload']))",
            ]
            self.process = subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, stderr=log, stdout=log)

    def status(self):
        with open(paths.uploader_status(self.place.parameters.storage.state_path)) as stream:
            return json.load(stream)

    def wait_state(self, *states):
        def there():
            with contextlib.suppress(OSError):
                return self.status()["state"] in states
            return False

        wait_until(there, "state %s: %s" % (states, self.text()))

    def wait_log(self, text, times=1):
        wait_until(lambda: self.text().count(text) >= times, "%s in the journal" % text)

    def text(self):
        return self.log.read_text()

    def notifications(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.told += self.socket.recv(4096).decode().split("\n")
        return self.told

    def children(self):
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as stream:
            return [int(pid) for pid in stream.read().split()]

    def stop(self):
        """Return the exit code and how long the end took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20), time.monotonic() - began


@contextlib.contextmanager
def service(place, before="", within=(), **environment):
    running = Service(place, before, within, **environment)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        running.socket.close()
        os.unlink(running.address)


def resident(pid):
    """Return the resident set of a process in MB."""
    with open("/proc/%d/status" % pid) as stream:
        return max((int(line.split()[1]) for line in stream if line.startswith("VmRSS")), default=0) * 1024 / 1e6


def test_it_uploads_what_comes_and_tells_systemd_how_it_is(place):
    data = place.segment()
    with service(place) as running:
        wait_until(lambda: not place.path().exists(), "the first segment")
        more = place.segment(2 * PART, "20231114_010000.mp4")
        wait_until(lambda: not place.path("20231114_010000.mp4").exists(), "the second segment")
        running.wait_state("idle")
        assert running.status()["backlog"] == {"segments": 0, "bytes": 0, "oldest_start": None}
        assert running.status()["capabilities"]["crc32_part"] is True
        wait_until(lambda: running.notifications().count("WATCHDOG=1") >= 2, "pings")
        assert "READY=1" in running.notifications()
        assert running.stop()[0] == 0
        assert "STOPPING=1" in running.notifications()
    assert [place.store.buckets["b"][key].data for key in (place.key(), place.key("20231114_010000.mp4"))] == [
        data,
        more,
    ]
    line = next(line for line in running.text().splitlines() if "20231114_010000" in line)
    assert line.startswith("segment_proven camera=front-door name=20231114_010000.mp4 key=front-door/2023/11/14/")
    assert " bytes=%d " % len(more) in line
    assert " resent=0 proof=enforced-crc32" in line


def test_idle_it_is_small_and_has_no_worker(place):
    place.segment()
    with service(place) as running:
        wait_until(lambda: not place.path().exists(), "the segment")
        running.wait_state("idle")
        wait_until(lambda: running.children() == [], "the end of the worker")
        assert resident(running.process.pid) <= 22
        with open("/proc/%d/maps" % running.process.pid) as stream:
            assert "_sqlite3" not in stream.read()


def test_uploading_it_stays_below_45_mb(place):
    place.segment(40 * MIB)
    place.change("upload", workers=2, bandwidth_limit=8 * MIB)
    place.segment(40 * MIB, "20231114_010000.mp4")
    peak = 0
    with service(place) as running:
        running.wait_state("uploading")
        while running.children() and not peak > 45:
            with contextlib.suppress(OSError):
                peak = max([peak, *(resident(child) for child in running.children())])
            time.sleep(0.1)
    assert 20 < peak <= 45


@pytest.mark.parametrize("fault", [Slow("UploadPart", rate=50_000), Stall("UploadPart"), Stall("HeadObject")])
def test_it_ends_within_five_seconds_and_keeps_the_parts(place, fault):
    place.segment(4 * PART)
    place.proxy.add(fault)
    with service(place) as running:
        wait_until(lambda: fault.hits > 0, "the fault")
        time.sleep(0.5)
        code, seconds = running.stop()
        assert (code, seconds < 5) == (0, True)
    assert place.path().exists()
    held = sum(len(upload.parts) for upload in place.store.uploads.values())
    place.proxy.clear()
    assert place.run().proven == 1
    assert place.proxy.received("UploadPart") == (4 - held) * PART


def test_a_pause_is_said_once_and_ends_by_itself(place):
    place.segment()
    denied = Error("PutObject", "*.mp4", code="AccessDenied", times=0)
    place.proxy.add(denied)
    with service(place) as running:
        # Read as systemd does, at once: the socket holds ten only.
        wait_until(lambda: any(line.startswith("STATUS=paused") for line in running.notifications()), "the pause")
        running.wait_state("paused")
        assert "check its permissions" in running.status()["cause"]
        wait_until(lambda: denied.hits >= 3, "the third attempt")
        assert running.text().count("upload_paused") == 1
        assert place.path().exists()
        place.proxy.clear()
        wait_until(lambda: not place.path().exists(), "the segment")
        running.wait_state("idle")
        assert running.text().count("upload_resumed") == 1


def test_an_outage_is_waited_out(place):
    place.proxy.stop()
    place.segment()
    with service(place) as running:
        running.wait_state("paused")
        assert "cannot be reached" in running.status()["cause"]
        place.proxy.start()
        wait_until(lambda: not place.path().exists(), "the segment", seconds=40)


def test_a_reload_takes_new_keys_from_the_runtime_directory_at_once(place, tmp_path):
    place.segment()
    expired = Error("PutObject", "*.mp4", code="ExpiredToken", times=0)
    place.proxy.add(expired)
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    with service(place, RUNTIME_DIRECTORY=str(runtime)) as running:
        running.wait_state("paused")
        fresh = json.loads((place.write_parameters() / "uploader.json").read_text())
        fresh["s3"]["access_key_id"] = "AKIDNEWKEY"
        (runtime / "uploader.json").write_text(json.dumps(fresh))
        place.proxy.clear()
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not place.path().exists(), "the segment")
        running.wait_log("uploader_reloaded")
    assert "AKIDNEWKEY" in place.proxy.of("PutObject", place.key())[0].headers["authorization"]


def test_a_reload_of_a_broken_file_changes_nothing(place, tmp_path):
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    with service(place, RUNTIME_DIRECTORY=str(runtime)) as running:
        running.wait_state("idle")
        (runtime / "uploader.json").write_text("{")
        running.process.send_signal(signal.SIGHUP)
        running.wait_log("reload_refused")
        place.segment()
        wait_until(lambda: not place.path().exists(), "the segment")


def test_a_reload_while_parts_are_on_their_way_keeps_those_that_arrived(place):
    place.segment(6 * PART)
    place.change("upload", bandwidth_limit=10 * MIB)
    with service(place) as running:
        wait_until(lambda: place.proxy.received("UploadPart") > 2 * PART, "two parts")
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not place.path().exists(), "the segment", seconds=60)
    assert place.proxy.received("UploadPart") <= 7 * PART + MIB


def test_a_worker_that_is_killed_is_replaced(place):
    place.segment(6 * PART)
    place.change("upload", bandwidth_limit=10 * MIB)
    with service(place) as running:
        wait_until(lambda: place.proxy.received("UploadPart") > PART, "the first part")
        os.kill(running.children()[0], signal.SIGKILL)
        running.wait_log("upload_paused cause=worker")
        wait_until(lambda: not place.path().exists(), "the segment", seconds=60)
    assert place.proxy.received("UploadPart") <= 7 * PART + MIB


def test_a_worker_that_hangs_is_replaced(place):
    place.segment(6 * PART)
    place.change("upload", bandwidth_limit=10 * MIB)
    impatient = "from camera_backup.uploader import child; child.HANG_SECONDS = 3.0; "
    with service(place, impatient) as running:
        wait_until(lambda: place.proxy.received("UploadPart") > PART, "the first part")
        os.kill(running.children()[0], signal.SIGSTOP)
        running.wait_log("worker_hangs")
        wait_until(lambda: not place.path().exists(), "the segment", seconds=60)


def limited(pid, kind, value):
    """Set the soft limit of a running process, which its next children inherit."""
    resource.prlimit(pid, kind, (value, resource.prlimit(pid, kind)[1]))


def address_space(pid):
    """Return the most bytes of addresses a process has had."""
    with open("/proc/%d/status" % pid) as stream:
        return next(int(line.split()[1]) * 1024 for line in stream if line.startswith("VmPeak"))


def test_without_memory_everything_waits_and_goes_on_when_there_is_some(place):
    """Short of memory at its start, in a library, and at work."""
    place.segment(2 * PART)
    place.change("upload", bandwidth_limit=10 * MIB)
    with service(place) as running:
        wait_until(lambda: place.proxy.received("UploadPart") > PART, "the first part")
        most, own = address_space(running.children()[0]), address_space(running.process.pid)
        wait_until(lambda: not place.path().exists(), "the segment", seconds=60)
        for times, share in enumerate((0.02, 0.1), 1):
            running.wait_state("idle")
            limited(running.process.pid, resource.RLIMIT_AS, int(own + share * (most - own)))
            name = "20231114_%02d0000.mp4" % times
            place.segment(2 * PART, name)
            running.wait_log("upload_paused", times)
            assert place.path(name).exists()
            limited(running.process.pid, resource.RLIMIT_AS, resource.RLIM_INFINITY)
            wait_until(lambda: not os.listdir(place.path().parent), "the segment", seconds=60)
    assert "Traceback" not in running.text()


def test_a_worker_that_cannot_be_started_is_said_once_and_started_later(place):
    with service(place) as running:
        running.wait_state("idle")
        most = max(map(int, os.listdir("/proc/%d/fd" % running.process.pid)))
        # Enough to look at directories, too few for the pipes to a worker.
        limited(running.process.pid, resource.RLIMIT_NOFILE, most + 4)
        place.segment(PART)
        running.wait_log("upload_paused cause=worker")
        limited(running.process.pid, resource.RLIMIT_NOFILE, 1024)
        wait_until(lambda: not place.path().exists(), "the segment", seconds=60)
        assert running.process.poll() is None
    assert running.text().count("upload_paused") == 1
    assert "Traceback" not in running.text()


def test_a_worker_that_does_not_listen_delays_no_stop(place):
    place.segment(6 * PART)
    place.change("upload", bandwidth_limit=10 * MIB)
    with service(place) as running:
        wait_until(lambda: place.proxy.received("UploadPart") > PART, "the first part")
        worker = running.children()[0]
        os.kill(worker, signal.SIGSTOP)
        assert running.stop()[1] < 5
    assert not os.path.exists("/proc/%d" % worker)


def test_a_worker_whose_parent_is_killed_ends_by_itself(place):
    place.segment(6 * PART)
    place.change("upload", bandwidth_limit=2 * MIB)
    with service(place) as running:
        wait_until(lambda: place.proxy.received("UploadPart") > 0, "the first bytes")
        worker = running.children()[0]
        running.process.kill()
        wait_until(lambda: not os.path.exists("/proc/%d" % worker), "the end of the orphan", seconds=15)


def test_only_one_uploader_works_on_a_host(place):
    place.segment(6 * PART)
    place.change("upload", bandwidth_limit=2 * MIB)
    with service(place):
        wait_until(lambda: place.proxy.received("UploadPart") > 0, "the first bytes")
        done = place.upload_once()
    assert done.returncode == 4
    assert "another uploader is at work" in done.stderr


def test_the_bandwidth_limit_is_shared_by_all_workers(place):
    place.change("upload", bandwidth_limit=4 * MIB, workers=3)
    for hour in range(3):
        place.segment(4 * MIB, "20231114_%02d0000.mp4" % hour)
    began = time.monotonic()
    assert place.run().proven == 3
    assert 12 / 4 * 0.95 <= time.monotonic() - began < 12 / 4 * 2


def test_a_file_that_cannot_be_moved_is_mentioned_once(place):
    place.segment()
    with place.path().open("ab"), service(place) as running:
        running.wait_log("segment_kept")
        time.sleep(3)
        assert running.text().count("segment_kept") == 1


def test_foreign_files_are_mentioned_once(place):
    (place.path().parent / "notes.txt").write_text("mine")
    with service(place) as running:
        running.wait_log("files_left_alone camera=front-door files=1 example=notes.txt")
        time.sleep(2.5)
        assert running.text().count("files_left_alone") == 1


def test_thousands_of_foreign_files_are_mentioned_in_one_line_and_keep_nothing_waiting(place):
    directory = place.path().parent
    for number in range(2500):
        (directory / ("notes-%d.txt" % number)).write_text("mine")
        (directory / ("20231113_%02d%02d%02d.mp4" % (number // 3600, number // 60 % 60, number % 60))).symlink_to(
            "/dev/null"
        )
    before = sorted(os.listdir(directory))
    place.segment()
    with service(place) as running:
        wait_until(lambda: not place.path().exists(), "the segment")
        running.wait_state("idle")
        time.sleep(2.5)
        [line] = [line for line in running.text().splitlines() if "files_left_alone" in line]
        assert "files=5000 example=" in line
        assert len(line) < 120
        assert resident(running.process.pid) <= 22
    assert sorted(os.listdir(directory)) == before


@pytest.mark.parametrize(
    ("faults", "code", "words"),
    [
        ([], 0, ""),
        ([Error("PutObject", "*.mp4", code="AccessDenied", times=0)], 1, "%s: kept: put_object" % NAME),
        ([Error("PutObject", "*.mp4", code="MethodNotAllowed", times=0)], 1, "%s: kept: put_object" % NAME),
    ],
)
def test_once_says_what_is_left_and_why(place, faults, code, words):
    place.segment()
    place.proxy.add(*faults)
    done = place.upload_once()
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_once_names_every_segment_that_an_outage_kept(place):
    place.segment()
    place.segment(name="20231114_010000.mp4")
    place.proxy.stop()
    done = place.upload_once()
    assert done.returncode == 1
    kept = [line for line in done.stderr.splitlines() if ": kept: " in line]
    assert len(kept) == 2
    assert all("cannot be reached" in line for line in kept)


def test_once_refuses_a_missing_file_in_one_line(place):
    variables = {**os.environ, "CREDENTIALS_DIRECTORY": "/nonexistent", "RUNTIME_DIRECTORY": ""}
    command = [sys.executable, "-m", "camera_backup", "upload", "--once"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1


def test_no_secret_is_in_any_output_file_or_process(place):
    """I7, with every fault that makes a program talkative."""
    place.segment(3 * PART)
    place.change("upload", bandwidth_limit=4 * MIB)
    place.proxy.add(
        Error("UploadPart", code="InternalError"), Error("UploadPart", code="SignatureDoesNotMatch", skip=2)
    )
    seen = b""
    with service(place) as running:
        wait_until(lambda: running.children(), "a worker")
        for pid in (running.process.pid, *running.children()):
            for what in ("cmdline", "environ"):
                with open("/proc/%d/%s" % (pid, what), "rb") as stream:
                    seen += stream.read()
        wait_until(lambda: not place.path().exists(), "the segment")
        assert "upload_paused cause=secret_wrong" in running.text()
        running.stop()
        seen += "".join(running.notifications()).encode()
    for directory, _, names in os.walk(place.directory):
        for name in names:
            if "credentials" not in directory and name != "notify":
                with open(os.path.join(directory, name), "rb") as stream:
                    seen += stream.read()
    assert SECRET.encode() not in seen
    assert KEY.encode() not in seen


def remount(place, option):
    subprocess.run(["mount", "-o", "remount," + option, str(place.directory / "segments")], check=True)


def test_a_storage_that_is_read_only_is_uploaded_from_and_emptied_when_it_is_writable_again(place):
    with tmpfs(place.directory / "segments", "size=64m"):
        data = place.segment()
        remount(place, "ro")
        with service(place) as running:
            running.wait_log("segment_kept")
            time.sleep(3)
            assert running.text().count("segment_kept") == 1
            assert "it is in the bucket, and cannot be deleted here: Read-only file system" in running.text()
            assert list(place.objects().values()) == [data]
            remount(place, "rw")
            wait_until(lambda: not place.path().exists(), "the end of the file")
            assert "Traceback" not in running.text()
            assert "before it was done" not in running.text()


def test_the_directory_beneath_a_storage_that_is_not_mounted_is_not_taken_for_an_empty_one(place):
    segments = place.directory / "segments"
    with tmpfs(segments, "size=64m"):
        disk.adopt(str(segments), place.parameters.storage.state_path)
    with service(place) as running:
        running.wait_state("paused")
        time.sleep(2)
        assert running.text().count("upload_paused cause=storage") == 1
        assert "is not the disk that was recorded to before" in running.status()["cause"]
        (place.directory / "state/storage.json").unlink()
        running.wait_state("idle")
    disk.adopt(str(segments), place.parameters.storage.state_path)
    (segments / ".camera-backup").unlink()
    done = place.upload_once()
    assert done.returncode == 4
    assert "is not the disk that was recorded to before" in done.stderr
