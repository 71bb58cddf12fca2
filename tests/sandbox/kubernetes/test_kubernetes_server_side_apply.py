"""Server-side apply: who owns which field, what is removed, who stands in whose way."""

from __future__ import annotations

from typing import Any

from tests.sandbox.kubernetes.client import CONFIG_MAPS, DEPLOYMENTS, TestCluster
from tests.support.kubernetes_api import config_map, deployment

MAP = f"{CONFIG_MAPS}/settings"
WEB = f"{DEPLOYMENTS}/web"


def owned(obj: dict[str, Any], manager: str) -> Any:
    (entry,) = [entry for entry in obj["metadata"]["managedFields"] if entry["manager"] == manager]
    return entry["fieldsV1"]


def test_the_first_apply_creates_and_owns_exactly_what_it_says(cluster: TestCluster) -> None:
    answer = cluster.apply(MAP, config_map(a="1"))

    assert answer.code == 201
    assert owned(answer.body, "tester") == {"f:data": {"f:a": {}}}
    assert answer.body["metadata"]["managedFields"][0]["operation"] == "Apply"


def test_items_of_lists_are_owned_by_their_keys(cluster: TestCluster) -> None:
    obj = cluster.apply(WEB, deployment(replicas=0)).body

    containers = owned(obj, "tester")["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert containers == {
        'k:{"name":"web"}': {
            ".": {},
            "f:image": {},
            "f:name": {},
            "f:ports": {'k:{"containerPort":8080,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
        }
    }


def test_applying_the_same_again_changes_nothing(cluster: TestCluster) -> None:
    first = cluster.apply(WEB, deployment(replicas=0)).body
    cluster.eventually(lambda: "status" in cluster.ok("GET", WEB), "a status")
    version = cluster.ok("GET", WEB)["metadata"]["resourceVersion"]

    again = cluster.apply(WEB, deployment(replicas=0)).body

    assert again["metadata"]["resourceVersion"] == version
    assert again["metadata"]["generation"] == first["metadata"]["generation"]


def test_a_field_that_is_not_applied_any_more_is_removed(cluster: TestCluster) -> None:
    cluster.apply(MAP, config_map(a="1", b="2"))

    assert cluster.apply(MAP, config_map(a="1")).body["data"] == {"a": "1"}


def test_a_field_that_somebody_else_applies_too_stays(cluster: TestCluster) -> None:
    cluster.apply(MAP, config_map(a="1", b="2"))
    cluster.apply(MAP, config_map(b="2"), manager="other")

    assert cluster.apply(MAP, config_map(a="1")).body["data"] == {"a": "1", "b": "2"}


def test_a_container_that_is_not_applied_any_more_goes_with_all_its_fields(cluster: TestCluster) -> None:
    two = deployment(replicas=0)
    two["spec"]["template"]["spec"]["containers"].append({"name": "sidecar", "image": "side:1"})
    cluster.apply(WEB, two)

    obj = cluster.apply(WEB, deployment(replicas=0)).body

    assert [container["name"] for container in obj["spec"]["template"]["spec"]["containers"]] == ["web"]


def test_changing_a_field_of_another_manager_is_a_conflict_that_names_them(cluster: TestCluster) -> None:
    cluster.apply(MAP, config_map(a="1"), manager="first")

    answer = cluster.apply(MAP, config_map(a="2"), manager="second")

    assert (answer.code, answer.body["reason"]) == (409, "Conflict")
    assert answer.message == 'Apply failed with 1 conflict: conflict with "first": .data.a'
    assert answer.body["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "first"', "field": ".data.a"}
    ]


def test_a_conflict_over_the_scale_subresource_names_it(cluster: TestCluster) -> None:
    cluster.apply(WEB, deployment(replicas=0))
    scale = {"spec": {"replicas": 1}}
    cluster.ok("PATCH", f"{WEB}/scale", scale, "application/merge-patch+json", fieldManager="autoscaler")

    answer = cluster.apply(WEB, deployment(replicas=2))

    assert 'conflict with "autoscaler" with subresource "scale" using apps/v1: .spec.replicas' in answer.message


def test_force_takes_the_field_over(cluster: TestCluster) -> None:
    cluster.apply(MAP, config_map(a="1"), manager="first")

    obj = cluster.apply(MAP, config_map(a="2"), manager="second", force="true").body

    assert obj["data"] == {"a": "2"}
    assert [entry["manager"] for entry in obj["metadata"]["managedFields"]] == ["second"]


def test_two_managers_may_apply_the_same_value(cluster: TestCluster) -> None:
    cluster.apply(MAP, config_map(a="1"), manager="first")

    obj = cluster.apply(MAP, config_map(a="1"), manager="second").body

    assert owned(obj, "first") == owned(obj, "second") == {"f:data": {"f:a": {}}}


def test_an_update_takes_over_the_fields_that_it_changes(cluster: TestCluster) -> None:
    live = cluster.apply(MAP, config_map(a="1", b="1"), manager="first").body
    live["data"]["a"] = "2"

    obj = cluster.ok("PUT", MAP, live, fieldManager="editor")

    assert owned(obj, "first") == {"f:data": {"f:b": {}}}
    assert owned(obj, "editor") == {"f:data": {"f:a": {}}}


def test_defaults_belong_to_nobody(cluster: TestCluster) -> None:
    obj = cluster.apply(WEB, deployment(replicas=0)).body

    assert "strategy" in obj["spec"]
    assert "f:strategy" not in owned(obj, "tester")["f:spec"]


def test_an_unknown_field_is_refused(cluster: TestCluster) -> None:
    body = deployment()
    body["spec"]["replica"] = 3

    answer = cluster.apply(WEB, body)

    assert answer.code == 400
    assert ".spec.replica: field not declared in schema" in answer.message


def test_an_apply_without_a_manager_is_refused(cluster: TestCluster) -> None:
    answer = cluster.call("PATCH", MAP, config_map(), "application/apply-patch+yaml")

    assert answer.code == 422
    assert "fieldManager: Required value" in answer.message


def test_an_apply_with_managed_fields_is_refused(cluster: TestCluster) -> None:
    live = cluster.apply(MAP, config_map(a="1")).body

    answer = cluster.apply(MAP, live)

    assert (answer.code, answer.message) == (400, "metadata.managedFields must be nil")


def test_an_apply_on_an_old_resource_version_is_refused(cluster: TestCluster) -> None:
    cluster.apply(MAP, config_map(a="1"))
    body = config_map(a="2")
    body["metadata"]["resourceVersion"] = "1"

    assert cluster.apply(MAP, body).code == 409


def test_a_dry_run_of_an_apply_shows_the_result_and_stores_nothing(cluster: TestCluster) -> None:
    cluster.apply(MAP, config_map(a="1"))

    assert cluster.apply(MAP, config_map(a="2"), dryRun="All").body["data"] == {"a": "2"}
    assert cluster.ok("GET", MAP)["data"] == {"a": "1"}
