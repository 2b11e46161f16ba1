"""Find hosts that would write the same keys of the same bucket. Pure.

Invariant I2 would keep both hosts' footage, but under names that nobody expects, for as long as it lasts.
"""

from __future__ import annotations

from typing import Collection, Iterator, Mapping, Tuple

from camera_backup.config.schema import S3
from camera_backup.fleet import variables
from camera_backup.fleet.inventory import Values, document

_PREFIX_DEFAULT = next(key.default for key in S3.keys if key.name == "prefix")

Place = Tuple[str, str, str, str]
"""Endpoint, bucket, prefix and camera: where in the world keys begin."""


def places(values: Values) -> Iterator[Place]:
    """Given the variables of a host, yield where each of its cameras writes; nothing for what is not even text."""
    data = document(values)
    s3 = data["s3"]
    found = (s3.get("endpoint"), s3.get("bucket"), s3.get("prefix", _PREFIX_DEFAULT))
    cameras = data.get("cameras")
    for camera in cameras if isinstance(cameras, (list, tuple)) else []:
        name = camera.get("name") if isinstance(camera, Mapping) else None
        if all(isinstance(part, str) for part in (*found, name)):
            yield str(found[0]).lower().rstrip("/"), str(found[1]), str(found[2]), str(name)


def problems(hosts: Mapping[str, Values], judged: Collection[str]) -> dict[str, list[str]]:
    """Given the variables of all hosts of the inventory and the ones in the play, return host → what is wrong.

    A host outside the play, left out by --limit, is running somewhere nevertheless.
    """
    owners: dict[Place, list[str]] = {}
    for host, values in hosts.items():
        for place in dict.fromkeys(places(values)):
            owners.setdefault(place, []).append(host)
    found: dict[str, list[str]] = {}
    for place, sharing in owners.items():
        for host in sharing if len(sharing) > 1 else []:
            if host in judged:
                found.setdefault(host, []).append(_line(place, [one for one in sharing if one != host]))
    return found


def _line(place: Place, others: list[str]) -> str:
    endpoint, bucket, prefix, camera = place
    key = "/".join(filter(None, (prefix, camera, "…")))
    shown = ", ".join(others[:3]) + (" and %d more" % (len(others) - 3) if len(others) > 3 else "")
    return (
        "%s: camera %s would be written to %s in bucket %s at %s, and so would that of %s; give every host its own %s"
        % (
            variables.CAMERA_LIST,
            camera,
            key,
            bucket,
            endpoint,
            shown,
            variables.name_of("s3", "prefix"),
        )
    )
