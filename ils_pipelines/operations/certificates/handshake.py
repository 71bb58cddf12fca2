"""What a TLS server really sends: one handshake in which nothing is believed, so that everything can be told.

Python's `ssl` keeps the chain (before 3.13) and the OCSP answer to itself, so this is pyOpenSSL, on memory
buffers: the socket below keeps its timeouts.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from OpenSSL import SSL

from ils_pipelines.operations.live import ApiUnavailable

if TYPE_CHECKING:
    from cryptography import x509

TIMEOUT_SECONDS = 10
_CHUNK = 65_536
# What asks a PostgreSQL server for TLS: its length, and the number of this request (protocol documentation, SSLRequest).
_POSTGRESQL_ASKS = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


@dataclass(frozen=True)
class Address:
    """Where a server listens, and the name it is asked for."""

    host: str
    port: int
    name: str
    """DNS name or address that its certificate should be for; sent as SNI when it is a DNS name."""
    postgresql: bool = False
    """Whether TLS begins only after a request in PostgreSQL's own protocol."""

    def __str__(self) -> str:
        return f"{self.name}:{self.port}"


@dataclass(frozen=True)
class Served:
    """What a server sent."""

    chain: tuple[x509.Certificate, ...]
    """In its order; its own certificate comes first."""
    protocol: str
    """`TLSv1.3` and the like: the best that both speak."""
    stapled: bytes = field(repr=False)
    """The OCSP response; empty when it sent none."""


def served_by(address: Address) -> Served:
    """Raises `ApiUnavailable` when nothing answers there, or not with TLS."""
    context, stapled = _context(), list[bytes]()

    def keep(_connection: SSL.Connection, response: bytes, _data: object) -> bool:
        stapled.append(response)
        return True

    context.set_ocsp_client_callback(keep)
    try:
        with _shaken(address, context) as connection:
            sent = connection.get_peer_cert_chain(as_cryptography=True) or ()
            return Served(tuple(sent), connection.get_protocol_version_name(), b"".join(stapled))
    except (OSError, SSL.Error) as error:
        raise ApiUnavailable(f"TLS with {address.host}:{address.port}: {_words(error)}") from error


def takes_old_protocols(address: Address) -> bool:
    """Whether it also answers a client that knows nothing newer than TLS 1.1. Raises `ApiUnavailable`."""
    context = _context()
    context.set_max_proto_version(SSL.TLS1_1_VERSION)
    try:
        with _shaken(address, context):
            return True
    except (SSL.Error, ConnectionResetError, EOFError):
        return False  # what is refused is refused in one of these ways
    except OSError as error:
        raise ApiUnavailable(f"TLS 1.1 with {address.host}:{address.port}: {_words(error)}") from error


def is_good(protocol: str) -> bool:
    return protocol in {"TLSv1.2", "TLSv1.3"}


def _context() -> SSL.Context:
    """Believes nothing and refuses nothing: what is old or weak is to be told, too. No data is ever sent over it."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.set_min_proto_version(SSL.TLS1_VERSION)
    return context


@contextmanager
def _shaken(address: Address, context: SSL.Context) -> Iterator[SSL.Connection]:
    with socket.create_connection((address.host, address.port), TIMEOUT_SECONDS) as plain:
        if address.postgresql:
            plain.sendall(_POSTGRESQL_ASKS)
            if (answer := plain.recv(1)) != b"S":
                message = f"the server offers no TLS (answered {answer!r})"
                raise ConnectionError(message)
        connection = SSL.Connection(context, None)
        connection.request_ocsp()
        if _is_dns_name(address.name):
            connection.set_tlsext_host_name(address.name.encode("idna"))
        connection.set_connect_state()
        _shake(connection, plain)
        yield connection


def _shake(connection: SSL.Connection, plain: socket.socket) -> None:
    while True:
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            _flush(connection, plain)
            received = plain.recv(_CHUNK)
            if not received:
                raise ConnectionResetError("the server hung up during the handshake") from None
            connection.bio_write(received)
        else:
            _flush(connection, plain)
            return


def _flush(connection: SSL.Connection, plain: socket.socket) -> None:
    while True:
        try:
            plain.sendall(connection.bio_read(_CHUNK))
        except SSL.WantReadError:
            return


def _is_dns_name(name: str) -> bool:
    """Whether it is no address: those have no place in SNI (RFC 6066)."""
    import ipaddress

    try:
        ipaddress.ip_address(name)
    except ValueError:
        return True
    return False


def _words(error: Exception) -> str:
    if isinstance(error, SSL.Error) and error.args and isinstance(error.args[0], list):
        return "; ".join(str(each[-1]) for each in error.args[0]) or "the handshake failed"
    return str(error) or type(error).__name__
