"""What has to hold between several keys, and for what JSON Schema has no words. Pure."""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping, Sequence

from camera_backup import schedule, urls
from camera_backup.config import fields

Refuse = Callable[[Sequence[str], str], None]
"""Given the rest of the path and what is wrong, note it."""

Values = Mapping[str, Any]

_PLACEHOLDER = re.compile(r"(?i)(?:[a-z]+://)?(?:\u2026|\.\.\.|change[-_ ]?me|<[^<>]*>)/?\Z")
_LOCK = {"object_lock_mode", "object_lock_days"}
_HALF = re.compile("[\ud800-\udfff]")


def half_character(value: object) -> str | None:
    """Given a value, say that it holds a lone surrogate, which no file and no request can carry, or None."""
    return "holds half a character (U+D800 to U+DFFF)" if isinstance(value, str) and _HALF.search(value) else None


def placeholder(value: object) -> str | None:
    """Given a value, say that it stands in for the operator's own, or None if it does not."""
    if isinstance(value, str) and ("YOUR_" in value or _PLACEHOLDER.match(value)):
        return "is a placeholder: put your own value in its place"
    return None


def stream(camera: Values, refuse: Refuse) -> urls.RtspUrl | None:
    """Given the keys of a camera, return its URL with the login in it, or None after noting why there is none."""
    if not {"rtsp_url", "username", "password"} <= set(camera):
        return None
    user, password = camera["username"], camera["password"]
    apart = user is not None or password is not None
    try:
        url = urls.parse(camera["rtsp_url"], strict=apart)
    except urls.UrlError as error:
        refuse(["rtsp_url"], "%s; given %s" % (error, urls.mask(camera["rtsp_url"])))
        return None
    if apart:
        return _with_login(url, user, password, refuse)
    return None if _is_example(url, refuse) else url


def _with_login(url: urls.RtspUrl, user: str | None, password: str | None, refuse: Refuse) -> urls.RtspUrl | None:
    if url.user is not None:
        refuse(["rtsp_url"], 'holds a user, and the keys "username" and "password" are there as well; use one way')
        return None
    if user is None:
        refuse(["password"], 'is there without "username"')
        return None
    try:
        urls.userinfo(user, password or "")
    except urls.UrlError as error:
        refuse(["username"], str(error))
        return None
    return None if _is_example(url, refuse) else url._replace(user=user, password=password)


def _is_example(url: urls.RtspUrl, refuse: Refuse) -> bool:
    found = fields.is_example_host(url.host) or any(placeholder(part) for part in (url.user, url.password))
    if found:
        refuse(
            ["rtsp_url"],
            "is a placeholder: put your camera's own address and login in its place; given " + url.masked(),
        )
    return found


def tls(camera: Values, url: urls.RtspUrl | None, refuse: Refuse) -> None:
    """How certificates are checked must make sense, and be for a stream that has one."""
    keys = camera.get("tls", {})
    pinned = [name for name in ("ca_file", "fingerprint") if keys.get(name) is not None]
    if len(pinned) == 2:
        refuse(["tls"], "ca_file and fingerprint are two ways to check one certificate; use one")
    if pinned and keys.get("verify") is False:
        refuse(["tls"], "verify is false, so %s would never be looked at; leave one of them out" % pinned[0])
    if url is None:
        return
    if url.scheme != "rtsps" and (pinned or keys.get("verify") is False):
        refuse(["tls"], "is for rtsps:// only, and this camera's rtsp_url begins with rtsp://")
    if url.scheme == "rtsps" and camera.get("transport") == "udp":
        refuse(["transport"], "is udp, but rtsps:// always travels over tcp")


def names(cameras: Sequence[Values], refuse: Callable[[int, str], None]) -> None:
    """Names differ in more than case: they become directories and keys, also on systems that ignore case."""
    seen: dict[str, str] = {}
    for place, camera in enumerate(cameras):
        name = camera.get("name")
        if name is None:
            continue
        first = seen.get(name.lower())
        if first is not None:
            same = "is given twice" if first == name else "differs from another camera's only in upper and lower case"
            refuse(place, same + "; every camera needs a name of its own")
        seen.setdefault(name.lower(), name)


def storage(values: Values, refuse: Refuse) -> None:
    """The uploader takes every directory under local_path for a camera's, so the state is elsewhere."""
    footage, state = values.get("local_path"), values.get("state_path")
    if footage is None or state is None:
        return
    if (state + "/").startswith(footage + "/") or (footage + "/").startswith(state + "/"):
        refuse(
            ["state_path"],
            "local_path (%s) and state_path (%s) lie in one another; give each a directory of its own"
            % (footage, state),
        )


def retention(storage: Values, upload: Values, refuse: Refuse) -> None:
    """What is deleted at once cannot be kept for a while."""
    if storage.get("local_retention") is not None and upload.get("delete_after_upload") is True:
        refuse(
            ["local_retention"],
            "is there, but upload.delete_after_upload is true: what is proven is deleted at once; "
            "set that to false, or leave this out",
        )


def bucket(values: Values, refuse: Refuse) -> None:
    """Nothing can be read back from an archive class."""
    if values.get("proof") == "read-back" and values.get("storage_class") in ("GLACIER", "DEEP_ARCHIVE"):
        refuse(["proof"], "is read-back, but objects of storage_class %s cannot be read back" % values["storage_class"])


def bucket_lock(values: Values, refuse: Refuse) -> None:
    """A lock has a mode and a number of days."""
    if not set(values) >= _LOCK:
        return
    mode, days = values["object_lock_mode"], values["object_lock_days"]
    if mode is not None and days is None:
        refuse(["object_lock_mode"], 'is there without "object_lock_days": give both, or neither')
    if days is not None and mode is None:
        refuse(["object_lock_days"], 'is there without "object_lock_mode": give both, or neither')


def camera_lock(camera: Values, bucket: Values, refuse: Refuse) -> None:
    """What a camera does not say of its lock, the bucket does."""
    if not (set(camera) >= _LOCK and set(bucket) >= _LOCK):
        return
    mode, days = camera["object_lock_mode"], camera["object_lock_days"]
    if mode == "off" and days is not None:
        refuse(["object_lock_days"], "is there, but object_lock_mode is off; leave one of them out")
    if mode not in (None, "off") and days is None and bucket["object_lock_days"] is None:
        refuse(["object_lock_mode"], 'is there, and neither this camera nor s3 has "object_lock_days"')
    if mode is None and days is not None and bucket["object_lock_mode"] is None:
        refuse(["object_lock_days"], 'is there, and neither this camera nor s3 has "object_lock_mode"')


def windows(given: Sequence[schedule.Window | None], refuse: Callable[[int, str], None]) -> None:
    """At each time of the day one rule holds, and at some time something may be sent. None: one that was refused."""
    for place, one in enumerate(given):
        for other in given[:place]:
            if one is not None and other is not None and one.overlaps(other):
                text = "overlaps %s-%s, so that two rules would hold at once; cut one of them in two"
                refuse(place, text % (schedule.clock(other.start), schedule.clock(other.end)))
    if sum(one.length for one in given if one is not None and one.limit == schedule.OFF) >= schedule.DAY:
        refuse(len(given) - 1, "leaves no time of the day at which anything may be sent")
