"""Who says how many pods there are: the release, or with autoscaling somebody else, and no two of them at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ils_pipelines.release.cluster import Cluster
from ils_pipelines.release.errors import FieldConflict
from ils_pipelines.release.objects import Ref
from ils_pipelines.release.replicas import set_replicas
from tests.release.site import Site

ON = {"autoscaling": {"enabled": True, "min_replicas": 3, "max_replicas": 6}}


def deployment(site: Site) -> Any:
    return json.loads(site.kubectl("-n", "ils-dev", "get", "deployment", "ils", "--show-managed-fields", "-o", "json"))


def replicas(site: Site) -> int:
    return int(deployment(site)["spec"]["replicas"])


def managers_of_replicas(site: Site) -> set[str]:
    return {
        entry["manager"]
        for entry in deployment(site)["metadata"]["managedFields"]
        if "f:replicas" in entry["fieldsV1"].get("f:spec", {}) and entry.get("subresource") != "status"
    }


def scaled_by_the_autoscaler(site: Site, count: int) -> None:
    """As the controller does it: through the scale subresource, in its own name."""
    patch = json.dumps({"spec": {"replicas": count}})
    manager = "--field-manager=kube-controller-manager"
    site.kubectl(
        "-n", "ils-dev", "patch", "deployment", "ils", "--subresource=scale", "--type=merge", "-p", patch, manager
    )


def test_an_autoscaled_application_starts_with_the_pods_of_its_file(site: Site) -> None:
    site.release(ON).up()

    assert replicas(site) == 3
    assert "ils-pipelines" not in managers_of_replicas(site)
    assert site.release(ON).preview().empty


def test_the_number_that_the_autoscaler_chose_stays_through_a_release(site: Site) -> None:
    site.release(ON).up()
    scaled_by_the_autoscaler(site, 5)

    site.release({**ON, "image": "ils/app:1.1.0"}).up()

    assert replicas(site) == 5


def test_the_number_that_the_autoscaler_chose_is_neither_a_change_nor_drift(site: Site) -> None:
    site.release(ON).up()
    scaled_by_the_autoscaler(site, 5)

    assert site.release(ON).preview().empty
    assert site.release(ON).refresh().drifted == ()


def test_turning_the_autoscaler_on_leaves_the_pods_that_there_are(site: Site) -> None:
    site.release({"replicas": 4}).up()
    before = set(site.kubectl("-n", "ils-dev", "get", "pods", "-o", "name").split())

    site.release({"replicas": 4, **ON}).up()

    assert replicas(site) == 4
    assert set(site.kubectl("-n", "ils-dev", "get", "pods", "-o", "name").split()) == before


def test_turning_the_autoscaler_off_takes_the_number_back(site: Site) -> None:
    site.release(ON).up()
    scaled_by_the_autoscaler(site, 5)

    site.release({"replicas": 3}).up()

    assert replicas(site) == 3
    assert site.kubectl("-n", "ils-dev", "get", "hpa", "-o", "name") == ""
    assert site.release({"replicas": 3}).preview().empty


def test_an_autoscaler_of_somebody_else_is_a_conflict_that_names_it(site: Site) -> None:
    site.release().up()
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ils"}
    body = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "theirs", "namespace": "ils-dev"},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 9},
    }
    site.kubectl("apply", "-f", "-", stdin=json.dumps(body))
    scaled_by_the_autoscaler(site, 5)

    with pytest.raises(FieldConflict, match=r"kube-controller-manager .*manages spec.replicas"):
        site.release({"replicas": 4}).up()


def test_what_a_scaling_set_is_no_drift_and_goes_back_with_the_next_release(site: Site) -> None:
    site.release().up()
    ref = Ref("apps/v1", "Deployment", "ils-dev", "ils")
    set_replicas(Cluster(site.api_client), ref, 5)

    assert site.release().refresh().drifted == ()
    assert [diff.path for change in site.release().preview().changes for diff in change.diffs] == ["spec.replicas"]
    site.release().up()
    assert replicas(site) == 3
