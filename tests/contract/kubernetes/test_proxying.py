"""Requests that the API server is to pass on to a pod: whom it finds, and what it says where it finds nobody.

That pods answer is shown where there are any that run: in `tests/sandbox/kubernetes`.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.kubernetes.conftest import Place
from tests.support.kubernetes_api import deployment


def service(place: Place, *ports: dict[str, Any]) -> None:
    spec = {"selector": {"app": "web"}, "ports": list(ports or ({"name": "http", "port": 80, "targetPort": 8080},))}
    place.ok("POST", place.path("services"), {"metadata": {"name": "web"}, "spec": spec})


def subsets(place: Place) -> Any:
    answer = place.call("GET", place.path("endpoints", "web"))
    return (answer.body.get("subsets") or []) if answer.code == 200 else None


def asked(place: Place, name: str, plural: str = "services") -> tuple[int, str]:
    answer = place.call("GET", place.path(plural, name) + "/proxy/health")
    return answer.code, answer.message


@pytest.mark.parametrize(("plural", "name"), [("services", "web:http"), ("services", "web:80"), ("pods", "web:80")])
def test_whoever_is_not_there_is_not_found(place: Place, plural: str, name: str) -> None:
    assert asked(place, name, plural) == (404, f'{plural} "web" not found')


@pytest.mark.parametrize(("plural", "kind"), [("services", "service"), ("pods", "pod")])
def test_a_scheme_is_that_of_http(place: Place, plural: str, kind: str) -> None:
    assert asked(place, "ftp:web:80", plural) == (400, f'invalid {kind} request "ftp:web:80"')


def test_a_service_without_pods_has_no_endpoints(place: Place) -> None:
    service(place)
    place.eventually(lambda: subsets(place) == [], "empty endpoints")

    assert asked(place, "web:http") == (503, 'no endpoints available for service "web"')
    assert asked(place, "web:81") == (503, 'no service port 81 found for service "web"')


def test_pods_that_are_not_ready_are_not_asked(place: Place) -> None:
    service(place)
    place.ok("POST", place.deployment(""), deployment(replicas=1, image="app:never-ready"))
    place.eventually(lambda: subsets(place), "an address")

    assert asked(place, "web:http") == (503, 'no endpoints available for service "web:http"')


def test_a_port_that_has_a_name_is_asked_for_by_it(place: Place) -> None:
    service(place)
    place.ok("POST", place.deployment(""), deployment(replicas=1))
    place.eventually(lambda: any(each.get("addresses") for each in subsets(place) or ()), "a ready address")

    assert asked(place, "web") == (503, 'no endpoints available for service "web"')
    assert asked(place, "web:other") == (503, 'no endpoints available for service "web:other"')
