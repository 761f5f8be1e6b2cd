"""Certificates for tests: signed by themselves, for the address 127.0.0.1; or by an authority, for any host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


def write_certificate(folder: Path, *, days_left: int = 1) -> x509.Certificate:
    """A new certificate and its key, as `certificate.pem` and `key.pem`; with fewer than 0 days left it is expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _common_name("127.0.0.1")
    certificate = (
        _unsigned(name, name, key.public_key(), datetime.now(UTC) + timedelta(days=days_left))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(_as_pem(key))
    return certificate


@dataclass(frozen=True)
class Authority:
    """A certificate authority of its own, which clients know by its file."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def file(self) -> Path:
        return self.folder / "authority.pem"

    def sign_into(self, folder: Path, host: str) -> None:
        """Write a new certificate for a host, and its key, as `certificate.pem` and `key.pem`."""
        folder.mkdir(exist_ok=True)
        for name, pem in zip(("certificate.pem", "key.pem"), self.sign(host), strict=True):
            (folder / name).write_text(pem)

    def sign(self, host: str, *, days_left: int = 1) -> tuple[str, str]:
        """A new certificate for a host, which is a name or an address, and its key, both as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        until = datetime.now(UTC) + timedelta(days=days_left)
        certificate = (
            _unsigned(_common_name(host), self.certificate.subject, key.public_key(), until)
            .add_extension(x509.SubjectAlternativeName([_alternative_name(host)]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return certificate.public_bytes(Encoding.PEM).decode(), _as_pem(key).decode()


def certificate_authority(folder: Path) -> Authority:
    """A new authority; its certificate is `authority.pem` in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _common_name("authority of the tests")
    certificate = (
        _unsigned(name, name, key.public_key(), datetime.now(UTC) + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    authority = Authority(folder, key, certificate)
    authority.file.write_bytes(certificate.public_bytes(Encoding.PEM))
    return authority


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, until: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    return builder.not_valid_before(until - timedelta(days=30)).not_valid_after(until)


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _as_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
