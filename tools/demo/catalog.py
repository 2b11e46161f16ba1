"""The uploader's catalog, as the demo follows it."""

from __future__ import annotations

import contextlib
import sqlite3

from camera_backup import paths
from tools.demo.progress import Upload
from tools.demo.stage import Stage


def uploads(stage: Stage) -> list[Upload]:
    """Return what the catalog knows of every segment; nothing before the uploader has made it."""
    path = paths.catalog(str(stage.home / "state"))
    try:
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as catalog:
            rows = catalog.execute("SELECT camera, name, closed_at, proven_at, deleted_at FROM segment").fetchall()
    except sqlite3.OperationalError:
        return []
    return [Upload(*row) for row in rows]
