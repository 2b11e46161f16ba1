"""Throw-away certificates for the servers of the tests: a private authority and what it issues.

As a program: `python -m tests.support.certs DIRECTORY bucket=NAME,ADDRESS cameras=NAME` makes an authority there, and
`bucket.pem`, `bucket.key`, `cameras.pem` and `cameras.key`.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import sys
from pathlib import Path
from typing import NamedTuple, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK = ("localhost", "127.0.0.1")


class Certificate(NamedTuple):
    """PEM files of a server certificate, and the SHA-256 of its DER form as 64 hex digits."""

    cert_file: str
    key_file: str
    fingerprint: str


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    path.chmod(0o600)


class Authority:
    """A certificate authority that lives in a directory. `ca_file` is what a client has to trust."""

    def __init__(self, directory: Path, name: str = "camera-backup test authority") -> None:
        self._directory = directory
        self._directory.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self._issued = 0
        certificate = (
            self._builder(self._name, self._key, days=2)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        path = directory / "ca.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.ca_file = str(path)

    def issue(self, *names: str, days: int = 1) -> Certificate:
        """Given host names and addresses (default: loopback), return a new certificate; `days` < 0: it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = names or LOOPBACK
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
        certificate = (
            self._builder(_name(names[0]), key, days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(alternatives, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self._issued += 1
        cert_file = self._directory / ("server-%d.pem" % self._issued)
        key_file = self._directory / ("server-%d.key" % self._issued)
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        _write_key(key_file, key)
        return Certificate(str(cert_file), str(key_file), certificate.fingerprint(hashes.SHA256()).hex())

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        end = now + datetime.timedelta(days=days)
        public = key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, end) - datetime.timedelta(days=1))
            .not_valid_after(end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )


def self_signed(directory: Path, *names: str, days: int = 1) -> Certificate:
    """Return a certificate that nobody vouches for, as cameras make their own; arguments as `Authority.issue`."""
    directory.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    names = names or LOOPBACK
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(names[0]))
        .issuer_name(_name(names[0]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - datetime.timedelta(days=abs(days) + 1))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    stem = directory / ("self-signed-%x" % certificate.serial_number)
    cert_file, key_file = stem.with_suffix(".pem"), stem.with_suffix(".key")
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_key(key_file, key)
    return Certificate(str(cert_file), str(key_file), certificate.fingerprint(hashes.SHA256()).hex())


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def main(arguments: Sequence[str]) -> int:
    """Given a directory and servers with their names, write their certificates; return 0."""
    directory = Path(arguments[0])
    authority = Authority(directory)
    for server, _, names in (word.partition("=") for word in arguments[1:]):
        certificate = authority.issue(*names.split(","))
        os.replace(certificate.key_file, directory / (server + ".key"))
        os.replace(certificate.cert_file, directory / (server + ".pem"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
