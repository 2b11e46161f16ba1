"""Check the certificate of an rtsps camera. A short-lived child: `ssl` would cost every recorder 4 MB.

What it protects: before each attempt the camera has to show the certificate it should have. A camera that was swapped
or reset, an address that now belongs to something else, an expired certificate: recording does not begin, and the
reason is told.

What it does not protect: FFmpeg 5.1 to 7.1 cannot verify a certificate and opens its own connection afterwards. Who
can intercept the network and tell the two connections apart sees the login and the picture. From 9.0 on FFmpeg is told
to verify, too (`camera_backup.recorder.ffmpeg.tls_options`).
"""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import sys
from typing import NamedTuple

from camera_backup import urls


class Verdict(NamedTuple):
    """cause: why the camera must not be recorded, as in the ledger; None when all is well. detail: in words."""

    cause: str | None
    detail: str | None = None


def check(url: str, ca_file: str | None, fingerprint: str | None, timeout: float = 10.0) -> Verdict:
    """Given an rtsps URL and what the certificate has to match, connect and return the verdict.

    fingerprint: SHA-256 of the certificate in hex; then neither issuer, name nor dates matter
    ca_file: certificates to trust instead of the system's; a camera's own self-signed one will do
    """
    host, port = urls.parse(url, strict=True).address
    try:
        context = _context(ca_file, fingerprint)
    except (OSError, ssl.SSLError) as error:
        return Verdict("certificate_refused", "%s: %s" % (ca_file, error.strerror or error))
    try:
        plain = socket.create_connection((host, port), timeout)
        with context.wrap_socket(plain, server_hostname=host) as secure:
            return _pinned(secure.getpeercert(binary_form=True) or b"", fingerprint)
    except ssl.SSLCertVerificationError as error:
        return Verdict("certificate_refused", error.verify_message)
    except ssl.SSLError as error:
        return Verdict("stream_refused", "no TLS: %s" % (error.reason or error))
    except socket.timeout:
        return Verdict("camera_unreachable", "no answer within %g s" % timeout)
    except OSError as error:
        return Verdict("camera_unreachable", error.strerror or str(error))


def _context(ca_file: str | None, fingerprint: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    # A camera's certificate given as its own CA is meant to be trusted, also when a CA issued it.
    context.verify_flags |= ssl.VerifyFlags(0x80000)  # X509_V_FLAG_PARTIAL_CHAIN, unnamed before Python 3.10
    # Python 3.13 began to refuse certificates without an authority key identifier, which most cameras lack.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if fingerprint:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _pinned(certificate: bytes, fingerprint: str | None) -> Verdict:
    found = hashlib.sha256(certificate).hexdigest()
    if fingerprint and found != fingerprint.replace(":", "").lower():
        return Verdict("certificate_refused", "its fingerprint is %s, not the configured one" % found)
    return Verdict(None)


def main() -> int:
    """Read what to check from standard input, write the verdict to standard output. The URL never is an argument."""
    asked = json.load(sys.stdin)
    verdict = check(asked["url"], asked["ca_file"], asked["fingerprint"])
    json.dump(verdict._asdict(), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
