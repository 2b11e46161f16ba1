"""Repeat what may succeed in a moment, and nothing else."""

from __future__ import annotations

import random
from typing import Callable, Sequence, TypeVar

from camera_backup.bucket.errors import CORRUPT, PAUSE, TRANSIENT, BucketError

T = TypeVar("T")

DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each repetition, half a minute in all. What lasts longer is an outage, waited out elsewhere."""

Sleep = Callable[[float], None]


def persist(
    action: Callable[[], T],
    sleep: Sleep,
    failed: Callable[[BucketError], None] = lambda error: None,
    kinds: Sequence[str] = (TRANSIENT, CORRUPT),
) -> T:
    """Do `action` until it succeeds; return what it returns.

    Failures of the moment are repeated after growing pauses, each shortened by up to a third so that workers drift
    apart. When they do not end, raise the last one as a reason to pause; raise every other failure at once.

    failed: told of every failure that is about to be repeated; kinds: the kinds of failures of the moment
    """
    for delay in DELAYS:
        try:
            return action()
        except BucketError as error:
            if error.verdict.kind not in kinds:
                raise
            failed(error)
        sleep(delay * random.uniform(0.67, 1.0))  # noqa: S311  (no secret)
    try:
        return action()
    except BucketError as error:
        if error.verdict.kind == TRANSIENT:
            error.verdict = error.verdict._replace(kind=PAUSE)
        raise
