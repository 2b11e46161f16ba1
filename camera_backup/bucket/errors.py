"""What a failure means, and what to do about it. Pure: errors are told by the names of their classes.

Never repeat blindly: each failure is exactly one of these.

    TRANSIENT      the same request may succeed in a moment: repeat it with growing pauses, then pause
    CORRUPT        the store received other bytes than we sent, and noticed: send them again, a few times
    PAUSE          nothing will work until something changes outside: keep everything, say it once, look again later
    MISSING        there is no such object
    GONE           there is no such multipart upload (any more): did the object appear? else begin again
    PRECONDITION   the object exists already (I2)
    UNSUPPORTED    the store does not know this request or this option of it
    PERMANENT      this very request will never be accepted: leave the segment, keep the file, say it
"""

from __future__ import annotations

import email.utils
import re
from typing import Any, Mapping, NamedTuple

from camera_backup.errors import StoreError

TRANSIENT, CORRUPT, PAUSE, MISSING = "transient", "corrupt", "pause", "missing"
GONE, PRECONDITION, UNSUPPORTED, PERMANENT = "gone", "precondition", "unsupported", "permanent"

PARTS_REFUSED = "parts_refused"
"""The cause of GONE when the upload is there, but a part of it is not."""

DENIED = "access_denied"
"""The cause of a refusal that is about permissions."""

REFUSED = "refused"
"""The cause of a refusal that nothing more is known of."""

LOCK = "object_lock"
"""The cause of a pause: the object lock that is asked for is not to be had here."""

UNPROVABLE, UNSTEADY = "unprovable", "unsteady"
"""Causes of PAUSE that we find ourselves: this key and this store allow no proof; what was accepted is not there."""

SKEW_SECONDS = 300
"""Clocks further apart than this are named as the cause when the store refuses a signature; S3 allows 900."""


class Verdict(NamedTuple):
    """What a failure means. `cause` is a short name for machines, `words` are for the operator."""

    kind: str
    cause: str
    words: str


class BucketError(StoreError):
    """A request failed; `verdict` says what that means. The text holds no secret."""

    def __init__(self, verdict: Verdict, operation: str, key: str = "", detail: str = "") -> None:
        self.verdict = verdict
        self.operation = operation
        where = "%s %s" % (operation, key) if key else operation
        super().__init__("%s: %s%s" % (where, verdict.words, " (%s)" % detail if detail else ""))


_DENIED = Verdict(PAUSE, DENIED, "the store refuses this key: check its permissions on bucket and prefix")
_UNKNOWN_KEY = Verdict(PAUSE, "key_unknown", "the store does not know s3.access_key_id")
_WRONG_SECRET = Verdict(PAUSE, "secret_wrong", "s3.secret_access_key does not fit s3.access_key_id")
_EXPIRED = Verdict(PAUSE, "credentials_expired", "the credentials have expired: put new ones in place and reload")
_SKEWED = Verdict(PAUSE, "clock_skew", "the clock of this host is wrong, the store refuses its signatures: check NTP")
_NO_BUCKET = Verdict(PAUSE, "bucket_missing", "the bucket does not exist: check s3.bucket and s3.endpoint")
_FULL = Verdict(PAUSE, "bucket_full", "the store is full, or its quota is used up")
_REGION = Verdict(PAUSE, "wrong_region", "the bucket is in another region: check s3.region and s3.endpoint")
_UNREACHABLE = Verdict(PAUSE, "unreachable", "the store cannot be reached")
_NAME = Verdict(
    PAUSE, "dns", "the name of the store cannot be looked up: check the network, its name servers and s3.endpoint"
)
_CERTIFICATE = Verdict(
    PAUSE,
    "certificate",
    "the certificate of the store is not trusted: check s3.ca_file, and whether something on the way opens TLS",
)
_BUSY = Verdict(TRANSIENT, "throttled", "the store asks to slow down")
_BROKEN = Verdict(TRANSIENT, "server_error", "the store has a problem of its own")
_LOST = Verdict(TRANSIENT, "connection_lost", "the connection to the store broke")
NONSENSE = Verdict(TRANSIENT, "not_s3", "something answers that does not speak S3: a proxy, a login page?")
_STRANGER = Verdict(
    TRANSIENT,
    "captive_portal",
    "something on the way answers in place of the store: a captive portal, a filter, a login page?",
)
NO_REFUSAL = frozenset(
    one.cause for one in (_UNREACHABLE, _NAME, _CERTIFICATE, _BUSY, _BROKEN, _LOST, NONSENSE, _STRANGER)
)
"""The causes of failures that say nothing about what was asked of the store."""
_DAMAGED = Verdict(CORRUPT, "corrupt", "the bytes did not arrive as they were sent")
_MISSING = Verdict(MISSING, "missing", "there is no such object")
_GONE = Verdict(GONE, "upload_gone", "the store has forgotten this upload")
_PARTS = Verdict(GONE, PARTS_REFUSED, "the store does not hold the parts as we know them")
_EXISTS = Verdict(PRECONDITION, "exists", "the object exists already")
_RACE = Verdict(TRANSIENT, "conflict", "another request for the same object is under way")
_UNSUPPORTED = Verdict(UNSUPPORTED, "unsupported", "the store does not support this request")
_REFUSED = Verdict(PERMANENT, REFUSED, "the store will not accept this")
NO_LOCK = Verdict(
    PAUSE, LOCK, "the store refuses object lock in this bucket: create one with Object Lock, or ask for no lock"
)
_ARCHIVED = Verdict(PERMANENT, "archived", "the object is archived and cannot be read")
_INVALID = Verdict(PERMANENT, "invalid_request", "botocore will not send this")

_BY_CODE: Mapping[str, Verdict] = {
    code: verdict
    for verdict, codes in (
        (
            _DENIED,
            "AccessDenied AllAccessDisabled AccountProblem Forbidden 403 401 Unauthorized NotSignedUp UserSuspended",
        ),
        (_UNKNOWN_KEY, "InvalidAccessKeyId InvalidClientTokenId UnrecognizedClientException"),
        (_WRONG_SECRET, "SignatureDoesNotMatch"),
        (_EXPIRED, "ExpiredToken TokenRefreshRequired InvalidToken ExpiredTokenException"),
        (_SKEWED, "RequestTimeTooSkewed RequestExpired"),
        (_NO_BUCKET, "NoSuchBucket"),
        (_FULL, "InsufficientStorage QuotaExceeded StorageFull XMinioStorageFull XMinioAdminBucketQuotaExceeded 507"),
        (_REGION, "PermanentRedirect AuthorizationHeaderMalformed IllegalLocationConstraintException 301 307"),
        (
            _BUSY,
            "SlowDown ServiceUnavailable Throttling ThrottlingException TooManyRequests RequestLimitExceeded 429 503",
        ),
        (_BROKEN, "InternalError InternalServerError 500 502 504 BadGateway GatewayTimeout 499 ClientDisconnected"),
        (_LOST, "RequestTimeout IncompleteBody 408"),
        (
            _DAMAGED,
            "BadDigest InvalidDigest XAmzContentSHA256Mismatch XAmzContentChecksumMismatch ContentSHA256Mismatch",
        ),
        (_MISSING, "NoSuchKey NotFound 404 NoSuchVersion"),
        (_GONE, "NoSuchUpload"),
        (_PARTS, "InvalidPart InvalidPartOrder"),
        (_EXISTS, "PreconditionFailed 412"),
        (_RACE, "ConditionalRequestConflict OperationAborted Conflict 409"),
        (_UNSUPPORTED, "NotImplemented MethodNotAllowed 501 405"),
        (_ARCHIVED, "InvalidObjectState"),
    )
    for code in codes.split()
}

_BY_CLASS: Mapping[str, Verdict] = {
    # Ours (channel.py, dialling.py, strangers.py), then botocore's and urllib3's, from the special to the general.
    "Unreachable": _UNREACHABLE,
    "NameUnknown": _NAME,
    "NotTheStore": _STRANGER,
    "CertificateRefused": _CERTIFICATE,
    "ConnectionLost": _LOST,
    "EndpointConnectionError": _UNREACHABLE,
    "ConnectTimeoutError": _UNREACHABLE,
    "ProxyConnectionError": _UNREACHABLE,
    "NoCredentialsError": _INVALID,
    "ParamValidationError": _INVALID,
    "SSLError": _CERTIFICATE,
    "ResponseParserError": NONSENSE,
    "IncompleteReadError": _LOST,
    "HTTPClientError": _LOST,
    "HTTPException": _LOST,
    "HTTPError": _LOST,
    "OSError": _LOST,
    "BotoCoreError": _BROKEN,
}

_LOCK_RIGHT = ", and s3:PutObjectRetention, without which it may lock no object"
_ABOUT_LOCKS = re.compile("(?i)object.?lock|retention|retain.?until")

_AUTHORISATION = {_DENIED.cause, _WRONG_SECRET.cause, _EXPIRED.cause, _SKEWED.cause}


def clock_skew(response: Mapping[str, Any], now: float) -> float | None:
    """Given a parsed response, return the seconds by which the store's clock is ahead of ours; None if it says none."""
    date = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        parsed = email.utils.parsedate_tz(date) if date else None
        return email.utils.mktime_tz(parsed) - now if parsed else None
    except (ValueError, OverflowError, IndexError):
        return None  # anything on the way may have answered, with any text


def _of_response(response: Mapping[str, Any], now: float) -> Verdict:
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    verdict = _BY_CODE.get(code) or _BY_CODE.get(str(status)) or _by_status(status)
    skew = clock_skew(response, now)
    if verdict.cause in _AUTHORISATION and skew is not None and abs(skew) > SKEW_SECONDS:
        # rclone calls it AccessDenied, others SignatureDoesNotMatch; the Date header knows better.
        way = "behind" if skew > 0 else "ahead of"
        return _SKEWED._replace(words="%s (it is %d s %s the store's)" % (_SKEWED.words, abs(skew), way))
    return verdict


def _by_status(status: int) -> Verdict:
    if status >= 500:
        return _BROKEN
    return _REFUSED if status >= 400 else NONSENSE


def _of_lock(verdict: Verdict, told: str) -> Verdict:
    """Given what the refusal of a request with an object lock means by its code, and what the store said, return what
    it means: without a lock the same request would be accepted, so that it concerns all segments.
    """
    if verdict.cause == DENIED:
        return verdict._replace(words=verdict.words + _LOCK_RIGHT)
    return NO_LOCK if verdict.kind in (PERMANENT, UNSUPPORTED, MISSING) and _ABOUT_LOCKS.search(told) else verdict


def classify(error: BaseException, now: float, locking: bool = False) -> Verdict:
    """Given what a request raised and the present time (epoch seconds), return what it means.

    locking: the request asked for an object lock
    """
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        verdict = _of_response(response, now)
        return _of_lock(verdict, detail(error)) if locking else verdict
    for name in (cls.__name__ for cls in type(error).__mro__):
        if name in _BY_CLASS:
            return _BY_CLASS[name]
    raise error


def detail(error: BaseException) -> str:
    """Given what a request raised, return the store's own code and message, or the error's text, for the log."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        told = response.get("Error", {})
        return ": ".join(str(told[key]) for key in ("Code", "Message") if told.get(key))[:300]
    return str(error)[:300]
