"""Keystores in Java's own format, written for one test."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

JKS, JCEKS = b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"
Entry = tuple[str, Sequence[x509.Certificate], bytes | None]
"""Alias, certificates, and the encrypted key whose chain they are; None for a trusted certificate."""


def java_keystore(*entries: Entry, magic: bytes = JKS) -> bytes:
    """Of version 2, as keytool writes it; the password is changeit."""
    content = magic + struct.pack(">II", 2, len(entries))
    for alias, chain, key in entries:
        content += struct.pack(">I", 2 if key is None else 1) + _text(alias) + struct.pack(">Q", 1_700_000_000_000)
        if key is not None:
            content += struct.pack(">I", len(key)) + key + struct.pack(">I", len(chain))
        for certificate in chain:
            der = certificate.public_bytes(Encoding.DER)
            content += _text("X.509") + struct.pack(">I", len(der)) + der
    # What Java has put between the password and the rest since its first days.
    return content + hashlib.sha1("changeit".encode("utf-16-be") + b"Mighty Aphrodite" + content).digest()  # noqa: S324


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack(">H", len(encoded)) + encoded
