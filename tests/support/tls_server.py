"""A real TLS server that sends exactly the chain that a test gives it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from OpenSSL import SSL

from tests.support.minting import Identity


@contextlib.contextmanager
def tls_server(
    identity: Identity,
    *others: Identity,
    stapled: bytes = b"",
    versions: tuple[int, int] = (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION),
) -> Iterator[int]:
    """Its port on 127.0.0.1. `versions` are the oldest and the newest of TLS that it takes."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")  # weak keys and old versions are what some tests are about
    context.set_min_proto_version(versions[0])
    context.set_max_proto_version(versions[1])
    context.use_certificate(identity.certificate)
    context.use_privatekey(identity.key)
    for other in others:
        context.add_extra_chain_cert(other.certificate)
    if stapled:
        context.set_ocsp_server_callback(lambda _connection, _data: stapled)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, context), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, context: SSL.Context) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return  # it was closed
        with plain:
            connection = SSL.Connection(context, plain)
            connection.set_accept_state()
            # A client that hangs up, or that speaks no TLS that it takes, is what some tests are about.
            with contextlib.suppress(SSL.Error, OSError):
                connection.do_handshake()
                connection.shutdown()


@contextlib.contextmanager
def plain_server(told: bytes) -> Iterator[int]:
    """Its port on 127.0.0.1; whoever connects is told the bytes after the first that it says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_tell, args=(listener, told), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _tell(listener: socket.socket, told: bytes) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        with plain, contextlib.suppress(OSError):
            plain.recv(65_536)
            plain.sendall(told)
