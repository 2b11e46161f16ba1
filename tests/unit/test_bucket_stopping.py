"""A wish to stop ends every wait."""

import gc
import os
import select
import threading
import time

import pytest

from camera_backup.bucket.stopping import Stop, Stopped


@pytest.fixture
def stop():
    stop = Stop()
    yield stop
    stop.close()


def test_a_sleep_lasts_unless_we_are_to_stop(stop):
    began = time.monotonic()
    stop.sleep(0.05)
    assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize(
    "wait", [lambda stop, fd: stop.sleep(30), lambda stop, fd: stop.wait_for(fd, select.POLLIN, 30)]
)
def test_a_wait_ends_at_once_when_asked_to_stop(stop, wait):
    reader, writer = os.pipe()
    began = time.monotonic()
    threading.Timer(0.05, stop.set).start()
    with pytest.raises(Stopped):
        wait(stop, reader)
    assert time.monotonic() - began < 10
    os.close(reader)
    os.close(writer)


def test_once_set_it_stays_set_for_everybody(stop):
    stop.set()
    stop.set()
    assert stop.is_set()
    for _ in range(2):
        with pytest.raises(Stopped):
            stop.check()
        with pytest.raises(Stopped):
            stop.sleep(30)


def test_waiting_for_a_descriptor_tells_what_is_ready_or_nothing(stop):
    reader, writer = os.pipe()
    assert stop.wait_for(reader, select.POLLIN, 0) == 0
    os.write(writer, b"x")
    assert stop.wait_for(reader, select.POLLIN, 5) == select.POLLIN
    os.close(reader)
    os.close(writer)


def test_nobody_holds_it_nobody_holds_its_descriptors():
    stop = Stop()
    numbers = [stop.fileno(), stop._writer]
    del stop
    gc.collect()
    for number in numbers:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(number)


def test_a_wish_uttered_after_the_end_writes_into_nobodys_file(tmp_path):
    stop = Stop()
    number = stop._writer
    stop.close()
    stop.close()
    other = os.open(tmp_path / "footage", os.O_RDWR | os.O_CREAT)
    os.dup2(other, number)
    stop.set()
    assert stop.is_set()
    assert os.fstat(other).st_size == 0
    for descriptor in {other, number}:
        os.close(descriptor)
