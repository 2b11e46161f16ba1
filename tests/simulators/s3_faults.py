"""Faults that a network, a provider or an operator's mistake puts between an uploader and its bucket.

A fault says which requests it hits (operation, key and part), how often, and what happens then. It may act before
the body is read, on the body while it travels, and on the answer. In text form, for the command line:

    UploadPart:reset:at=mid:times=2      CompleteMultipartUpload:lose-reply      *:slow:rate=1000000:times=0
"""

from __future__ import annotations

import fnmatch
import re
import threading
import time
from email.utils import formatdate
from typing import Any, Callable

from tests.simulators.s3_messages import Blocks, Hangup, Request, Response, error

Sleep = Callable[[float], bool]


class Fault:
    """Base of all faults; by itself it changes nothing and only counts.

    operation, key: patterns as of a shell; part: this part number only
    times: how many requests it hits, 0 for all of them; skip: how many matching ones pass before
    every: of the others only each n-th is hit
    """

    name = "watch"

    def __init__(
        self,
        operation: str = "*",
        key: str = "*",
        times: int = 1,
        skip: int = 0,
        part: int | None = None,
        every: int = 1,
    ) -> None:
        self._operation, self._key, self._part = operation, key, part
        self._times, self._skip, self._every = times, skip, every
        self.hits = self._met = 0
        self._lock = threading.Lock()

    def takes(self, request: Request) -> bool:
        """Say whether this request is hit, and count it."""
        matches = (
            fnmatch.fnmatchcase(request.operation, self._operation)
            and fnmatch.fnmatchcase(request.key, self._key)
            and self._part in (None, request.part)
        )
        with self._lock:
            if not matches or (self._times and self.hits >= self._times):
                return False
            if self._skip > 0:
                self._skip -= 1
                return False
            self._met += 1
            if self._met % self._every:
                return False
            self.hits += 1
            return True

    def before(self, request: Request, sleep: Sleep) -> Response | None:
        """Act when the headers have arrived. A response given here is sent in place of the server's."""
        return None

    def body(self, request: Request, blocks: Blocks, sleep: Sleep) -> Blocks:
        """Act on the body while it passes."""
        return blocks

    def after(self, request: Request, response: Response) -> Response:
        """Act on the answer of the server."""
        return response


class Call(Fault):
    """A function is called when the headers have arrived: the way to do something in the middle of an upload."""

    name = "call"

    def __init__(self, *pattern: Any, action: Callable[[], object], **rest: Any) -> None:
        super().__init__(*pattern, **rest)
        self._action = action

    def before(self, request: Request, sleep: Sleep) -> Response | None:
        self._action()
        return None


def _pass_half(request: Request, blocks: Blocks) -> Blocks:
    passed = 0
    while passed < request.declared / 2:
        block = next(blocks)
        passed += len(block)
        yield block


class Reset(Fault):
    """The connection is reset: `before` the body, in the `mid`dle of it, or `after` it without an answer.

    The server behind never sees the request complete.
    """

    name = "reset"

    def __init__(self, *pattern: Any, at: str = "mid", **rest: Any) -> None:
        super().__init__(*pattern, **rest)
        assert at in ("before", "mid", "after"), at
        self._at = at

    def before(self, request: Request, sleep: Sleep) -> Response | None:
        if self._at == "before":
            raise Hangup(self.name)
        return None

    def body(self, request: Request, blocks: Blocks, sleep: Sleep) -> Blocks:
        yield from _pass_half(request, blocks) if self._at == "mid" else blocks
        raise Hangup(self.name)


class Stall(Fault):
    """Nothing moves for `seconds` (0: as long as the proxy lives) in the middle of the body; the connection stays."""

    name = "stall"

    def __init__(self, *pattern: Any, seconds: float = 0, **rest: Any) -> None:
        super().__init__(*pattern, **rest)
        self._seconds = seconds

    def body(self, request: Request, blocks: Blocks, sleep: Sleep) -> Blocks:
        yield from _pass_half(request, blocks)
        sleep(self._seconds or 1e6)
        yield from blocks


class Slow(Fault):
    """The body is taken at `rate` bytes per second."""

    name = "slow"

    def __init__(self, *pattern: Any, rate: float = 1_000_000, **rest: Any) -> None:
        super().__init__(*pattern, **rest)
        self._rate = rate

    def body(self, request: Request, blocks: Blocks, sleep: Sleep) -> Blocks:
        due = time.monotonic()
        for block in blocks:
            due += len(block) / self._rate
            sleep(max(0.0, due - time.monotonic()))
            yield block


ERRORS = {
    "AccessDenied": 403,
    "ExpiredToken": 403,
    "InsufficientStorage": 507,
    "InternalError": 500,
    "InvalidAccessKeyId": 403,
    "MethodNotAllowed": 405,
    "NoSuchBucket": 404,
    "NoSuchUpload": 404,
    "NotImplemented": 501,
    "QuotaExceeded": 403,
    "RequestTimeTooSkewed": 403,
    "SignatureDoesNotMatch": 403,
    "SlowDown": 503,
}


class Error(Fault):
    """The server behind sees nothing; the answer, when the body was read, is an S3 error.

    code: its name, which implies the usual status; status=200 with a body of <Error> is how AWS fails a Complete
    early: answer at once, while the client is still sending, and close
    """

    name = "error"

    def __init__(
        self, *pattern: Any, code: str = "InternalError", status: int = 0, early: bool = False, **rest: Any
    ) -> None:
        super().__init__(*pattern, **rest)
        self._code, self._status, self._early = code, status or ERRORS[code], early

    def before(self, request: Request, sleep: Sleep) -> Response | None:
        response = error(self._status, self._code, "simulated")
        response.early = self._early
        return response


class Clock(Fault):
    """The clock of the server, as its Date headers show it, is `seconds` ahead of ours."""

    name = "clock"

    def __init__(self, *pattern: Any, seconds: float, **rest: Any) -> None:
        super().__init__(*pattern, **rest)
        self._seconds = seconds

    def after(self, request: Request, response: Response) -> Response:
        response.headers["Date"] = formatdate(time.time() + self._seconds, usegmt=True)
        return response


class Portal(Fault):
    """A captive portal answers: 200 and a page that has nothing to do with S3."""

    name = "portal"

    def before(self, request: Request, sleep: Sleep) -> Response | None:
        page = b"<html><head><title>Welcome</title></head><body>Please log in to use this network.</body></html>"
        return Response(200, {"Content-Type": "text/html"}, page)


class Redirect(Fault):
    """A captive portal of the other kind: everything is sent on to its login page."""

    name = "redirect"

    def before(self, request: Request, sleep: Sleep) -> Response | None:
        return Response(302, {"Location": "http://login.hotel.invalid/?session=5", "Content-Type": "text/html"})


class LoseReply(Fault):
    """The server does what was asked; its answer is lost."""

    name = "lose-reply"

    def after(self, request: Request, response: Response) -> Response:
        raise Hangup(self.name)


class WrongEtag(Fault):
    """The answer carries another ETag (`value`), or none at all when `value` is empty."""

    name = "etag"

    def __init__(self, *pattern: Any, value: str = "0" * 32, **rest: Any) -> None:
        super().__init__(*pattern, **rest)
        self._value = value

    def after(self, request: Request, response: Response) -> Response:
        headers = {name: value for name, value in response.headers.items() if name.lower() != "etag"}
        if self._value:
            headers["ETag"] = '"%s"' % self._value
        etag = b"<ETag>&quot;%s&quot;</ETag>" % self._value.encode() if self._value else b"<ETag></ETag>"
        body = re.sub(rb"<ETag>.*?</ETag>", etag, response.body)
        return Response(response.status, headers, body, response.length)


class Strip(Fault):
    """Headers of the request are taken away before the server sees them, as if it did not know them.

    A server that checks signatures refuses such a request; the simulated one does not.
    """

    name = "strip"

    def __init__(self, *pattern: Any, headers: str = "if-none-match", **rest: Any) -> None:
        super().__init__(*pattern, **rest)
        self._headers = headers.lower().split(",")

    def before(self, request: Request, sleep: Sleep) -> Response | None:
        for name in [name for name in request.headers if any(fnmatch.fnmatchcase(name, p) for p in self._headers)]:
            del request.headers[name]
        return None


class Corrupt(Fault):
    """One bit of the body is flipped on the way, a third of the way through. The headers stay as they were."""

    name = "corrupt"

    def body(self, request: Request, blocks: Blocks, sleep: Sleep) -> Blocks:
        passed, at = 0, request.declared // 3
        for block in blocks:
            if passed <= at < passed + len(block):
                copy = bytearray(block)
                copy[at - passed] ^= 1
                block = memoryview(copy)
            passed += len(block)
            yield block


KINDS: dict[str, type[Fault]] = {
    kind.name: kind
    for kind in (Fault, Reset, Stall, Slow, Error, Clock, Portal, Redirect, LoseReply, WrongEtag, Strip, Corrupt)
}

_NUMBERS = {
    "times": int,
    "skip": int,
    "every": int,
    "part": int,
    "status": int,
    "seconds": float,
    "rate": float,
    "early": bool,
}


def parse(text: str) -> Fault:
    """Given `OPERATION:KIND[:NAME=VALUE…]`, return the fault; raise ValueError saying what is accepted."""
    operation, _, rest = text.partition(":")
    kind, *pairs = rest.split(":")
    if kind not in KINDS:
        raise ValueError("fault %r: kind %r, accepted: %s" % (text, kind, ", ".join(sorted(KINDS))))
    options = dict(pair.split("=", 1) for pair in pairs)
    numbers = {name: _NUMBERS.get(name, str)(value) for name, value in options.items() if name != "key"}
    return KINDS[kind](operation, options.get("key", "*"), **numbers)
