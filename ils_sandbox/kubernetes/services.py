"""Addresses of services, as kube-proxy gives them one on every node: here on loopback, from when somebody is told of them.

Who connects gets to one of the ready pods, each in its turn.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from ils_sandbox.data.addresses import beside, reserve
from ils_sandbox.data.records import Endpoint
from ils_sandbox.kubernetes.kinds import SERVICE
from ils_sandbox.kubernetes.pod_network import PodNetwork, Refused
from ils_sandbox.kubernetes.service_backends import backends
from ils_sandbox.kubernetes.store import Change, Cluster, EventType, Object, name_of, namespace_of

_SECONDS_TO_END = 1


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the server of the process, which ends this one."""
        yield


@dataclass
class _Front:
    """Where one service listens, and what it passes on."""

    cluster: Cluster
    network: PodNetwork
    namespace: str
    name: str
    endpoints: Mapping[str, Endpoint]
    """By the name of the service's port."""
    server: _Server = field(init=False)
    task: asyncio.Task[None] = field(init=False)
    _turns: Iterator[int] = field(default_factory=itertools.count)

    def open(self, listeners: list[socket.socket]) -> None:
        config = uvicorn.Config(
            self._serve,
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_SECONDS_TO_END,
        )
        self.server = _Server(config)
        self.task = asyncio.get_running_loop().create_task(
            self.server.serve(listeners), name=f"service {self.namespace}/{self.name}"
        )

    def end(self) -> asyncio.Task[None]:
        self.server.should_exit = True
        return self.task

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        host, number = request.scope["server"]
        port_name = next(name for name, each in self.endpoints.items() if (each.address, each.port) == (host, number))
        found = backends(self.cluster, self.namespace, self.name, port_name)
        if not found:
            return PlainTextResponse(f"no pod of service {self.namespace}/{self.name} is ready\n", 503)
        pod, port = found[next(self._turns) % len(found)]
        try:
            page = await self.network.ask(pod, port, request.method, request.url.path)
        except Refused as refused:
            return PlainTextResponse(f"{refused}\n", 503)
        return JSONResponse(page.body, page.status)


class Services:
    """The services of one cluster. Must be used inside the server's event loop."""

    def __init__(self, cluster: Cluster, network: PodNetwork) -> None:
        self._cluster = cluster
        self._network = network
        self._fronts: dict[str, _Front] = {}
        """By the service's uid."""
        cluster.listeners.append(self._changed)

    def variables(self, pod: Object) -> dict[str, str]:
        """What containers of a pod are told of the services of their namespace, by the names that Kubernetes documents
        (those of Docker's links left out). Each is reached there from now on."""
        if not pod["spec"].get("enableServiceLinks", True):
            return {}
        told: dict[str, str] = {}
        for service in self._cluster.objects(SERVICE, namespace_of(pod)):
            if service["spec"].get("selector") and service["spec"].get("clusterIP") != "None" and _ports(service):
                told |= _variables(service, self._front(service).endpoints)
        return told

    def _front(self, service: Object) -> _Front:
        uid = service["metadata"]["uid"]
        if uid not in self._fronts:
            endpoints, listeners = _listening(_ports(service))
            place = namespace_of(service), name_of(service)
            front = self._fronts[uid] = _Front(self._cluster, self._network, *place, endpoints)
            front.open(listeners)
        return self._fronts[uid]

    def _changed(self, change: Change) -> None:
        """A service that is gone, or whose ports are others, is not listened for any more."""
        if change.kind is not SERVICE or change.previous is None:
            return
        if change.type is EventType.DELETED or _ports(change.obj) != _ports(change.previous):
            front = self._fronts.pop(change.obj["metadata"]["uid"], None)
            if front is not None:
                front.end()

    async def close(self) -> None:
        await asyncio.gather(*(front.end() for front in self._fronts.values()), return_exceptions=True)
        self._fronts.clear()


def _ports(service: Object) -> list[tuple[str, int]]:
    """Names and numbers of those that HTTP can come through."""
    ports = service["spec"].get("ports", ())
    return [(each.get("name", ""), each["port"]) for each in ports if each["protocol"] == "TCP"]


def _listening(ports: list[tuple[str, int]]) -> tuple[dict[str, Endpoint], list[socket.socket]]:
    """All ports at one address. Raises OSError."""
    (first_name, first), *others = ports
    endpoint, listener = reserve(first)
    endpoints, listeners = {first_name: endpoint}, [listener]
    for name, number in others:
        endpoints[name], listener = beside(endpoint, number)
        listeners.append(listener)
    return endpoints, listeners


def _variables(service: Object, endpoints: Mapping[str, Endpoint]) -> dict[str, str]:
    prefix = f"{_variable(name_of(service))}_SERVICE"
    first, *_ = endpoints.values()
    told = {f"{prefix}_HOST": first.address, f"{prefix}_PORT": str(first.port)}
    return told | {f"{prefix}_PORT_{_variable(name)}": str(each.port) for name, each in endpoints.items() if name}


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")
