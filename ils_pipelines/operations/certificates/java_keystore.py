"""Certificates in Java's own keystores, JKS and JCEKS: they are in the clear, whatever the password protects.

A keystore is a magic number, a version and its entries: trusted certificates, and keys with their chains, each with its
length, all numbers big-endian (the OpenJDK's `sun.security.provider.JavaKeyStore` writes them). Of a library there would be
pyjks, unmaintained since 2020, and a fork of it that is some weeks old: these few lines are less to trust.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cryptography import x509

JKS, JCEKS = b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"
_KEY, _CERTIFICATE, _SECRET = 1, 2, 3
_DIGEST = 20
"""At the end, of everything before and the password: nothing that could be looked at without it."""
_X509 = b"X.509"
DAMAGED = (ValueError, x509.InvalidVersion)
"""What cryptography raises for what is no certificate; a version that there is not is no ValueError."""


class NoKeystore(ValueError):
    """It is damaged, or holds what cannot be read. The message quotes nothing of it."""


def certificates(content: bytes) -> tuple[x509.Certificate, ...]:
    """Every certificate, in the order of the entries, of each key its own first. Raises `NoKeystore`."""
    reader = _Reader(content)
    if reader.take(4) not in (JKS, JCEKS):
        raise NoKeystore("no keystore of Java")
    version = reader.number()
    if version not in (1, 2):
        raise NoKeystore(f"a keystore of Java of version {version}, where 1 and 2 are known")
    found: list[x509.Certificate] = []
    for _ in range(reader.number()):
        kind = reader.number()
        reader.text()  # its alias
        reader.take(8)  # when it was made
        if kind == _SECRET:
            raise NoKeystore("a keystore of Java with secret keys, which are serialized objects without a length")
        if kind not in (_KEY, _CERTIFICATE):
            raise NoKeystore("a keystore of Java that is damaged: an entry of no known kind")
        if kind == _KEY:
            reader.take(reader.number())  # encrypted
        count = reader.number() if kind == _KEY else 1
        found += [reader.certificate(typed=version > 1) for _ in range(count)]
    if reader.left != _DIGEST:
        raise NoKeystore("a keystore of Java that is damaged: there is more, or less, than its entries")
    return tuple(found)


@dataclass
class _Reader:
    content: bytes
    at: int = 0

    @property
    def left(self) -> int:
        return len(self.content) - self.at

    def take(self, length: int) -> bytes:
        if length > self.left:
            raise NoKeystore("a keystore of Java that is cut off")
        taken = self.content[self.at : self.at + length]
        self.at += length
        return taken

    def number(self) -> int:
        (number,) = struct.unpack(">I", self.take(4))
        return int(number)

    def text(self) -> bytes:
        (length,) = struct.unpack(">H", self.take(2))
        return self.take(length)

    def certificate(self, *, typed: bool) -> x509.Certificate:
        if typed and self.text() != _X509:
            raise NoKeystore("a keystore of Java with certificates that are not X.509")
        try:
            return x509.load_der_x509_certificate(self.take(self.number()))
        except NoKeystore:
            raise
        except DAMAGED:
            raise NoKeystore("a keystore of Java with a certificate that is damaged") from None
