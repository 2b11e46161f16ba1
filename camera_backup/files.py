"""Small files that are whole or not there. Standard library only."""

from __future__ import annotations

import os


def sync_directory(path: str) -> None:
    """Make the entries of a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: str, text: str, mode: int = 0o644, durable: bool = True, entry: bool = True) -> None:
    """Write `text` to `path` so that a reader, and a power cut, sees the old content or the new, never a part.

    mode: permission bits, set before the content is written, so that a secret is at no time readable by others.
    durable: False saves the syncs, for what is worthless after a reboot.
    entry: False leaves syncing the directory to the caller, who writes many files into it.
    """
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, ".%s.%d.tmp" % (name, os.getpid()))
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(text)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    if durable and entry:
        sync_directory(directory or ".")
