"""Releases, rollbacks, promotions and scalings as a person does them: by commands, recorded as runs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubernetes.client import AppsV1Api, AutoscalingV2Api, CoreV1Api

from ils_pipelines.operations.promotion import NotPromotable, promotable
from ils_pipelines.operations.scaling.models import (
    NodeBounds,
    Scaling,
    ScalingRefused,
    as_in_file,
    outside_office_hours,
)
from ils_pipelines.operations.scaling.scale import Scaler
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer
from tests.operations.releases.conftest import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.long]

IMAGE = "image: ils/app:1.0.0@sha256:85910b5a8fc73251f2dc8b36d2974214c54757a841a0ba9493117f877d61be2d"


def replicas(terminal: Terminal, environment: str = "dev") -> int:
    api = AppsV1Api(terminal.target(environment).kubernetes(f"ils-{environment}"))
    return int(api.read_namespaced_deployment("ils", f"ils-{environment}").spec.replicas)


def nodes(terminal: Terminal, environment: str = "dev") -> int:
    return len(CoreV1Api(terminal.target(environment).kubernetes(f"ils-{environment}")).list_node().items)


def released(terminal: Terminal, environment: str) -> None:
    """All as the files say again."""
    layer_work(terminal.target(environment), Layer.APP_RELEASE).up()


def newest_release(terminal: Terminal) -> dict[str, Any]:
    newest: dict[str, Any] = json.loads(terminal.ils("releases", "dev", "--json").stdout)["releases"][0]
    return newest


def test_a_release_that_crashes_says_why_is_rolled_back_and_can_be_looked_up(terminal: Terminal) -> None:
    released(terminal, "dev")
    serving = newest_release(terminal)["number"]
    terminal.edit("dev", IMAGE, "image: ils/app:crash")
    terminal.edit(
        "dev",
        "  autoscaling:\n    enabled: false",
        "  rollout:\n    patience_seconds: 1\n  autoscaling:\n    enabled: false",
    )

    failed = terminal.ils("up", "dev", code=1)

    said = " ".join(failed.stderr.split())
    assert "CrashLoopBackOff" in said
    assert "exit code 1" in said
    assert f"Rolled back to release {serving}" in said
    releases = json.loads(terminal.ils("releases", "dev", "--json").stdout)["releases"]
    assert [(each["number"], each["status"]) for each in releases[:2]] == [
        (serving + 1, "failed"),
        (serving, "released"),
    ]
    assert f"went back to release {serving}" in terminal.ils("releases", "dev").stdout


def test_a_rollback_is_a_run_that_releases_the_one_before(terminal: Terminal) -> None:
    released(terminal, "dev")
    terminal.edit("dev", IMAGE, "image: ils/app:1.1.0")
    released(terminal, "dev")

    terminal.ils("rollback", "dev", "--reason", "slow since")

    newest = newest_release(terminal)
    assert (newest["image"].partition("@")[0], newest["reason"]) == ("ils/app:1.0.0", "slow since")


def test_a_rollback_to_nothing_is_refused(terminal: Terminal) -> None:
    refused = terminal.ils("rollback", "staging", "--to", "99", code=1)

    assert "expected release 99 of staging" in " ".join(refused.stderr.split())


def test_what_runs_in_one_environment_is_promoted_to_the_byte(terminal: Terminal) -> None:
    terminal.edit("dev", IMAGE, "image: ils/app:1.2.0")
    released(terminal, "dev")
    release = promotable(terminal.target("dev"))

    terminal.ils("promote", "dev", "staging")

    newest = json.loads(terminal.ils("releases", "staging", "--json").stdout)["releases"][0]
    assert newest["image"] == release.image
    assert newest["image_digest"] in release.image
    assert newest["promoted_from"] == release.origin
    text = (terminal.files / "staging.yaml").read_text()
    assert "  # The digest is what runs, the tag is for people." in text, "comments stay"
    assert "  lims_endpoint: https://lims.staging.example.com/api" in text, "configuration stays its own"


def test_a_promotion_into_what_needs_approval_shows_the_plan_and_releases_nothing(terminal: Terminal) -> None:
    terminal.edit("staging", "requires_approval: false", "requires_approval: true")
    terminal.edit("dev", IMAGE, "image: ils/app:1.3.0")
    released(terminal, "dev")

    asked = terminal.ils("promote", "dev", "staging")

    assert "ils approve staging --plan DIGEST" in asked.stderr
    assert "plan " in asked.stdout
    newest = json.loads(terminal.ils("releases", "staging", "--json").stdout)["releases"][0]
    assert "1.3.0" not in newest["image"]


def test_what_is_not_healthy_is_not_promoted(terminal: Terminal) -> None:
    released(terminal, "dev")
    api = AppsV1Api(terminal.target("dev").kubernetes("ils-dev"))
    api.patch_namespaced_deployment_scale("ils", "ils-dev", {"spec": {"replicas": 0}})
    try:
        with pytest.raises(NotPromotable, match=r"expected release .* to be healthy in dev, found .*scaled to none"):
            promotable(terminal.target("dev"))
    finally:
        api.patch_namespaced_deployment_scale("ils", "ils-dev", {"spec": {"replicas": 3}})


def test_what_was_changed_behind_the_releases_back_is_not_promoted(terminal: Terminal) -> None:
    released(terminal, "dev")
    api = AppsV1Api(terminal.target("dev").kubernetes("ils-dev"))
    containers = [{"name": "ils", "image": "ils/app:patched"}]
    api.patch_namespaced_deployment("ils", "ils-dev", {"spec": {"template": {"spec": {"containers": containers}}}})
    try:
        with pytest.raises(NotPromotable, match="found ils/app:patched"):
            promotable(terminal.target("dev"))
    finally:
        api.delete_namespaced_deployment("ils", "ils-dev")
        released(terminal, "dev")


def test_pods_are_scaled_until_the_next_change(terminal: Terminal) -> None:
    released(terminal, "dev")

    terminal.ils("scale", "dev", "--replicas", "5")
    assert replicas(terminal) == 5
    assert layer_work(terminal.target("dev"), Layer.APP_RELEASE).refresh().drifted == ()

    released(terminal, "dev")
    assert replicas(terminal) == 3


def test_a_scaling_that_would_do_harm_is_refused_before_anything_starts(terminal: Terminal) -> None:
    refused = terminal.ils("scale", "dev", "--replicas", "1", code=1)

    assert "no node could be drained any more" in " ".join(refused.stderr.split())
    assert replicas(terminal) == 3


def test_nodes_are_scaled_within_their_bounds_and_back(terminal: Terminal) -> None:
    target = terminal.target("dev")

    report = Scaler.of(target, Scaling(nodes={"general": NodeBounds(2, 6, 3)})).nodes()
    group = target.client("eks").describe_nodegroup(clusterName="ils-dev", nodegroupName="general")["nodegroup"]
    assert group["scalingConfig"] == {"minSize": 2, "maxSize": 6, "desiredSize": 3}
    assert nodes(terminal) == 3
    assert [diff.path for diff in report.plan.changes[0].diffs] == [
        "scalingConfig.maxSize",
        "scalingConfig.desiredSize",
    ]

    Scaler.of(target, as_in_file(target.environment)).nodes()
    assert nodes(terminal) == 2


def test_more_pods_than_the_nodes_hold_are_refused(terminal: Terminal) -> None:
    with pytest.raises(ScalingRefused, match="2 nodes have room for"):
        Scaler.of(terminal.target("dev"), Scaling(replicas=25)).check()


def test_the_bounds_of_an_autoscaler_are_scaled_and_back(terminal: Terminal) -> None:
    target = terminal.target("staging")

    def bounds() -> tuple[int, int]:
        api = AutoscalingV2Api(target.kubernetes("ils-staging"))
        spec = api.read_namespaced_horizontal_pod_autoscaler("ils", "ils-staging").spec
        return spec.min_replicas, spec.max_replicas

    Scaler.of(target, Scaling(fewest=2, most=6)).pods()
    assert bounds() == (2, 6)

    released(terminal, "staging")
    assert bounds() == (3, 10)


def test_outside_of_office_hours_there_are_no_pods_and_no_nodes_and_within_them_all_is_back(terminal: Terminal) -> None:
    target = terminal.target("dev")
    asleep = Scaler.of(target, outside_office_hours(target.environment))
    asleep.check()
    assert asleep.shrinks_pods
    asleep.pods()
    asleep.nodes()
    assert (replicas(terminal), nodes(terminal)) == (0, 0)

    awake = Scaler.of(target, as_in_file(target.environment))
    awake.check()
    assert not awake.shrinks_pods
    awake.nodes()
    awake.pods()
    assert (replicas(terminal), nodes(terminal)) == (3, 2)


def test_an_upgrade_of_what_is_up_to_date_says_so_and_changes_nothing(terminal: Terminal) -> None:
    looked = json.loads(terminal.ils("upgrade", "dev", "--check", "--json").stdout)
    nodes = terminal.ils("upgrade", "dev", "--nodes")

    assert (looked["version"], looked["steps"], looked["success"]) == ("1.35", [], True)
    assert "nothing to upgrade" in terminal.ils("upgrade", "dev", "--check").stdout
    assert "no change made" in terminal.ils("upgrade", "dev").stdout
    assert "has the newest image" in nodes.stderr
    assert "no change made" in nodes.stdout
