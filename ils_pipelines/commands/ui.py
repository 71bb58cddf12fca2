"""`ils ui`: Dagster's webserver and daemon on this machine."""

from __future__ import annotations

import os
import signal
import socket
import sys

from ils_pipelines.errors import IlsError
from ils_pipelines.instance import WORKSPACE, open_instance, prepare_home, project_file
from ils_pipelines.settings.folders import (
    DIRECTORY_VARIABLE,
    EPHEMERAL_VARIABLE,
    STATE_VARIABLE,
    environments_directory,
    ephemeral_directory,
    state_directory,
)

HOST = "127.0.0.1"
PORTS_TRIED = 50


class NoFreePort(IlsError):
    """Every port that was tried is taken."""


def serve(port: int) -> None:
    """Become `dagster dev`: this process is replaced, so an interrupt ends it and all that it started."""
    home = prepare_home()
    workspace = project_file(WORKSPACE)
    free = free_port(port)
    # Where the environments are does not depend on the folder that the servers run in, which is the instance's: Dagster
    # looks for a dagster.yaml where it runs and warns of one that is not the instance's.
    os.environ[DIRECTORY_VARIABLE] = str(environments_directory().resolve())
    os.environ[STATE_VARIABLE] = str(state_directory())
    os.environ[EPHEMERAL_VARIABLE] = str(ephemeral_directory())
    with open_instance() as instance:
        from ils_pipelines.defs.environments import register_environments

        register_environments(instance)
    os.chdir(home)
    taken = f" (port {port} is taken)" if free != port else ""
    sys.stderr.write(f"Dagster UI: http://{HOST}:{free}{taken}\n")
    sys.stderr.flush()
    command = ["dagster", "dev", "--workspace", str(workspace), "--host", HOST, "--port", str(free)]
    # A shell that starts this in the background has interrupts ignored, and Dagster treats a termination as an interrupt.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    quiet = [
        "-W",
        "ignore:Function `dev_command` is superseded",
    ]  # `dg dev`, which supersedes it, is for scaffolding too
    os.execv(sys.executable, [sys.executable, *quiet, "-m", *command])  # noqa: S606 no shell is wanted


def free_port(wanted: int) -> int:
    """`wanted`, or the next port after it on which nothing listens. Raises `NoFreePort`."""
    for port in range(wanted, wanted + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise NoFreePort(
        f"expected a free port from {wanted} to {wanted + PORTS_TRIED - 1} on {HOST}, found all taken. "
        "Name another: ils ui --port 4000"
    )
