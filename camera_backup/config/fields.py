"""The kinds of value that exist once: names, paths and addresses of this program. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from camera_backup import schedule, segments, urls
from camera_backup.config.kinds import RATE, UNPRINTABLE, Kind, Refused, anchored, path, rate, size, text, whole

DAY = 86400

_SYSTEM = re.compile(
    r"/(?:(?:bin|boot|dev|etc|lib|lib32|lib64|libx32|proc|run|sbin|sys|usr)(?:/.*)?"
    r"|home|media|opt|root|tmp|var(?:/(?:cache|lib|local|log|mail|spool|tmp))?)?\Z"
)

_DAYS = "(?P<days>[1-9][0-9]{0,3}) ?d"

_EXAMPLE = re.compile(r"(?:camera-ip|(?:.*\.)?example(?:\.(?:com|org|net))?|.*\.invalid)\.?\Z")


def camera_name() -> Kind:
    """The name of a camera. It becomes part of units, directories and keys, so it is checked and never changed."""
    pattern = segments.CAMERA_NAME.pattern.replace(r"\Z", "")
    return text("a letter or digit, then letters, digits, _ and -; at most 63", pattern, longest=63)


def rtsp_url() -> Kind:
    """The URL of a stream; what it says is read where the camera's other keys are known (`rules.camera`)."""
    form = "[Rr][Tt][Ss][Pp][Ss]?://[^%s]+" % UNPRINTABLE
    return text("rtsp://[user:password@]host[:port]/path, or rtsps:// for TLS", form, longest=urls.URL_LIMIT)


def username() -> Kind:
    """A user at a camera."""
    return text("a user without a colon", "[^:%s]+" % UNPRINTABLE, longest=urls.USERINFO_LIMIT)


def password() -> Kind:
    """A password at a camera; empty is one, too."""
    return text("any printable characters, in quotes", shortest=0, longest=urls.USERINFO_LIMIT)


def s3_key(accepted: str) -> Kind:
    """Half of an S3 credential."""
    return text(accepted, "[!-~]+")


def bucket() -> Kind:
    """The name of a bucket, as wide as botocore takes it; providers are narrower."""
    return text("letters, digits, dots, hyphens and underscores", "[A-Za-z0-9][A-Za-z0-9._-]*", longest=255)


def prefix() -> Kind:
    """The beginning of all keys, or nothing."""
    part = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._=-]+"
    words = 'parts of letters, digits and ._=- with / between them, no / at either end, no ".."; or "" for none'
    return text(words, "(?:%s(?:/%s)*)?" % (part, part), shortest=0, longest=512)


def endpoint() -> Kind:
    """The URL of an S3 service; read without the / at the end that people paste along."""

    def refine(value: str) -> str:
        scheme, _, rest = value.partition("://")
        machine = rest[:-1] if rest.endswith("/") else rest
        if "@" in machine:
            raise Refused("holds a user or a key; those belong in access_key_id and secret_access_key")
        if re.search("[/?#]", machine):
            raise Refused("has a path after the host; the bucket belongs in the key bucket")
        if urls.authority(machine) is None:
            raise Refused("has no valid host and port")
        if is_example_host(machine.partition(":")[0]):
            raise Refused("is a placeholder: put the address of your storage in its place")
        return "%s://%s" % (scheme.lower(), machine)

    pattern = "[Hh][Tt][Tt][Pp][Ss]?://[^%s ]+" % UNPRINTABLE
    return text("https://host or https://host:port", pattern, refine=refine)


def fingerprint() -> Kind:
    """The SHA-256 of a certificate; read as 64 small hex digits."""
    pair = "[0-9A-Fa-f]{2}"
    return text(
        "64 hex digits (SHA-256), with or without colons between the pairs",
        "%s(?:%s){31}|%s(?::%s){31}" % (pair, pair, pair, pair),
        refine=lambda value: value.replace(":", "").lower(),
    )


def storage_path() -> Kind:
    """A directory that can be given to the service user."""

    def refine(value: str) -> str:
        if _SYSTEM.match(value):
            raise Refused("is a directory of the system, whose owner and mode must not change")
        return value

    return path("an absolute path of its own, not a directory of the system", refine)


def file_path() -> Kind:
    """A file."""
    return path("an absolute path")


def program() -> Kind:
    """A program, by name or absolute path."""
    name = "[A-Za-z0-9][A-Za-z0-9._+-]*"
    return text("the name of a program, or its absolute path", "%s|/[^%s]+" % (name, UNPRINTABLE))


class Retention(NamedTuple):
    """How long, or how much, is kept: one of both."""

    seconds: int | None
    bytes: int | None


def retention() -> Kind:
    """A span in days, or a size."""
    form, amount = re.compile(_DAYS + r"\Z"), size(1024**2, 1024**5)

    def read(value: object) -> Retention:
        match = form.match(value) if isinstance(value, str) else None
        return Retention(int(match["days"]) * DAY, None) if match else Retention(None, amount.read(value))

    def refine(value: Retention) -> Retention:
        if value.bytes is not None and amount.refine is not None:
            amount.refine(value.bytes)
        return value

    accepted = "days such as 30d, from 1d to 9999d; or %s" % amount.accepted
    schema = {"anyOf": [{"type": "string", "pattern": anchored(_DAYS)}, *amount.json["anyOf"]]}
    return Kind(accepted, schema, read, refine)


def segment_duration() -> Kind:
    """FFmpeg cuts at multiples of it since midnight; only what divides a day keeps all segments equally long."""

    def refine(value: int) -> int:
        if DAY % value:
            raise Refused("does not divide a day (86400 seconds); the nearest that does is %d" % nearest_divisor(value))
        return value

    return whole("seconds", 5, DAY, refine, ", that divides a day, such as 300, 900, 1800, 3600")


def bandwidth() -> Kind:
    """What may be sent each second."""
    return rate(16 * 1024, 1024**4)


def window() -> Kind:
    """A time of day and what may be sent then; read as `schedule.Window`."""
    clock = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"

    def refine(value: str) -> schedule.Window:
        times, _, most = value.partition(" ")
        start, end = (60 * int(moment[:2]) + int(moment[3:]) for moment in times.split("-"))
        if start == end % schedule.DAY and end != schedule.DAY:
            raise Refused("begins and ends at the same time; the whole day is 00:00-24:00")
        return schedule.Window(start, end, _most(most))

    return text(
        "HH:MM-HH:MM in the time zone of the host and, after a space, what may be sent then: unlimited, off, or "
        "a rate such as 2Mbit/s",
        "%s-(?:%s|24:00) (?:unlimited|off|%s)" % (clock, clock, RATE),
        longest=60,
        refine=refine,
    )


def _most(word: str) -> int | None:
    if word in ("unlimited", "off"):
        return None if word == "unlimited" else schedule.OFF
    kind = bandwidth()
    assert kind.refine is not None
    return int(kind.refine(kind.read(word)))


def nearest_divisor(value: int) -> int:
    """Return the divisor of a day that is nearest to `value`, the smaller of two."""
    return min((d for d in range(5, DAY + 1) if DAY % d == 0), key=lambda d: (abs(d - value), d))


def is_example_host(host: str) -> bool:
    """Whether a host is one of those that stand in documents: `camera-ip`, RFC 2606."""
    return _EXAMPLE.match(host.lower()) is not None
