"""What a request says of an object lock."""

import datetime

from camera_backup.bucket.lock import request_arguments
from camera_backup.model import Lock

UTC = datetime.timezone.utc


def test_a_lock_ends_so_many_days_after_the_request_in_utc_and_whole_seconds():
    now = datetime.datetime(2024, 2, 28, 23, 59, 59, 999999, UTC).timestamp()
    assert request_arguments(Lock("governance", 2), now) == {
        "ObjectLockMode": "GOVERNANCE",
        "ObjectLockRetainUntilDate": datetime.datetime(2024, 3, 1, 23, 59, 59, 0, UTC),
    }
    assert request_arguments(Lock("compliance", -366), now)["ObjectLockRetainUntilDate"].year == 2023
