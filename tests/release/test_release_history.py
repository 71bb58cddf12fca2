"""Releases are numbered and kept, without secrets; one that fails gives way to the last good one, code and configuration."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from ils_pipelines.engine.errors import ResourceFailed
from ils_pipelines.engine.models import EngineEvent
from ils_pipelines.release.errors import FieldConflict, ReleaseError, ReleaseFailed
from ils_pipelines.release.history.models import ReleaseRecord, ReleaseStatus
from ils_pipelines.release.history.store import NoSuchRelease
from ils_pipelines.release.settings import RolloutLimits
from tests.release.readiness import fewest_ready
from tests.release.site import SECRETS, Site

DIGEST = f"sha256:{'d' * 64}"


def records(site: Site) -> tuple[ReleaseRecord, ...]:
    return site.release().history().records


def found(site: Site, kind: str, name: str) -> Any:
    return json.loads(site.kubectl("-n", "ils-dev", "get", kind, name, "-o", "json"))


def image(site: Site) -> str:
    return str(found(site, "deployment", "ils")["spec"]["template"]["spec"]["containers"][0]["image"])


# -- history ----------------------------------------------------------------------------------------------------------


def test_releases_are_numbered_and_the_newest_comes_first(site: Site) -> None:
    site.release({"image": "ils/app:1.0.0"}).up()
    result = site.release({"image": "ils/app:1.1.0"}).up()

    assert [(record.number, record.image, record.status) for record in records(site)] == [
        (2, "ils/app:1.1.0", ReleaseStatus.RELEASED),
        (1, "ils/app:1.0.0", ReleaseStatus.RELEASED),
    ]
    assert result.outputs["release"].value == 2


def test_an_up_without_change_is_no_release(site: Site) -> None:
    site.release().up()
    site.release().up()

    assert [record.number for record in records(site)] == [1]


def test_a_release_knows_the_digest_of_the_image_that_its_pods_run(site: Site) -> None:
    site.release({"image": f"ils/app:1.0.0@{DIGEST}"}).up()
    assert records(site)[0].image_digest == DIGEST

    site.release({"image": "ils/app:1.1.0"}).up()
    pods = json.loads(site.kubectl("-n", "ils-dev", "get", "pods", "-o", "json"))["items"]
    ids = {pod["status"]["containerStatuses"][0]["imageID"] for pod in pods if "1.1.0" in json.dumps(pod["spec"])}
    assert {f"ils/app@{records(site)[0].image_digest}"} == ids


def test_a_record_cannot_be_changed(site: Site) -> None:
    site.release().up()

    patch = ["-n", "ils-dev", "patch", "configmap", "ils-release-1", "-p", '{"data":{"record":"{}"}}']
    refused = site.server.kubectl(site.cluster, *patch)

    assert refused.returncode != 0
    assert "immutable" in refused.stderr


def test_a_changed_secret_is_a_release_of_its_own_and_its_value_is_in_no_record(site: Site) -> None:
    site.release().up()
    site.release(secrets={**SECRETS, "REDIS_AUTH_TOKEN": "rotated-token"}).up()

    assert len(records(site)) == 2
    kept = site.kubectl("-n", "ils-dev", "get", "configmaps", "-o", "yaml")
    for value in ("correct-horse", "battery-staple", "rotated-token", "cm90YXRlZC10b2tlbg"):
        assert value not in kept


def test_the_oldest_releases_are_dropped_and_the_last_good_one_never(site: Site) -> None:
    keep = {"rollout": {"kept_releases": 2}}
    site.release({"image": "ils/app:1.0.0", **keep}).up()
    for broken in ("ils/a:does-not-exist", "ils/b:does-not-exist", "ils/c:does-not-exist"):
        with pytest.raises(ReleaseFailed):
            site.release({"image": broken, **keep}).up()

    assert [record.number for record in records(site)] == [4, 3, 1]


def test_a_record_that_cannot_be_read_is_named_and_left_alone(site: Site) -> None:
    site.release().up()
    metadata = {"name": "ils-release-7", "namespace": "ils-dev", "labels": {"ils-pipelines/history": "dev"}}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"record": "nonsense"}}
    site.kubectl("apply", "-f", "-", stdin=json.dumps(body))

    with pytest.raises(ReleaseError, match="ConfigMap ils-dev/ils-release-7"):
        site.release().history()


# -- what fails gives way ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("ils/app:does-not-exist", "ImagePullBackOff"),
        ("ils/app:crash", "CrashLoopBackOff"),
        ("ils/app:never-ready", "readiness probe fails"),
    ],
)
def test_a_release_that_does_not_become_healthy_is_rolled_back_with_its_configuration(
    site: Site, broken: str, why: str
) -> None:
    limits = RolloutLimits(deadline=timedelta(seconds=4), patience=timedelta(seconds=0.3))
    site.release({"image": "ils/app:1.0.0", "log_level": "info"}, limits=limits).up()

    with pytest.raises(ReleaseFailed) as failure:
        site.release({"image": broken, "log_level": "debug"}, limits=limits).up()

    assert why in str(failure.value)
    assert "Rolled back to release 1 (ils/app:1.0.0), which serves." in str(failure.value)
    assert failure.value.rolled_back_to == 1
    assert image(site) == "ils/app:1.0.0"
    assert found(site, "configmap", "ils-config")["data"]["LOG_LEVEL"] == "info"
    assert found(site, "deployment", "ils")["status"]["availableReplicas"] == 3
    assert site.release({"image": "ils/app:1.0.0", "log_level": "info"}, limits=limits).preview().empty


def test_a_failed_release_is_remembered_with_the_reason(site: Site) -> None:
    site.release().up()
    with pytest.raises(ReleaseFailed):
        site.release({"image": "ils/app:crash"}).up()

    newest = records(site)[0]
    assert (newest.number, newest.status, newest.rollback_to) == (2, ReleaseStatus.FAILED, 1)
    assert "CrashLoopBackOff" in newest.reason


def test_a_crash_shows_the_last_lines_of_the_log(site: Site) -> None:
    site.release().up()

    with pytest.raises(ReleaseFailed) as failure:
        site.release({"image": "ils/app:crash"}).up()

    assert any("exit code 1" in line for line in failure.value.log)
    assert "  | ils-" in str(failure.value)


def test_values_of_secrets_are_masked_in_the_lines_of_a_log(site: Site) -> None:
    secrets = {**SECRETS, "REDIS_AUTH_TOKEN": "exit code 1"}

    with pytest.raises(ReleaseFailed) as failure:
        site.release({"image": "ils/app:crash"}, secrets=secrets).up()

    assert any("[secret]" in line for line in failure.value.log)
    assert "exit code 1" not in str(failure.value)


def test_the_pods_go_on_reading_the_secrets_that_hold_now_after_a_rollback(site: Site) -> None:
    site.release().up()
    rotated = {**SECRETS, "REDIS_AUTH_TOKEN": "rotated-token"}

    with pytest.raises(ReleaseFailed, match="Rolled back to release 1"):
        site.release({"image": "ils/app:crash"}, secrets=rotated).up()

    assert site.release(secrets=rotated).preview().empty
    assert found(site, "secret", "ils-secrets")["data"]["REDIS_AUTH_TOKEN"] == "cm90YXRlZC10b2tlbg=="


def test_an_object_that_only_the_failed_release_had_is_gone_after_the_rollback(site: Site) -> None:
    site.release().up()

    with pytest.raises(ReleaseFailed):
        site.release({"image": "ils/app:crash", "autoscaling": {"enabled": True}}).up()

    assert site.kubectl("-n", "ils-dev", "get", "hpa", "-o", "name") == ""
    assert site.release().preview().empty


def test_what_the_server_refuses_is_found_before_anything_is_applied(site: Site) -> None:
    site.release().up()
    site.server.control("POST", "faults", {"operation": "patch deployments", "status": 403, "error_code": "Forbidden"})

    def up() -> None:
        with pytest.raises(ResourceFailed, match="a failure that was asked for"):
            site.release({"image": "ils/app:1.1.0", "log_level": "debug"}).up()

    assert site.mutating(up) == []
    assert image(site) == "ils/app:1.0.0"


def test_a_failure_in_the_middle_of_applying_is_rolled_back(site: Site) -> None:
    site.release({"log_level": "info"}).up()
    refuse_once_applied(site)

    with pytest.raises(ReleaseFailed, match="Rolled back to release 1"):
        site.release({"image": "ils/app:1.1.0", "log_level": "debug"}).up()

    assert found(site, "configmap", "ils-config")["data"]["LOG_LEVEL"] == "info"
    assert site.release({"log_level": "info"}).preview().empty


def refuse_once_applied(site: Site) -> None:
    """The rehearsal of the deployment passes, its apply does not."""
    fault = {"operation": "patch deployments", "status": 403, "error_code": "Forbidden", "after": 1}
    site.server.control("POST", "faults", fault)


def test_a_conflict_is_found_before_anything_is_applied(site: Site) -> None:
    site.release({"log_level": "info"}).up()
    site.kubectl("-n", "ils-dev", "set", "image", "deployment/ils", "ils=ils/app:2.0.0", "--field-manager=somebody")

    def up() -> None:
        with pytest.raises(FieldConflict, match="somebody manages"):
            site.release({"image": "ils/app:1.1.0", "log_level": "debug"}).up()

    assert site.mutating(up) == []
    assert found(site, "configmap", "ils-config")["data"]["LOG_LEVEL"] == "info"


def test_a_first_release_that_fails_is_left_to_be_looked_at(site: Site) -> None:
    with pytest.raises(ReleaseFailed, match="no other release to go back to") as failure:
        site.release({"image": "ils/app:crash"}).up()

    assert failure.value.rolled_back_to is None
    assert [record.status for record in records(site)] == [ReleaseStatus.FAILED]


def test_a_failure_to_go_back_is_told_beside_the_first_one(site: Site) -> None:
    site.release().up()
    events: list[EngineEvent] = []

    def break_the_way_back(event: EngineEvent) -> None:
        events.append(event)
        if "going back to release 1" in event.message:
            site.server.control("POST", "faults", {"operation": "patch deployments", "status": 500, "times": 9})

    with pytest.raises(ReleaseFailed) as failure:
        site.release({"image": "ils/app:crash"}).up(on_event=break_the_way_back)

    assert "CrashLoopBackOff" in str(failure.value)
    assert "Going back to release 1 failed too" in str(failure.value)
    site.server.control("DELETE", "faults")


def test_a_release_never_leaves_fewer_pods_than_the_deployment_has(site: Site) -> None:
    site.release({"image": "ils/app:1.0.0"}).up()

    assert fewest_ready(site, lambda: site.release({"image": "ils/app:1.1.0"}).up()) >= 3


def test_a_release_that_fails_and_is_rolled_back_does_not_either(site: Site) -> None:
    site.release({"image": "ils/app:1.0.0"}).up()

    def up() -> None:
        with pytest.raises(ReleaseFailed):
            site.release({"image": "ils/app:crash"}).up()

    assert fewest_ready(site, up) >= 3


def test_pods_that_the_quota_does_not_admit_are_rolled_back_naming_the_quota(site: Site) -> None:
    """Somebody's quota, which the file knows nothing of, leaves no room for the one pod more of a rollout."""
    site.release({"image": "ils/app:1.0.0"}).up()
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "theirs", "namespace": "ils-dev"},
        "spec": {"hard": {"pods": "3"}},
    }
    site.kubectl("apply", "-f", "-", stdin=json.dumps(quota))

    with pytest.raises(ReleaseFailed, match=r"exceeded quota: theirs(.|\n)*Rolled back to release 1"):
        site.release({"image": "ils/app:1.1.0"}).up()

    assert image(site) == "ils/app:1.0.0"
    assert found(site, "deployment", "ils")["status"]["availableReplicas"] == 3


# -- going back on purpose --------------------------------------------------------------------------------------------


def test_a_rollback_releases_the_one_before_as_a_release_of_its_own(site: Site) -> None:
    site.release({"image": "ils/app:1.0.0", "log_level": "info"}).up()
    release = site.release({"image": "ils/app:1.1.0", "log_level": "debug"})
    release.up()

    result = release.rollback(reason="slow")

    assert result.outputs["image"].value == "ils/app:1.0.0"
    assert found(site, "configmap", "ils-config")["data"]["LOG_LEVEL"] == "info"
    newest = records(site)[0]
    assert (newest.number, newest.image, newest.rollback_to, newest.reason) == (3, "ils/app:1.0.0", 1, "slow")


def test_a_rollback_goes_to_the_release_that_is_named(site: Site) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        site.release({"image": f"ils/app:{version}"}).up()

    site.release({"image": "ils/app:1.2.0"}).rollback(1)

    assert image(site) == "ils/app:1.0.0"


def test_after_a_rollback_the_plan_says_what_the_file_would_release_again(site: Site) -> None:
    site.release({"image": "ils/app:1.0.0"}).up()
    release = site.release({"image": "ils/app:1.1.0"})
    release.up()
    release.rollback()

    assert not site.release({"image": "ils/app:1.1.0"}).preview().empty
    assert site.release({"image": "ils/app:1.0.0"}).preview().empty


@pytest.mark.parametrize(
    ("to", "said"), [(None, "expected an earlier release"), (9, "expected release 9"), (2, "failed")]
)
def test_a_release_that_cannot_be_gone_back_to_is_refused_and_nothing_changed(
    site: Site, to: int | None, said: str
) -> None:
    site.release().up()
    with pytest.raises(ReleaseFailed):
        site.release({"image": "ils/app:crash"}).up()

    def rollback() -> None:
        with pytest.raises(NoSuchRelease, match=said):
            site.release().rollback(to)

    assert site.mutating(rollback) == []
