"""What the catalog says was proven. Read only; one that is locked, foreign or not there tells nothing."""

from __future__ import annotations

import sqlite3
from typing import Callable, Iterable, TypeVar

from camera_backup import paths
from camera_backup.catalog import DELETED, PROVEN, REFUSED, Catalog
from camera_backup.status.report import Proven

T = TypeVar("T")


class Proofs:
    """The catalog of one host. `note` is told what could not be read."""

    def __init__(self, state_path: str, note: Callable[[str], None]) -> None:
        self._path = paths.catalog(state_path)
        self._note = note
        self._catalog: Catalog | None = None
        try:
            self._catalog = Catalog.open_readonly(self._path)
        except FileNotFoundError:
            return  # nothing was uploaded yet
        except (OSError, sqlite3.Error) as error:
            note("%s: %s" % (self._path, error))

    def _asked(self, question: Callable[[Catalog], T]) -> T | None:
        if self._catalog is None:
            return None
        try:
            return question(self._catalog)
        except sqlite3.Error as error:
            # Told at the first question only: SQLite opens a file when it needs it.
            self._note("%s: %s" % (self._path, error))
            self._catalog = None
            return None

    def last(self, camera: str) -> Proven | None:
        """Return the segment of a camera that was proven last."""
        row = self._asked(lambda catalog: catalog.last_proven(camera))
        return Proven(row.name, row.proven_at) if row is not None and row.proven_at is not None else None

    def proven(self, camera: str, names: Iterable[str]) -> set[str]:
        """Given segments of a camera, return those that the bucket was seen to hold."""

        def question(catalog: Catalog) -> set[str]:
            rows = ((name, catalog.get(camera, name)) for name in names)
            return {name for name, row in rows if row is not None and row.state in (PROVEN, DELETED)}

        return self._asked(question) or set()

    def refused(self) -> list[str]:
        """Return a line for each segment that the store will never accept."""
        rows = self._asked(lambda catalog: catalog.errors()) or []
        return ["%s/%s: %s" % (row.camera, row.name, row.error) for row in rows if row.state == REFUSED]
