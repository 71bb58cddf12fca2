"""`python -m ils_sandbox.data --port N --directory DIR --authority DIR`: the data plane of the sandbox, on loopback only."""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
from pathlib import Path

from ils_sandbox.control.listener import listen
from ils_sandbox.data.application import Application
from ils_sandbox.data.service import DataService
from ils_sandbox.state import write_atomically


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ils_sandbox.data", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port of the control API on 127.0.0.1")
    parser.add_argument("--directory", type=Path, required=True, help="where databases and caches are kept")
    parser.add_argument("--authority", type=Path, required=True, help="folder of the sandbox's certificate authority")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)

    import uvicorn

    listener = listen(options.port)
    options.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    token = secrets.token_urlsafe(32)
    write_atomically(options.directory / "token", token.encode())
    config = uvicorn.Config(
        Application(DataService(options.directory, options.authority), token),
        log_config=None,
        access_log=False,
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
