"""File systems of their own for tests: one that runs out of something, one that breaks. They need root."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import Iterator

from tests.support.processes import wait_until


@contextlib.contextmanager
def tmpfs(path: Path, options: str) -> Iterator[None]:
    """Mount a tmpfs for the time of a test."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


class Disk:
    """An ext4 file system in a file, mounted."""

    def __init__(self, image: Path, path: Path) -> None:
        self._image = image
        self._path = path
        with image.open("wb") as stream:
            stream.truncate(64 << 20)
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
        self.mount()

    def mount(self) -> None:
        """Mount it as Debian does: an error makes it read-only."""
        subprocess.run(["mount", "-o", "loop,errors=remount-ro", str(self._image), str(self._path)], check=True)

    def fail(self) -> None:
        """Have the kernel find an error in it, as on a bad sector."""
        found = subprocess.run(
            ["findmnt", "-no", "SOURCE", str(self._path)], capture_output=True, text=True, check=True
        ).stdout.strip()
        trigger = Path("/sys/fs/ext4", Path(found).name, "trigger_fs_error")
        trigger.write_text("a test")

    def unmount(self) -> None:
        """Unmount it, as soon as nobody holds it."""

        def done() -> bool:
            return subprocess.run(["umount", str(self._path)], capture_output=True, check=False).returncode == 0

        wait_until(done, "an unmounted %s" % self._path)

    def repair(self) -> None:
        """Check it and mend what is wrong, as the boot does."""
        done = subprocess.run(["e2fsck", "-f", "-y", str(self._image)], capture_output=True, check=False)
        assert done.returncode in (0, 1), done

    def close(self) -> None:
        """Get rid of it, whoever holds it."""
        subprocess.run(["umount", "-l", str(self._path)], capture_output=True, check=False)


@contextlib.contextmanager
def ext4(image: Path, path: Path) -> Iterator[Disk]:
    """Mount a new disk for the time of a test."""
    disk = Disk(image, path)
    try:
        yield disk
    finally:
        disk.close()
