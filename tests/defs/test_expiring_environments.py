"""Partitions that follow the environment files, and the sensor that ends what was made for a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster import (
    AssetKey,
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    RunRequest,
    SensorResult,
    SkipReason,
    build_schedule_context,
    build_sensor_context,
)
from dagster._core.test_utils import create_run_for_test

from ils_pipelines.definitions import defs
from ils_pipelines.defs.environments import PARTITIONS, environment_files, register_environments
from ils_pipelines.defs.expiry import (
    ATTEMPT_TAG,
    EXPIRED_TAG,
    MAX_ATTEMPTS,
    RETRY_AFTER,
    due_teardown,
    expired_environments,
)
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.ephemeral_files import draft_ephemeral, forget_ephemeral, prolong_ephemeral, write_ephemeral
from ils_pipelines.settings.loading import load_environment

SHIPPED = Path(__file__).resolve().parents[2] / "environments"
LASTING = ["dev", "staging", "production"]
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SHIPPED, tmp_path / "environments")
    monkeypatch.setenv("ILS_ENVIRONMENTS_DIR", str(tmp_path / "environments"))
    monkeypatch.setenv("ILS_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    """On disk: a schedule finds the partitions of an instance that another process could open."""
    with DagsterInstance.local_temp() as instance:
        register_environments(instance)
        yield instance


def made(name: str = "pr-7", *, ago: timedelta = timedelta(0)) -> Environment:
    """An ephemeral environment with an hour to live, made some time ago."""
    environment, content = draft_ephemeral(name, base="dev", ttl=HOUR, now=datetime.now(UTC) - ago)
    write_ephemeral(environment, content)
    return environment


def evaluated(instance: DagsterInstance) -> SensorResult | SkipReason:
    with build_sensor_context(instance=instance, repository_def=defs.get_repository_def()) as context:
        result = expired_environments(context)
    assert isinstance(result, SensorResult | SkipReason)
    return result


def requests(instance: DagsterInstance) -> list[RunRequest]:
    result = evaluated(instance)
    return list(result.run_requests or ()) if isinstance(result, SensorResult) else []


def attempted(instance: DagsterInstance, request: RunRequest, status: DagsterRunStatus) -> None:
    """Record the run of a request, which then ends like that."""
    run = create_run_for_test(
        instance, job_name="teardown_environment", tags=dict(request.tags), status=DagsterRunStatus.STARTED
    )
    if status is DagsterRunStatus.FAILURE:
        event = DagsterEvent(event_type_value=DagsterEventType.PIPELINE_FAILURE.value, job_name=run.job_name)
        instance.report_dagster_event(event, run.run_id)


def test_there_is_a_partition_for_every_file_and_none_without(instance: DagsterInstance) -> None:
    assert list(instance.get_dynamic_partitions(PARTITIONS)) == LASTING
    environment = made()

    register_environments(instance)
    assert list(instance.get_dynamic_partitions(PARTITIONS)) == [*LASTING, "pr-7"]

    forget_ephemeral(environment)
    register_environments(instance)
    assert list(instance.get_dynamic_partitions(PARTITIONS)) == LASTING


def test_a_running_daemon_learns_of_files_that_came_and_went(instance: DagsterInstance) -> None:
    def look() -> SensorResult | SkipReason:
        with build_sensor_context(instance=instance) as context:
            result = environment_files(context)
        assert isinstance(result, SensorResult | SkipReason)
        return result

    assert isinstance(look(), SkipReason)
    environment = made()
    came = look()
    assert isinstance(came, SensorResult)
    [request] = came.dynamic_partitions_requests or ()
    assert (request.partitions_def_name, request.partition_keys) == (PARTITIONS, ["pr-7"])

    instance.add_dynamic_partitions(PARTITIONS, ["pr-7"])
    forget_ephemeral(environment)
    went = look()
    assert isinstance(went, SensorResult)
    [request] = went.dynamic_partitions_requests or ()
    assert request.partition_keys == ["pr-7"]
    assert not went.run_requests


def test_scans_of_ephemeral_environments_have_a_schedule_that_asks_at_each_tick(instance: DagsterInstance) -> None:
    schedule = next(each for each in defs.schedules or () if each.name == "drift_scan_ephemeral")

    def tick() -> list[str | None]:
        with build_schedule_context(
            instance=instance, repository_def=defs.get_repository_def(), scheduled_execution_time=datetime.now(UTC)
        ) as context:
            return [request.partition_key for request in schedule.evaluate_tick(context).run_requests or ()]

    assert tick() == []
    made()
    register_environments(instance)
    assert tick() == ["pr-7"]


def test_nothing_is_torn_down_before_its_time(instance: DagsterInstance) -> None:
    made()

    assert isinstance(evaluated(instance), SkipReason)


def test_an_environment_past_its_time_is_torn_down_with_its_name_as_confirmation(instance: DagsterInstance) -> None:
    made("pr-8")
    made("pr-7", ago=2 * HOUR)
    register_environments(instance)

    [request] = requests(instance)

    assert request.partition_key == "pr-7"
    assert request.run_config == {"ops": {"confirm_teardown": {"config": {"confirm": "pr-7", "only_expired": True}}}}
    assert request.tags[ATTEMPT_TAG] == "1"


def test_an_environment_that_lasts_is_never_torn_down(instance: DagsterInstance) -> None:
    now = datetime.now(UTC) + timedelta(days=10_000)

    assert [due_teardown(instance, load_environment(name), now) for name in LASTING] == ["", "", ""]


def test_the_same_end_gives_the_same_key_so_that_it_is_acted_upon_once(instance: DagsterInstance) -> None:
    environment = made(ago=2 * HOUR)
    now = datetime.now(UTC)

    keys = {getattr(due_teardown(instance, environment, now), "run_key", None) for _ in range(3)}

    assert len(keys) == 1
    assert None not in keys


def test_while_it_is_torn_down_nothing_else_is_started(instance: DagsterInstance) -> None:
    made(ago=2 * HOUR)
    register_environments(instance)
    [request] = requests(instance)
    attempted(instance, request, DagsterRunStatus.STARTED)

    result = evaluated(instance)

    assert isinstance(result, SkipReason)
    assert "is tearing it down" in str(result.skip_message)


def test_a_teardown_that_failed_is_said_and_tried_again_a_little_later(instance: DagsterInstance) -> None:
    environment = made(ago=2 * HOUR)
    register_environments(instance)
    [request] = requests(instance)
    attempted(instance, request, DagsterRunStatus.FAILURE)

    result = evaluated(instance)
    assert isinstance(result, SkipReason)
    assert f"Attempt 2 of {MAX_ATTEMPTS} comes at" in str(result.skip_message)

    again = due_teardown(instance, environment, datetime.now(UTC) + RETRY_AFTER)
    assert isinstance(again, RunRequest)
    assert (again.tags[ATTEMPT_TAG], again.tags[EXPIRED_TAG]) == ("2", request.tags[EXPIRED_TAG])
    assert again.run_key != request.run_key


def test_after_some_attempts_it_is_left_to_people_with_the_remedy(instance: DagsterInstance) -> None:
    environment = made(ago=2 * HOUR)
    now = datetime.now(UTC)
    for _ in range(MAX_ATTEMPTS):
        now += 2 * RETRY_AFTER
        request = due_teardown(instance, environment, now)
        assert isinstance(request, RunRequest)
        attempted(instance, request, DagsterRunStatus.FAILURE)

    said = due_teardown(instance, environment, now + timedelta(days=1))

    assert isinstance(said, str)
    assert "could not be torn down in 5 attempts" in said
    assert "ils down pr-7 --confirm pr-7" in said


def test_with_more_time_its_new_end_counts_from_the_first_attempt_on(instance: DagsterInstance) -> None:
    environment = made(ago=2 * HOUR)
    request = due_teardown(instance, environment, datetime.now(UTC))
    assert isinstance(request, RunRequest)
    attempted(instance, request, DagsterRunStatus.FAILURE)

    prolonged = prolong_ephemeral("pr-7", HOUR)

    assert due_teardown(instance, prolonged, datetime.now(UTC)) == ""
    later = due_teardown(instance, prolonged, datetime.now(UTC) + 2 * HOUR)
    assert isinstance(later, RunRequest)
    assert later.tags[ATTEMPT_TAG] == "1"


def test_a_file_that_cannot_be_read_is_said_and_holds_up_no_other(instance: DagsterInstance, tmp_path: Path) -> None:
    made("pr-7", ago=2 * HOUR)
    made("pr-8", ago=2 * HOUR)
    file = tmp_path / "state" / "environments" / "pr-8.yaml"
    file.write_text(file.read_text().replace("tier: development", "tier: none"))
    register_environments(instance)

    assert [request.partition_key for request in requests(instance)] == ["pr-7"]


def test_the_assets_of_an_environment_made_meanwhile_are_partitions_like_the_others(instance: DagsterInstance) -> None:
    made()
    register_environments(instance)
    partitions = defs.resolve_asset_graph().get(AssetKey("vpc")).partitions_def

    assert partitions is not None
    assert list(partitions.get_partition_keys(dynamic_partitions_store=instance)) == [*LASTING, "pr-7"]
