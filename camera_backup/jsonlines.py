"""A file of JSON objects, one a line, only ever appended to. Standard library only, small: every recorder imports it.

A power cut may leave a torn last line. Readers pass over it, and the next append starts on a new line.
"""

from __future__ import annotations

import fcntl
import json
import os

TYPE_CHECKING = False  # `typing` itself costs 0.6 MB, times 64 recorders
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator


def append(path: str, value: dict[str, Any]) -> None:
    """Add one line, in one write, and sync it; raise OSError when it is not safely there."""
    line = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape") + b"\n"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    try:
        # The recorder and its finisher both append: without the lock one could see the other's half-written line.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        written = os.write(descriptor, line)
        if written != len(line):
            raise OSError("%s: only %d of %d bytes could be written" % (path, written, len(line)))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _objects(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue  # torn, or blank
        if isinstance(value, dict):
            yield value


def read(path: str, holding: tuple[bytes, ...] = ()) -> Iterator[dict[str, Any]]:
    """Yield every whole object of a file, oldest first; nothing when there is no file. Raise OSError otherwise.

    holding: only of lines in which one of these stands, as `append` writes it
    """
    try:
        with open(path, "rb") as stream:
            wanted = (line for line in stream if any(part in line for part in holding)) if holding else stream
            yield from _objects(wanted)
    except FileNotFoundError:
        return


def tail(path: str, size: int = 65536) -> list[dict[str, Any]]:
    """Return the whole objects of the last `size` bytes of a file, oldest first; none when there is no file."""
    try:
        with open(path, "rb") as stream:
            length = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, length - size))
            if length > size:
                stream.readline()
            return list(_objects(stream))
    except FileNotFoundError:
        return []
