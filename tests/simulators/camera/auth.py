"""Logins of a camera: Basic and Digest (RFC 2617, MD5), for users and passwords of any characters."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import NamedTuple

REALM = "camera"

# Lazy, up to a quote that ends a field: FFmpeg does not escape a quote inside a user name.
_FIELD = re.compile(r'(\w+)=(?:"(.*?)"|([^",\s]+))(?=\s*(?:,\s*\w+=|$))', re.DOTALL)


class Login(NamedTuple):
    """scheme: "basic" or "digest"; qop: whether digest asks for quality of protection."""

    scheme: str
    user: str
    password: str
    qop: bool = False


def challenge(login: Login, nonce: str) -> str:
    """Return the WWW-Authenticate header of a refusal."""
    if login.scheme == "basic":
        return 'Basic realm="%s"' % REALM
    return 'Digest realm="%s", nonce="%s", algorithm=MD5%s' % (REALM, nonce, ', qop="auth"' if login.qop else "")


def accepts(login: Login, nonce: str, method: str, uri: str, header: str) -> bool:
    """Given a request and its Authorization header, return whether it proves the login."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != login.scheme:
        return False
    return _basic(login, rest) if login.scheme == "basic" else _digest(login, nonce, method, uri, rest)


def _basic(login: Login, credentials: str) -> bool:
    try:
        given = base64.b64decode(credentials, validate=True)
    except binascii.Error:
        return False
    return hmac.compare_digest(given, ("%s:%s" % (login.user, login.password)).encode())


def _digest(login: Login, nonce: str, method: str, uri: str, credentials: str) -> bool:
    given = {name.lower(): quoted or plain for name, quoted, plain in _FIELD.findall(credentials)}
    spellings = {login.user, login.user.replace("\\", "\\\\").replace('"', '\\"')}
    named = given.get("username", "") in spellings and given.get("realm") == REALM
    if not named or given.get("nonce") != nonce or given.get("uri") != uri:
        return False
    middle = nonce
    if login.qop:
        if given.get("qop") != "auth" or not given.get("nc") or not given.get("cnonce"):
            return False
        middle = ":".join((nonce, given["nc"], given["cnonce"], "auth"))
    wanted = digest("%s:%s:%s" % (_secret(login), middle, digest("%s:%s" % (method, uri))))
    return hmac.compare_digest(given.get("response", ""), wanted)


def _secret(login: Login) -> str:
    return digest("%s:%s:%s" % (login.user, REALM, login.password))


def digest(text: str) -> str:
    """Return the MD5 of a text, in hex."""
    return hashlib.md5(text.encode("utf-8", "surrogateescape")).hexdigest()
