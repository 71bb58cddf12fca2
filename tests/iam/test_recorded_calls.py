"""Who called is told by the access key, so that a recording of anything knows which family needs what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ils_sandbox.control.recording import RECORD_VARIABLE, RecordedRequest, Recording
from tests.support.families import not_allowed
from tools.iam.kubernetes_calls import Request
from tools.iam.seen import seen_in


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    monkeypatch.setenv(RECORD_VARIABLE, str(tmp_path / "calls"))
    return Recording()


def request(caller: str, service: str, operation: str, **more: Any) -> RecordedRequest:
    told = {"mutating": False, "status": 200, "started": 0, "finished": 0, "client": "any", **more}
    return RecordedRequest(caller=caller, service=service, operation=operation, **told)


def test_calls_are_kept_by_family(recording: Recording, tmp_path: Path) -> None:
    recording.add(request("backup.dev", "rds", "CopyDBClusterSnapshot"))
    recording.add(request("read_only.dev", "rds", "DescribeDBClusters"))
    recording.clear()

    assert seen_in(tmp_path / "calls").aws == {
        "backup": {"rds": {"CopyDBClusterSnapshot"}},
        "read-only": {"rds": {"DescribeDBClusters"}},
    }


def test_what_tests_and_the_sandbox_do_themselves_is_nobodys(recording: Recording, tmp_path: Path) -> None:
    for caller in ("tests.dev", "sandbox.dev", "AKIDEXAMPLE", ""):
        recording.add(request(caller, "rds", "DeleteDBCluster"))

    assert seen_in(tmp_path / "calls").aws == {}


def test_one_environment_can_be_told_from_another(recording: Recording, tmp_path: Path) -> None:
    recording.add(request("provision.dev", "ec2", "CreateVpc"))
    recording.add(request("provision.full", "ec2", "DeleteVpc"))

    assert seen_in(tmp_path / "calls", "full").aws == {"provision": {"ec2": {"DeleteVpc"}}}


def test_a_patch_that_made_an_object_needs_to_be_allowed_to_make_it(recording: Recording, tmp_path: Path) -> None:
    patch = request("health.dev", "kubernetes", "patch jobs", group="batch", namespace="ils-dev")
    recording.add(patch)
    seen = seen_in(tmp_path / "calls").kubernetes["health"]
    recording.add(patch.model_copy(update={"status": 201}))

    patched = Request("batch", "jobs", "patch", "ils-${ENVIRONMENT}")
    assert seen == {patched}
    created = Request("batch", "jobs", "create", "ils-${ENVIRONMENT}")
    assert seen_in(tmp_path / "calls").kubernetes["health"] == {patched, created}


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RECORD_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    Recording().add(request("backup.dev", "rds", "CopyDBClusterSnapshot"))

    assert list(tmp_path.iterdir()) == []


def test_what_no_policy_or_rule_of_a_family_allows_is_named(recording: Recording, tmp_path: Path) -> None:
    for operation in ("DescribeDBClusters", "DeleteDBCluster"):
        recording.add(request("backup.dev", "rds", operation))
    for verb in ("list", "create"):
        recording.add(request("read_only.dev", "kubernetes", f"{verb} jobs", group="batch", namespace="ils-dev"))

    assert sorted(not_allowed(tmp_path / "calls")) == [
        "backup may not rds:DeleteDBCluster",
        "read-only may not create jobs in ils-${ENVIRONMENT}",
    ]


def test_in_a_cluster_of_its_own_a_drill_may_do_anything(recording: Recording, tmp_path: Path) -> None:
    patch = request("drill.dev", "kubernetes", "patch secrets", namespace="ils-dev", cluster="ilsdrill-dev-0a1b2c3d")
    recording.add(patch)
    assert not_allowed(tmp_path / "calls") == []
    recording.add(patch.model_copy(update={"cluster": "ils-dev"}))

    assert not_allowed(tmp_path / "calls") == ["drill may not patch secrets in ils-${ENVIRONMENT}"]
