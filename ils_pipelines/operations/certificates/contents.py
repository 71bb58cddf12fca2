"""Certificates in what people keep in files: PEM, with keys or without, and keystores."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.certificates import java_keystore
from ils_pipelines.operations.certificates.java_keystore import DAMAGED, JCEKS, JKS

_PEM = re.compile(
    rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----.*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----", re.DOTALL
)
_PKCS12_ENDINGS = (".p12", ".pfx", ".pkcs12")
_JAVA_ENDINGS = (".jks", ".jceks", ".keystore", ".truststore")


class Unreadable(IlsError):
    """There are certificates in it, or should be, that cannot be read. The message holds nothing of the content."""


@dataclass(frozen=True)
class Store:
    """What a file holds."""

    certificates: tuple[x509.Certificate, ...]
    key_fits: bool | None = None
    """Whether the key beside the first certificate is its own; None where there is none."""


def holds_certificates(name: str, content: bytes) -> bool:
    return (
        b"CERTIFICATE-----" in content
        or name.lower().endswith((*_PKCS12_ENDINGS, *_JAVA_ENDINGS))
        or content.startswith((JKS, JCEKS))
    )


def read(content: bytes, passwords: Iterable[bytes] = ()) -> Store:
    """What is in a file of any of these kinds. Raises `Unreadable`."""
    if b"CERTIFICATE-----" in content:
        return Store(_pem(content))
    if content.startswith((JKS, JCEKS)):
        return _java(content)
    return _keystore(content, passwords)


def fits(key: bytes, certificate: x509.Certificate) -> bool:
    """Whether the PEM key is the certificate's. Raises `Unreadable`, also for a key that asks for a password."""
    try:
        own = load_pem_private_key(key, password=None)
    except (ValueError, TypeError):
        raise Unreadable("a private key that cannot be read") from None  # the error may quote what it read
    return own.public_key() == certificate.public_key()


def _pem(content: bytes) -> tuple[x509.Certificate, ...]:
    try:
        found = tuple(x509.load_pem_x509_certificate(each) for each in _PEM.findall(content))
    except DAMAGED:
        raise Unreadable("a PEM certificate that is damaged") from None
    if not found:
        raise Unreadable("a PEM certificate that is cut off")
    return found


def _java(content: bytes) -> Store:
    """Without a password; the keys beside the chains stay what they are, encrypted."""
    try:
        return Store(java_keystore.certificates(content))
    except java_keystore.NoKeystore as problem:
        raise Unreadable(str(problem)) from None


def _keystore(content: bytes, passwords: Iterable[bytes]) -> Store:
    for password in (None, b"", *passwords):
        try:
            store = pkcs12.load_pkcs12(content, password)
        except DAMAGED:
            continue
        own = () if store.cert is None else (store.cert.certificate,)
        key = store.key.public_key() == own[0].public_key() if store.key and own else None
        return Store((*own, *(each.certificate for each in store.additional_certs)), key)
    raise Unreadable("a keystore that is damaged, or whose password is not beside it")
