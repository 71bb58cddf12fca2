"""Creating, reading, listing, updating and deleting objects, as a Kubernetes API server does it."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes.client import AppsV1Api, CoreV1Api

from tests.sandbox.kubernetes.client import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS, SECRETS, SERVICES, TestCluster
from tests.support.kubernetes_api import config_map, deployment


def test_a_created_object_has_an_identity_and_the_servers_defaults(cluster: TestCluster) -> None:
    created = cluster.ok("POST", DEPLOYMENTS, deployment())

    assert created["metadata"]["namespace"] == "default"
    assert created["metadata"]["uid"]
    assert created["metadata"]["generation"] == 1
    assert created["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}
    assert created["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"


def test_the_python_clients_models_read_what_the_server_writes(cluster: TestCluster) -> None:
    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=2))

    (found,) = AppsV1Api(cluster.api_client).list_namespaced_deployment("default").items

    assert found.spec.replicas == 2
    assert found.metadata.creation_timestamp.tzinfo is not None
    assert [node.status.conditions[0].type for node in CoreV1Api(cluster.api_client).list_node().items] == ["Ready"] * 2


def test_a_second_object_of_the_same_name_is_refused(cluster: TestCluster) -> None:
    cluster.ok("POST", CONFIG_MAPS, config_map())

    answer = cluster.call("POST", CONFIG_MAPS, config_map())

    assert (answer.code, answer.body["reason"]) == (409, "AlreadyExists")
    assert answer.message == 'configmaps "settings" already exists'


def test_a_generated_name_begins_with_its_prefix(cluster: TestCluster) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "run-"}}

    names = {cluster.ok("POST", CONFIG_MAPS, body)["metadata"]["name"] for _ in range(3)}

    assert len(names) == 3
    assert all(name.startswith("run-") and len(name) == 9 for name in names)


def test_an_object_that_is_not_there_is_reported_by_name(cluster: TestCluster) -> None:
    answer = cluster.call("GET", f"{DEPLOYMENTS}/nothing")

    assert (answer.code, answer.body["reason"]) == (404, "NotFound")
    assert answer.message == 'deployments.apps "nothing" not found'
    assert answer.body["details"] == {"name": "nothing", "group": "apps", "kind": "deployments"}


def test_an_update_made_from_an_old_state_is_refused(cluster: TestCluster) -> None:
    first = cluster.ok("POST", CONFIG_MAPS, config_map(a="1"))
    cluster.ok("PUT", f"{CONFIG_MAPS}/settings", {**first, "data": {"a": "2"}})

    answer = cluster.call("PUT", f"{CONFIG_MAPS}/settings", {**first, "data": {"a": "3"}})

    assert (answer.code, answer.body["reason"]) == (409, "Conflict")
    assert "the object has been modified" in answer.message


def test_an_update_that_changes_nothing_keeps_the_resource_version(cluster: TestCluster) -> None:
    first = cluster.ok("POST", CONFIG_MAPS, config_map(a="1"))

    again = cluster.ok("PUT", f"{CONFIG_MAPS}/settings", first)

    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_a_change_of_the_spec_counts_a_generation_and_one_of_labels_does_not(cluster: TestCluster) -> None:
    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=0))

    def patch(body: dict[str, Any]) -> int:
        kind = "application/merge-patch+json"
        return int(cluster.ok("PATCH", f"{DEPLOYMENTS}/web", body, kind)["metadata"]["generation"])

    assert patch({"metadata": {"labels": {"x": "y"}}}) == 1
    assert patch({"spec": {"replicas": 1}}) == 2


def test_the_main_endpoint_ignores_the_status_and_the_status_endpoint_the_rest(cluster: TestCluster) -> None:
    namespace = {"metadata": {"name": "n"}, "status": {"phase": "Terminating"}}
    assert cluster.ok("POST", NAMESPACES, namespace)["status"] == {"phase": "Active"}
    kind = "application/merge-patch+json"

    condition = {"type": "X", "status": "True"}
    body = {"metadata": {"labels": {"a": "b"}}, "status": {"conditions": [condition]}}
    changed = cluster.ok("PATCH", f"{NAMESPACES}/n/status", body, kind)

    assert changed["status"]["conditions"][0]["type"] == "X"
    assert "a" not in changed["metadata"]["labels"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_dry_run_answers_as_the_real_thing_and_changes_nothing(cluster: TestCluster, method: str) -> None:
    before = cluster.ok("POST", CONFIG_MAPS, config_map(a="1"))
    calls = {
        "POST": lambda: cluster.ok("POST", CONFIG_MAPS, config_map("other", a="2"), dryRun="All"),
        "PATCH": lambda: cluster.ok(
            "PATCH", f"{CONFIG_MAPS}/settings", {"data": {"a": "2"}}, "application/merge-patch+json", dryRun="All"
        ),
        "DELETE": lambda: cluster.ok("DELETE", f"{CONFIG_MAPS}/settings", dryRun="All"),
    }

    answer = calls[method]()

    assert method == "DELETE" or answer["data"] == {"a": "2"}
    assert cluster.ok("GET", f"{CONFIG_MAPS}/settings") == before
    assert cluster.call("GET", f"{CONFIG_MAPS}/other").code == 404


# -- lists ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("tier=web", ["a", "b"]),
        ("tier!=web", ["c", "d"]),
        ("tier in (web,db)", ["a", "b", "c"]),
        ("tier notin (web,db)", ["d"]),
        ("tier", ["a", "b", "c"]),
        ("!tier", ["d"]),
        ("tier=web,track=canary", ["b"]),
    ],
)
def test_label_selectors(cluster: TestCluster, selector: str, expected: list[str]) -> None:
    labels = {"a": {"tier": "web"}, "b": {"tier": "web", "track": "canary"}, "c": {"tier": "db"}, "d": {"x": "y"}}
    for name, given in labels.items():
        cluster.ok("POST", SECRETS, {"metadata": {"name": name, "labels": given}})

    items = cluster.ok("GET", SECRETS, labelSelector=selector)["items"]

    assert [item["metadata"]["name"] for item in items] == expected


def test_a_field_selector_on_a_name_finds_that_object(cluster: TestCluster) -> None:
    for name in ("one", "two"):
        cluster.ok("POST", CONFIG_MAPS, config_map(name))

    items = cluster.ok("GET", CONFIG_MAPS, fieldSelector="metadata.name=two")["items"]

    assert [item["metadata"]["name"] for item in items] == ["two"]


def test_a_field_that_cannot_be_selected_is_refused(cluster: TestCluster) -> None:
    answer = cluster.call("GET", PODS, fieldSelector="spec.hostname=x")

    assert answer.code == 400
    assert "field label not supported: spec.hostname" in answer.message


def test_pages_of_a_list_show_one_moment(cluster: TestCluster) -> None:
    for name in "abcde":
        cluster.ok("POST", SECRETS, {"metadata": {"name": name}})
    page = cluster.ok("GET", SECRETS, limit="2")
    cluster.ok("DELETE", f"{SECRETS}/e")
    names = [item["metadata"]["name"] for item in page["items"]]

    assert page["metadata"]["remainingItemCount"] == 3
    while token := page["metadata"].get("continue"):
        page = cluster.ok("GET", SECRETS, **{"limit": "2", "continue": token})
        names += [item["metadata"]["name"] for item in page["items"]]

    assert names == list("abcde")


def test_a_continue_token_that_is_not_known_has_expired(cluster: TestCluster) -> None:
    answer = cluster.call("GET", SECRETS, **{"continue": "nonsense"})

    assert (answer.code, answer.body["reason"]) == (410, "Expired")


def test_a_list_over_all_namespaces_has_the_objects_of_each(cluster: TestCluster) -> None:
    cluster.ok("POST", NAMESPACES, {"metadata": {"name": "other"}})
    cluster.ok("POST", "/api/v1/namespaces/other/secrets", {"metadata": {"name": "s"}})
    cluster.ok("POST", SECRETS, {"metadata": {"name": "s"}})

    items = cluster.ok("GET", "/api/v1/secrets")["items"]

    assert [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in items] == [
        ("default", "s"),
        ("other", "s"),
    ]


# -- what is refused --------------------------------------------------------------------------------------------------


def edited(path: str, value: Any) -> dict[str, Any]:
    """A deployment with one property changed; None takes it away."""
    body = deployment()
    target: Any = body
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    for part in parents:
        target = target[part] if isinstance(part, int) else target.setdefault(part, {})
    if value is None:
        del target[last]
    else:
        target[last] = value
    return body


CONTAINER = "spec/template/spec/containers/0"


@pytest.mark.parametrize(
    ("path", "value", "field", "why"),
    [
        ("spec/replicas", -1, "spec.replicas", "must be greater than or equal to 0"),
        ("spec/selector", None, "spec.selector", "Required value"),
        ("spec/template/metadata/labels", {"app": "x"}, "spec.template.metadata.labels", "`selector` does not match"),
        ("metadata/name", "Web_1", "metadata.name", "lowercase RFC 1123 subdomain"),
        ("metadata/labels", {"a": "not valid"}, "metadata.labels", "a valid label must be"),
        (f"{CONTAINER}/image", None, "spec.template.spec.containers[0].image", "Required value"),
        (
            f"{CONTAINER}/imagePullPolicy",
            "Sometimes",
            "spec.template.spec.containers[0].imagePullPolicy",
            "Unsupported",
        ),
        (f"{CONTAINER}/ports", [{"containerPort": 0}], "spec.template.spec.containers[0].ports[0].containerPort", "1"),
        (f"{CONTAINER}/ports", [{}], "spec.template.spec.containers[0].ports[0].containerPort", "Required value"),
        (f"{CONTAINER}/livenessProbe", {}, "spec.template.spec.containers[0].livenessProbe", "handler type"),
        (
            f"{CONTAINER}/resources",
            {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}},
            "spec.template.spec.containers[0].resources.requests",
            "less than or equal to cpu limit",
        ),
        (
            f"{CONTAINER}/volumeMounts",
            [{"name": "tmp", "mountPath": "/tmp"}],
            "spec.template.spec.containers[0].volumeMounts[0].name",
            "Not found",
        ),
        (
            "spec/strategy",
            {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}},
            "spec.strategy.rollingUpdate.maxUnavailable",
            "may not be 0 when `maxSurge` is 0",
        ),
        ("spec/template/spec/restartPolicy", "Never", "spec.template.spec.restartPolicy", "Unsupported value"),
    ],
)
def test_an_invalid_deployment_is_refused_with_its_field(
    cluster: TestCluster, path: str, value: Any, field: str, why: str
) -> None:
    answer = cluster.call("POST", DEPLOYMENTS, edited(path, value))

    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    assert why in answer.message
    assert field in [cause["field"] for cause in answer.body["details"]["causes"]]


def test_all_that_is_wrong_is_told_at_once(cluster: TestCluster) -> None:
    body = deployment(replicas=-1)
    body["metadata"]["name"] = "Web"

    causes = cluster.call("POST", DEPLOYMENTS, body).body["details"]["causes"]

    assert [cause["field"] for cause in causes] == ["metadata.name", "spec.replicas"]


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (
            "spec/replicas",
            "three",
            "cannot unmarshal string into Go struct field Deployment.spec.replicas of type int32",
        ),
        ("spec/template/spec/containers", {}, "cannot unmarshal object"),
        (f"{CONTAINER}/resources", {"limits": {"cpu": "lots"}}, "quantities must match"),
        ("kind", "Pod", "does not match the expected kind"),
        ("metadata/namespace", "other", "does not match the namespace sent on the request"),
    ],
)
def test_an_object_that_cannot_be_read_is_a_bad_request(cluster: TestCluster, path: str, value: Any, why: str) -> None:
    answer = cluster.call("POST", DEPLOYMENTS, edited(path, value))

    assert (answer.code, answer.body["reason"]) == (400, "BadRequest")
    assert why in answer.message


@pytest.mark.parametrize(
    ("mode", "code"), [("Strict", 400), ("Warn", 201), ("Ignore", 201)], ids=["strict", "warn", "ignore"]
)
def test_an_unknown_field_is_handled_as_asked(cluster: TestCluster, mode: str, code: int) -> None:
    answer = cluster.call("POST", DEPLOYMENTS, edited("spec/replica", 3), fieldValidation=mode)

    assert answer.code == code
    warnings = answer.headers.get("Warning", "")
    assert ('unknown field \\"spec.replica\\"' in warnings) == (mode == "Warn")
    assert "replica" not in answer.body.get("spec", {})


def test_a_selector_can_never_change(cluster: TestCluster) -> None:
    live = cluster.ok("POST", DEPLOYMENTS, deployment(replicas=0))
    live["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    live["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    del live["metadata"]["resourceVersion"]

    answer = cluster.call("PUT", f"{DEPLOYMENTS}/web", live)

    assert answer.code == 422
    assert "field is immutable" in answer.message


def test_an_immutable_config_map_cannot_change(cluster: TestCluster) -> None:
    cluster.ok("POST", CONFIG_MAPS, {**config_map(a="1"), "immutable": True})

    answer = cluster.call("PATCH", f"{CONFIG_MAPS}/settings", {"data": {"a": "2"}}, "application/merge-patch+json")

    assert answer.code == 422


def test_an_object_in_a_namespace_that_does_not_exist_is_refused(cluster: TestCluster) -> None:
    answer = cluster.call("POST", "/api/v1/namespaces/nowhere/configmaps", config_map())

    assert answer.code == 404
    assert answer.message == 'namespaces "nowhere" not found'


def test_a_pod_of_a_service_account_that_does_not_exist_is_forbidden(cluster: TestCluster) -> None:
    pod = {
        "metadata": {"name": "p"},
        "spec": {"serviceAccountName": "x", "containers": [{"name": "a", "image": "b:1"}]},
    }

    answer = cluster.call("POST", PODS, pod)

    assert (answer.code, answer.body["reason"]) == (403, "Forbidden")
    assert 'serviceaccount "x" not found' in answer.message


def secure_pod(**container: Any) -> dict[str, Any]:
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, **container}
    pod = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    containers = [{"name": "a", "image": "b:1", "securityContext": context}]
    return {"metadata": {"name": "p"}, "spec": {"securityContext": pod, "containers": containers}}


RESTRICTED = "/api/v1/namespaces/restricted/pods"


@pytest.fixture
def restricted(cluster: TestCluster) -> TestCluster:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.ok("POST", NAMESPACES, {"metadata": {"name": "restricted", "labels": labels}})
    account = "/api/v1/namespaces/restricted/serviceaccounts/default"
    cluster.eventually(lambda: cluster.call("GET", account).code == 200, "a service account for pods")
    return cluster


def test_a_pod_that_keeps_to_the_restricted_level_is_let_in(restricted: TestCluster) -> None:
    assert restricted.call("POST", RESTRICTED, secure_pod()).code == 201


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"allowPrivilegeEscalation": True}, 'allowPrivilegeEscalation != false (container "a" must set'),
        ({"capabilities": {"drop": ["NET_RAW"]}}, 'unrestricted capabilities (container "a" must set'),
        ({"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}, "unrestricted capabilities"),
        ({"runAsNonRoot": False}, "runAsNonRoot != true"),
        ({"runAsUser": 0}, "runAsUser=0"),
        ({"privileged": True}, "privileged"),
        ({"seccompProfile": {"type": "Unconfined"}}, "seccompProfile"),
    ],
)
def test_a_pod_below_the_restricted_level_is_forbidden(
    restricted: TestCluster, change: dict[str, Any], why: str
) -> None:
    answer = restricted.call("POST", RESTRICTED, secure_pod(**change))

    assert answer.code == 403
    assert 'violates PodSecurity "restricted:latest": ' in answer.message
    assert why in answer.message


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"hostNetwork": True}, "host namespaces (hostNetwork=true)"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, 'restricted volume types (volume "v"'),
        ({"securityContext": {"runAsNonRoot": True}}, "seccompProfile"),
    ],
)
def test_a_pod_that_wants_its_host_is_forbidden(restricted: TestCluster, spec: dict[str, Any], why: str) -> None:
    pod = secure_pod()
    pod["spec"].update(spec)

    answer = restricted.call("POST", RESTRICTED, pod)

    assert answer.code == 403
    assert why in answer.message


# -- what the server makes of values ----------------------------------------------------------------------------------


def test_plain_text_of_a_secret_is_kept_as_base64(cluster: TestCluster) -> None:
    created = cluster.ok("POST", SECRETS, {"metadata": {"name": "s"}, "stringData": {"key": "value"}})

    assert created["data"] == {"key": "dmFsdWU="}
    assert "stringData" not in created


def test_services_get_addresses_of_their_own(cluster: TestCluster) -> None:
    addresses = {
        cluster.ok("POST", SERVICES, {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}})["spec"][
            "clusterIP"
        ]
        for name in ("one", "two")
    }

    assert len(addresses) == 2
    assert all(address.startswith("10.100.") for address in addresses)


def test_quantities_come_back_in_the_servers_form(cluster: TestCluster) -> None:
    body = edited(f"{CONTAINER}/resources", {"limits": {"cpu": "0.5", "memory": "1024Mi"}, "requests": {"cpu": 0.25}})

    created = cluster.ok("POST", DEPLOYMENTS, body)

    assert created["spec"]["template"]["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "500m", "memory": "1Gi"},
        "requests": {"cpu": "250m"},
    }
