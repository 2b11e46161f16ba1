"""What recorders left behind when they were killed, of cameras that nobody records any more: finish it first."""

from __future__ import annotations

from typing import Callable

from camera_backup import journal
from camera_backup.recorder import spool
from camera_backup.uploader import plan
from camera_backup.uploader.parameters import Parameters


def of(local_path: str, camera: str) -> list[str]:
    """Given a camera, return the unfinished recordings that no recorder of it looks after, as sorted paths."""
    found = spool.unfinished(local_path, camera)
    return found if found and not spool.recorder_is_alive(local_path, camera) else []


def fingerprint(local_path: str) -> int:
    """Return a number that differs when other recordings wait to be finished; 0 when none does."""
    found = tuple(path for camera in plan.camera_names(local_path) for path in of(local_path, camera))
    return hash(found) if found else 0


def finish(parameters: Parameters, tick: Callable[[], None]) -> None:
    """Finish what was left behind by all cameras without a recorder. A failure concerns one camera only."""
    storage = parameters.storage
    try:
        cameras = plan.camera_names(storage.local_path)
    except OSError:
        return  # said by the survey
    for camera in cameras:
        if not of(storage.local_path, camera):
            continue
        try:
            names = spool.recover(storage.local_path, storage.state_path, camera, parameters.ffmpeg)
        except OSError as error:
            journal.log(journal.ERROR, "leftovers_unfinished", camera=camera, error=str(error))
            continue
        tick()
        journal.log(journal.NOTICE, "leftovers_finished", camera=camera, segments=len(names))
