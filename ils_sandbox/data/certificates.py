"""The certificates that endpoints show: each its own, of the sandbox's authority."""

from __future__ import annotations

import ssl
from pathlib import Path

from ils_sandbox.tls import ensure_endpoint_certificate


class EndpointCertificates:
    """Certificates by address, made when they are first needed."""

    def __init__(self, authority: Path, folder: Path) -> None:
        """`authority` is the folder of the sandbox's certificate authority; certificates are kept in `folder`."""
        self._authority = authority
        self._folder = folder
        self._contexts: dict[str, ssl.SSLContext] = {}

    def context(self, address: str) -> ssl.SSLContext:
        """How to serve TLS at an address."""
        found = self._contexts.get(address)
        if found is None:
            files = ensure_endpoint_certificate(self._authority, self._folder, address)
            found = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            found.minimum_version = ssl.TLSVersion.TLSv1_2
            found.load_cert_chain(files.certificate_file, files.key_file)
            self._contexts[address] = found
        return found
