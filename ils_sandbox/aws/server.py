"""The AWS server process: puts the pieces together and serves them on 127.0.0.1."""

from __future__ import annotations

import logging
import time
from dataclasses import astuple, dataclass
from pathlib import Path

log = logging.getLogger(__name__)

HOST = "127.0.0.1"


@dataclass(frozen=True)
class KubernetesAccess:
    """How to reach the Kubernetes stand-in."""

    endpoint: str
    ca_file: Path
    token_file: Path


def serve(port: int, directory: Path, kubernetes: KubernetesAccess | None) -> None:
    """Serve until SIGTERM or SIGINT, then save the state in `directory`.

    Raises SystemExit when the port is taken.
    """
    import uvicorn

    from ils_sandbox.aws.application import Application
    from ils_sandbox.aws.kubernetes_admin import KubernetesAdmin
    from ils_sandbox.aws.moto_application import MotoApplication
    from ils_sandbox.aws.overlay.lifecycles import Lifecycles
    from ils_sandbox.aws.overlay.routes import Overlay
    from ils_sandbox.aws.overlay.store import Store
    from ils_sandbox.aws.overlay.world import World
    from ils_sandbox.aws.settings import CurrentSettings

    started = time.monotonic()
    moto = MotoApplication()
    settings, store = CurrentSettings(), Store()
    admin = None if kubernetes is None else KubernetesAdmin(*astuple(kubernetes))
    world = World(moto, store, Lifecycles(store.phases, settings), admin)
    application = Application(moto, Overlay(world), settings, on_mutation=lambda: None, health=dict)
    config = uvicorn.Config(
        application,
        host=HOST,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=60,
    )
    log.info("ready after %.2f s", time.monotonic() - started)
    uvicorn.Server(config).run()
