"""Is anybody writing? (I3) And the only place that deletes. (I1)"""

import contextlib
import errno
import fcntl
import mmap
import os
import subprocess
import sys
import threading
import time

import pytest

from camera_backup.bucket.slices import SourceChanged
from camera_backup.bucket.source import identity
from camera_backup.catalog import DELETED, PROVEN, REFUSED, UPLOADING, Row
from camera_backup.uploader import delete, lease

NAME = "20231114_000000.mp4"


@pytest.fixture(autouse=True)
def prepared():
    lease.prepare()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / NAME
    path.write_bytes(b"footage")
    return path


@contextlib.contextmanager
def reading(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def no_leases(monkeypatch, number=errno.EINVAL):
    def refuse(*_):
        raise OSError(number, "no leases here")

    monkeypatch.setattr(fcntl, "fcntl", refuse)


@pytest.fixture(params=["leases", "no leases"])
def filesystem(request, monkeypatch):
    """A filesystem with leases, and one without, where /proc has to do."""
    if request.param == "no leases":
        no_leases(monkeypatch)


def test_a_file_nobody_writes_to_is_closed(path, filesystem):
    with reading(path) as descriptor, reading(path):
        lease.check(descriptor)


def test_a_file_this_process_writes_to_is_open(path, filesystem):
    with path.open("ab"), reading(path) as descriptor, pytest.raises(lease.StillOpen):
        lease.check(descriptor)


def test_a_file_another_process_writes_to_is_open(path, filesystem):
    script = "import sys; f = open(sys.argv[1], 'ab'); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"open\n"
        with reading(path) as descriptor, pytest.raises(lease.StillOpen):
            lease.check(descriptor)
        writer.communicate()
    with reading(path) as descriptor:
        lease.check(descriptor)


def test_a_file_that_is_only_mapped_writable_is_open(path):
    with path.open("r+b") as stream:
        mapping = mmap.mmap(stream.fileno(), 0)
    with reading(path) as descriptor, pytest.raises(lease.StillOpen):
        lease.check(descriptor)
    mapping.close()


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_there_are_no_leases_proc_is_asked(path, monkeypatch, number):
    no_leases(monkeypatch, number)
    with path.open("ab"), reading(path) as descriptor, pytest.raises(lease.StillOpen):
        lease.check(descriptor)


def test_a_failure_of_another_kind_is_passed_on(path, monkeypatch):
    no_leases(monkeypatch, errno.EBADF)
    with reading(path) as descriptor, pytest.raises(OSError, match="no leases"):
        lease.check(descriptor)


def test_while_a_lease_is_held_a_writer_has_to_wait(path):
    opened = []

    def come():
        with path.open("ab"):
            opened.append(time.monotonic())

    with reading(path) as descriptor:
        with lease.closed(descriptor):
            thread = threading.Thread(target=come)
            thread.start()
            time.sleep(0.3)
            assert opened == []
            released = time.monotonic()
        thread.join()
    assert opened[0] >= released


def row(path, state=PROVEN, **changes):
    values = {
        "camera": "cam",
        "name": path.name,
        "place": "p",
        "key": "k",
        "identity": identity(os.stat(path)),
        "size": 7,
        "state": state,
        "token": "t",
        "closed_at": 0.0,
    }
    rest = ("mode", "upload_id", "part_size", "proof", "etag", "sha256", "host", "error", "proven_at", "deleted_at")
    return Row(**{**dict.fromkeys(rest), **values, **changes})


def test_a_proven_file_is_deleted(path, filesystem):
    delete.remove(str(path.parent), row(path))
    assert not path.exists()


@pytest.mark.parametrize("state", [UPLOADING, REFUSED, DELETED])
def test_nothing_is_deleted_without_a_proof(path, state):
    with pytest.raises(AssertionError):
        delete.remove(str(path.parent), row(path, state))
    assert path.exists()


def test_a_file_that_is_open_is_not_deleted(path, filesystem):
    with path.open("ab"), pytest.raises(lease.StillOpen):
        delete.remove(str(path.parent), row(path))
    assert path.exists()


def appended(path):
    with path.open("ab") as stream:
        stream.write(b"x")


def touched(path):
    os.utime(path, ns=(0, 5))


def replaced(path):
    path.with_suffix(".new").write_bytes(b"footage")
    os.utime(path.with_suffix(".new"), ns=(os.stat(path).st_atime_ns, os.stat(path).st_mtime_ns))
    os.rename(path.with_suffix(".new"), path)


def linked(path):
    os.rename(path, path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


@pytest.mark.parametrize("change", [appended, touched, replaced, linked])
def test_a_file_that_is_not_the_one_that_was_uploaded_is_not_deleted(path, change, filesystem):
    proven = row(path)
    change(path)
    with pytest.raises(SourceChanged):
        delete.remove(str(path.parent), proven)
    assert path.exists()


def test_a_file_that_somebody_else_deleted_is_no_failure(path):
    proven = row(path)
    path.unlink()
    delete.remove(str(path.parent), proven)
