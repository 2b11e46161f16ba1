"""Does the bucket still hold what was proven? Asked before a file that was kept is deleted after all (I1)."""

from __future__ import annotations

import threading

from camera_backup.bucket.client import Bucket
from camera_backup.bucket.errors import BucketError
from camera_backup.bucket.stopping import Stop, Stopped
from camera_backup.catalog import Catalog, Row
from camera_backup.uploader import workplace
from camera_backup.uploader.parameters import Parameters

PATIENCE = 20.0
"""Seconds for an answer. The disk fills meanwhile, and a name server that hangs cannot be interrupted."""


class Witness:
    """The bucket, as long as it answers in time; once it did not, it is not asked again."""

    def __init__(self, parameters: Parameters, catalog: Catalog) -> None:
        self._parameters = parameters
        self._catalog = catalog
        self._stop = Stop()
        self._bucket: Bucket | None = None
        self._silent = False

    def sees(self, row: Row) -> bool | None:
        """Say whether the object of a proven segment is as it was; None when the bucket cannot be asked."""
        if self._silent or row.place != workplace.place(self._parameters.s3):
            return None
        answers: list[bool] = []
        thread = threading.Thread(target=self._ask, args=(row, answers), daemon=True)
        thread.start()
        thread.join(PATIENCE)
        if not answers:
            self._silent = True
            self._stop.set()
        return answers[0] if answers else None

    def close(self) -> None:
        """Let go of the connection."""
        if self._bucket is not None and not self._silent:
            self._bucket.close()

    def _ask(self, row: Row, answers: list[bool]) -> None:
        try:
            if self._bucket is None:
                self._bucket, _ = workplace.open_bucket(self._parameters, self._catalog, self._stop, lambda: None)
            found = self._bucket.head(row.key)
        except (BucketError, Stopped):
            return
        answers.append(found is not None and (found.size, found.etag) == (row.size, row.etag))
