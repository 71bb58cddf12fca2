"""What an approval is of, and what it is not: another plan, file, time or run. Against a sandbox, which stays empty."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster import DagsterInstance

from ils_pipelines.defs.launch import run_job
from ils_pipelines.engine.errors import PlanMismatch
from ils_pipelines.provisioning.approval import (
    ApprovalRefused,
    NotApproved,
    NothingToApprove,
    Permit,
    approve,
    check_approval,
    environment_digest,
    plan_environment,
)
from ils_pipelines.provisioning.approval_log import FileApprovalLog
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target
from tests.end_to_end.conftest import LocalSandbox

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOURS = 24

pytestmark = pytest.mark.slow

Open = Callable[[], Target]


@pytest.fixture
def log(tmp_path: Path) -> FileApprovalLog:
    return FileApprovalLog(tmp_path / "approvals")


@pytest.fixture
def staging(sandbox: LocalSandbox, environments: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens staging, which nothing exists of, as its file is at that moment."""
    monkeypatch.setenv("ILS_STATE_DIR", str(sandbox.directory))
    return lambda: open_target(load_environment("staging"))


def digest_of(target: Target) -> str:
    return environment_digest({layer: plan.digest for layer, plan in plan_environment(target).items()})


@dataclass(frozen=True)
class Shipped:
    """Staging as its file is shipped: a plan of it takes seconds, and is always the same one."""

    digest: str
    log: Path
    """The folder of a log in which alice has approved it."""


@pytest.fixture(scope="module")
def shipped(sandbox: LocalSandbox, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    folder = tmp_path_factory.mktemp("approved")
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv("ILS_STATE_DIR", str(sandbox.directory))
        target = open_target(load_environment("staging"))
        digest = digest_of(target)
        approve(target, FileApprovalLog(folder), digest=digest[:16], by=" alice ", reason="CHG-1", now=NOW)
    return Shipped(digest, folder)


@pytest.fixture
def approved(shipped: Shipped, log: FileApprovalLog, tmp_path: Path) -> str:
    """The digest of the plan of staging, which alice has approved."""
    shutil.copytree(shipped.log, tmp_path / "approvals")
    return shipped.digest


def test_what_was_approved_by_whom_when_and_why_is_kept(approved: str, log: FileApprovalLog) -> None:
    [found] = log.of("staging")

    approval = found.approval
    assert (approval.digest, approval.by, approval.reason) == (approved, "alice", "CHG-1")
    assert (approval.identity or "").startswith("arn:aws:"), "and who AWS says that was"
    assert (approval.at, approval.expires) == (NOW, NOW + timedelta(hours=HOURS))
    assert environment_digest({plan.project.removeprefix("ils-"): plan.digest for plan in approval.plans}) == approved
    assert found.use is None


def test_a_run_takes_the_approval_and_a_second_run_is_refused(
    approved: str, staging: Open, log: FileApprovalLog
) -> None:
    target = staging()

    taken = check_approval(target, log, "run-1", now=NOW)

    assert taken.approval is not None
    assert taken.approval.digest == approved
    assert set(taken.plans or {}) == set(Layer), "each layer is held to its part of the plan"
    assert check_approval(target, log, "run-1", now=NOW) == taken, "the run's other steps go on with it"
    with pytest.raises(NotApproved, match="it was used by run run-1 at 2026-11-23 12:00:00 UTC and counts once"):
        check_approval(target, log, "run-2", now=NOW)


def test_a_layer_that_would_do_more_than_was_approved_is_refused_and_nothing_in_it_is_changed(
    approved: str, staging: Open, environments: Path, log: FileApprovalLog, sandbox: LocalSandbox
) -> None:
    """What changes after the environment's plan was compared, while other layers are applied."""
    permit = check_approval(staging(), log, "run", now=NOW)
    file = environments / "staging.yaml"
    file.write_text(file.read_text().replace("nat: single", "nat: per_az"))
    later = layer_work(staging(), Layer.VPC)
    sandbox.forget_requests()

    with pytest.raises(PlanMismatch, match=r"not in the approved plan: create aws:ec2/natGateway:NatGateway nat-b"):
        later.up(approved=permit.of(Layer.VPC))

    assert sandbox.requests(mutating=True) == []


def test_an_approval_counts_until_it_expires(approved: str, staging: Open, log: FileApprovalLog) -> None:
    target = staging()

    with pytest.raises(NotApproved, match="it expired at 2026-11-24 12:00:00 UTC"):
        check_approval(target, log, "late", now=NOW + timedelta(hours=HOURS))

    assert check_approval(target, log, "in time", now=NOW + timedelta(hours=HOURS, seconds=-1)).approval


def test_how_long_an_approval_counts_is_said_in_the_environments_file(
    staging: Open, shipped: Shipped, environments: Path, log: FileApprovalLog
) -> None:
    file = environments / "staging.yaml"
    file.write_text(file.read_text() + "\napproval_hours: 2\n")

    approval = approve(staging(), log, digest=shipped.digest, by="alice", reason="CHG-1", now=NOW)

    assert approval.expires == NOW + timedelta(hours=2)


def test_an_approval_does_not_outlive_a_change_of_the_file_that_the_plan_does_not_show(
    approved: str, staging: Open, environments: Path, log: FileApprovalLog
) -> None:
    """The plan of what does not exist names what is created and not its properties: the file's hash covers those."""
    file = environments / "staging.yaml"
    file.write_text(file.read_text().replace("instance_class: db.t4g.large", "instance_class: db.r6g.large"))
    target = staging()
    assert target.environment.database.instance_class == "db.r6g.large"
    assert digest_of(target) == approved

    with pytest.raises(NotApproved, match="the environment's file changed"):
        check_approval(target, log, "run", now=NOW)

    assert log.of("staging")[0].use is None


def test_what_differs_from_the_approved_plan_is_named(
    approved: str, staging: Open, environments: Path, log: FileApprovalLog
) -> None:
    file = environments / "staging.yaml"
    file.write_text(file.read_text().replace("instances: 2", "instances: 3"))

    with pytest.raises(NotApproved) as refused:
        check_approval(staging(), log, "run", now=NOW)

    message = str(refused.value)
    assert "that is not what would be done now" in message
    assert "  database: not in the approved plan: create aws:rds/clusterInstance:ClusterInstance database-3" in message
    assert "Nothing was changed" in message
    assert "ils approve staging --plan" in message
    assert log.of("staging")[0].use is None


def test_without_an_approval_the_remedy_names_the_plan(staging: Open, shipped: Shipped, log: FileApprovalLog) -> None:
    with pytest.raises(NotApproved, match=f"found none.*\n.*--plan {shipped.digest[:16]} --by NAME --reason WHY"):
        check_approval(staging(), log, "run", now=NOW)


@pytest.mark.parametrize(
    ("digest", "by", "reason", "said"),
    [
        ("0" * 64, "alice", "CHG-1", "expected the digest of what would be done to staging now"),
        ("0" * 15, "alice", "CHG-1", "16 to 64 hexadecimal digits"),
        ("0" * 65, "alice", "CHG-1", "16 to 64 hexadecimal digits"),
        ("not-a-digest-at-all", "alice", "CHG-1", "16 to 64 hexadecimal digits"),
        ("", "alice", "CHG-1", "16 to 64 hexadecimal digits"),
        ("0" * 64, "  ", "CHG-1", "expected who approves .*found nothing"),
        ("0" * 64, "alice", "", "expected the reason .*found nothing"),
        ("0" * 64, "alice", "two\nlines", "one line"),
        ("0" * 64, "a" * 101, "CHG-1", "found 101 characters"),
    ],
)
def test_what_is_no_approval_is_not_recorded(
    staging: Open, log: FileApprovalLog, digest: str, by: str, reason: str, said: str
) -> None:
    with pytest.raises(ApprovalRefused, match=said):
        approve(staging(), log, digest=digest, by=by, reason=reason, now=NOW)

    assert log.of("staging") == []


def test_an_environment_that_asks_for_no_approval_needs_and_takes_none(staging: Open, log: FileApprovalLog) -> None:
    dev = open_target(load_environment("dev"))

    assert check_approval(dev, log, "run", now=NOW) == Permit()
    with pytest.raises(NothingToApprove, match="dev is changed without approval"):
        approve(dev, log, digest="0" * 64, by="alice", reason="CHG-1", now=NOW)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    home = tmp_path / "dagster_home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with DagsterInstance.from_config(str(home)) as instance:
        yield instance


def approving(plan: str, by: str = "bob") -> dict[str, object]:
    return {"ops": {"record_approval": {"config": {"plan": plan, "by": by, "reason": "CHG-2"}}}}


def test_the_job_records_an_approval_that_counts_and_a_wrong_one_fails_in_words(
    staging: Open, shipped: Shipped, sandbox: LocalSandbox, instance: DagsterInstance
) -> None:
    log = FileApprovalLog(sandbox.directory)
    assert log.of("staging") == []

    wrong = run_job(instance, "approve_plan", "staging", listener=print, run_config=approving("0" * 64))
    nobody = run_job(instance, "approve_plan", "staging", listener=print, run_config=approving(shipped.digest, ""))
    assert not wrong.success
    assert not nobody.success
    assert log.of("staging") == []

    right = run_job(instance, "approve_plan", "staging", listener=print, run_config=approving(shipped.digest))

    assert right.success
    taken = check_approval(staging(), log, "run-of-the-job").approval
    assert taken is not None
    assert (taken.by, taken.reason) == ("bob", "CHG-2")
