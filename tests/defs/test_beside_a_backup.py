"""A backup set is not taken while what it copies is changed, nor is that changed while a set is taken."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from dagster import DagsterEvent, DagsterEventType, DagsterInstance, DagsterRunStatus, MultiPartitionKey

from ils_pipelines.definitions import defs
from ils_pipelines.defs.backup import TAKE_SET
from ils_pipelines.defs.beside import DISTURBS
from ils_pipelines.defs.environments import register_environments
from ils_pipelines.defs.jobs import CONFIRM
from ils_pipelines.defs.liveness import HOST_TAG

SET, OF_ANOTHER = (
    str(MultiPartitionKey({"day": "2026-11-25", "environment": environment})) for environment in ("dev", "staging")
)
CONFIG = {
    "restore_environment": {"ops": {"restore": {"config": {"into": "again"}}}},
    "teardown_environment": {"ops": {CONFIRM: {"config": {"confirm": "dev"}}}},
}


@pytest.fixture(autouse=True)
def no_sandbox(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is let through is refused by the target: that it was let through is enough."""
    monkeypatch.setenv("ILS_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as kept:
        register_environments(kept)
        yield kept


def _begun(instance: DagsterInstance, job: str, partition: str, **more: str) -> str:
    definition = defs.resolve_job_def(job)
    tags = {**definition.get_tags_for_partition_key(partition, None), **more}
    run = instance.create_run_for_job(definition, status=DagsterRunStatus.STARTING, tags=tags)
    instance.report_dagster_event(DagsterEvent(DagsterEventType.RUN_START.value, job), run.run_id)
    return run.run_id


def _said(instance: DagsterInstance, job: str, partition: str) -> str:
    result = defs.resolve_job_def(job).execute_in_process(
        instance=instance, partition_key=partition, run_config=CONFIG.get(job), raise_on_error=False
    )
    failed = [event.step_failure_data.user_failure_data for event in result.all_events if event.is_step_failure]
    return str(failed[0].description if failed and failed[0] else failed)


@pytest.mark.parametrize("job", sorted(DISTURBS))
def test_what_changes_what_a_set_copies_does_not_begin_while_one_is_taken(instance: DagsterInstance, job: str) -> None:
    taking = _begun(instance, TAKE_SET, SET)

    assert f"run {taking} ({TAKE_SET}) has been working on dev" in _said(instance, job, "dev")


def test_a_set_is_not_taken_while_that_is_at_work(instance: DagsterInstance) -> None:
    changing = _begun(instance, "rotate_secrets", "dev")

    assert f"run {changing} (rotate_secrets) has been working on dev" in _said(instance, TAKE_SET, SET)
    assert changing not in _said(instance, TAKE_SET, OF_ANOTHER)


def test_a_set_is_taken_beside_everything_else(instance: DagsterInstance) -> None:
    applying = _begun(instance, "provision_environment", "dev")

    assert applying not in _said(instance, TAKE_SET, SET)


def test_a_set_whose_terminal_was_killed_is_in_nobodys_way(instance: DagsterInstance) -> None:
    taking = _begun(instance, TAKE_SET, SET, **{HOST_TAG: socket.gethostname()})

    assert taking not in _said(instance, "rotate_secrets", "dev")
