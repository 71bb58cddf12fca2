"""The AWS server process: puts the pieces together and serves them on 127.0.0.1."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
import warnings
from dataclasses import astuple, dataclass
from pathlib import Path

from ils_sandbox.aws.application import Application, Receive, Scope, Send
from ils_sandbox.aws.data_plane import DataPlane
from ils_sandbox.aws.kubernetes_admin import KubernetesAdmin
from ils_sandbox.aws.moto_application import MotoApplication
from ils_sandbox.aws.overlay.lifecycles import Lifecycles
from ils_sandbox.aws.overlay.routes import Overlay
from ils_sandbox.aws.overlay.store import Store
from ils_sandbox.aws.overlay.world import World
from ils_sandbox.aws.persistence import Autosave, Snapshot
from ils_sandbox.aws.settings import CurrentSettings
from ils_sandbox.aws.warmup import warm_up
from ils_sandbox.control.listener import listen

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KubernetesAccess:
    """How to reach the Kubernetes stand-in."""

    endpoint: str
    ca_file: Path
    token_file: Path


def serve(port: int, directory: Path, kubernetes: KubernetesAccess | None, data: DataPlane | None) -> None:
    """Serve until SIGTERM or SIGINT, then save the state in `directory`.

    Raises `SnapshotError` when the saved state cannot be read, SystemExit when the port is taken.
    """
    # moto warns of error codes that botocore's models do not name, such as those that tests inject.
    warnings.filterwarnings("ignore", message=r"Exception\(.*does not match an error shape")
    started = time.perf_counter()
    listener = listen(port)
    moto = MotoApplication()
    settings, store = CurrentSettings(), Store()
    snapshot = Snapshot(directory / "snapshot", store)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    restored = snapshot.load()
    admin = None if kubernetes is None else KubernetesAdmin(*astuple(kubernetes))
    overlay = Overlay(World(moto, store, Lifecycles(store.phases, settings), admin, data))
    autosave = Autosave(snapshot)
    application = Application(moto, overlay, settings, on_mutation=autosave.changed)
    what = "the saved state" if restored else "an empty account"
    log.info("ready with %s after %.2f s", what, time.perf_counter() - started)
    _run(_Process(application, overlay, autosave), listener)


class _Process:
    """The application with a beginning and an end: uvicorn announces both as the ASGI lifespan."""

    def __init__(self, application: Application, overlay: Overlay, autosave: Autosave) -> None:
        self._application = application
        self._overlay = overlay
        self._autosave = autosave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._application(scope, receive, send)
            return
        await receive()
        warming = asyncio.create_task(warm_up(self._overlay))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        warming.cancel()
        await self._autosave.finish()
        log.info("saved")
        await send({"type": "lifespan.shutdown.complete"})


def _run(process: _Process, listener: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(
        process,
        log_config=None,
        access_log=False,
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=60,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    if not server.started:
        sys.exit("the server did not start; what it logged before says why")
