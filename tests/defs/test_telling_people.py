"""The sensor that tells people: of real runs in a real instance, over real HTTP."""

import socket
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetKey,
    DagsterInstance,
    Failure,
    MetadataValue,
    OpExecutionContext,
    SensorResult,
    build_sensor_context,
    job,
    op,
)

from ils_pipelines.defs.notifications import AUDIT, Cursor, notifications, read_cursor
from ils_pipelines.defs.scans import FINDINGS
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.settings.folders import DIRECTORY_VARIABLE
from ils_pipelines.targets import sessions
from tests.support.http_receiver import PATH, Receiver, receiver

VARIABLE = "ILS_TEST_WEBHOOK"
PARTITION = {"dagster/partition": "dev"}
NETWORK = {
    "cidr": "10.1.0.0/16",
    "public_subnets": ["10.1.1.0/24", "10.1.2.0/24"],
    "private_subnets": ["10.1.11.0/24", "10.1.12.0/24"],
}
"""Beside dev's."""
FINDING = Finding("a vpc", Urgency.CRITICAL, "there", "gone, password=hunter2hunter2", "Put it back.")


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as kept_in_memory:
        yield kept_in_memory


@pytest.fixture
def webhook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    channel = {"kind": "webhook", "name": "pager", "url_from": f"env:{VARIABLE}"}
    environment = {"name": "dev", "notifications": {"channels": [channel]}}
    (tmp_path / "dev.yaml").write_text(yaml.safe_dump(environment))
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    with receiver() as kept:
        monkeypatch.setenv(VARIABLE, kept.url)
        yield kept


def _on_aws(name: str) -> dict[str, Any]:
    """An environment's file, with a channel to a topic."""
    topic = "arn:aws:sns:us-east-1:123456789012:ils-findings"
    return {
        "name": name,
        "target": "aws",
        "aws": {"account_id": "123456789012", "assume_role": "arn:aws:iam::123456789012:role/ils-deployer"},
        "network": NETWORK,
        "engine": {
            "backend": "s3://ils-pulumi-state-123456789012?region=us-east-1&awssdk=v2",
            "secrets_provider": "awskms://alias/ils-pulumi?region=us-east-1&awssdk=v2",
        },
        "layers": ["vpc", "encryption"],
        "notifications": {"channels": [{"kind": "sns", "name": "pager", "topic_arn": topic}]},
    }


def _run(
    instance: DagsterInstance,
    *evaluations: AssetCheckEvaluation,
    fails: str = "",
    tags: Mapping[str, str] = MappingProxyType(PARTITION),
) -> str:
    @op
    def scan(context: OpExecutionContext) -> None:
        for evaluation in evaluations:
            context.log_event(evaluation)
        if fails:
            raise Failure(description=fails)

    @job(name="drift_scan")
    def ran() -> None:
        scan()

    result = ran.execute_in_process(instance=instance, tags=dict(tags), raise_on_error=False)
    assert result.success is not bool(fails)
    return result.run_id


def _evaluation(*findings: Finding) -> AssetCheckEvaluation:
    return AssetCheckEvaluation(
        asset_key=AssetKey("vpc"),
        check_name="drift",
        passed=not findings,
        severity=AssetCheckSeverity.ERROR,
        metadata={FINDINGS: MetadataValue.json([each.entry() for each in findings])},
    )


def _look(instance: DagsterInstance, cursor: str | None = None) -> SensorResult:
    result = notifications(build_sensor_context(instance=instance, cursor=cursor))
    assert isinstance(result, SensorResult)
    return result


def test_a_finding_is_sent_and_recorded_without_its_secret_or_the_url(
    instance: DagsterInstance, webhook: Receiver
) -> None:
    run_id = _run(instance, _evaluation(FINDING))

    result = _look(instance)

    [body] = webhook.bodies
    assert (body["title"], body["run_id"]) == ("dev: critical: drift of vpc", run_id)
    assert body["said"][0]["found"] == "gone, password=[masked]"
    assert body["runbook"] == "docs/runbooks/drift.md"
    [audited] = result.asset_events
    assert (audited.asset_key, audited.partition) == (AUDIT.key, "dev")
    assert audited.metadata["answer"].value == "HTTP 200"
    kept = f"{audited.metadata} {result.cursor}"
    assert PATH not in kept
    assert "hunter2" not in kept


def test_it_is_sent_once_and_its_end_too(webhook: Receiver) -> None:
    with DagsterInstance.local_temp() as instance:  # its runs are files of their own, as on one machine
        _run(instance, _evaluation(FINDING))
        cursor = _look(instance).cursor
        _run(instance, _evaluation(FINDING))
        cursor = _look(instance, cursor).cursor
        assert len(webhook.bodies) == 1
        _run(instance, _evaluation())

        cursor = _look(instance, cursor).cursor

        assert [body["topic"] for body in webhook.bodies] == ["finding", "over"]
        assert _look(instance, cursor).asset_events == []


def test_a_failed_run_is_told_with_what_its_step_said_and_over_when_one_succeeds(
    instance: DagsterInstance, webhook: Receiver
) -> None:
    _run(instance, fails="the sandbox is down; token: hunter2hunter2")
    cursor = _look(instance).cursor
    _run(instance)
    _look(instance, cursor)

    failed, over = webhook.bodies
    assert failed["title"] == "dev: critical: job drift_scan"
    assert failed["said"][0]["subject"] == "step scan"
    assert failed["said"][0]["found"] == "the sandbox is down; token: [masked]"
    assert failed["runbook"] == "docs/runbooks/failed-run.md"
    assert over["topic"] == "over"


def test_a_failure_is_not_over_because_of_a_success_before_it(instance: DagsterInstance, webhook: Receiver) -> None:
    _run(instance)
    _run(instance, fails="the sandbox is down")
    cursor = _look(instance).cursor
    _look(instance, cursor)

    assert [body["topic"] for body in webhook.bodies] == ["finding"]


def test_more_runs_than_one_look_takes_are_told_in_their_order(
    instance: DagsterInstance, webhook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ils_pipelines.defs.notifications.MOST_RUNS", 2)
    for fails in ("", "", "", "", "it failed"):
        _run(instance, fails=fails)
    cursor = None
    for _ in range(4):
        cursor = _look(instance, cursor).cursor

    assert [body["topic"] for body in webhook.bodies] == ["finding"]


def test_a_check_of_any_kind_that_fails_is_told_by_its_description(
    instance: DagsterInstance, webhook: Receiver
) -> None:
    evaluation = AssetCheckEvaluation(
        asset_key=AssetKey("backup_set"),
        check_name="age",
        passed=False,
        severity=AssetCheckSeverity.WARN,
        description="the last backup is 30 hours old",
    )
    by_day = {"dagster/partition": "2026-06-01|dev", "dagster/partition/environment": "dev"}
    _run(instance, evaluation, tags=by_day)

    _look(instance)

    [body] = webhook.bodies
    assert body["title"] == "dev: warning: age of backup_set"
    assert body["runbook"] == "docs/runbooks/backups.md"
    assert body["said"][0]["found"] == "the last backup is 30 hours old"


def test_what_could_not_be_sent_is_kept_in_the_cursor_and_sent_later(
    instance: DagsterInstance, webhook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE)
    _run(instance, _evaluation(FINDING))

    result = _look(instance)

    assert result.asset_events == []
    kept = Cursor.model_validate_json(result.cursor or "")
    [waiting] = kept.memory.waiting
    assert (waiting.attempts, waiting.why) == (1, f"the environment variable {VARIABLE} is not set, or empty")
    monkeypatch.setenv(VARIABLE, webhook.url)
    assert _look(instance, result.cursor).asset_events == []  # it is not time yet
    due = kept.memory.model_copy(update={"waiting": (waiting.model_copy(update={"not_before": None}),)})
    [audited] = _look(instance, kept.model_copy(update={"memory": due}).model_dump_json()).asset_events
    assert audited.metadata["attempts"].value == 2
    assert [body["title"] for body in webhook.bodies] == ["dev: critical: drift of vpc"]


@pytest.mark.timeout(40)
def test_what_hangs_holds_up_nobody_else_and_nothing_is_sent_twice(
    instance: DagsterInstance, webhook: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "HURRIED_SECONDS", 0.1)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody's")
    (tmp_path / "staging.yaml").write_text(yaml.safe_dump(_on_aws("staging")))
    _run(instance, _evaluation(FINDING))
    _run(instance, _evaluation(FINDING), tags={"dagster/partition": "staging"})

    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        cursor = _look(instance).cursor
        _look(instance, cursor)

    assert [body["title"] for body in webhook.bodies] == ["dev: critical: drift of vpc"]
    [waiting] = Cursor.model_validate_json(cursor or "").memory.waiting
    assert (waiting.message.environment, waiting.attempts) == ("staging", 1)
    assert waiting.why.startswith("SNS: Read timeout")


def test_a_look_without_time_left_begins_nothing_and_forgets_nothing(
    instance: DagsterInstance, webhook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(instance, _evaluation(FINDING))
    with monkeypatch.context() as hurry:
        hurry.setattr("ils_pipelines.defs.notifications.LONGEST_LOOK", timedelta(0))
        cursor = _look(instance).cursor
    assert webhook.bodies == []

    _look(instance, cursor)

    assert [body["title"] for body in webhook.bodies] == ["dev: critical: drift of vpc"]


def test_a_target_that_is_not_there_holds_up_nobody_else(
    instance: DagsterInstance, webhook: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = {"kind": "webhook", "name": "pager", "url_from": f"env:{VARIABLE}"}
    first = {"name": "a", "network": NETWORK, "notifications": {"channels": [channel]}}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(first))
    _run(instance, _evaluation(FINDING), tags={"dagster/partition": "a"})
    monkeypatch.setattr("ils_pipelines.targets.SANDBOX_MODULE", "ils_sandbox.not_installed")

    result = _look(instance)

    [waiting] = Cursor.model_validate_json(result.cursor or "").memory.waiting
    assert "not installed" in waiting.why


def test_an_interrupted_look_is_done_again_with_the_same_ids(instance: DagsterInstance, webhook: Receiver) -> None:
    _run(instance, _evaluation(FINDING))

    _look(instance)
    _look(instance)  # as if the first had been killed before its cursor was kept

    first, second = webhook.bodies
    assert first["id"] == second["id"]


def test_a_cursor_that_cannot_be_read_is_said_and_replaced() -> None:
    said: list[str] = []

    assert read_cursor("{", said.append) == Cursor()
    assert "cannot be read" in said[0]
    assert read_cursor(None, said.append) == Cursor()
    assert len(said) == 1


def test_environments_without_channels_tell_nobody_and_keep_nothing_waiting(
    instance: DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dev.yaml").write_text("name: dev\n")
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    _run(instance, _evaluation(FINDING))

    result = _look(instance)

    assert result.asset_events == []
    assert Cursor.model_validate_json(result.cursor or "").memory.waiting == ()
