"""What the threads of a run are given to do."""

import threading

from camera_backup.uploader.jobs import Jobs
from camera_backup.uploader.mover import Job


class Directory:
    """What is on the disk, and how often it was looked at."""

    def __init__(self, *names):
        self.names = list(names)
        self.looks = 0
        self.tried = set()
        self.now = 0.0
        self.jobs = Jobs(self.look, 60.0, self.tried, lambda: self.now)

    def look(self):
        self.looks += 1
        return iter([Job("a", name, None) for name in self.names if ("a", name) not in self.tried])

    def all(self):
        return [job.name for job in iter(self.jobs.next, None)]


def test_each_is_given_once_and_one_more_look_ends_it():
    disk = Directory("1", "2", "3")
    assert disk.all() == ["1", "2", "3"]
    assert disk.looks == 2
    # The other threads hear it without a look of their own.
    assert disk.all() == []
    assert disk.looks == 2


def test_what_came_meanwhile_has_its_turn_when_the_look_is_old():
    disk = Directory("5", "6", "7")
    assert disk.jobs.next().name == "5"
    disk.names.insert(0, "4")
    assert disk.jobs.next().name == "6"
    disk.now = 60.0
    assert disk.all() == ["4", "7"]


def test_what_came_meanwhile_is_found_at_the_end():
    disk = Directory("1")
    assert disk.jobs.next().name == "1"
    disk.names.append("2")
    assert disk.all() == ["2"]


def test_an_end_is_none_for_ever():
    disk = Directory()
    assert disk.all() == []
    disk.names.append("1")
    disk.now = 60.0
    assert disk.all() == ["1"]


def test_threads_never_get_the_same():
    disk = Directory(*map(str, range(2000)))
    disk.jobs = Jobs(disk.look, 0.0, disk.tried)  # every look is old at once
    disk.names = disk.names[:300]
    taken = []
    threads = [threading.Thread(target=lambda: taken.extend(disk.all())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=int) == disk.names
