"""Addresses of endpoints.

Every address that begins with 127 is this machine's on Linux, so that each endpoint gets one of its own and the port that
was asked for, as on AWS. macOS has 127.0.0.1 alone: there, endpoints whose port is taken get another port, which the
Describe calls show and `ils drift` reports.
"""

from __future__ import annotations

import errno
import secrets
import socket

from ils_sandbox.data.records import Endpoint

FALLBACK = "127.0.0.1"
_ATTEMPTS = 20
_BACKLOG = 128


def reserve(port: int) -> tuple[Endpoint, socket.socket]:
    """A new endpoint that has this port if at all possible, and the socket that listens there."""
    for _ in range(_ATTEMPTS):
        # Not 127.0.x.y, which other programs use.
        address = ".".join(str(part) for part in (127, *(1 + secrets.randbelow(250) for _ in range(3))))
        try:
            return Endpoint(address=address, port=port), listen(Endpoint(address=address, port=port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EACCES):
                raise
            break
    for candidate in (port, 0):
        try:
            listener = listen(Endpoint(address=FALLBACK, port=candidate))
        except OSError as error:
            if candidate == 0 or error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            continue
        return Endpoint(address=FALLBACK, port=listener.getsockname()[1]), listener
    raise AssertionError


def beside(endpoint: Endpoint, port: int) -> tuple[Endpoint, socket.socket]:
    """Likewise another port at the address of an endpoint, this one if at all possible. Raises OSError."""
    try:
        listener = listen(Endpoint(address=endpoint.address, port=port))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        listener = listen(Endpoint(address=endpoint.address, port=0))
    return Endpoint(address=endpoint.address, port=listener.getsockname()[1]), listener


def listen(endpoint: Endpoint) -> socket.socket:
    """A socket that listens at an endpoint. Raises OSError."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((endpoint.address, endpoint.port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
