"""The pods become targets of the load balancer by a binding, which its controller takes up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from ils_pipelines.engine.models import Operation
from ils_pipelines.release.errors import KindNotServed, NotBound
from ils_pipelines.release.settings import RolloutLimits, TargetGroup
from tests.release.site import LIMITS, Site

GROUP = TargetGroup(
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/ils-dev-app/0123456789abcdef", "vpc-1"
)
HURRIED = RolloutLimits(LIMITS.deadline, LIMITS.patience, binding=timedelta(seconds=0.2))
"""The server of these tests has no AWS, and so no controller: nobody takes a binding up."""


def test_pods_are_bound_to_the_group_by_their_addresses(site: Site) -> None:
    with pytest.raises(NotBound):
        site.release(target_group=GROUP, limits=HURRIED).up()

    spec = json.loads(site.kubectl("-n", "ils-dev", "get", "targetgroupbinding", "ils", "-o", "json"))["spec"]
    assert (spec["targetGroupARN"], spec["vpcID"]) == (GROUP.arn, GROUP.vpc_id)
    assert (spec["targetType"], spec["serviceRef"]) == ("ip", {"name": "ils", "port": "http"})


def test_up_says_that_no_controller_takes_the_binding_up(site: Site) -> None:
    with pytest.raises(NotBound, match=r"not taken up after .* AWS Load Balancer Controller runs"):
        site.release(target_group=GROUP, limits=HURRIED).up()


def test_up_is_done_once_the_controller_has_taken_the_binding_up(site: Site) -> None:
    with pytest.raises(NotBound):
        site.release(target_group=GROUP, limits=HURRIED).up()
    site.kubectl(
        *("-n", "ils-dev", "patch", "targetgroupbinding", "ils", "--subresource", "status"),
        *("--type", "merge", "-p", json.dumps({"status": {"observedGeneration": 1}})),
    )

    assert site.release(target_group=GROUP, limits=HURRIED).up().applied == ()


def test_what_the_controller_puts_on_the_binding_is_no_drift(site: Site) -> None:
    release = site.release(target_group=GROUP, limits=HURRIED)
    with pytest.raises(NotBound):
        release.up()
    site.kubectl(
        *("-n", "ils-dev", "patch", "targetgroupbinding", "ils", "--field-manager", "controller"),
        *("--type", "merge", "-p", json.dumps({"metadata": {"finalizers": ["elbv2.k8s.aws/resources"]}})),
    )

    assert release.refresh().drifted == ()
    assert release.preview().empty
    site.kubectl(
        *("-n", "ils-dev", "patch", "targetgroupbinding", "ils"),
        *("--type", "merge", "-p", json.dumps({"metadata": {"finalizers": None}})),
    )


def test_another_group_changes_the_binding_in_place(site: Site) -> None:
    with pytest.raises(NotBound):
        site.release(target_group=GROUP, limits=HURRIED).up()

    moved = TargetGroup(GROUP.arn.replace("0123", "4567"), GROUP.vpc_id)
    (change,) = site.release(target_group=moved, limits=HURRIED).preview().changes

    assert (change.operation, [diff.path for diff in change.diffs]) == (Operation.UPDATE, ["spec.targetGroupARN"])


@pytest.fixture
def without_controller(site: Site) -> Iterator[Site]:
    """A cluster in which nobody has installed the controller and its types."""
    for verb in ("list", "get", "patch"):
        fault = {"operation": f"{verb} targetgroupbindings", "error_code": "NotFound", "status": 404, "times": 100}
        site.server.control("POST", "faults", fault)
    yield site
    site.server.control("DELETE", "faults")


def test_nothing_is_released_into_a_cluster_without_the_controller(without_controller: Site) -> None:
    site = without_controller
    with pytest.raises(KindNotServed, match=r"Controller.* is not installed. Nothing was changed. Install it"):
        site.release(target_group=GROUP).up()

    assert "ils-dev" not in site.kubectl("get", "namespaces")


def test_a_cluster_without_the_controller_can_be_planned_for_and_cleaned_up(without_controller: Site) -> None:
    site = without_controller
    planned = site.release(target_group=GROUP).preview()
    assert planned.changes[-1].type == "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding"

    site.release().up()
    site.release(target_group=GROUP).destroy()

    assert "ils-dev" not in site.kubectl("get", "namespaces")
