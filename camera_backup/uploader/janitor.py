"""Aborts multipart uploads that nobody wants any more: ours only, by the ids in our catalog. Nobody else's, ever.

An unfinished upload costs money and is seen by nobody; a lifecycle rule of the bucket is not to be relied on.
"""

from __future__ import annotations

import os

from camera_backup import journal, paths
from camera_backup.bucket.client import Bucket
from camera_backup.bucket.errors import DENIED, BucketError
from camera_backup.catalog import Catalog

KEEP_SECONDS = 90 * 86400
"""How long the catalog remembers a segment whose file is gone. The bucket remembers it for ever."""


def clean(catalog: Catalog, bucket: Bucket, place: str, local_path: str, now: float) -> int:
    """Abort what is stale, forget what is long done; return how many uploads were aborted. Raise BucketError."""
    for row in catalog.unfinished():
        if not os.path.lexists("%s/%s" % (paths.footage(local_path, row.camera), row.name)):
            catalog.forget(row)
    catalog.prune(now - KEEP_SECONDS)
    return _abort(catalog, bucket, place)


def _abort(catalog: Catalog, bucket: Bucket, place: str) -> int:
    stale = catalog.stale(place)
    for number, (key, upload_id) in enumerate(stale):
        try:
            bucket.abort(key, upload_id)
        except BucketError as error:
            if error.verdict.cause != DENIED:
                raise
            # A key without that right is a wise choice, and no reason to pause; `check` names what to do instead.
            journal.log(journal.NOTICE, "uploads_not_aborted", uploads=len(stale) - number, error=str(error))
            return number
        catalog.aborted(place, key, upload_id)
        journal.log(journal.INFO, "upload_aborted", key=key)
    return len(stale)
