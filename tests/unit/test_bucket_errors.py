"""What every failure of a bucket means."""

import email.utils

import botocore.exceptions as b
import pytest

from camera_backup.bucket import errors
from camera_backup.bucket.channel import CertificateRefused, ConnectionLost
from camera_backup.bucket.dialling import NameUnknown, Unreachable
from camera_backup.bucket.errors import (
    CORRUPT,
    GONE,
    MISSING,
    PAUSE,
    PERMANENT,
    PRECONDITION,
    TRANSIENT,
    UNSUPPORTED,
    BucketError,
    classify,
    clock_skew,
    detail,
)
from camera_backup.bucket.strangers import NotTheStore

NOW = 1_700_000_000.0


def reply(code, status, date=None, message="told"):
    headers = {} if date is None else {"date": email.utils.formatdate(date, usegmt=True)}
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers}
    return b.ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "PutObject")


@pytest.mark.parametrize(
    ("code", "status", "kind", "cause"),
    [
        ("AccessDenied", 403, PAUSE, "access_denied"),
        ("403", 403, PAUSE, "access_denied"),
        ("InvalidAccessKeyId", 403, PAUSE, "key_unknown"),
        ("SignatureDoesNotMatch", 403, PAUSE, "secret_wrong"),
        ("ExpiredToken", 403, PAUSE, "credentials_expired"),
        ("ExpiredToken", 400, PAUSE, "credentials_expired"),
        ("RequestTimeTooSkewed", 403, PAUSE, "clock_skew"),
        ("NoSuchBucket", 404, PAUSE, "bucket_missing"),
        ("InsufficientStorage", 507, PAUSE, "bucket_full"),
        ("QuotaExceeded", 403, PAUSE, "bucket_full"),
        ("PermanentRedirect", 301, PAUSE, "wrong_region"),
        ("AuthorizationHeaderMalformed", 400, PAUSE, "wrong_region"),
        ("SlowDown", 503, TRANSIENT, "throttled"),
        ("TooManyRequests", 429, TRANSIENT, "throttled"),
        ("InternalError", 500, TRANSIENT, "server_error"),
        ("InternalError", 200, TRANSIENT, "server_error"),
        ("ClientDisconnected", 499, TRANSIENT, "server_error"),
        ("RequestTimeout", 400, TRANSIENT, "connection_lost"),
        ("ConditionalRequestConflict", 409, TRANSIENT, "conflict"),
        ("BadDigest", 400, CORRUPT, "corrupt"),
        ("InvalidDigest", 400, CORRUPT, "corrupt"),
        ("XAmzContentSHA256Mismatch", 400, CORRUPT, "corrupt"),
        ("NoSuchKey", 404, MISSING, "missing"),
        ("404", 404, MISSING, "missing"),
        ("NoSuchUpload", 404, GONE, "upload_gone"),
        ("InvalidPart", 400, GONE, "parts_refused"),
        ("PreconditionFailed", 412, PRECONDITION, "exists"),
        ("NotImplemented", 501, UNSUPPORTED, "unsupported"),
        ("MethodNotAllowed", 405, UNSUPPORTED, "unsupported"),
        ("EntityTooLarge", 400, PERMANENT, "refused"),
        ("InvalidObjectState", 403, PERMANENT, "archived"),
        ("", 599, TRANSIENT, "server_error"),
        ("", 418, PERMANENT, "refused"),
        ("Weird", 200, TRANSIENT, "not_s3"),
        ("", 403, PAUSE, "access_denied"),
        ("", 507, PAUSE, "bucket_full"),
    ],
)
def test_every_answer_of_a_store_means_one_thing(code, status, kind, cause):
    verdict = classify(reply(code, status), NOW)
    assert (verdict.kind, verdict.cause) == (kind, cause)
    assert verdict.words


@pytest.mark.parametrize(
    ("error", "kind", "cause"),
    [
        (Unreachable("x"), PAUSE, "unreachable"),
        (NameUnknown("x"), PAUSE, "dns"),
        (NotTheStore("x"), TRANSIENT, "captive_portal"),
        (CertificateRefused("x"), PAUSE, "certificate"),
        (ConnectionLost("x"), TRANSIENT, "connection_lost"),
        (b.EndpointConnectionError(endpoint_url="x"), PAUSE, "unreachable"),
        (b.ConnectTimeoutError(endpoint_url="x"), PAUSE, "unreachable"),
        (b.ProxyConnectionError(proxy_url="x"), PAUSE, "unreachable"),
        (b.SSLError(endpoint_url="x", error="y"), PAUSE, "certificate"),
        (b.ReadTimeoutError(endpoint_url="x"), TRANSIENT, "connection_lost"),
        (b.ConnectionClosedError(endpoint_url="x"), TRANSIENT, "connection_lost"),
        (b.HTTPClientError(error="x"), TRANSIENT, "connection_lost"),
        (b.IncompleteReadError(actual_bytes=1, expected_bytes=2), TRANSIENT, "connection_lost"),
        (b.ParamValidationError(report="x"), PERMANENT, "invalid_request"),
        (OSError("x"), TRANSIENT, "connection_lost"),
    ],
)
def test_every_failure_without_an_answer_means_one_thing(error, kind, cause):
    verdict = classify(error, NOW)
    assert (verdict.kind, verdict.cause) == (kind, cause)


def test_an_answer_that_is_no_s3_is_none_of_ours_to_judge():
    import botocore.parsers

    assert classify(botocore.parsers.ResponseParserError("<html>"), NOW).cause == "not_s3"


def test_a_mistake_of_ours_is_not_taken_for_one_of_the_network():
    with pytest.raises(ZeroDivisionError):
        classify(ZeroDivisionError(), NOW)


@pytest.mark.parametrize(("ahead", "way"), [(3600, "3600 s behind"), (-3600, "3600 s ahead of")])
@pytest.mark.parametrize("code", ["AccessDenied", "SignatureDoesNotMatch", "RequestTimeTooSkewed"])
def test_a_wrong_clock_is_named_whatever_the_store_calls_it(code, ahead, way):
    verdict = classify(reply(code, 403, NOW + ahead), NOW)
    assert verdict.cause == "clock_skew"
    assert way in verdict.words


def test_a_refusal_with_the_right_time_is_not_blamed_on_the_clock():
    assert classify(reply("AccessDenied", 403, NOW + 200), NOW).cause == "access_denied"
    assert classify(reply("NoSuchBucket", 404, NOW + 5000), NOW).cause == "bucket_missing"


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("InvalidRequest", 400, "Bucket is missing Object Lock Configuration"),  # AWS
        ("InvalidRequest", 400, "Bucket is missing ObjectLockConfiguration"),  # MinIO
        ("InvalidRequest", 400, "object retention can't be set if bucket object lock not configured"),  # Ceph
        ("InvalidArgument", 400, "The retain until date must be in the future!"),
        ("NotImplemented", 501, "Header 'x-amz-object-lock-mode' with value 'COMPLIANCE' not implemented"),  # R2
        ("ObjectLockConfigurationNotFoundError", 404, "Object Lock configuration does not exist for this bucket"),
    ],
)
def test_the_refusal_of_a_lock_concerns_all_segments_and_waits_for_the_operator(code, status, message):
    refusal = reply(code, status, message=message)
    assert classify(refusal, NOW, locking=True).cause == errors.LOCK
    assert classify(refusal, NOW, locking=True).kind == PAUSE
    assert classify(refusal, NOW).cause != errors.LOCK


def test_another_refusal_of_a_request_with_a_lock_is_what_it_is_without_one():
    for refusal in (reply("EntityTooLarge", 400), reply("SlowDown", 503, message="retention"), OSError("x")):
        assert classify(refusal, NOW, locking=True) == classify(refusal, NOW)


def test_a_denied_lock_names_the_right_that_may_be_missing():
    denied = reply("AccessDenied", 403)
    assert "s3:PutObjectRetention" in classify(denied, NOW, locking=True).words
    assert "s3:PutObjectRetention" not in classify(denied, NOW).words


def test_the_skew_of_a_reply_without_date_is_unknown():
    assert clock_skew({}, NOW) is None
    assert clock_skew({"ResponseMetadata": {"HTTPHeaders": {"date": "nonsense"}}}, NOW) is None
    assert clock_skew(reply("x", 200, NOW + 7).response, NOW) == 7


@pytest.mark.parametrize(
    "date",
    [
        "Sun, 99 Foo 99999 99:99:99 GMT",
        "Sun, 06 Nov 99999 08:49:37 GMT",
        "Sun, 06 Nov %s 08:49:37 GMT" % ("9" * 30),
        ",",
    ],
)
def test_a_date_that_is_none_is_unknown_too(date):
    assert clock_skew({"ResponseMetadata": {"HTTPHeaders": {"date": date}}}, NOW) is None


def test_the_detail_is_what_the_store_said_or_the_error_itself_cut_short():
    assert detail(reply("AccessDenied", 403)) == "AccessDenied: told"
    assert detail(OSError("y" * 1000)) == "y" * 300


def test_an_error_says_what_where_and_why():
    verdict = errors.Verdict(PAUSE, "access_denied", "words")
    assert str(BucketError(verdict, "put_object", "a/b", "more")) == "put_object a/b: words (more)"
    assert str(BucketError(verdict, "list")) == "list: words"
