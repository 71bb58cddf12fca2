"""A release is applied once, kept up to date, watched until it is healthy, and removed without a trace."""

from __future__ import annotations

import base64
import json
import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from ils_pipelines.engine.errors import OperationCancelled, PlanMismatch, ResourceFailed
from ils_pipelines.engine.models import DiffKind, EngineEvent, EventKind, Operation, Plan
from ils_pipelines.engine.protocol import ignore_events
from ils_pipelines.release.apply import Applier
from ils_pipelines.release.cluster import Cluster
from ils_pipelines.release.errors import ClusterUnreachable, FieldConflict, ReleaseError, ReleaseFailed
from ils_pipelines.release.manifests import manifests
from ils_pipelines.release.plan import survey
from ils_pipelines.release.settings import CacheEndpoint, DatabaseEndpoint, RolloutLimits, release_of
from ils_pipelines.settings.environment import Environment
from tests.release.site import SECRETS, Site

KINDS = [
    "Namespace",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "ConfigMap",
    "Secret",
    "Role",
    "Service",
    "NetworkPolicy",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "RoleBinding",
    "Deployment",
]


ROOMY = {"pods": 99, "cpu_requests": "99", "memory_requests": "99Gi", "cpu_limits": "99", "memory_limits": "99Gi"}


def kinds(plan: Plan) -> list[str]:
    return [change.type.rsplit(":", 1)[-1] for change in plan.changes]


def diffs(plan: Plan, kind: str) -> dict[str, tuple[DiffKind, Any, Any]]:
    (change,) = [change for change in plan.changes if change.type.endswith(f":{kind}")]
    return {diff.path: (diff.kind, diff.old, diff.new) for diff in change.diffs}


def test_the_first_up_creates_every_object_and_returns_once_all_pods_serve(site: Site) -> None:
    result = site.release().up()

    assert kinds(result.plan) == KINDS
    assert {change.operation for change in result.plan.changes} == {Operation.CREATE}
    deployment = json.loads(site.kubectl("-n", "ils-dev", "get", "deployment", "ils", "-o", "json"))
    assert deployment["status"]["availableReplicas"] == 3
    assert result.outputs["service_host"].value == "ils.ils-dev.svc.cluster.local"


def test_what_up_does_is_what_preview_said(site: Site) -> None:
    planned = site.release().preview()

    done = site.release().up().plan

    assert [(c.urn, c.operation, c.diffs) for c in planned.changes] == [
        (c.urn, c.operation, c.diffs) for c in done.changes
    ]


def test_a_preview_makes_no_mutating_request(site: Site) -> None:
    assert site.mutating(lambda: site.release().preview()) == []


def test_a_second_up_changes_nothing_and_makes_no_mutating_request(site: Site) -> None:
    site.release().up()

    requests = site.requests(lambda: site.release().up())

    assert [request["operation"] for request in requests if request["mutating"]] == []
    assert len(requests) <= len(KINDS) + 6  # what could have left the release is looked for, too
    second = site.release().up()
    assert second.applied == ()
    assert second.unchanged == len(KINDS)


def test_objects_are_named_by_urns_of_their_environment(site: Site) -> None:
    changes = site.release().preview().changes

    assert changes[-1].urn == "urn:kubernetes:dev::apps/v1::Deployment::ils-dev/ils"
    assert changes[-1].type == "kubernetes:apps/v1:Deployment"
    assert changes[0].urn == "urn:kubernetes:dev::v1::Namespace::ils-dev"


def test_a_changed_setting_updates_the_config_map_and_rolls_the_pods(site: Site) -> None:
    site.release({"log_level": "info"}).up()
    before = set(site.kubectl("-n", "ils-dev", "get", "pods", "-o", "name").split())

    result = site.release({"log_level": "debug"}).up()

    assert kinds(result.plan) == ["ConfigMap", "Deployment"]
    assert diffs(result.plan, "ConfigMap") == {"data.LOG_LEVEL": (DiffKind.UPDATE, "info", "debug")}
    assert set(diffs(result.plan, "Deployment")) == {
        'spec.template.metadata.annotations["ils-pipelines/config-digest"]'
    }
    after = set(
        site.kubectl("-n", "ils-dev", "get", "pods", "--field-selector=status.phase=Running", "-o", "name").split()
    )
    assert len(after - before) == 3


def test_a_changed_secret_rolls_the_pods(site: Site) -> None:
    site.release().up()

    result = site.release(secrets={**SECRETS, "REDIS_AUTH_TOKEN": "rotated"}).up()

    assert kinds(result.plan) == ["Secret", "Deployment"]


def test_a_new_image_is_a_difference_of_one_property(site: Site) -> None:
    site.release({"image": "ils/app:1.0.0"}).up()

    plan = site.release({"image": "ils/app:1.1.0"}).preview()

    assert diffs(plan, "Deployment") == {
        'metadata.labels["app.kubernetes.io/version"]': (DiffKind.UPDATE, "1.0.0", "1.1.0"),
        "spec.template.spec.containers[0].image": (DiffKind.UPDATE, "ils/app:1.0.0", "ils/app:1.1.0"),
    }


def test_a_variable_that_left_the_settings_is_seen_and_removed(site: Site) -> None:
    site.release({"extra_env": {"FEATURE_X": "on"}}).up()

    plan = site.release().preview()
    site.release().up()

    assert diffs(plan, "ConfigMap") == {"data.FEATURE_X": (DiffKind.DELETE, "on", None)}
    config = json.loads(site.kubectl("-n", "ils-dev", "get", "configmap", "ils-config", "-o", "json"))
    assert "FEATURE_X" not in config["data"]


def test_an_empty_value_of_a_variable_is_no_difference(site: Site) -> None:
    site.release({"extra_env": {"EMPTY": ""}}).up()

    assert site.release({"extra_env": {"EMPTY": ""}}).preview().empty


def test_objects_that_left_the_release_are_pruned(site: Site) -> None:
    site.release({"namespace": "first"}).up()

    result = site.release({"namespace": "second"}).up()

    deleted = [c for c in result.plan.changes if c.operation is Operation.DELETE]
    assert sorted(kinds(Plan(project="", stack="", changes=tuple(deleted), unchanged=0))) == sorted(KINDS)
    assert {c.name.partition("/")[0] for c in deleted} == {"first"}
    assert "namespace/first" not in site.kubectl("get", "namespaces", "-o", "name")


def test_another_environment_in_the_same_cluster_is_left_alone(site: Site) -> None:
    labels = {"app.kubernetes.io/managed-by": "ils-pipelines", "ils-pipelines/environment": "qa"}
    kept = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept", "labels": labels}}
    site.kubectl("-n", "default", "apply", "-f", "-", stdin=json.dumps(kept))

    site.release().up()
    site.release().destroy()

    assert "kept" in site.kubectl("-n", "default", "get", "configmaps", "-o", "name")


def test_destroy_leaves_nothing(site: Site) -> None:
    everything = ("get", "all,configmaps,secrets,serviceaccounts", "-A", "-o", "name")
    before = site.kubectl(*everything)
    site.release().up()

    result = site.release().destroy()

    assert sorted(kinds(result.plan)) == sorted(KINDS)
    assert site.kubectl(*everything) == before
    assert "ils-dev" not in site.kubectl("get", "namespaces", "-o", "name")
    assert site.release().outputs() is None


def test_destroying_what_is_not_there_does_nothing(site: Site) -> None:
    assert site.mutating(lambda: site.release().destroy()) == []


def test_a_release_after_a_destroy_that_was_cut_short_waits_for_the_namespace_to_go(site: Site) -> None:
    site.release().up()
    site.server.control("PUT", "settings", {"pod_stop_seconds": 0.5})
    try:
        site.kubectl("delete", "namespace", "ils-dev", "--wait=false")
        result = site.release().up()
    finally:
        site.server.control("PUT", "settings", {"pod_stop_seconds": 0.02})

    assert kinds(result.plan) == KINDS
    assert result.outputs["namespace"].value == "ils-dev"


def test_outputs_are_none_before_the_first_release_and_those_of_up_after_it(site: Site) -> None:
    assert site.release().outputs() is None

    result = site.release().up()

    assert site.release().outputs() == result.outputs


# -- what goes wrong --------------------------------------------------------------------------------------------------


def test_an_image_that_does_not_exist_fails_with_the_pods_reason_and_the_remedy(site: Site) -> None:
    with pytest.raises(ReleaseFailed) as failure:
        site.release({"image": "ils/app:does-not-exist"}).up()

    assert "ImagePullBackOff" in str(failure.value)
    assert "ils/app:does-not-exist" in str(failure.value)
    assert "Check that app.image exists" in str(failure.value)
    assert any(reason.startswith("pod ils-") for reason in failure.value.reasons)


def test_a_crashing_container_fails_naming_the_crash_loop(site: Site) -> None:
    with pytest.raises(ReleaseFailed, match="CrashLoopBackOff"):
        site.release({"image": "ils/app:crash"}).up()


def test_pods_that_never_become_ready_fail_when_the_deadline_is_over(site: Site) -> None:
    limits = RolloutLimits(deadline=timedelta(seconds=1))

    with pytest.raises(ReleaseFailed, match="readiness probe fails"):
        site.release({"image": "ils/app:never-ready"}, limits=limits).up()


def test_pods_that_find_no_room_fail_naming_what_is_short(site: Site) -> None:
    limits = RolloutLimits(deadline=timedelta(seconds=1))

    with pytest.raises(ReleaseFailed, match="Insufficient cpu"):
        site.release({"replicas": 40, "quota": ROOMY}, limits=limits).up()


def test_the_old_version_serves_while_a_broken_one_fails(site: Site) -> None:
    site.release({"image": "ils/app:1.0.0"}).up()

    with pytest.raises(ReleaseFailed, match="3 pods go on serving"):
        site.release({"image": "ils/app:does-not-exist"}).up()

    deployment = json.loads(site.kubectl("-n", "ils-dev", "get", "deployment", "ils", "-o", "json"))
    assert deployment["status"]["availableReplicas"] == 3


def test_an_up_that_changes_nothing_still_fails_while_the_application_is_broken(site: Site) -> None:
    broken = site.release({"image": "ils/app:does-not-exist"})
    with pytest.raises(ReleaseFailed):
        broken.up()

    with pytest.raises(ReleaseFailed):
        broken.up()


def test_a_good_image_after_a_broken_one_rolls_out(site: Site) -> None:
    with pytest.raises(ReleaseFailed):
        site.release({"image": "ils/app:does-not-exist"}).up()

    result = site.release({"image": "ils/app:1.0.1"}).up()

    assert result.outputs["image"].value == "ils/app:1.0.1"


def test_a_field_that_somebody_else_manages_is_a_conflict_that_names_them(site: Site) -> None:
    site.release().up()
    site.kubectl("-n", "ils-dev", "scale", "deployment", "ils", "--replicas=5")

    with pytest.raises(FieldConflict) as conflict:
        site.release({"replicas": 4}).up()

    assert conflict.value.managers == ("kubectl (scale)",)
    assert "kubectl (scale) manages spec.replicas" in str(conflict.value)


def test_force_takes_a_field_over(site: Site) -> None:
    site.release().up()
    site.kubectl("-n", "ils-dev", "scale", "deployment", "ils", "--replicas=5")

    result = site.release().up(force=True)

    assert diffs(result.plan, "Deployment") == {"spec.replicas": (DiffKind.UPDATE, 5, 3)}
    assert result.outputs["replicas"].value == 3
    assert site.release().preview().empty


def test_an_approved_plan_that_is_out_of_date_is_refused_and_changes_nothing(site: Site) -> None:
    approved = site.release({"image": "ils/app:1.0.0"}).preview()
    site.release({"image": "ils/app:0.9.0"}).up()

    def up() -> None:
        with pytest.raises(PlanMismatch):
            site.release({"image": "ils/app:1.0.0"}).up(approved=approved)

    assert site.mutating(up) == []


def test_the_plan_that_was_approved_is_applied(site: Site) -> None:
    release = site.release()

    assert release.up(approved=release.preview()).plan.counts == {"create": len(KINDS)}


def test_a_refused_object_fails_with_the_servers_reason(site: Site) -> None:
    site.server.control("POST", "faults", {"operation": "patch services", "error_code": "Forbidden", "status": 403})

    with pytest.raises(ResourceFailed, match=r"could not create ils-dev/ils .*a failure that was asked for"):
        site.release().up()

    assert site.release().up().plan.counts["create"] == 3


@pytest.mark.parametrize("kind", sorted(set(KINDS)))
def test_an_up_that_failed_at_any_object_is_finished_by_the_next_one(site: Site, kind: str) -> None:
    plural = "networkpolicies" if kind == "NetworkPolicy" else f"{kind.lower()}s"
    operation = f"patch {plural}"
    site.server.control("POST", "faults", {"operation": operation, "status": 500})
    with pytest.raises(ResourceFailed, match="a failure that was asked for"):
        site.release().up()

    assert site.release().up().outputs["replicas"].value == 3
    assert site.release().preview().empty
    assert site.release().refresh().drifted == ()


def test_a_namespace_of_somebody_else_is_left_alone(site: Site) -> None:
    site.kubectl("apply", "-f", "-", stdin='{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"ils-dev"}}')

    def up() -> None:
        with pytest.raises(ReleaseError, match="kubectl label namespace ils-dev app"):
            site.release().up()

    assert site.mutating(up) == []
    assert site.release().destroy().applied == ()


def test_a_namespace_that_was_handed_over_is_taken(site: Site) -> None:
    labels = {"app.kubernetes.io/managed-by": "ils-pipelines", "ils-pipelines/environment": "dev"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ils-dev", "labels": labels}}
    site.kubectl("apply", "-f", "-", stdin=json.dumps(namespace))

    assert site.release().up().plan.counts == {"create": len(KINDS) - 1, "update": 1}


def test_a_long_tag_of_the_image_is_cut_to_a_label(site: Site) -> None:
    result = site.release({"image": f"ils/app:{'a' * 62}-{'b' * 20}"}).up()

    deployment = json.loads(site.kubectl("-n", "ils-dev", "get", "deployment", "ils", "-o", "json"))
    assert deployment["metadata"]["labels"]["app.kubernetes.io/version"] == "a" * 62
    assert result.outputs["image"].value.endswith("b" * 20)


def test_a_cluster_that_does_not_answer_is_reported_as_such(site: Site) -> None:

    with (
        ApiClient(Configuration(host="https://127.0.0.1:1")) as nowhere,
        pytest.raises(ClusterUnreachable, match="does not"),
    ):
        Site(site.server, site.cluster, nowhere).release().preview()


def test_a_token_that_is_not_accepted_is_reported_as_such(site: Site) -> None:
    site.api_client.configuration.api_key["BearerToken"] = "expired"

    with pytest.raises(ClusterUnreachable, match="401"):
        site.release().preview()


def test_a_variable_that_the_release_sets_itself_cannot_be_set_again(site: Site) -> None:
    with pytest.raises(ReleaseError, match="DATABASE_URL, LOG_LEVEL"):
        site.release({"extra_env": {"LOG_LEVEL": "debug", "DATABASE_URL": "x"}})


def test_a_cancelled_up_stops_waiting_and_a_later_one_finishes(site: Site) -> None:
    cancel = threading.Event()

    def stop_at_the_first_note(event: EngineEvent) -> None:
        if event.kind is EventKind.NOTE:
            cancel.set()

    with pytest.raises(OperationCancelled):
        site.release({"image": "ils/app:never-ready"}).up(on_event=stop_at_the_first_note, cancel=cancel)

    assert site.release().up().outputs["image"].value == "ils/app:1.0.0"


def test_events_tell_of_every_change_as_it_starts_and_finishes(site: Site) -> None:
    events: list[EngineEvent] = []
    site.release().up(on_event=events.append)

    for kind in (EventKind.STARTED, EventKind.FINISHED):
        assert sorted(e.change.type.rsplit(":", 1)[-1] for e in events if e.kind is kind and e.change) == sorted(KINDS)


# -- drift ------------------------------------------------------------------------------------------------------------


def test_a_fresh_release_has_no_drift(site: Site) -> None:
    site.release().up()

    drift = site.release().refresh()

    assert drift.drifted == ()
    assert drift.checked == len(KINDS)


def test_drift_is_told_per_property_with_what_was_expected_and_found(site: Site) -> None:
    site.release().up()
    site.kubectl("-n", "ils-dev", "set", "image", "deployment/ils", "ils=ils/app:2.0.0")
    site.kubectl("-n", "ils-dev", "patch", "configmap", "ils-config", "-p", '{"data":{"LOG_LEVEL":"warn","EXTRA":"1"}}')
    site.kubectl("-n", "ils-dev", "delete", "service", "ils")

    drift = {resource.type.rsplit(":", 1)[-1]: resource for resource in site.release().refresh().drifted}

    assert set(drift) == {"Deployment", "ConfigMap", "Service"}
    assert [(d.path, d.old, d.new) for d in drift["Deployment"].diffs] == [
        ("spec.template.spec.containers[0].image", "ils/app:1.0.0", "ils/app:2.0.0")
    ]
    assert [(d.path, d.kind, d.old, d.new) for d in drift["ConfigMap"].diffs] == [
        ("data.EXTRA", DiffKind.ADD, None, "1"),
        ("data.LOG_LEVEL", DiffKind.UPDATE, "info", "warn"),
    ]
    assert drift["Service"].missing


def test_a_setting_that_is_not_released_yet_is_no_drift(site: Site) -> None:
    site.release({"log_level": "info"}).up()

    assert site.release({"log_level": "debug"}).refresh().drifted == ()


def test_a_changed_secret_value_drifts_without_being_shown(site: Site) -> None:
    site.release().up()
    site.kubectl("-n", "ils-dev", "patch", "secret", "ils-secrets", "-p", '{"stringData":{"DATABASE_URL":"stolen"}}')

    (drifted,) = site.release().refresh().drifted

    assert [(d.path, d.old, d.new) for d in drifted.diffs] == [("data.DATABASE_URL", "[secret]", "[secret]")]


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_values_of_secrets_are_in_no_plan_result_event_error_or_log(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    release = site.release()
    shown += [repr(release), release.preview().model_dump_json()]
    shown.append(release.up(on_event=lambda event: shown.append(event.model_dump_json())).model_dump_json())
    rotated = site.release(secrets={**SECRETS, "DATABASE_URL": "postgresql://ils:changed-value@db/ilsdb"})
    plan = rotated.preview()
    shown += [plan.model_dump_json(), repr(plan), rotated.refresh().model_dump_json()]
    site.server.control("POST", "faults", {"operation": "patch secrets", "error_code": "Invalid", "status": 422})
    with pytest.raises(ResourceFailed) as failure:
        rotated.up()
    shown += [str(failure.value), repr(failure.value), caplog.text]

    assert diffs(plan, "Secret") == {"data.DATABASE_URL": (DiffKind.UPDATE, "[secret]", "[secret]")}
    everything = "\n".join(shown)
    for value in ("correct-horse", "battery-staple", "changed-value", "Y2hhbmdlZC"):
        assert value not in everything


def test_what_holds_secrets_does_not_show_them(site: Site) -> None:
    release = release_of(
        Environment.model_validate({"name": "dev"}),
        SECRETS,
        DatabaseEndpoint("db", 5432, "ilsdb"),
        CacheEndpoint("cache", 6379),
        RolloutLimits(),
    )
    site.release().up()
    found = survey(Cluster(site.api_client), "dev", manifests(release))
    applier = Applier(Cluster(site.api_client), found, ignore_events, threading.Event(), SECRETS)

    for shown in map(repr, (release, found, applier, *found.manifests)):
        assert "correct-horse" not in shown
        assert base64.b64encode(SECRETS["REDIS_AUTH_TOKEN"].encode()).decode() not in shown


def test_only_the_secret_holds_values_of_secrets_in_the_cluster(site: Site) -> None:
    site.release().up()

    for kind in ("configmaps", "deployments", "pods", "services", "events", "replicasets"):
        assert "correct-horse" not in site.kubectl("get", kind, "-A", "-o", "yaml", "--show-managed-fields")
