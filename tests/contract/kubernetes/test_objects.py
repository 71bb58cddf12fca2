"""Objects as an API server keeps them: identity, defaults, versions, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.kubernetes.conftest import Place
from tests.support.kubernetes_api import MERGE, STRATEGIC, config_map, deployment


def test_a_new_object_has_an_identity_and_the_servers_defaults(place: Place) -> None:
    made = place.ok("POST", place.deployment(""), deployment())

    metadata, spec = made["metadata"], made["spec"]
    assert metadata["uid"]
    assert metadata["creationTimestamp"]
    assert (metadata["generation"], metadata["namespace"]) == (1, place.namespace)
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    pod = spec["template"]["spec"]
    assert (pod["restartPolicy"], pod["dnsPolicy"], pod["schedulerName"]) == (
        "Always",
        "ClusterFirst",
        "default-scheduler",
    )
    assert pod["containers"][0]["imagePullPolicy"] == "IfNotPresent"


def test_names_are_taken_once_and_can_be_left_to_the_server(place: Place) -> None:
    path = place.path("configmaps")
    place.ok("POST", path, config_map())

    again = place.call("POST", path, config_map())
    generated = place.ok("POST", path, {"metadata": {"generateName": "made-"}})

    assert (again.code, again.body["reason"]) == (409, "AlreadyExists")
    assert again.message == 'configmaps "settings" already exists'
    assert len(generated["metadata"]["name"]) == len("made-") + 5


def test_what_is_not_there_is_reported_by_its_name(place: Place) -> None:
    answer = place.call("GET", place.deployment("nobody"))

    assert (answer.code, answer.body["reason"]) == (404, "NotFound")
    assert answer.message == 'deployments.apps "nobody" not found'
    assert answer.body["details"] == {"name": "nobody", "group": "apps", "kind": "deployments"}


def test_an_update_from_an_old_state_is_a_conflict(place: Place) -> None:
    path = place.path("configmaps")
    old = place.ok("POST", path, config_map(a="1"))
    place.ok("PATCH", f"{path}/settings", {"data": {"a": "2"}}, MERGE)

    answer = place.call("PUT", f"{path}/settings", {**old, "data": {"a": "3"}})

    assert (answer.code, answer.body["reason"]) == (409, "Conflict")
    assert "the object has been modified" in answer.message


def test_what_changes_nothing_keeps_its_version(place: Place) -> None:
    path = place.path("configmaps")
    made = place.ok("POST", path, config_map(a="1"))

    same = place.ok("PATCH", f"{path}/settings", {"data": {"a": "1"}}, MERGE)

    assert same["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_generations_count_changes_of_the_spec_alone(place: Place) -> None:
    place.ok("POST", place.deployment(""), deployment(replicas=0))

    labelled = place.ok("PATCH", place.deployment(), {"metadata": {"labels": {"a": "b"}}}, MERGE)
    scaled = place.ok("PATCH", place.deployment(), {"spec": {"minReadySeconds": 1}}, MERGE)

    assert (labelled["metadata"]["generation"], scaled["metadata"]["generation"]) == (1, 2)


def test_a_dry_run_answers_as_if_and_changes_nothing(place: Place) -> None:
    path = place.path("configmaps")

    answer = place.call("POST", path, config_map(), dryRun="All")

    assert answer.code == 201
    assert answer.body["metadata"]["uid"]
    assert place.call("GET", f"{path}/settings").code == 404


def test_a_strategic_patch_merges_containers_by_their_names(place: Place) -> None:
    place.ok("POST", place.deployment(""), deployment(replicas=0))
    sidecar = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}}}

    patched = place.ok("PATCH", place.deployment(), sidecar, STRATEGIC)

    found = {each["name"]: each["image"] for each in patched["spec"]["template"]["spec"]["containers"]}
    assert found == {"web": "app:1", "side": "side:1"}


def test_the_scale_is_read_and_written_by_itself(place: Place) -> None:
    place.ok("POST", place.deployment(""), deployment(replicas=0))

    scale = place.ok("PATCH", f"{place.deployment()}/scale", {"spec": {"replicas": 2}}, MERGE)

    assert (scale["kind"], scale["apiVersion"], scale["spec"]) == ("Scale", "autoscaling/v1", {"replicas": 2})
    assert scale["status"]["selector"] == "app=web"
    assert place.ok("GET", place.deployment())["spec"]["replicas"] == 2


def test_a_status_is_written_where_statuses_are_and_nowhere_else(place: Place) -> None:
    place.ok("POST", place.path("resourcequotas"), {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "7"}}})
    main, status = place.path("resourcequotas", "q"), place.path("resourcequotas", "q") + "/status"

    place.ok("PATCH", main, {"status": {"hard": {"pods": "1"}}}, MERGE)
    place.ok("PATCH", status, {"spec": {"hard": {"pods": "2"}}}, MERGE)

    found = place.ok("GET", main)
    assert found["spec"] == {"hard": {"pods": "7"}}
    assert found.get("status", {}).get("hard") != {"pods": "1"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"replicas": -1}, "spec.replicas"),
        ({"selector": {"matchLabels": {"app": "other"}}}, "spec.template.metadata.labels"),
        ({"minReadySeconds": -1}, "spec.minReadySeconds"),
    ],
)
def test_what_is_invalid_is_refused_by_its_field(place: Place, change: dict[str, Any], field: str) -> None:
    answer = place.call("POST", place.deployment(""), deployment(**change))

    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    assert field in {cause["field"] for cause in answer.body["details"]["causes"]}


def test_the_selector_of_a_deployment_never_changes(place: Place) -> None:
    place.ok("POST", place.deployment(""), deployment(replicas=0))
    labels = {"app": "web", "color": "blue"}
    change = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}

    answer = place.call("PATCH", place.deployment(), {"spec": change}, MERGE)

    assert answer.code == 422
    assert "field is immutable" in answer.message


@pytest.mark.parametrize(("mode", "code"), [("Strict", 400), ("Warn", 201), ("Ignore", 201)])
def test_an_unknown_field_is_handled_as_asked(place: Place, mode: str, code: int) -> None:
    answer = place.call("POST", place.path("configmaps"), {**config_map(), "dada": {}}, fieldValidation=mode)

    assert answer.code == code
    assert ("Warning" in answer.headers) == (mode == "Warn")
    if code == 400:
        assert 'unknown field "dada"' in answer.message


def test_of_many_who_update_the_oldest_are_told_as_one(place: Place) -> None:
    made = place.ok("POST", place.path("configmaps"), config_map(a="0"))
    for number in range(15):
        change = {"data": {f"k{number}": "v"}}
        made = place.ok("PATCH", place.path("configmaps", "settings"), change, MERGE, fieldManager=f"m{number}")

        managers = [entry["manager"] for entry in made["metadata"]["managedFields"]]
        assert len(managers) == min(number + 2, 10)
        assert ("ancient-changes" in managers) is (number + 2 > 10)
