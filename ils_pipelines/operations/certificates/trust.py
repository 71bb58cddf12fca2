"""Whether a chain leads to an authority that is trusted, apart from dates, which have findings of their own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from cryptography import x509
from OpenSSL import crypto

NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h; pyOpenSSL has no name for it."""


def why_not_trusted(chain: Sequence[x509.Certificate], authorities: Sequence[x509.Certificate]) -> str:
    """What OpenSSL says against the chain, whose first certificate is the server's; empty when it leads to an authority.

    As browsers do it: the order of the others does not matter, and what is missing is not fetched.
    """
    store = crypto.X509Store()
    for authority in authorities:
        store.add_cert(crypto.X509.from_cryptography(authority))
    store.set_flags(NO_CHECK_TIME)
    leaf, *others = [crypto.X509.from_cryptography(each) for each in chain]
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError as refused:
        return str(refused)
    return ""


@cache
def public_authorities() -> tuple[x509.Certificate, ...]:
    """Those that Mozilla trusts, as certifi has them: the same on every machine."""
    import certifi

    return read_authorities(Path(certifi.where()))


def read_authorities(file: Path) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file. Raises OSError and ValueError."""
    return tuple(x509.load_pem_x509_certificates(file.read_bytes()))
