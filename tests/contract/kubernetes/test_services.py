"""Services and the addresses behind them."""

from __future__ import annotations

from typing import Any

from tests.contract.kubernetes.conftest import Place
from tests.support.kubernetes_api import deployment

SLICES = ("endpointslices", "", "discovery.k8s.io/v1")


def service(**spec: Any) -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": 8080}]
    return {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": ports, **spec}}


def the_slice(place: Place) -> dict[str, Any] | None:
    found = place.ok("GET", place.path(*SLICES), labelSelector="kubernetes.io/service-name=web")["items"]
    return found[0] if found else None


def ready(place: Place) -> list[dict[str, Any]]:
    found = the_slice(place)
    endpoints = found.get("endpoints") or [] if found else []
    return [endpoint for endpoint in endpoints if endpoint["conditions"]["ready"]]


def test_a_slice_lists_the_ready_pods_of_a_service(place: Place) -> None:
    place.ok("POST", place.path("services"), service())
    place.ok("POST", place.deployment(""), deployment(replicas=2))

    place.eventually(lambda: len(ready(place)) == 2, "two endpoints")

    found = the_slice(place)
    assert found is not None
    assert found["metadata"]["ownerReferences"][0]["kind"] == "Service"
    assert (found["addressType"], found["ports"]) == ("IPv4", [{"name": "", "port": 8080, "protocol": "TCP"}])
    pods = {item["metadata"]["name"]: item["status"]["podIP"] for item in place.ok("GET", place.path("pods"))["items"]}
    assert {e["targetRef"]["name"]: e["addresses"][0] for e in ready(place)} == pods


def test_endpoints_tell_ready_pods_from_others(place: Place) -> None:
    place.ok("POST", place.path("services"), service())
    place.ok("POST", place.deployment(""), deployment(replicas=1, image="app:never-ready"))

    def subsets() -> Any:
        answer = place.call("GET", place.path("endpoints", "web"))
        return answer.body.get("subsets") if answer.code == 200 else None

    (subset,) = place.eventually(subsets, "an address")

    assert "addresses" not in subset
    assert len(subset["notReadyAddresses"]) == 1
    assert subset["ports"] == [{"port": 8080, "protocol": "TCP"}]


def test_a_named_port_is_looked_up_in_the_pods(place: Place) -> None:
    web = deployment(replicas=1)
    web["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": 9000}]
    place.ok("POST", place.deployment(""), web)
    place.ok("POST", place.path("services"), service(ports=[{"name": "web", "port": 80, "targetPort": "http"}]))

    place.eventually(lambda: ready(place), "an endpoint")

    found = the_slice(place)
    assert found is not None
    assert found["ports"] == [{"name": "web", "port": 9000, "protocol": "TCP"}]


def test_the_addresses_go_with_the_service(place: Place) -> None:
    place.ok("POST", place.path("services"), service())
    place.ok("POST", place.deployment(""), deployment(replicas=1))
    place.eventually(lambda: ready(place), "an endpoint")

    place.ok("DELETE", place.path("services", "web"))

    place.eventually(lambda: the_slice(place) is None, "no slice")
    place.eventually(lambda: place.call("GET", place.path("endpoints", "web")).code == 404, "no endpoints")


def test_a_service_without_a_selector_keeps_the_addresses_it_is_given(place: Place) -> None:
    place.ok("POST", place.path("services"), {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}})
    subsets = [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80, "protocol": "TCP"}]}]
    place.ok("POST", place.path("endpoints"), {"metadata": {"name": "web"}, "subsets": subsets})

    place.ok(
        "PATCH", place.path("services", "web"), {"metadata": {"labels": {"a": "b"}}}, "application/merge-patch+json"
    )

    assert place.ok("GET", place.path("endpoints", "web"))["subsets"] == subsets
