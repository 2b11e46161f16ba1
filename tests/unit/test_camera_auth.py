"""Logins: the right user with the right password, whatever characters they hold, and nobody else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.camera import auth
from tests.simulators.camera.auth import Login, accepts, digest

URI = "rtsp://127.0.0.1:554/front"
NASTY = "%$\"'\\@:/# ü"

# Any text that a header line can carry.
words = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20) | st.just(NASTY)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode()


def digested(login: Login, nonce: str = "n1", method: str = "DESCRIBE", uri: str = URI, **changed: str) -> str:
    """Return the header as FFmpeg writes it, with no escapes; `changed` fields replace its own."""
    secret = digest("%s:%s:%s" % (login.user, auth.REALM, login.password))
    middle = "%s:00000001:abcd:auth" % nonce if login.qop else nonce
    response = digest("%s:%s:%s" % (secret, middle, digest("%s:%s" % (method, uri))))
    fields = {"username": login.user, "realm": auth.REALM, "nonce": nonce, "uri": uri, "response": response}
    text = ", ".join('%s="%s"' % pair for pair in {**fields, **changed}.items())
    return "Digest " + text + (', algorithm="MD5", qop="auth", cnonce="abcd", nc=00000001' if login.qop else "")


@given(user=words, password=words, qop=st.booleans())
def test_the_right_digest_is_accepted_with_any_characters(user, password, qop):
    login = Login("digest", user, password, qop)
    assert accepts(login, "n1", "DESCRIBE", URI, digested(login))


@given(user=words, password=words)
def test_the_right_basic_login_is_accepted_with_any_characters(user, password):
    assert accepts(Login("basic", user, password), "n1", "DESCRIBE", URI, basic(user, password))


def test_an_escaped_quote_in_a_user_name_is_understood_too():
    login = Login("digest", 'a"b\\c', "p")
    assert accepts(login, "n1", "DESCRIBE", URI, digested(login, username='a\\"b\\\\c'))


@pytest.mark.parametrize("qop", [False, True])
@pytest.mark.parametrize("field", ["username", "realm", "nonce", "uri", "response"])
def test_a_digest_with_a_wrong_field_is_refused(field, qop):
    login = Login("digest", "user", "password", qop)
    assert not accepts(login, "n1", "DESCRIBE", URI, digested(login, **{field: "0" * 32}))


def test_a_digest_of_another_request_login_or_time_is_refused():
    login = Login("digest", "user", "password")
    assert not accepts(login, "n2", "DESCRIBE", URI, digested(login))
    assert not accepts(login, "n1", "SETUP", URI, digested(login))
    assert not accepts(login, "n1", "DESCRIBE", URI + "/track0", digested(login))
    assert not accepts(login, "n1", "DESCRIBE", URI, digested(login._replace(password="Password")))
    assert not accepts(login, "n1", "DESCRIBE", URI, digested(login._replace(user="User")))


def test_quality_of_protection_is_insisted_on_when_asked_for():
    login = Login("digest", "user", "password", qop=True)
    assert not accepts(login, "n1", "DESCRIBE", URI, digested(login._replace(qop=False)))


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic !!!", "Bearer x", basic("user", "Password"), basic("use", "r:password")]
)
def test_a_basic_login_that_does_not_match_is_refused(header):
    assert not accepts(Login("basic", "user", "password"), "n1", "DESCRIBE", URI, header)


def test_the_other_scheme_is_refused():
    login = Login("digest", "user", "password")
    assert not accepts(login, "n1", "DESCRIBE", URI, basic("user", "password"))
    assert not accepts(login._replace(scheme="basic"), "n1", "DESCRIBE", URI, digested(login))


def test_a_challenge_names_scheme_realm_and_nonce():
    assert auth.challenge(Login("basic", "u", "p"), "n1") == 'Basic realm="camera"'
    assert 'nonce="n1"' in auth.challenge(Login("digest", "u", "p"), "n1")
    assert "qop" not in auth.challenge(Login("digest", "u", "p"), "n1")
    assert 'qop="auth"' in auth.challenge(Login("digest", "u", "p", qop=True), "n1")
