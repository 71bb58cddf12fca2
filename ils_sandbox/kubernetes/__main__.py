"""`python -m ils_sandbox.kubernetes --directory DIR --port N --tls-cert FILE --tls-key FILE`: serve on 127.0.0.1."""

from __future__ import annotations

import argparse
import asyncio
import logging
import socket
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from ils_sandbox.control.listener import listen
from ils_sandbox.kubernetes.application import Application
from ils_sandbox.kubernetes.schema import definitions

SECONDS_TO_END = 5
_ABORT_SECONDS = 0.02
USUAL_VERSION = "1.35"
"""Its types are read while starting, so that the first request does not wait for them."""


class _Server(uvicorn.Server):
    """Ends open watches when told to stop; uvicorn alone would wait for their clients."""

    def __init__(self, config: uvicorn.Config, application: Application) -> None:
        super().__init__(config)
        self._application = application

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        aborting = asyncio.create_task(self._abort_idle_connections())
        try:
            await super().shutdown(sockets)
        finally:
            aborting.cancel()

    async def _abort_idle_connections(self) -> None:
        """A polite end of a TLS connection waits for its client, which may be idle and not listening."""
        while True:
            for connection in tuple(self.server_state.connections):
                cycle, transport = getattr(connection, "cycle", None), getattr(connection, "transport", None)
                if transport is not None and (cycle is None or cycle.response_complete):
                    transport.abort()
            await asyncio.sleep(_ABORT_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._application.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ils_sandbox.kubernetes", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="where the clusters are kept")
    parser.add_argument("--port", type=int, required=True, help="port of 127.0.0.1")
    parser.add_argument("--tls-cert", type=Path, required=True, help="PEM file of the server's certificate")
    parser.add_argument("--tls-key", type=Path, required=True, help="PEM file of its key")
    parser.add_argument(
        "--aws-endpoint", help="http://127.0.0.1:<port> of the AWS server, whose target groups get pods"
    )
    parser.add_argument("--authority", type=Path, help="PEM file of whom images trust to vouch for servers")
    parser.add_argument("--host-processes", action="store_true", help="let jobs run their commands on this machine")
    options = parser.parse_args()
    for file in (options.tls_cert, options.tls_key):
        if not file.is_file():
            sys.exit(f"{file} does not exist: the supervisor makes the certificates before it starts this server")

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    options.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    listener = listen(options.port)
    definitions(USUAL_VERSION)
    application = Application(options.directory, options.aws_endpoint, options.authority)
    application.settings.host_processes = options.host_processes
    config = uvicorn.Config(
        application,
        ssl_certfile=options.tls_cert,
        ssl_keyfile=options.tls_key,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=SECONDS_TO_END,
        timeout_keep_alive=75,
    )
    _Server(config, application).run(sockets=[listener])


if __name__ == "__main__":
    main()
