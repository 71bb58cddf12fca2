"""Rules for one X.509 certificate, wherever it was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import NameOID

from ils_pipelines.operations.certificates.lifetime import urgency_of_end, words
from ils_pipelines.operations.certificates.models import Examined
from ils_pipelines.operations.findings import Finding, Urgency

FEWEST_RSA_BITS = 2048
FEWEST_EC_BITS = 256
BROKEN_HASHES = frozenset({"md5", "sha1"})


@dataclass(frozen=True)
class Place:
    """Where a certificate is, and what renews one there."""

    component: str
    remedy: str
    now: datetime
    """UTC: the moment at which ends are judged."""
    among_others: bool = False
    """One authority of several: that one of them has ended stops nothing."""


def examine(certificate: x509.Certificate, place: Place) -> Examined:
    """The certificate with whatever is wrong with it by itself."""
    component = f"{place.component}: {name_of(certificate)}"
    return Examined(
        component=component,
        note=f"{key_words(certificate)}, issued by {name_of(certificate, issuer=True)}",
        ends=certificate.not_valid_after_utc,
        findings=(*_end(certificate, component, place), *_strength(certificate, component, place)),
    )


def _end(certificate: x509.Certificate, component: str, place: Place) -> Iterator[Finding]:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if begins > place.now:
        found = f"begins {begins:%Y-%m-%d %H:%M} UTC"
        yield Finding(component, Urgency.CRITICAL, "a certificate that is valid by now", found, place.remedy, begins)
    yield from end_findings(component, begins, ends, place)


def end_findings(component: str, begins: datetime, ends: datetime, place: Place) -> Iterator[Finding]:
    """That a certificate ends soon, or has ended."""
    urgency = urgency_of_end(begins, ends, place.now)
    if urgency is Urgency.CRITICAL and place.among_others:
        urgency = Urgency.WARNING
    if urgency is not Urgency.FINE:
        yield Finding(component, urgency, "a certificate with time left", words(ends, place.now), place.remedy, ends)


def _strength(certificate: x509.Certificate, component: str, place: Place) -> Iterator[Finding]:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey) and key.key_size < FEWEST_RSA_BITS:
        yield _weak(component, f"a key of {FEWEST_RSA_BITS} bits or more", key_words(certificate), place)
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size < FEWEST_EC_BITS:
        yield _weak(component, f"a curve of {FEWEST_EC_BITS} bits or more", key_words(certificate), place)
    algorithm = certificate.signature_hash_algorithm
    # Nobody checks the signature that an authority puts on itself.
    if algorithm is not None and algorithm.name in BROKEN_HASHES and not is_self_signed(certificate):
        yield _weak(component, "a signature with SHA-256 or better", f"one with {algorithm.name.upper()}", place)


def _weak(component: str, expected: str, found: str, place: Place) -> Finding:
    return Finding(component, Urgency.CRITICAL, expected, found, place.remedy)


def is_self_signed(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it may sign others."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The DNS names and addresses it is for, as clients read them: its common name does not count."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = (str(address) for address in found.get_values_for_type(x509.IPAddress))
    return (*found.get_values_for_type(x509.DNSName), *addresses)


def is_for(certificate: x509.Certificate, host: str) -> bool:
    """Whether it is for a name or an address; a `*` stands for one label, the first (RFC 9525)."""
    wanted = host.lower().rstrip(".")
    parent = wanted.partition(".")[2]
    return any(name.lower() == wanted or (parent and name.lower() == f"*.{parent}") for name in names(certificate))


def name_of(certificate: x509.Certificate, *, issuer: bool = False) -> str:
    """How people call it: the common name, or else the whole one, or what it is for."""
    name = certificate.issuer if issuer else certificate.subject
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string() or ", ".join(names(certificate)) or "no name"


def key_words(certificate: x509.Certificate) -> str:
    """Its key, e.g. `RSA 2048`."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA {key.curve.name}"
    return type(key).__name__.removesuffix("PublicKey").lstrip("_")
