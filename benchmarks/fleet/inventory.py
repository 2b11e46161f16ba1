"""Inventories of the size a benchmark wants. Pure."""

from __future__ import annotations

from typing import Any, Mapping

Inventory = Mapping[str, Any]

FULL_DISK = "1024TiB"
"""More than any disk has free: recorders start, say that they pause, and wait. None of them runs FFmpeg."""


def cameras(count: int, first_password: str = "password-0") -> list[dict[str, str]]:
    """Return that many cameras at an address where none answers, the first with this password."""
    return [
        {
            "name": "camera-%03d" % number,
            "rtsp_url": "rtsp://127.0.0.1:9/%d" % number,
            "username": "viewer",
            "password": "password-%d" % number if number else first_password,
        }
        for number in range(count)
    ]


def fleet(hosts: int, connection: Mapping[str, Any], of_cameras: list[dict[str, str]]) -> Inventory:
    """Return hosts that are reached in one way and have equal cameras, each with a prefix of its own."""
    shared = {
        "camera_backup_s3_endpoint": "https://127.0.0.1:9",
        "camera_backup_s3_bucket": "footage",
        "camera_backup_s3_prefix": "{{ inventory_hostname }}",
        "camera_backup_s3_access_key_id": "AKIABENCHMARK",
        "camera_backup_s3_secret_access_key": "secret-of-the-benchmark",
        "camera_backup_storage_min_free": FULL_DISK,
        # 256 sandboxes on two processors that also play the controller take their time.
        "camera_backup_start_timeout_seconds": 1800,
        "camera_backup_cameras": of_cameras,
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_user": "root",
        **connection,
    }
    return {"nvr": {"hosts": {"host-%04d" % number: {} for number in range(hosts)}, "vars": shared}}
