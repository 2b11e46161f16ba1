"""Where FFmpeg writes, who may touch it, and what a recording in progress is called.

    <local_path>/<camera>/.lock                     locked by the recorder as long as it lives
    <local_path>/<camera>/.spool/<run>/<name>.mp4   one directory a run of FFmpeg

The directory of a run is locked (flock) by its recorder and, because they inherit the descriptor, by its FFmpeg and
its finisher. Whoever gets that lock knows that none of them is alive, and may finish what they left.
"""

from __future__ import annotations

import fcntl
import os
import time

from camera_backup import paths
from camera_backup.errors import HostError

_LOCK_SECONDS = 2.0


class NoStorage(HostError):
    """The storage is not there or cannot be written; it may come back."""


def stamp(moment: float, copy: int = 1) -> str:
    """Return the name of a segment opened at `moment` (epoch seconds), as `camera_backup.segments` defines it."""
    return time.strftime("%Y%m%d_%H%M%S", time.gmtime(moment)) + ("" if copy == 1 else "_%d" % copy) + ".mp4"


def become_owner(local_path: str) -> None:
    """By hand as root, go on as the owner of the storage: files of root would lock the service out later."""
    owner = os.stat(local_path)
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)


def lock_camera(local_path: str, camera: str) -> int:
    """Become the only recorder of a camera; return the descriptor that holds the lock.

    Raise NoStorage when the storage is not there or not writable, HostError when another recorder is at work.
    """
    if not os.path.isdir(local_path):
        raise NoStorage("%s: is not there; is the disk mounted?" % local_path)
    become_owner(local_path)
    try:
        os.makedirs(paths.spool(local_path, camera), mode=0o750, exist_ok=True)
        descriptor = os.open(paths.lock(local_path, camera), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise NoStorage("%s: %s" % (error.filename, error.strerror)) from None
    # The uploader looks whether this lock is free by taking it for a moment: that is no reason to give up.
    deadline = time.monotonic() + _LOCK_SECONDS
    while not locked(descriptor):
        if time.monotonic() > deadline:
            owner = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise HostError("%s: is already being recorded, by process %s" % (camera, owner or "?"))
        time.sleep(0.05)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    return descriptor


def locked(descriptor: int) -> bool:
    """Try to lock what `descriptor` refers to; return whether it is ours now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def recorder_is_alive(local_path: str, camera: str) -> bool:
    """Return whether a recorder of this camera runs."""
    try:
        descriptor = os.open(paths.lock(local_path, camera), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not locked(descriptor)
    finally:
        os.close(descriptor)


class RunDirectory:
    """The directory of one run of FFmpeg, locked."""

    def __init__(self, local_path: str, camera: str, run: str) -> None:
        """Create it; raise OSError when that fails."""
        self.path = "%s/%s" % (paths.spool(local_path, camera), run)
        os.mkdir(self.path, 0o750)
        self.descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def name(self, number: int, moment: float) -> str | None:
        """Give the file that FFmpeg opened as `number` the name of the moment; return its path, None if there is none.

        FFmpeg writes on: it holds the file, not its name. Never replaces a file (I2).
        """
        source = "%s/%09d.mp4" % (self.path, number)
        for copy in range(1, 1000):
            target = "%s/%s" % (self.path, stamp(moment, copy))
            try:
                os.link(source, target)
            except FileExistsError:
                continue
            except FileNotFoundError:
                return None
            os.unlink(source)
            return target
        return source

    def files(self) -> list[str]:
        """Return the paths of all recordings in it, oldest name first."""
        return ["%s/%s" % (self.path, name) for name in recordings(self.path)]

    def close(self) -> None:
        """Let go of the lock, and of the directory when it is empty."""
        os.close(self.descriptor)
        try:
            os.rmdir(self.path)
        except OSError:
            return  # something is left in it, for whoever gets the lock next


def runs(local_path: str, camera: str) -> list[str]:
    """Return the paths of the directories of all runs, sorted. What else lies there is not ours, and is left alone."""
    try:
        entries = os.scandir(paths.spool(local_path, camera))
    except FileNotFoundError:
        return []
    with entries:
        return sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))


def recordings(run: str) -> list[str]:
    """Given the directory of a run, return the names of the recordings in it, sorted; a link is none."""
    with os.scandir(run) as entries:
        return sorted(e.name for e in entries if e.name.endswith(".mp4") and e.is_file(follow_symlinks=False))


def unfinished(local_path: str, camera: str) -> list[str]:
    """Return the paths of the recordings of all runs, sorted. What is gone meanwhile, or not ours to read, has none."""
    found: list[str] = []
    try:
        directories = runs(local_path, camera)
    except OSError:
        return []
    for run in directories:
        try:
            found += ["%s/%s" % (run, name) for name in recordings(run)]
        except OSError:
            continue
    return found


def newest_write(local_path: str, camera: str) -> float | None:
    """Return when a recording of any run was last written to (epoch seconds), None when there is none."""
    newest = None
    for path in unfinished(local_path, camera):
        try:
            moment = os.stat(path, follow_symlinks=False).st_mtime
        except FileNotFoundError:
            continue
        newest = moment if newest is None else max(newest, moment)
    return newest


def recover(local_path: str, state_path: str, camera: str, ffmpeg: str) -> list[str]:
    """Finish what recorders of a camera left behind: check, repair, publish, write down. For cameras nobody records.

    Return the names of the segments published. Does nothing while a recorder of the camera runs (it does this
    itself), or while another process finishes segments. Raise OSError when some could not be finished now.
    """
    # Imported late: recorders import this module, and must stay small.
    from camera_backup.recorder import finish

    if recorder_is_alive(local_path, camera):
        return []
    return finish.leftovers_in_turn(finish.Place(local_path, state_path, camera, ffmpeg))
