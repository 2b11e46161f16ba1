"""RTSP URLs as people really write them. Pure, standard library only, light: every recorder imports this.

Passwords hold `@`, `/`, `#` and `%`, and are pasted into URLs as they are. RFC 3986 then reads another host, or another
user, than the one that was meant. `parse` therefore looks at every possible reading and accepts a URL when exactly one
makes sense; otherwise it is refused with the way out (the separate `username` and `password` keys). Guessing would send
a password to the wrong machine.
"""

from __future__ import annotations

import re
import socket
import string
from typing import NamedTuple

USERINFO_LIMIT = 127
"""Bytes of `user:password`, encoded, that FFmpeg keeps (`char auth[128]` in libavformat/rtsp.c; measured on 5.1).
What is longer is cut off without a word and every login fails."""

PATH_LIMIT = 1023
"""Bytes of the path that FFmpeg keeps (`char path[1024]`, likewise)."""

URL_LIMIT = 2048
"""Characters that are looked at at all; more than the two limits above can need."""

MASK = "********"

APART = 'write the user and the password in the keys "username" and "password" instead of the URL'

_SCHEME = re.compile(r"(?i)(rtsps?)://")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(r"%s(?:\.%s)*\.?\Z" % (_LABEL, _LABEL))
_AUTHORITY = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?(?=[/?#]|\Z)"
)
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Some cameras carry the login in the path: /user=admin&password=…&channel=1 (also with _ between the parts).
_PATH_SECRET = re.compile(
    r"(?i)((?:pass(?:word|wd)?|pwd|psw|token|secret|auth|key)=)(.*?)(?=[&?/#;]|_[A-Za-z]+=|\Z)", re.DOTALL
)
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")
_IN_PATH = _UNRESERVED | frozenset("%/?#&=:;@+,$!*'()[]|")


class UrlError(ValueError):
    """A URL cannot be used; the text says why and never quotes any part of the URL."""


class RtspUrl(NamedTuple):
    """What a URL says, with user and password decoded.

    scheme: `rtsp` or `rtsps`
    user, password: None when the URL has none
    host: a name, an IPv4 address, or an IPv6 address in brackets
    port: None for the scheme's own (554 and 322)
    path: all the rest, from the `/` on, query included, as it was written; may be empty
    """

    scheme: str
    user: str | None
    password: str | None
    host: str
    port: int | None
    path: str

    @property
    def address(self) -> tuple[str, int]:
        """Host (without brackets) and port to connect to."""
        return self.host.strip("[]"), self.port or (322 if self.scheme == "rtsps" else 554)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything in this URL that must never be printed."""
        in_path = [match[2] for match in _PATH_SECRET.finditer(self.path)]
        return tuple(text for text in (self.password, *in_path, *map(wire_path, in_path)) if text)

    def normalised(self) -> str:
        """Return the URL for FFmpeg: user and password fully percent-encoded, the rest as it must go over the wire."""
        return self._with("" if self.user is None else userinfo(self.user, self.password or "") + "@", self.path)

    def masked(self) -> str:
        """Return the URL for people: no user, no password, also not one carried in the path."""
        path = _PATH_SECRET.sub(lambda match: match[1] + MASK, self.path)
        return self._with("" if self.user is None else MASK + "@", path)

    def _with(self, user: str, path: str) -> str:
        port = "" if self.port is None else ":%d" % self.port
        return "%s://%s%s%s%s" % (self.scheme, user, self.host, port, wire_path(path))

    def __repr__(self) -> str:
        return "RtspUrl(%r)" % self.masked()


def parse(text: str, strict: bool = False) -> RtspUrl:
    """Given an RTSP URL as a person wrote it, return what it says; raise UrlError if it has no reading, or several.

    In user and password `%XX` stands for a byte and any other `%` for itself.

    strict: only the reading of RFC 3986 counts (and FFmpeg's: up to the first `/`, `?` or `#`). For URLs that this
    module wrote, and for those whose user and password are given apart.
    """
    scheme, rest = _opened(text)
    readings = [reading for reading in _readings(rest) if not strict or _is_rfc(reading)]
    if not readings:
        raise UrlError(_no_reading(rest))
    if len(readings) > 1:
        raise UrlError("can be read in more than one way, because of an @ after a /, ? or #; " + APART)
    user, host, port, path = readings[0]
    if len(wire_path(path)) > PATH_LIMIT:
        raise UrlError("has a path that is too long: FFmpeg cuts it off after %d bytes" % PATH_LIMIT)
    return RtspUrl(scheme, *_login(user), host, port, path)


def userinfo(user: str, password: str) -> str:
    """Given a user and a password, return them as FFmpeg wants them in a URL: every byte not unreserved is encoded.

    Raise UrlError when they cannot be sent to a camera.
    """
    if ":" in user:
        raise UrlError("the user holds a colon, which no login over RTSP can carry (RFC 7617, RFC 2617)")
    if _UNPRINTABLE.search(user + password):
        raise UrlError("the user or the password holds a control character or a line break")
    encoded = "%s:%s" % (_encoded(user, _UNRESERVED), _encoded(password, _UNRESERVED))
    if len(encoded) > USERINFO_LIMIT:
        raise UrlError(
            "user and password are too long: FFmpeg cuts them off after %d bytes, these take %d (3 for each byte "
            "that is not a letter, digit or one of -._~)" % (USERINFO_LIMIT, len(encoded))
        )
    return encoded


def authority(text: str) -> tuple[str, int | None] | None:
    """Given `host` or `host:port`, return both, or None if it is neither."""
    match = _AUTHORITY.fullmatch(text)
    return None if match is None else _machine(match)


def wire_path(path: str) -> str:
    """Given the path of a URL, return it with what cannot stand in a request line encoded; `%` stays as it is."""
    return _encoded(path, _IN_PATH)


def mask(text: str) -> str:
    """Given anything that was meant as a URL, return what can be shown of it."""
    try:
        return parse(text).masked()
    except UrlError:
        match = re.match(r"(?:rtsps?|https?|rtmps?|rtp|udp|file)://", text.strip(), re.IGNORECASE)
        return (match[0] if match else "") + MASK


def _opened(text: str) -> tuple[str, str]:
    if len(text) > URL_LIMIT:
        raise UrlError("is longer than %d characters" % URL_LIMIT)
    if _UNPRINTABLE.search(text):
        raise UrlError("holds a control character or a line break")
    if text != text.strip():
        raise UrlError("starts or ends with a space")
    match = _SCHEME.match(text)
    if match is None:
        raise UrlError("does not start with rtsp:// or rtsps://")
    return match[1].lower(), text[match.end() :]


def _readings(rest: str) -> list[tuple[str | None, str, int | None, str]]:
    """Return every (user part, host, port, path) that `rest`, all behind `rtsp://`, can mean."""
    found: list[tuple[str | None, str, int | None, str]] = []
    for start in [0, *(place + 1 for place, character in enumerate(rest) if character == "@")]:
        match = _AUTHORITY.match(rest, start)
        machine = None if match is None else _machine(match)
        if match is not None and machine is not None:
            found.append((rest[: start - 1] if start else None, *machine, rest[match.end() :]))
    return found


def _is_rfc(reading: tuple[str | None, str, int | None, str]) -> bool:
    return re.search("[/?#]", reading[0] or "") is None


def _machine(match: re.Match[str]) -> tuple[str, int | None] | None:
    port = int(match["port"]) if match["port"] else None
    return (match["host"], port) if _is_host(match["host"]) and (port is None or 0 < port < 65536) else None


def _no_reading(rest: str) -> str:
    machine = re.split("[/?#]", rest)[0].rpartition("@")[2]
    if machine in ("", ":"):
        return "has no host"
    if not machine.isascii():
        return "has a host with letters outside ASCII; write its xn-- form, or the IP address"
    if machine.count(":") > 1 and not machine.startswith("["):
        return "has no valid host; an IPv6 address stands in brackets: rtsp://[fd00::17]:554/stream"
    return "has no valid host and port (1 to 65535) after rtsp:// or after an @"


def _is_host(host: str) -> bool:
    if host.startswith("["):
        return _is_address(socket.AF_INET6, host[1:-1].partition("%")[0])
    if host.rstrip(".").rpartition(".")[2].isdigit():
        return _is_address(socket.AF_INET, host)
    return len(host) <= 253 and _NAME.match(host) is not None


def _is_address(family: int, text: str) -> bool:
    try:
        socket.inet_pton(family, text)
    except OSError:
        return False
    return True


def _login(part: str | None) -> tuple[str | None, str | None]:
    if not part:
        return None, None
    user, colon, password = part.partition(":")
    login = _decoded(user), _decoded(password) if colon else None
    userinfo(login[0], login[1] or "")
    return login


def _decoded(text: str) -> str:
    try:
        return re.sub("(?:%[0-9A-Fa-f]{2})+", lambda match: bytes.fromhex(match[0].replace("%", "")).decode(), text)
    except UnicodeDecodeError:
        raise UrlError(
            "has a % in the user or the password that reads as the code of no character; write it as %25, or " + APART
        ) from None


def _encoded(text: str, safe: frozenset[str]) -> str:
    return "".join(c if c in safe else "".join("%%%02X" % byte for byte in c.encode()) for c in text)
