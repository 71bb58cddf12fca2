"""The port of a server."""

from __future__ import annotations

import errno
import socket
import sys

HOST = "127.0.0.1"
PORT_TAKEN = 98
"""Exit code of a server whose port another one has."""


def listen(port: int) -> socket.socket:
    """A socket that listens on `port` of loopback. Ends the process, saying why, when another one has the port.

    Listening at once matters: two processes may bind one port, but only one may listen on it.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise
        sys.stderr.write(
            f"port {port} of {HOST} is taken by another process: choose a free one with --port, or end that process\n"
        )
        sys.exit(PORT_TAKEN)
    return listener
