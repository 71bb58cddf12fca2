"""Certificates of the sandbox: one authority of its own, and server certificates for its loopback addresses.

They are made once, in the sandbox's state folder, and reused until they are about to end, so that kubeconfigs written
earlier keep working after a restart. Clients trust the authority by its file, never through the machine's trust store.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ils_sandbox.state import write_atomically

CA_LIFETIME = timedelta(days=3650)
SERVER_LIFETIME = timedelta(days=397)
"""The longest life of a server certificate that every TLS client accepts."""
RENEW_BEFORE = timedelta(days=30)


_Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files, readable by their owner alone."""

    ca_file: Path
    certificate_file: Path
    key_file: Path


def ensure_certificates(directory: Path) -> Certificates:
    """The certificates in `directory`, made when they are missing, unreadable, of another authority or about to end."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    ca_key_file = directory / "ca.key"
    certificates = Certificates(directory / "ca.crt", directory / "server.crt", directory / "server.key")
    ca = _load(certificates.ca_file, ca_key_file)
    if ca is None:
        ca = _make_authority()
        write_atomically(ca_key_file, _key_pem(ca[1]))
        write_atomically(certificates.ca_file, _certificate_pem(ca[0]))
    _ensure_server(certificates, ca, "127.0.0.1")
    return certificates


def ensure_endpoint_certificate(authority: Path, directory: Path, address: str) -> Certificates:
    """A certificate for one loopback address in `directory`, of the authority that `ensure_certificates` made."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    certificates = Certificates(authority / "ca.crt", directory / f"{address}.crt", directory / f"{address}.key")
    ca = _load(certificates.ca_file, authority / "ca.key")
    if ca is None:
        message = f"there is no usable certificate authority in {authority}: start the sandbox anew"
        raise FileNotFoundError(message)
    _ensure_server(certificates, ca, address)
    return certificates


def _ensure_server(certificates: Certificates, ca: _Pair, address: str) -> None:
    server = _load(certificates.certificate_file, certificates.key_file)
    if server is None or not _issued_by(server[0], ca[0]):
        server = _make_server(*ca, address)
        write_atomically(certificates.key_file, _key_pem(server[1]))
        write_atomically(certificates.certificate_file, _certificate_pem(server[0]))


def _load(certificate_file: Path, key_file: Path) -> _Pair | None:
    """A certificate and its key, or None when they cannot be used any longer (or yet)."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = load_pem_private_key(key_file.read_bytes(), password=None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    if certificate.not_valid_after_utc - datetime.now(UTC) < RENEW_BEFORE:
        return None
    return certificate, key


def _issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _make_authority() -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("ILS sandbox authority")
    builder = _builder(name, name, key, CA_LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(authority=True), critical=True)
    return builder.sign(key, hashes.SHA256()), key


def _make_server(authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey, address: str) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(address))])
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    builder = _builder(_name("localhost"), authority.subject, key, SERVER_LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(authority=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(names, critical=False).add_extension(identifier, critical=False)
    return builder.sign(authority_key, hashes.SHA256()), key


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # a clock that is a little behind still accepts it
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
