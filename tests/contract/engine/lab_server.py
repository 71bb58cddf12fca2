"""The lab's provider over gRPC, in a thread of this process, for a real Pulumi to attach to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc.aio
from pulumi.provider.experimental import provider as api
from pulumi.runtime.proto import provider_pb2_grpc

from ils_sandbox.engine.steps import carry_secrets
from ils_sandbox.provider.grpc_server import Servicer
from tests.contract.engine.lab import INTERRUPT, LabProvider, World

CALL_THREADS = 32


class LabFinder:
    """Asks the lab's provider for what an interrupted create made."""

    def __init__(self, world: World) -> None:
        self._provider = LabProvider(world, {})

    def find(
        self, urn: str, inputs: Mapping[str, Any], known_ids: frozenset[str], provider: Mapping[str, Any]
    ) -> str | None:
        return asyncio.run(self._provider.find(urn, {}, known_ids))

    def resume(
        self, urn: str, id_: str, inputs: Mapping[str, Any], provider: Mapping[str, Any], cancel: threading.Event
    ) -> None:
        asyncio.run(self._provider.resume(urn, id_, {}))


class SecretKeeper(LabProvider):
    """Says of what it reads what was secret of it. Pulumi leaves that to providers that take secrets; the embedded engine
    trusts none to do it."""

    async def read(self, request: api.ReadRequest) -> api.ReadResponse:
        found = await super().read(request)
        marked = {**request.properties, **request.inputs}
        found.properties = carry_secrets(found.properties, marked)
        found.inputs = carry_secrets(found.inputs, marked)
        return found


class ToldOfInterrupts(Servicer):
    """Pulumi tells its providers when it was interrupted, before it does anything else."""

    def __init__(self, world: World) -> None:
        super().__init__(lambda config: SecretKeeper(world, config), "1.0.0")
        self._world = world

    async def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802 gRPC's name
        self._world.come(INTERRUPT, "Pulumi")
        return await super().Cancel(request, context)


class LabServer:
    """Serves until the process ends; one for each world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), name="lab-server", daemon=True).start()
        self._ready.wait(30)

    port: int

    async def _serve(self) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(CALL_THREADS, thread_name_prefix="lab"))
        server = grpc.aio.server()
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(ToldOfInterrupts(self._world), server)
        self.port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        self._ready.set()
        await server.wait_for_termination()
