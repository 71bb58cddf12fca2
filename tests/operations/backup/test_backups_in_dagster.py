"""Backup sets as an asset: partitions, schedules, checks, and what a run says of a set that is not whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from dagster import (
    AssetKey,
    DagsterInstance,
    DefaultScheduleStatus,
    Definitions,
    ExecuteInProcessResult,
    RunRequest,
    build_schedule_context,
)

from ils_pipelines.definitions import defs as code_location
from ils_pipelines.defs.backup import BACKUP_SET, JUDGE, TAKE_SET, partition_of
from ils_pipelines.defs.environments import register_environments
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.provisioning.progress import PieceTold, Progress, listening
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.backup.conftest import new_id
from tests.operations.watch.site import Site

ENVIRONMENTS = ("dev", "staging", "production")
NIGHT = datetime(2026, 3, 4, 4, 30, tzinfo=UTC)


@pytest.fixture
def defs(monkeypatch: pytest.MonkeyPatch, sandbox: LocalSandbox, site: Site) -> Definitions:
    monkeypatch.setenv("ILS_STATE_DIR", str(sandbox.directory))
    return code_location


def run(instance: DagsterInstance, job: str, set_id: SetId, **more: object) -> ExecuteInProcessResult:
    register_environments(instance)
    definition = code_location.resolve_job_def(job)
    return definition.execute_in_process(
        instance=instance,
        partition_key=partition_of(set_id),
        raise_on_error=False,
        **more,  # type: ignore[arg-type]
    )


def test_every_environment_s_set_is_taken_at_half_past_four_utc_and_not_in_the_sandbox() -> None:
    schedules = {each.name: each for each in code_location.schedules or () if each.job_name == TAKE_SET}

    assert set(schedules) == {f"{TAKE_SET}_{name}" for name in (*ENVIRONMENTS, "ephemeral")}
    for name in ENVIRONMENTS:
        schedule = schedules[f"{TAKE_SET}_{name}"]
        assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 4 * * *", "UTC")
        assert schedule.default_status is DefaultScheduleStatus.STOPPED
        with (
            DagsterInstance.local_temp() as instance,
            build_schedule_context(
                instance, scheduled_execution_time=NIGHT, repository_def=code_location.get_repository_def()
            ) as context,
        ):
            register_environments(instance)
            (request,) = schedule.evaluate_tick(context).run_requests or ()
        assert isinstance(request, RunRequest)
        assert request.partition_key == f"2026-03-04|{name}"
        assert request.run_config == {"ops": {"take": {"config": {"set": SetId(name, NIGHT).name}}}}


def test_the_checks_have_the_partitions_of_the_asset() -> None:
    graph = code_location.resolve_asset_graph()
    keys = [key for key in graph.asset_check_keys if key.asset_key == AssetKey(BACKUP_SET)]

    assert {key.name for key in keys} == {"age", "completeness", "signature", "restorable"}
    assert {graph.get(key).partitions_def for key in keys} == {graph.get(AssetKey(BACKUP_SET)).partitions_def}


def test_a_set_that_is_not_whole_is_recorded_and_fails_the_run(defs: Definitions, sandbox: LocalSandbox) -> None:
    fault = {"service": "dynamodb", "operation": "CreateBackup", "error_code": "ValidationException", "status": 400}
    sandbox.control("faults", fault, method="POST")
    set_id = SetId("dev", datetime(2026, 2, 3, 4, 30, tzinfo=UTC))
    with DagsterInstance.ephemeral() as instance:
        partial = run(instance, TAKE_SET, set_id)
        judged = run(instance, JUDGE, set_id)
        whole = run(instance, TAKE_SET, set_id)
        judged_again = run(instance, JUDGE, set_id)

    (recorded,) = partial.asset_materializations_for_node("take")
    assert not partial.success
    assert (recorded.metadata["status"].value, recorded.metadata["failed_pieces"].value) == ("partial", 1)
    assert whole.success
    assert answers(judged)["completeness"] == "bad"
    assert answers(judged_again)["completeness"] == "good"
    assert answers(judged_again)["signature"] == "good"
    assert answers(judged_again)["restorable"] != "bad"


def test_a_set_is_judged_when_s3_has_copied_it(
    defs: Definitions, sandbox: LocalSandbox, slow_copies: Callable[[], None]
) -> None:
    run_id, said = str(uuid4()), []

    def listen(progress: Progress) -> None:
        if isinstance(progress, PieceTold) and progress.piece == "copies":
            said.append(progress.text)
            slow_copies()

    with DagsterInstance.ephemeral() as instance, listening(run_id, listen):
        taken = run(instance, TAKE_SET, SetId("dev", datetime(2026, 2, 4, 4, 30, tzinfo=UTC)), run_id=run_id)

    assert taken.success
    assert "S3 is copying" in said[0]


def answers(result: ExecuteInProcessResult) -> dict[str, str]:
    return {each.check_name: str(each.metadata["answer"].value) for each in result.get_asset_check_evaluations()}


def test_a_set_of_another_day_than_the_partition_s_is_refused(defs: Definitions) -> None:
    with DagsterInstance.ephemeral() as instance:
        refused = run(
            instance,
            TAKE_SET,
            SetId("dev", NIGHT),
            run_config={"ops": {"take": {"config": {"set": new_id().name}}}},
        )

    assert not refused.success
