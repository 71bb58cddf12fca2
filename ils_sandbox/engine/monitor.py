"""The resource monitor: what Pulumi's Python SDK talks to while a program runs.

In the real engine this is a gRPC service (pulumi/pulumi proto/pulumi/resource.proto); the SDK accepts any object with its
methods, so here it is one in the same process. Requests and responses are the service's own messages.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, provider_pb2, resource_pb2

from ils_pipelines.engine.errors import EngineError
from ils_sandbox.engine import urns
from ils_sandbox.engine.deployment import Deployment
from ils_sandbox.engine.goal import Goal
from ils_sandbox.engine.state import ResourceState
from ils_sandbox.engine.values import from_wire, to_wire

_FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
)


class Monitor:
    """Answers the SDK's calls, which come from several threads at once."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def GetDeploymentInfo(self, _request: Any) -> Any:  # noqa: N802 the service's names
        return resource_pb2.DeploymentInfo(supportedFeatures=_FEATURES)

    def SupportsFeature(self, request: Any) -> Any:  # noqa: N802
        supported = request.id in {"secrets", "aliasSpecs", "deletedWith"}
        return resource_pb2.SupportsFeatureResponse(hasSupport=supported)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        stack = self._deployment.stack
        urn = urns.build(stack.name, stack.project, request.parent, request.type, request.name)
        parent_aliases = self._deployment.resources.aliases_of(request.parent) if request.parent else ()
        goal = Goal.from_request(request, urn, urns.aliases(request, stack.name, stack.project, parent_aliases))
        state = self._deployment.register(goal)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=state.id, object=_object(state))

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        self._deployment.resources.set_outputs(request.urn, from_wire(request.outputs))
        return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        stack = self._deployment.stack
        urn = urns.build(stack.name, stack.project, request.parent, request.type, request.name)
        wanted = ResourceState(urn=urn, type=request.type, custom=True, id=request.id, parent=request.parent)
        state = self._deployment.read(wanted, request.provider, request.version)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=to_wire(state.outputs))

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        response = self._deployment.invoke(request.tok, from_wire(request.args), request.provider, request.version)
        failures = [
            provider_pb2.CheckFailure(property=failure.property, reason=failure.reason) for failure in response.failures
        ]
        answer = to_wire(response.return_value or {})
        return resource_pb2.ResourceInvokeResponse(**{"return": answer, "failures": failures})

    def Call(self, request: Any) -> Any:  # noqa: N802
        raise EngineError(f"calling the method {request.tok} is unsupported in the sandbox")

    def SignalAndWaitForShutdown(self, _request: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()


class EngineLog:
    """The SDK's channel for messages; warnings and errors are noted, the rest is for debugging the SDK."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def Log(self, request: Any) -> Any:  # noqa: N802
        if request.severity in (engine_pb2.WARNING, engine_pb2.ERROR):
            self._deployment.recorder.note(request.message)
        return empty_pb2.Empty()


def _object(state: ResourceState) -> Any:
    # A component has no outputs of its own until its program registers them; the SDK then takes its inputs.
    return to_wire(state.outputs if state.custom else state.inputs)
