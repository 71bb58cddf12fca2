"""Certificates made for one test: good ones, and with whatever is to be wrong with them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
HOST = "web.example.com"


def ec_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def weak_key() -> Key:
    return rsa.generate_private_key(65537, 1024)  # noqa: S505 that it is weak is the point


@dataclass(frozen=True)
class Identity:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key = field(repr=False)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def issue(
        self,
        name: str = HOST,
        *,
        left: timedelta = timedelta(days=60),
        life: timedelta = timedelta(days=90),
        key: Key | None = None,
        authority: bool = False,
        must_staple: bool = False,
    ) -> Identity:
        """A certificate that ends in `left` and lives `life`, for a name or an address."""
        own = key or ec_key()
        builder = _builder(name, self.certificate.subject, own, datetime.now(UTC) + left, life)
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        if not authority:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(name)]), critical=False)
        if must_staple:
            builder = builder.add_extension(x509.TLSFeature([x509.TLSFeatureType.status_request]), critical=False)
        return Identity(builder.sign(self.key, hashes.SHA256()), own)

    def ocsp_response(
        self,
        of: Identity,
        status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
        fresh_for: timedelta = timedelta(days=1),
    ) -> bytes:
        """What this authority says of a certificate that it issued."""
        until = datetime.now(UTC) + fresh_for
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=of.certificate,
            issuer=self.certificate,
            algorithm=hashes.SHA256(),
            cert_status=status,
            this_update=until - timedelta(days=7),
            next_update=until,
            revocation_time=until - timedelta(days=7) if status is ocsp.OCSPCertStatus.REVOKED else None,
            revocation_reason=None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.certificate)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)


def self_signed(name: str = HOST) -> Identity:
    key = ec_key()
    builder = _builder(name, _name(name), key, datetime.now(UTC) + timedelta(days=60), timedelta(days=90))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(name)]), critical=False)
    return Identity(builder.sign(key, hashes.SHA256()), key)


def root(name: str = "Test root", left: timedelta = timedelta(days=3650)) -> Identity:
    key = ec_key()
    builder = _builder(name, _name(name), key, datetime.now(UTC) + left, timedelta(days=7300))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return Identity(builder.sign(key, hashes.SHA256()), key)


def _builder(name: str, issuer: x509.Name, key: Key, ends: datetime, life: timedelta) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - life)
        .not_valid_after(ends)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
