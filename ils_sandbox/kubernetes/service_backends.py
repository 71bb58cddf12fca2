"""The ready pods behind a port of a service, as its Endpoints name them."""

from __future__ import annotations

from collections.abc import Mapping

from ils_sandbox.kubernetes.kinds import ENDPOINTS, POD
from ils_sandbox.kubernetes.store import Cluster, Object

Backend = tuple[Object, int]
"""A pod, and the number of its port."""


def backends(cluster: Cluster, namespace: str, service: str, port_name: str) -> list[Backend]:
    """In the order of their addresses; none for a service that leads nowhere, or not to pods of this cluster."""
    endpoints = cluster.get(ENDPOINTS, namespace, service) or {}
    found: dict[str, Backend] = {}
    for subset in endpoints.get("subsets") or ():
        numbers = [int(each["port"]) for each in subset.get("ports", ()) if each.get("name", "") == port_name]
        for address in subset.get("addresses", ()) if numbers else ():
            pod = _pod(cluster, address)
            if pod is not None:
                found[address["ip"]] = (pod, numbers[0])
    return [found[address] for address in sorted(found)]


def _pod(cluster: Cluster, address: Mapping[str, Mapping[str, str]]) -> Object | None:
    target = address.get("targetRef", {})
    return cluster.get(POD, target.get("namespace", ""), target.get("name", ""))
