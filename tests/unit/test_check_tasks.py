"""Side by side, limited, and abandoned without waiting."""

from __future__ import annotations

import threading
import time

import pytest

from camera_backup.check.tasks import Task


def test_a_task_gives_its_value_or_its_error():
    places = threading.Semaphore(1)
    assert Task(lambda: 5, places).result() == 5
    with pytest.raises(ZeroDivisionError):
        Task(lambda: 1 // 0, places).result()


def test_no_more_tasks_run_than_there_are_places():
    places, lock, running, most = threading.Semaphore(3), threading.Lock(), [0], [0]

    def action():
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.02)
        with lock:
            running[0] -= 1

    tasks = [Task(action, places) for _ in range(12)]
    for task in tasks:
        task.result()
    assert most[0] == 3


def test_abandoning_waits_no_longer_than_asked():
    release = threading.Event()
    task = Task(release.wait, threading.Semaphore(1))
    started = time.monotonic()
    task.abandon(0.05)
    assert time.monotonic() - started < 5
    release.set()
    assert task.result()
