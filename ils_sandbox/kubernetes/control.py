"""The control API below `/_sandbox/`: what was asked, faults, settings, clusters and their node groups.

Never counted, never delayed, and no part of Kubernetes. It is what the AWS server calls when an EKS cluster or node group
becomes active or is deleted.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ils_sandbox.control.faults import Fault, Faults
from ils_sandbox.control.recording import Recording
from ils_sandbox.kubernetes.api import json_response
from ils_sandbox.kubernetes.clusters import Clusters
from ils_sandbox.kubernetes.images import Outcome
from ils_sandbox.kubernetes.kinds import NODE, POD
from ils_sandbox.kubernetes.metrics import Usage
from ils_sandbox.kubernetes.nodes import (
    NodeGroup,
    delete_node_group,
    nodes_of,
    replaced,
    set_answering,
    set_node_group,
)
from ils_sandbox.kubernetes.settings import Settings
from ils_sandbox.kubernetes.statuses import ApiError, bad_request

PREFIX = "/_sandbox"


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid")
    answers: bool


class _Image(BaseModel):
    """What becomes of containers of an image from now on; None is what its tag says."""

    model_config = ConfigDict(extra="forbid")
    image: str
    outcome: Outcome | None


Handler = Callable[[Request], Awaitable[Response]]


class Control:
    def __init__(self, clusters: Clusters, settings: Settings, recording: Recording, faults: Faults) -> None:
        self._clusters = clusters
        self._settings = settings
        self._recording = recording
        self._faults = faults

    def routes(self) -> list[Route]:
        table: dict[str, dict[str, Handler]] = {
            "/health": {"GET": self.health},
            "/requests": {"GET": self.requests, "DELETE": self.clear_requests},
            "/settings": {"GET": self.settings, "PUT": self.change_settings},
            "/faults": {"POST": self.add_fault, "DELETE": self.clear_faults},
            "/clusters": {"GET": self.list_clusters},
            "/clusters/{name}": {"PUT": self.put_cluster, "DELETE": self.delete_cluster},
            "/clusters/{name}/nodegroups/{group}": {"PUT": self.put_group, "DELETE": self.delete_group},
            "/clusters/{name}/nodes/{node}": {"PUT": self.put_node},
            "/clusters/{name}/images": {"PUT": self.put_image},
            "/clusters/{name}/metrics/{namespace}/{workload}": {"PUT": self.put_metrics, "DELETE": self.delete_metrics},
        }
        return [
            Route(PREFIX + path, _answering(handler), methods=[method])
            for path, handlers in table.items()
            for method, handler in handlers.items()
        ]

    async def health(self, _request: Request) -> Response:
        return json_response({"status": "ok", "pid": os.getpid(), "clusters": list(self._clusters.names())})

    async def requests(self, _request: Request) -> Response:
        return json_response([request.model_dump() for request in self._recording.list()])

    async def clear_requests(self, _request: Request) -> Response:
        self._recording.clear()
        return Response(status_code=204)

    async def settings(self, _request: Request) -> Response:
        return json_response(vars(self._settings))

    async def change_settings(self, request: Request) -> Response:
        self._settings.update(await _object(request))
        return json_response(vars(self._settings))

    async def add_fault(self, request: Request) -> Response:
        fault = Fault.model_validate({"service": "kubernetes", **await _object(request)})
        self._faults.add(fault)
        return json_response(fault.model_dump(), 201)

    async def clear_faults(self, _request: Request) -> Response:
        self._faults.clear()
        return Response(status_code=204)

    async def list_clusters(self, _request: Request) -> Response:
        return json_response(
            [self._describe(name, self._clusters.get(name).registry.cluster.version) for name in self._clusters.names()]
        )

    def _describe(self, name: str, version: str) -> dict[str, Any]:
        nodes = len(self._clusters.get(name).registry.cluster.objects(NODE))
        return {"name": name, "version": version, "nodes": nodes}

    async def put_cluster(self, request: Request) -> Response:
        body = await _object(request)
        name = request.path_params["name"]
        registry = self._clusters.put(name, str(body.get("version", "")))
        return json_response(self._describe(name, registry.cluster.version))

    async def delete_cluster(self, request: Request) -> Response:
        await self._clusters.delete(request.path_params["name"])
        return Response(status_code=204)

    async def put_group(self, request: Request) -> Response:
        body = await _object(request)
        registry = self._clusters.get(request.path_params["name"]).registry
        group = NodeGroup.model_validate(body)
        set_node_group(registry, request.path_params["group"], group)
        found = nodes_of(registry, request.path_params["group"])
        draining = sum(replaced(node) for node in found)
        return json_response({"nodes": len(found) - draining, "draining": draining})

    async def put_node(self, request: Request) -> Response:
        state = _Node.model_validate(await _object(request))
        registry = self._clusters.get(request.path_params["name"]).registry
        set_answering(registry, request.path_params["node"], answering=state.answers)
        return Response(status_code=204)

    async def put_image(self, request: Request) -> Response:
        wanted = _Image.model_validate(await _object(request))
        running = self._clusters.get(request.path_params["name"])
        if wanted.outcome is None:
            running.surroundings.images.clear(wanted.image)
        else:
            running.surroundings.images.set(wanted.image, wanted.outcome)
        running.runner.look_again(POD)
        return Response(status_code=204)

    async def put_metrics(self, request: Request) -> Response:
        usage = Usage.model_validate(await _object(request))
        parameters = request.path_params
        metrics = self._clusters.get(parameters["name"]).surroundings.metrics
        metrics.set(parameters["namespace"], parameters["workload"], usage)
        return json_response(usage.model_dump())

    async def delete_metrics(self, request: Request) -> Response:
        parameters = request.path_params
        self._clusters.get(parameters["name"]).surroundings.metrics.clear(
            parameters["namespace"], parameters["workload"]
        )
        return Response(status_code=204)

    async def delete_group(self, request: Request) -> Response:
        registry = self._clusters.get(request.path_params["name"]).registry
        delete_node_group(registry, request.path_params["group"])
        return Response(status_code=204)


def _answering(handler: Handler) -> Handler:
    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request)
        except ApiError as error:
            return json_response({"error": error.message}, error.code)
        except ValueError as error:  # pydantic's ValidationError is one
            return json_response({"error": str(error)}, 400)

    return endpoint


async def _object(request: Request) -> dict[str, Any]:
    body = await request.json()
    if not isinstance(body, dict):
        raise bad_request(f"expected a JSON object, found {type(body).__name__}")
    return body
