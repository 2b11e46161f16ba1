"""Who answers in place of the store, and who signed the certificate of whom."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.bucket import strangers
from camera_backup.bucket.strangers import told

HTML = {"content-type": "text/html; charset=utf-8", "content-length": "99"}
XML = {"content-type": "application/xml", "content-length": "99"}


@pytest.mark.parametrize(
    ("method", "status", "headers", "words"),
    [
        ("PUT", 200, HTML, "200: answers with a page of HTML"),
        ("GET", 200, {"content-type": "text/html"}, "200: answers with a page of HTML"),
        ("HEAD", 200, HTML, "200: answers with a page of HTML"),
        ("PUT", 403, HTML, "403: answers with a page of HTML"),
        ("POST", 407, HTML, "407: answers with a page of HTML"),
        ("PUT", 511, XML, "511: this network wants a login"),
        (
            "GET",
            302,
            {**HTML, "location": "https://login.hotel.test/?id=5"},
            "302: sends us on to https://login.hotel.test",
        ),
        ("PUT", 307, {"location": "http://10.0.0.1/"}, "307: sends us on to http://10.0.0.1"),
        ("HEAD", 301, {"location": "/login"}, "301: sends us on to another page"),
    ],
)
def test_an_answer_of_a_stranger_is_known(method, status, headers, words):
    assert told(method, status, headers) == words


@pytest.mark.parametrize(
    ("method", "status", "headers"),
    [
        ("PUT", 200, XML),
        ("PUT", 200, {"content-length": "0"}),
        # Swift's answers to a part, to a delete, to a HEAD of nothing.
        ("PUT", 200, {"content-type": "text/html; charset=UTF-8", "content-length": "0", "etag": '"x"'}),
        ("DELETE", 204, {"content-type": "text/html; charset=UTF-8"}),
        ("HEAD", 404, HTML),
        ("HEAD", 403, HTML),
        ("GET", 502, HTML),
        ("GET", 404, HTML),
        # A page of HTML that somebody keeps in the bucket.
        ("GET", 200, {**HTML, "etag": '"x"'}),
        ("GET", 403, {**HTML, "x-amz-request-id": "5"}),
        ("HEAD", 301, {"location": "https://b.s3.eu-west-1.amazonaws.com/", "x-amz-bucket-region": "eu-west-1"}),
        ("GET", 304, {}),
    ],
)
def test_an_answer_of_a_store_is_left_to_be_judged_as_one(method, status, headers):
    assert told(method, status, headers) is None


def certificate(*attributes):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(*attribute) for attribute in attributes])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "s3.test")]))
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(2**127)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ([(NameOID.COUNTRY_NAME, "DE"), (NameOID.COMMON_NAME, "Filter CA")], "Filter CA"),
        ([(NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, "Filters & Söhne")], "Filters & Söhne"),
        ([(NameOID.COMMON_NAME, "two\nlines\x1b[31m")], "two?lines?[31m"),
        ([(NameOID.COUNTRY_NAME, "DE")], ""),
        ([], ""),
    ],
)
def test_the_issuer_is_told_by_its_name(attributes, name):
    assert strangers.issuer(certificate(*attributes)) == name


def test_what_a_stranger_says_of_himself_is_cut_short():
    found = told("GET", 302, {"location": "https://%s.test/" % ("x" * 500)})
    assert len(found) < 120


@given(st.binary(max_size=60))
def test_what_is_no_certificate_has_no_issuer(data):
    assert isinstance(strangers.issuer(data), str)


@given(st.integers(0, 10**6), st.integers(0, 255))
def test_a_damaged_certificate_names_somebody_or_nobody_and_nothing_breaks(place, byte):
    data = bytearray(DAMAGED)
    data[place % len(data)] = byte
    assert isinstance(strangers.issuer(bytes(data)), str)


DAMAGED = certificate((NameOID.COMMON_NAME, "Filter CA"))
