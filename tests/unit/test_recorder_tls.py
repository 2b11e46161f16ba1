from __future__ import annotations

import io
import json
import socket
import ssl
import sys
import threading

import pytest

from camera_backup.recorder import tls
from tests.support.certs import Authority, self_signed


@pytest.fixture
def shown():
    """Return a function that serves one certificate for one connection and returns the URL."""
    servers = []

    def serve(leaf):
        listener = socket.create_server(("127.0.0.1", 0))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(leaf.cert_file, leaf.key_file)

        def answer():
            connection, _ = listener.accept()
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        servers.append((listener, thread))
        return "rtsps://u:p%%40@127.0.0.1:%d/x" % listener.getsockname()[1]

    yield serve
    for listener, thread in servers:
        thread.join()
        listener.close()


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ca")


def test_a_certificate_of_the_given_authority_is_accepted(shown, authority):
    assert tls.check(shown(authority.issue()), authority.ca_file, None) == tls.Verdict(None)


def test_a_camera_that_vouches_for_itself_is_accepted_when_told_so(shown, tmp_path):
    leaf = self_signed(tmp_path)
    assert tls.check(shown(leaf), leaf.cert_file, None) == tls.Verdict(None)


def test_a_certificate_an_authority_issued_can_be_trusted_by_itself(shown, authority):
    leaf = authority.issue()
    assert tls.check(shown(leaf), leaf.cert_file, None) == tls.Verdict(None)


@pytest.mark.parametrize(
    "spelling", [str.lower, str.upper, lambda text: ":".join(text[i : i + 2] for i in range(0, 64, 2))]
)
def test_a_pinned_certificate_is_accepted_whatever_its_name_dates_and_issuer(shown, tmp_path, spelling):
    leaf = self_signed(tmp_path, "another.name", days=-3)
    assert tls.check(shown(leaf), None, spelling(leaf.fingerprint)) == tls.Verdict(None)


@pytest.mark.parametrize(
    ("names", "days", "words"),
    [(("camera.example",), 1, "IP address mismatch"), (("127.0.0.2",), 1, "IP address mismatch"), ((), -1, "expired")],
)
def test_a_wrong_name_or_date_is_refused(shown, authority, names, days, words):
    cause, detail = tls.check(shown(authority.issue(*names, days=days)), authority.ca_file, None)
    assert cause == "certificate_refused"
    assert words in detail


def test_an_unknown_issuer_is_refused(shown, tmp_path):
    verdict = tls.check(shown(self_signed(tmp_path)), None, None)
    assert verdict.cause == "certificate_refused"
    assert "self" in verdict.detail


def test_another_certificate_than_the_pinned_one_is_refused_and_its_fingerprint_told(shown, tmp_path):
    leaf = self_signed(tmp_path)
    verdict = tls.check(shown(leaf), None, "ab" * 32)
    assert verdict == ("certificate_refused", "its fingerprint is %s, not the configured one" % leaf.fingerprint)


def test_a_ca_file_that_cannot_be_read_is_named(tmp_path):
    missing = str(tmp_path / "none.pem")
    assert tls.check("rtsps://127.0.0.1:9/x", missing, None) == (
        "certificate_refused",
        missing + ": No such file or directory",
    )
    (tmp_path / "none.pem").write_text("nonsense")
    assert tls.check("rtsps://127.0.0.1:9/x", missing, None).detail.startswith(missing)


def test_a_port_where_nobody_listens_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert tls.check("rtsps://127.0.0.1:%d/x" % port, None, None) == ("camera_unreachable", "Connection refused")


def test_a_server_that_speaks_no_tls_is_named():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            connection.sendall(b"RTSP/1.0 400 Bad Request\r\n\r\n")
            connection.recv(1000)
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        verdict = tls.check("rtsps://127.0.0.1:%d/x" % listener.getsockname()[1], None, None)
        thread.join()
    assert verdict.cause == "stream_refused"
    assert verdict.detail.startswith("no TLS: ")


def test_a_camera_that_says_nothing_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = "rtsps://127.0.0.1:%d/x" % listener.getsockname()[1]
        assert tls.check(url, None, None, timeout=0.2) == ("camera_unreachable", "no answer within 0.2 s")


def test_the_child_reads_the_url_from_its_input_and_answers_in_json(shown, authority, monkeypatch, capsys):
    asked = {"url": shown(authority.issue()), "ca_file": authority.ca_file, "fingerprint": None}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(asked)))
    assert tls.main() == 0
    assert json.loads(capsys.readouterr().out) == {"cause": None, "detail": None}
