"""A cluster goes from version to version, one minor at a time, unless something speaks against it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.engine.models import EngineEvent
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.upgrade.models import Standing, Step, UpgradeRefused, path
from ils_pipelines.operations.upgrade.preflight import installed_addons, preflight, standing_of
from ils_pipelines.operations.upgrade.removed_apis import LAST_APPLIED, removed_apis
from ils_pipelines.operations.upgrade.run import Upgrade, check
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.release.cluster import Cluster
from ils_pipelines.settings.cluster import minor
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target
from ils_sandbox import server
from ils_sandbox.state import STATE_VARIABLE
from ils_sandbox.target import PROVISIONS, SandboxTarget
from tests.support.kubernetes_api import KubernetesApi, deployment

pytestmark = pytest.mark.slow

NAMESPACE = "/api/v1/namespaces/default"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
HPAS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"


def environment(name: str, version: str, **cluster: Any) -> Environment:
    return Environment.model_validate({"name": name, "cluster": {"version": version, **cluster}})


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("upgrades")
    server.start(directory)
    before = os.environ.get(STATE_VARIABLE)
    os.environ[STATE_VARIABLE] = str(directory)
    try:
        yield directory
    finally:
        os.environ.pop(STATE_VARIABLE)
        if before is not None:
            os.environ[STATE_VARIABLE] = before
        server.stop(directory)


def provisioned(name: str) -> str:
    target = SandboxTarget(environment(name, "1.33"))
    for layer in (Layer.VPC, Layer.ENCRYPTION, Layer.CLUSTER):
        layer_work(target, layer).up()
    return name


@pytest.fixture(scope="module")
def staying(sandbox: Path) -> str:
    """An environment whose cluster no test upgrades."""
    return provisioned("staying")


def to(name: str, version: str = "1.35", **cluster: Any) -> Target:
    """As whoever provisions opens it."""
    return SandboxTarget(environment(name, version, **cluster), caller=PROVISIONS)


def hands(target: Target) -> Target:
    """The same, for what the tests do themselves."""
    return SandboxTarget(target.environment)


def api(target: Target) -> KubernetesApi:
    return KubernetesApi(hands(target).kubernetes(f"ils-{target.environment.name}"))


def critical(target: Target) -> list[Finding]:
    return [each for each in preflight(target).findings if each.urgency is Urgency.CRITICAL]


@contextmanager
def workload(cluster: KubernetesApi, *, replicas: int, spared: int) -> Iterator[None]:
    """Pods with a budget that spares `replicas - spared` of them."""
    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=replicas))
    spec = {"minAvailable": spared, "selector": {"matchLabels": {"app": "web"}}}
    cluster.ok("POST", BUDGETS, {"metadata": {"name": "web"}, "spec": spec})
    cluster.eventually(
        lambda: cluster.ok("GET", f"{BUDGETS}/web").get("status", {}).get("currentHealthy") == replicas, "healthy pods"
    )
    yield
    cluster.ok("DELETE", f"{BUDGETS}/web")
    cluster.ok("DELETE", f"{DEPLOYMENTS}/web")
    cluster.eventually(lambda: not cluster.ok("GET", f"{NAMESPACE}/pods")["items"], "no pods")


# -- the way ----------------------------------------------------------------------------------------------------------


@given(st.integers(20, 60), st.integers(0, 5), st.integers(0, 3))
def test_the_way_leaves_no_minor_version_out(now: int, ahead: int, behind: int) -> None:
    standing = Standing("c", f"1.{now}", {"general": f"1.{now - behind}"}, {})

    steps = path(standing, f"1.{now + ahead}")

    first = [Step(f"1.{now}", control_plane=False)] if behind else []
    assert list(steps[: len(first)]) == first
    assert [minor(step.version) for step in steps if step.control_plane] == list(range(now + 1, now + ahead + 1))


# -- what speaks against it -------------------------------------------------------------------------------------------


def test_nothing_speaks_against_a_cluster_that_is_well_but_that_eks_was_not_heard(staying: str) -> None:
    looked = preflight(to(staying))

    assert [(each.urgency, each.subject) for each in looked.findings] == [
        (Urgency.UNKNOWN, "EKS's insights about 1.34")
    ]
    assert [step.version for step in looked.steps] == ["1.34", "1.35"]


def test_a_budget_that_spares_no_pod_is_named_with_its_pods_and_their_nodes(staying: str) -> None:
    target = to(staying)
    with workload(api(target), replicas=1, spared=1):
        pod = api(target).ok("GET", f"{NAMESPACE}/pods")["items"][0]
        with pytest.raises(UpgradeRefused) as refused:
            Upgrade(target).go()

    assert f"{pod['metadata']['name']} on {pod['spec']['nodeName']}" in str(refused.value)
    assert standing_of(target).version == "1.33"
    assert critical(target) == []


def test_an_object_that_is_applied_through_an_api_that_goes_is_found(staying: str) -> None:
    cluster = api(to(staying))
    body = {
        "metadata": {"name": "old", "annotations": {LAST_APPLIED: json.dumps({"apiVersion": "autoscaling/v2beta2"})}},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 3},
    }
    cluster.ok("POST", HPAS, body)
    looking = Cluster(cluster.api_client)

    (found,) = removed_apis(looking, "1.25", "1.27")

    assert found.subject == "HorizontalPodAutoscaler default/old"
    assert (found.found, found.urgency) == ("kubectl apply doing so", Urgency.CRITICAL)
    assert list(removed_apis(looking, "1.26", "1.35")) == []
    cluster.ok("DELETE", f"{HPAS}/old")


def test_an_add_on_pinned_to_what_does_not_go_with_a_version_on_the_way_is_found(staying: str) -> None:
    pinned = {"addon_versions": {"kube-proxy": "v1.33.9-eksbuild.2"}}

    assert {each.subject for each in critical(to(staying, **pinned))} == {"add-on kube-proxy v1.33.9-eksbuild.2"}


@pytest.mark.parametrize(
    ("version", "more", "why"),
    [
        ("1.32", {}, "expected cluster.version to be 1.33 or newer"),
        ("1.35", {"node_version": "1.34"}, "holds the nodes back"),
    ],
)
def test_what_cannot_be_is_refused(staying: str, version: str, more: dict[str, Any], why: str) -> None:
    with pytest.raises(UpgradeRefused, match=why):
        Upgrade(to(staying, version, **more)).go()


def test_an_environment_that_asks_for_approval_wants_its_name_once_more(staying: str) -> None:
    asks = SandboxTarget(environment(staying, "1.35").model_copy(update={"requires_approval": True}))

    with pytest.raises(UpgradeRefused, match="--confirm staying"):
        check(asks, "")
    assert check(asks, "staying").steps


# -- the upgrade ------------------------------------------------------------------------------------------------------


class Died(BaseException):
    """As a process that is killed."""


def test_an_upgrade_that_was_killed_is_finished_by_the_next_and_keeps_what_budgets_keep(sandbox: Path) -> None:
    target = to(provisioned("moving"))
    cluster = api(target)
    said: list[str] = []

    def die(event: EngineEvent) -> None:
        if event.message == "nodes to 1.34":
            raise Died

    with workload(cluster, replicas=3, spared=2):
        with suppress(Died):
            Upgrade(target, die, bake=timedelta(0)).go()
        between = standing_of(target)
        report = Upgrade(target, lambda event: said.append(event.message), bake=timedelta(0)).go()
        available = cluster.ok("GET", f"{DEPLOYMENTS}/web")["status"]["availableReplicas"]

    assert (between.version, set(between.nodes.values())) == ("1.34", {"1.33"})
    assert [each for each in said if each.startswith(("control plane to", "nodes to"))] == [
        "nodes to 1.34",
        "control plane to 1.35; nodes stay at 1.34",
        "nodes to 1.35",
    ]
    after = standing_of(target)
    assert (after.version, set(after.nodes.values())) == ("1.35", {"1.35"})
    kubelets = {each["status"]["nodeInfo"]["kubeletVersion"] for each in cluster.ok("GET", "/api/v1/nodes")["items"]}
    assert all(each.startswith("v1.35.") for each in kubelets)
    assert installed_addons(target, "ils-moving")["kube-proxy"].startswith("v1.35.")
    assert available >= 2
    assert report.plan.changes
    assert layer_work(target, Layer.CLUSTER).preview().empty
    assert Upgrade(target, bake=timedelta(0)).go().plan.changes == ()


def test_nodes_with_an_old_image_are_replaced_and_others_are_not(staying: str) -> None:
    target = to(staying, "1.33")
    eks, group = hands(target).client("eks"), {"clusterName": "ils-staying", "nodegroupName": "general"}
    eks.update_nodegroup_version(**group, version="1.33", releaseVersion="1.33.9-20260901")
    cluster = api(target)
    cluster.eventually(
        lambda: eks.describe_nodegroup(**group)["nodegroup"]["status"] == "ACTIVE", "the group with the old image"
    )
    old = {each["metadata"]["uid"] for each in cluster.ok("GET", "/api/v1/nodes")["items"]}

    (change,) = Upgrade(target).refresh_nodes().plan.changes

    assert (change.name, change.diffs[0].old) == ("general", "1.33.9-20260901")
    assert not old & {each["metadata"]["uid"] for each in cluster.ok("GET", "/api/v1/nodes")["items"]}
    assert Upgrade(target).refresh_nodes().plan.changes == ()


def test_pods_that_a_budget_keeps_are_named_and_nodes_with_an_old_image_stay(staying: str) -> None:
    target = to(staying, "1.33")
    eks, group = target.client("eks"), {"clusterName": "ils-staying", "nodegroupName": "general"}
    cluster = api(target)
    eks.update_nodegroup_version(**group, version="1.33", releaseVersion="1.33.9-20260901")
    cluster.eventually(
        lambda: eks.describe_nodegroup(**group)["nodegroup"]["status"] == "ACTIVE", "the group with the old image"
    )
    nodes = {each["metadata"]["uid"] for each in cluster.ok("GET", "/api/v1/nodes")["items"]}
    with workload(cluster, replicas=1, spared=1):
        with pytest.raises(UpgradeRefused, match="budget default/web"):
            Upgrade(target).refresh_nodes()
        assert nodes == {each["metadata"]["uid"] for each in cluster.ok("GET", "/api/v1/nodes")["items"]}
    assert [each.name for each in Upgrade(target).refresh_nodes().plan.changes] == ["general"]
    with workload(cluster, replicas=1, spared=1):
        assert Upgrade(target).refresh_nodes().plan.changes == (), "there is nothing to do that a budget could keep"
