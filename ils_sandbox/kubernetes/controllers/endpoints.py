"""Endpoints and endpoint slices: the addresses of the pods behind each service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ils_sandbox.kubernetes.controllers.ownership import owned, ready, reference, terminating
from ils_sandbox.kubernetes.controllers.runner import Key, key_of
from ils_sandbox.kubernetes.kinds import ENDPOINT_SLICE, ENDPOINTS, NODE, POD, SERVICE, Kind
from ils_sandbox.kubernetes.registry import Deletion, Registry, Write
from ils_sandbox.kubernetes.store import Change, Object, name_of, namespace_of

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
_ZONE = "topology.kubernetes.io/zone"


class Endpoints:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is SERVICE:
            yield key_of(change.obj)
        elif change.kind is POD:
            for service in self._registry.cluster.objects(SERVICE, namespace_of(change.obj)):
                versions = (change.obj, change.previous)
                if any(version is not None and _selects(service, version) for version in versions):
                    yield key_of(service)

    def reconcile(self, key: Key) -> float | None:
        cluster = self._registry.cluster
        service = cluster.get(SERVICE, *key)
        if service is None:
            endpoints = cluster.get(ENDPOINTS, *key)
            if endpoints is not None:
                self._registry.delete(ENDPOINTS, *key, Deletion())
            return None
        if terminating(service) or not service["spec"].get("selector"):
            return None  # without a selector, somebody else keeps the addresses
        pods = [pod for pod in cluster.objects(POD, key[0]) if _selects(service, pod) and _has_address(pod)]
        self._write_slice(service, pods)
        self._write_endpoints(service, pods)
        return None

    # -- slices -------------------------------------------------------------------------------------------------------

    def _write_slice(self, service: Object, pods: list[Object]) -> None:
        body: Object = {
            "addressType": "IPv4",
            "endpoints": [self._endpoint(pod) for pod in pods],
            "ports": _ports(service, pods),
        }
        slices = owned(self._registry.cluster, ENDPOINT_SLICE, service)
        if slices:
            self._registry.change(ENDPOINT_SLICE, slices[0], body)
            return
        labels = {SERVICE_NAME: name_of(service), MANAGED_BY: MANAGER}
        metadata = {
            "generateName": f"{name_of(service)}-",
            "labels": {**service["metadata"].get("labels", {}), **labels},
            "ownerReferences": [reference(SERVICE, service)],
        }
        self._create(ENDPOINT_SLICE, service, {"metadata": metadata, **body})

    def _endpoint(self, pod: Object) -> Object:
        serves, going = ready(pod), terminating(pod)
        endpoint: Object = {
            "addresses": [pod["status"]["podIP"]],
            "conditions": {"ready": serves and not going, "serving": serves, "terminating": going},
            "targetRef": _target(pod),
        }
        if node_name := pod["spec"].get("nodeName"):
            endpoint["nodeName"] = node_name
            node = self._registry.cluster.get(NODE, "", node_name)
            if node is not None and (zone := node["metadata"].get("labels", {}).get(_ZONE)):
                endpoint["zone"] = zone
        return endpoint

    # -- endpoints, which older clients read --------------------------------------------------------------------------

    def _write_endpoints(self, service: Object, pods: list[Object]) -> None:
        groups: dict[str, list[Object]] = {"addresses": [], "notReadyAddresses": []}
        for pod in pods:
            address = {"ip": pod["status"]["podIP"], "targetRef": _target(pod)}
            if node_name := pod["spec"].get("nodeName"):
                address["nodeName"] = node_name
            if not terminating(pod):
                groups["addresses" if ready(pod) else "notReadyAddresses"].append(address)
        filled = {name: addresses for name, addresses in groups.items() if addresses}
        subsets = [{**filled, "ports": _ports(service, pods)}] if filled else None
        endpoints = self._registry.cluster.get(ENDPOINTS, namespace_of(service), name_of(service))
        if endpoints is not None:
            self._registry.change(ENDPOINTS, endpoints, {"subsets": subsets})
            return
        metadata = {"name": name_of(service), "labels": dict(service["metadata"].get("labels", {}))}
        self._create(ENDPOINTS, service, {"metadata": metadata, "subsets": subsets})

    def _create(self, kind: Kind, service: Object, body: Object) -> None:
        self._registry.create(kind, namespace_of(service), body, Write())


def _selects(service: Object, pod: Object) -> bool:
    selector: dict[str, str] = service["spec"].get("selector", {})
    labels = pod["metadata"].get("labels", {})
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def _has_address(pod: Object) -> bool:
    return bool(pod["status"].get("podIP")) and pod["status"]["phase"] not in ("Succeeded", "Failed")


def _target(pod: Object) -> Object:
    return {"kind": "Pod", "namespace": namespace_of(pod), "name": name_of(pod), "uid": pod["metadata"]["uid"]}


def _ports(service: Object, pods: list[Object]) -> list[dict[str, Any]]:
    """The service's ports as numbers of the pods; a named port that no pod has is left out."""
    ports = []
    for port in service["spec"].get("ports", ()):
        number = port.get("targetPort", port["port"])
        if isinstance(number, str):
            number = next((found for pod in pods if (found := _named(pod, number)) is not None), None)
        if number is not None:
            ports.append({"name": port.get("name", ""), "port": number, "protocol": port["protocol"]})
    return ports


def _named(pod: Object, name: str) -> int | None:
    for container in pod["spec"]["containers"]:
        for port in container.get("ports", ()):
            if port.get("name") == name:
                return int(port["containerPort"])
    return None
