"""One limit for all workers."""

import threading

import pytest

from camera_backup.uploader.throttle import GRAIN, Throttle, grain


class Clock:
    def __init__(self):
        self.now = 0.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def test_without_a_limit_nothing_waits():
    throttle = Throttle(lambda: None, lambda seconds: pytest.fail("slept"))
    throttle.pace(10**9)
    assert grain([None]) == GRAIN


def test_the_rate_is_kept_over_any_number_of_blocks():
    clock = Clock()
    throttle = Throttle(lambda: 1000, clock.sleep, clock)
    for _ in range(11):
        throttle.pace(100)
    assert clock.now == pytest.approx(1.0)


def test_an_idle_time_is_not_saved_up():
    clock = Clock()
    throttle = Throttle(lambda: 1000, clock.sleep, clock)
    throttle.pace(100)
    clock.now = 100.0
    throttle.pace(500)
    assert clock.slept == []
    throttle.pace(100)
    assert clock.slept == [pytest.approx(0.5)]


def test_a_new_limit_holds_from_the_next_block_on():
    clock, limits = Clock(), [1000, 1000, 10, None, 0]
    throttle = Throttle(lambda: limits.pop(0), clock.sleep, clock)
    for _ in range(5):
        throttle.pace(100)
    # The second waits for the first, the third for the second; what has no limit any more waits for nobody.
    assert clock.slept == [pytest.approx(0.1), pytest.approx(0.1)]


@pytest.mark.parametrize(
    ("limits", "size"),
    [([16 * 1024], 4096), ([80 * 1024], 10240), ([10**9], GRAIN), ([None, 80 * 1024, 0], 10240), ([0], GRAIN)],
)
def test_a_slow_limit_makes_small_steps(limits, size):
    assert grain(limits) == size


def test_workers_share_the_limit():
    reserved, lock = [], threading.Lock()

    def sleep(seconds):
        with lock:
            reserved.append(seconds)

    throttle = Throttle(lambda: 1000, sleep, lambda: 0.0)
    threads = [threading.Thread(target=lambda: [throttle.pace(10) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reserved) == pytest.approx([n / 100 for n in range(1, 200)])
