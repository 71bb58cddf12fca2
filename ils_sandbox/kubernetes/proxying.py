"""The proxy subresources: requests that the API server passes on to a pod, or to one of the pods behind a service."""

from __future__ import annotations

import random
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from ils_sandbox.kubernetes.kinds import ENDPOINTS, POD, SERVICE
from ils_sandbox.kubernetes.pod_network import PodNetwork, Refused
from ils_sandbox.kubernetes.registry import Registry
from ils_sandbox.kubernetes.requests import Target
from ils_sandbox.kubernetes.service_backends import Backend, backends
from ils_sandbox.kubernetes.statuses import bad_request, service_unavailable

_SCHEMES = ("", "http", "https")
_KNOWN_PORTS = {"http": 80, "https": 443}
"""By their names: those of a pod's own ports are not looked at."""


@dataclass(frozen=True)
class Proxy:
    """Of one cluster. Errors are raised as `ApiError`, worded as an API server words them."""

    registry: Registry
    network: PodNetwork

    async def answer(self, method: str, target: Target) -> Response:
        scheme, name, port = _parts(target)
        pod, number = (self._pod if target.kind is POD else self._backend)(target, name, port)
        if scheme == "https":
            raise service_unavailable("error trying to reach service: http: server gave HTTP response to HTTPS client")
        try:
            page = await self.network.ask(pod, number, method, target.path)
        except Refused as refused:
            raise service_unavailable(f"error trying to reach service: {refused}") from None
        return JSONResponse(page.body, page.status)

    def _pod(self, target: Target, name: str, port: str) -> Backend:
        """The port that was asked for, else the first that the pod declares, else that of HTTP."""
        pod = self.registry.get(POD, target.namespace, name)
        if not pod["status"].get("podIP"):
            raise bad_request("address not allowed")
        declared = [each["containerPort"] for item in pod["spec"]["containers"] for each in item.get("ports", ())]
        if port and not port.isdecimal() and port not in _KNOWN_PORTS:
            raise service_unavailable(f"error trying to reach service: dial tcp: lookup tcp/{port}: unknown port")
        return pod, _KNOWN_PORTS.get(port) or int(port or next(iter(declared), _KNOWN_PORTS["http"]))

    def _backend(self, target: Target, name: str, port: str) -> Backend:
        """A port goes by its name or its number; without either, the one without a name is meant."""
        service, wanted = self.registry.get(SERVICE, target.namespace, name), port
        if port.isdecimal():
            named = [each.get("name", "") for each in service["spec"]["ports"] if each["port"] == int(port)]
            if not named:
                raise service_unavailable(f'no service port {port} found for service "{name}"')
            wanted = named[0]
        endpoints = self.registry.get(ENDPOINTS, target.namespace, name)
        found = backends(self.registry.cluster, target.namespace, name, wanted)
        if not found:
            shown = target.name if endpoints.get("subsets") else name
            raise service_unavailable(f'no endpoints available for service "{shown}"')
        return random.choice(found)  # noqa: S311 no secret


def _parts(target: Target) -> tuple[str, str, str]:
    """Scheme, name and port of `name`, `name:port` or `scheme:name:port`."""
    parts = target.name.split(":")
    scheme, name, port = {1: ["", *parts, ""], 2: ["", *parts], 3: parts}.get(len(parts), ["", "", ""])
    if not name or scheme not in _SCHEMES:
        raise bad_request(f'invalid {target.kind.singular} request "{target.name}"')
    return scheme, name, port
