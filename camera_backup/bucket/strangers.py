"""Is this the store, or something on the way that answers in its place? Pure but for `named`."""

from __future__ import annotations

import ssl
import urllib.parse
from typing import Iterator, Mapping

from camera_backup.bucket.channel import CertificateRefused, Channel
from camera_backup.bucket.stopping import Stop

_LOGIN = (401, 403, 407, 451)
_NAMES = {b"\x55\x04\x03": "CN", b"\x55\x04\x0a": "O"}
_LONGEST = 80


class NotTheStore(OSError):
    """A captive portal, a filter, a login page has answered."""


def told(method: str, status: int, headers: Mapping[str, str]) -> str | None:
    """Given an answer (headers in small letters), say what shows that no store has sent it; None when nothing does.

    Stores mark their answers with x-amz-… headers. (OpenStack Swift calls its empty answers text/html.)
    """
    if any(name.startswith("x-amz-") for name in headers) or "etag" in headers:
        return None
    if status == 511:
        return "511: this network wants a login"
    if 300 <= status < 400 and headers.get("location"):
        return "%d: sends us on to %s" % (status, _origin(headers["location"]))
    page = headers.get("content-type", "").startswith("text/html") and headers.get("content-length") != "0"
    if page and (status in (200, 201, 202) or (status in _LOGIN and method != "HEAD")):
        return "%d: answers with a page of HTML" % status
    return None


def _origin(location: str) -> str:
    """The rest of the address may name a session."""
    parts = urllib.parse.urlsplit(location)
    return _plain("%s://%s" % (parts.scheme, parts.hostname)) if parts.hostname else "another page"


def named(error: CertificateRefused, host: str, port: int, stop: Stop) -> CertificateRefused:
    """Given that a certificate was refused, return the same with the name of who issued it.

    For that it is looked at once more, on a connection on which nothing is said.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        channel = Channel(host, port, context, stop)
    except OSError:
        return error
    try:
        found = issuer(channel.certificate())
    finally:
        channel.close()
    return CertificateRefused("%s; it was issued by %s" % (error, found)) if found else error


def issuer(certificate: bytes) -> str:
    """Given a certificate as DER, return the common name of its issuer, else the organisation, else nothing."""
    try:
        to_be_signed = next(_items(next(_items(certificate))[1]))[1]
        fields = [value for tag, value in _items(to_be_signed) if tag != 0xA0]  # without the version
        names = {_NAMES.get(kind): value for kind, value in _names(fields[2])}
    except (IndexError, StopIteration, ValueError):
        return ""
    return _plain(names.get("CN") or names.get("O") or "")


def _names(issuer: bytes) -> Iterator[tuple[bytes, str]]:
    for _, group in _items(issuer):
        for _, pair in _items(group):
            (_, kind), (tag, value) = _items(pair)
            yield kind, value.decode("utf-16-be" if tag == 0x1E else "utf-8", "replace")


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (tag, content) of everything in a piece of DER."""
    while data:
        tag, length, head = data[0], data[1], 2
        if length >= 0x80:
            head += length - 0x80
            length = int.from_bytes(data[2:head], "big")
        if head + length > len(data):
            raise ValueError("cut off")
        yield tag, data[head : head + length]
        data = data[head + length :]


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:_LONGEST]
