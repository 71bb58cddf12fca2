"""PostgreSQL's client programs as an image has them: on the path, and able to speak TLS."""

from __future__ import annotations

import shlex
from pathlib import Path

from ils_sandbox.data.postgres.binaries import client_environment, program
from ils_sandbox.state import write_atomically

CLIENTS = ("pg_dump", "pg_restore", "psql")


def install_programs(folder: Path) -> None:
    """Put them into `folder`. Raises `DataServerError` when there are none on this machine."""
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in client_environment().items())
    for name in CLIENTS:
        script = f'#!/bin/sh\n{settings} exec {shlex.quote(str(program(name)))} "$@"\n'
        write_atomically(folder / name, script.encode())
        (folder / name).chmod(0o700)
