"""Is the disk the one that was recorded to before? Standard library only, small: every recorder imports it.

A disk that is not mounted leaves a directory in its place. Footage written there fills the system disk and disappears
when the disk is mounted over it. So the storage carries a mark, which the state, elsewhere, remembers:

    <local_path>/.camera-backup     the id of this storage
    <state_path>/storage.json       {"local_path": …, "id": …}

The first recorder makes both. Another `local_path` in the configuration is another storage, and gets a mark of its own.
"""

from __future__ import annotations

import json
import os

from camera_backup import files, paths


def problem(local_path: str, state_path: str) -> str | None:
    """Return, for people, why this is not the storage that was recorded to before; None when it is, or is the first.

    Raise OSError when it cannot be looked at.
    """
    known = _remembered(local_path, state_path)
    if known is None:
        return None
    mark = paths.storage_mark(local_path)
    found = _read(mark)
    if found == known:
        return None
    wrong = "there is no %s" % mark if found is None else "%s is of another one" % mark
    return "%s: is not the disk that was recorded to before (%s); is it mounted? If it was replaced, remove %s" % (
        local_path,
        wrong,
        paths.storage_memory(state_path),
    )


def adopt(local_path: str, state_path: str) -> None:
    """Mark this storage, unless it is, and remember it, unless one is remembered; raise OSError.

    The mark comes first: killed in between, the next recorder finds it and remembers it.
    """
    if _remembered(local_path, state_path) is not None:
        return
    mark = paths.storage_mark(local_path)
    if _read(mark) is None:
        _make(mark, os.urandom(16).hex())
    value = {"local_path": local_path, "id": _read(mark)}
    files.replace(paths.storage_memory(state_path), json.dumps(value) + "\n", mode=0o640)


def _make(mark: str, identity: str) -> None:
    """Write the mark, whole or not at all; of several recorders that do it at once one wins."""
    temporary = "%s.%d" % (mark, os.getpid())
    files.replace(temporary, identity + "\n")
    try:
        os.link(temporary, mark)
    except FileExistsError:
        return
    finally:
        os.unlink(temporary)
    files.sync_directory(os.path.dirname(mark))


def _remembered(local_path: str, state_path: str) -> str | None:
    try:
        value = json.loads(_read(paths.storage_memory(state_path)) or "{}")
        return str(value["id"]) if value["local_path"] == local_path else None
    except (ValueError, KeyError, TypeError):
        return None


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            return stream.read(4096).strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
