"""The provider as a Pulumi plugin: gRPC on 127.0.0.1, for a real engine to attach to.

Start `python -m ils_sandbox.provider --endpoint … --region …`; it prints its port. Then run Pulumi with
`PULUMI_DEBUG_PROVIDERS=aws:<port>`.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc  # type: ignore[import-untyped]
import grpc.aio  # type: ignore[import-untyped]
from google.protobuf import empty_pb2
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    CheckRequest,
    CheckResponse,
    ConfigureRequest,
    ConfigureResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    InvokeRequest,
    InvokeResponse,
    Provider,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
)
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from ils_sandbox.provider.errors import CreatedButFailed, ProviderError
from ils_sandbox.provider.values import known_from_wire, known_to_wire

VERSION = "7.51.1"
"""The release of Pulumi's AWS provider whose properties these are."""

_LARGEST_MESSAGE_BYTES = 400 * 1024 * 1024
_GRACE_SECONDS = 30


class WireProvider(Provider):
    """A provider with unknowns in the form in which they travel."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:  # noqa: ARG002 the command line tells
        return ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request: CheckRequest) -> CheckResponse:
        request.new_inputs = _from_wire(request.new_inputs)
        response = await self._provider.check(request)
        response.inputs = _to_wire(response.inputs)
        return response

    async def diff(self, request: DiffRequest) -> DiffResponse:
        request.new_inputs = _from_wire(request.new_inputs)
        return await self._provider.diff(request)

    async def create(self, request: CreateRequest) -> CreateResponse:
        request.properties = _from_wire(request.properties)
        response = await self._provider.create(request)
        return CreateResponse(response.resource_id, _to_wire(response.properties))

    async def read(self, request: ReadRequest) -> ReadResponse:
        return await self._provider.read(request)

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        request.news = _from_wire(request.news)
        return UpdateResponse(_to_wire((await self._provider.update(request)).properties))

    async def delete(self, request: DeleteRequest) -> None:
        await self._provider.delete(request)

    async def invoke(self, request: InvokeRequest) -> InvokeResponse:
        request.args = _from_wire(request.args)
        response = await self._provider.invoke(request)
        return InvokeResponse(_to_wire(response.return_value), response.failures)

    async def cancel(self) -> None:
        """Calls under way are finished: what they make must not be lost."""


def _to_wire(properties: Mapping[str, PropertyValue] | None) -> dict[str, PropertyValue]:
    return {name: known_to_wire(value) for name, value in (properties or {}).items()}


def _from_wire(properties: Mapping[str, PropertyValue]) -> dict[str, PropertyValue]:
    return {name: known_from_wire(value) for name, value in properties.items()}


Configured = Callable[[Mapping[str, str]], Provider]
"""Opens the provider for a configuration, e.g. `{"region": "us-east-1"}`; an empty one gives the default."""


class Servicer(ProviderServicer):
    """Pulumi's own servicer, but for its errors: those are for developers of providers, ours are for their users.

    An engine that is attached has all providers of a program here, each over a connection of its own: a connection is
    answered by the provider that was configured over it.
    """

    def __init__(self, configured: Configured, version: str = VERSION) -> None:
        super().__init__([], version, WireProvider(configured({})), "")
        self._default = ProviderServicer([], version, WireProvider(configured({})), "")
        self._open = configured
        self._by_peer: dict[str, ProviderServicer] = {}

    def _of(self, context: Any) -> ProviderServicer:
        return self._by_peer.get(context.peer(), self._default)

    async def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 gRPC's names
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    async def Attach(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802, ARG002
        return empty_pb2.Empty()

    async def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        config = {key.rpartition(":")[2]: value for key, value in request.variables.items()}
        configured = ProviderServicer([], self._version, WireProvider(self._open(config)), "")
        self._by_peer[context.peer()] = configured
        return await configured.Configure(request, context)

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(self._of(context).Check(request, context), context)

    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(self._of(context).Diff(request, context), context)

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(self._of(context).Create(request, context), context)

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(self._of(context).Read(request, context), context)

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(self._of(context).Update(request, context), context)

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(self._of(context).Delete(request, context), context)

    async def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _reported(self._of(context).Invoke(request, context), context)


async def _reported(answer: Awaitable[Any], context: Any) -> Any:
    """The answer; a `ProviderError` ends the call with its message and no traceback."""
    try:
        return await answer
    except Exception as error:
        cause = error.__context__  # Pulumi's servicer raises anew, with the traceback as the message
        if isinstance(cause, CreatedButFailed):
            await context.abort_with_status(_made_but_failed(cause))
        if isinstance(cause, ProviderError):
            await context.abort(grpc.StatusCode.UNKNOWN, str(cause))
        raise


def _made_but_failed(error: CreatedButFailed) -> Any:
    """The status by which Pulumi records a resource that exists though its creation failed."""
    details = provider_pb2.ErrorResourceInitFailed(
        id=error.resource_id,
        properties=PropertyValue.marshal_map(error.properties),
        reasons=[str(error.reason)],
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(details)
    answer = grpc.Status()
    answer.code = grpc.StatusCode.UNKNOWN
    answer.details = str(error)
    answer.trailing_metadata = (("grpc-status-details-bin", status.SerializeToString()),)
    return answer


async def serve(configured: Configured, announce: Callable[[int], None], port: int = 0) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT; `announce` gets the port. Calls under way are finished first."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES)])
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(configured), server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await server.start()
    announce(bound)
    await stopped.wait()
    await server.stop(grace=_GRACE_SECONDS)
