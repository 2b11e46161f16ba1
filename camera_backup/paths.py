"""Where things are below `storage.local_path` and `storage.state_path`. Pure, and small: every recorder imports it."""

from __future__ import annotations


def footage(local_path: str, camera: str) -> str:
    """Return the directory of a camera's segments."""
    return "%s/%s" % (local_path, camera)


def spool(local_path: str, camera: str) -> str:
    """Return the directory in which runs of FFmpeg have their own directories."""
    return footage(local_path, camera) + "/.spool"


def lock(local_path: str, camera: str) -> str:
    """Return the file that the recorder of a camera keeps locked as long as it lives."""
    return footage(local_path, camera) + "/.lock"


def storage_mark(local_path: str) -> str:
    """Return the file by which the storage is known again."""
    return "%s/.camera-backup" % local_path


def storage_memory(state_path: str) -> str:
    """Return the file that remembers which storage was recorded to."""
    return "%s/storage.json" % state_path


def ledger(state_path: str, camera: str) -> str:
    """Return the file of a camera's ledger."""
    return "%s/ledger/%s.jsonl" % (state_path, camera)


def recorder_status(state_path: str, camera: str) -> str:
    """Return the file in which a recorder says what it is doing."""
    return "%s/recorders/%s.json" % (state_path, camera)


def finishing(state_path: str) -> str:
    """Return the file whose lock is the right to finish segments: one recorder of a host at a time."""
    return "%s/recorders/.finishing" % state_path


def uploader_status(state_path: str) -> str:
    """Return the file in which the uploader says what it is doing."""
    return "%s/uploader.json" % state_path


def uploader_lock(state_path: str) -> str:
    """Return the file that an uploader keeps locked while it works."""
    return "%s/.uploader.lock" % state_path


def space_lock(state_path: str) -> str:
    """Return the file that whoever makes room on the disk keeps locked meanwhile."""
    return "%s/.space.lock" % state_path


def catalog(state_path: str) -> str:
    """Return the SQLite database of what was uploaded and proven."""
    return "%s/catalog.sqlite" % state_path
