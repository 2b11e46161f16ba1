"""The throw-away certificates are what their names say, judged by a real TLS handshake."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading

import pytest

from tests.support.certs import Authority, Certificate, self_signed


def shake_hands(leaf: Certificate, client: ssl.SSLContext, name: str = "localhost") -> bytes:
    """Return the certificate a client sees, in DER; raise what the client raises."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(leaf.cert_file, leaf.key_file)
    near, far = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(far, server_side=True).close()
        except OSError:
            far.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(near, server_hostname=name) as stream:
            return stream.getpeercert(binary_form=True) or b""
    finally:
        near.close()
        thread.join()


def test_a_certificate_of_the_authority_is_trusted_for_its_names(tmp_path):
    authority = Authority(tmp_path)
    seen = shake_hands(authority.issue(), ssl.create_default_context(cafile=authority.ca_file))
    assert seen


def test_the_fingerprint_is_the_sha_256_of_what_the_client_sees(tmp_path):
    authority = Authority(tmp_path)
    for leaf, trust in ((authority.issue(), authority.ca_file), (self_signed(tmp_path), None)):
        client = ssl.create_default_context(cafile=trust or leaf.cert_file)
        assert hashlib.sha256(shake_hands(leaf, client)).hexdigest() == leaf.fingerprint


@pytest.mark.parametrize(
    ("issue", "complaint"),
    [
        (lambda authority, path: authority.issue("camera.example"), "mismatch"),
        (lambda authority, path: authority.issue(days=-1), "expired"),
        (lambda authority, path: Authority(path / "other").issue(), "unable to get local issuer"),
        (lambda authority, path: self_signed(path), "self.signed"),
    ],
    ids=["wrong name", "expired", "another authority", "self-signed"],
)
def test_a_bad_certificate_is_refused_for_its_own_fault_alone(tmp_path, issue, complaint):
    authority = Authority(tmp_path)
    client = ssl.create_default_context(cafile=authority.ca_file)
    with pytest.raises(ssl.SSLCertVerificationError, match=complaint):
        shake_hands(issue(authority, tmp_path), client)
