"""A database is brought to the newest minor that its file allows: in its window or at once, and no plan goes back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.engine.errors import OperationCancelled
from ils_pipelines.engine.models import EngineEvent
from ils_pipelines.operations.backup.run import take_set
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.drift.scan import scan
from ils_pipelines.operations.findings import Urgency
from ils_pipelines.operations.upgrade.database import (
    DatabaseUpgrade,
    busy,
    check,
    preflight,
    standing_of,
    upgrade_targets,
    waiting,
)
from ils_pipelines.operations.upgrade.database_models import DatabaseStanding, newest_allowed, order
from ils_pipelines.operations.upgrade.models import UpgradeRefused
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import environments_directory, load_environment
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target
from tests.end_to_end.conftest import LocalSandbox

SET_AGE = timedelta(hours=2)
A_WEEK = 7 * 24 * 60
Database = Callable[..., Target]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSandbox]:
    """With a dev in it that has a backup set of two hours ago."""
    files: Path = tmp_path_factory.mktemp("environments")
    (files / "dev.yaml").write_text((environments_directory() / "dev.yaml").read_text())
    local = LocalSandbox(tmp_path_factory.mktemp("database-upgrades"))
    local.env["ILS_ENVIRONMENTS_DIR"] = str(files)
    local.ils("sandbox", "start")
    variables = pytest.MonkeyPatch()
    variables.setenv("ILS_STATE_DIR", str(local.directory))
    try:
        local.provision("dev")
        take_set(open_target(load_environment("dev")), SetId("dev", datetime.now(UTC) - SET_AGE), run_cluster_job)
        yield local
    finally:
        variables.undo()
        local.end()


@pytest.fixture
def database(sandbox: LocalSandbox) -> Iterator[Database]:
    """dev with settings of its own, after its database was made anew with version 15.12."""

    def target(version: str = "15", max_age_hours: int = 26, **more: Any) -> Target:
        found = load_environment("dev")
        changed = found.model_copy(
            update={
                "database": found.database.model_copy(update={"engine_version": version}),
                "backup": found.backup.model_copy(update={"max_age_hours": max_age_hours}),
                **more,
            }
        )
        return open_target(changed)

    old = layer_work(target("15.12"), Layer.DATABASE)
    old.destroy()
    old.up()
    yield target
    sandbox.control("settings", {"seconds_per_minute": 0, "minutes_ahead": 0, "withdrawn": []})


def plans_nothing(target: Target) -> bool:
    return layer_work(target, Layer.DATABASE).preview().empty


@pytest.mark.slow
def test_the_newest_minor_waits_for_the_window_and_no_plan_goes_back_before_or_after(
    database: Database, sandbox: LocalSandbox
) -> None:
    target, said = database(), list[str]()
    layer_work(target, Layer.DATABASE).up()  # the file named the minor, and names the major now

    asked = DatabaseUpgrade(target, lambda event: said.append(event.message)).go()
    waiting = standing_of(target)
    planned_nothing, again = plans_nothing(target), DatabaseUpgrade(target).go()
    sandbox.control("settings", {"minutes_ahead": A_WEEK})
    there = standing_of(target)

    assert [(each.path, each.old, each.new) for each in asked.plan.changes[0].diffs] == [
        ("engineVersion", "15.12", "15.17")
    ]
    assert (waiting.version, waiting.pending_version) == ("15.12", "15.17")
    assert any(f"waits for {preflight(target).opens:%Y-}" in each for each in said)
    assert (planned_nothing, again.plan.changes) == (True, ())
    assert there.runs("15.17")
    assert {version for _, version in there.instances.values()} == {"15.17"}
    assert plans_nothing(target)
    assert not scan(target, [Layer.DATABASE]).layers[0].drifted
    assert DatabaseUpgrade(target).go().plan.changes == ()


@pytest.mark.slow
def test_an_upgrade_that_was_interrupted_while_rds_worked_is_seen_to_its_end_by_the_next(
    database: Database, sandbox: LocalSandbox
) -> None:
    target, cancel = database("15.13"), threading.Event()
    sandbox.control("settings", {"seconds_per_minute": 60})
    cancel.set()
    with pytest.raises(OperationCancelled):
        DatabaseUpgrade(target, cancel=cancel, now=True).go()
    between = standing_of(target)

    def go_faster(event: EngineEvent) -> None:
        if "waiting for its end" in event.message:
            sandbox.control("settings", {"seconds_per_minute": 0})

    report = DatabaseUpgrade(target, go_faster, now=True).go()

    assert between.status == "upgrading"
    assert report.plan.changes == ()
    assert standing_of(target).runs("15.13")


@pytest.mark.slow
def test_a_person_has_it_done_now(database: Database, sandbox: LocalSandbox) -> None:
    shown = sandbox.ils_json("upgrade", "dev", "--database", "--check")
    done = sandbox.ils_json("upgrade", "dev", "--database", "--now")

    assert (shown["version"], shown["wanted"], shown["findings"]) == ("15.12", "15.17", [])
    assert done["success"]
    assert standing_of(database()).runs("15.17")
    assert "15.17, the newest that its file allows" in sandbox.ils("upgrade", "dev", "--database", "--check").stdout


@pytest.mark.slow
def test_what_speaks_against_it_is_told_and_nothing_is_changed(database: Database, sandbox: LocalSandbox) -> None:
    rds, asks = database().client("rds"), database(requires_approval=True)

    with pytest.raises(UpgradeRefused, match=r"ils backup run dev"):
        DatabaseUpgrade(database(max_age_hours=1)).go()
    with pytest.raises(UpgradeRefused, match="--confirm dev"):
        check(asks, "")
    with pytest.raises(UpgradeRefused, match="another major is no minor upgrade"):
        preflight(database("16"))
    sandbox.control("settings", {"seconds_per_minute": 60})
    rds.modify_db_instance(DBInstanceIdentifier="ils-dev-1", PromotionTier=0)
    with pytest.raises(UpgradeRefused, match="database ils-dev-1: expected it to be available, found modifying"):
        check(database(), "")

    assert (standing_of(asks).version, standing_of(asks).pending) == ("15.12", {})


@pytest.mark.slow
def test_a_database_whose_version_is_withdrawn_is_behind_and_not_the_newest(
    database: Database, sandbox: LocalSandbox
) -> None:
    sandbox.control("settings", {"withdrawn": ["15.12"]})

    assert preflight(database()).wanted == "15.17"


def test_of_a_version_that_rds_does_not_know_nobody_says_that_it_is_the_newest(sandbox: LocalSandbox) -> None:
    with pytest.raises(
        UpgradeRefused, match=r"expected RDS to describe aurora-postgresql 15\.99, found that it does not"
    ):
        upgrade_targets(open_target(load_environment("dev")), "15.99")


@given(
    st.sampled_from(["15", "15.10", "15.12", "15.13", "15.17"]), st.sets(st.sampled_from(["15.13", "15.17", "16.13"]))
)
def test_no_other_version_than_the_file_allows_is_ever_wanted(asked: str, targets: set[str]) -> None:
    wanted = newest_allowed("15.12", asked, tuple(targets))

    allowed = {each for each in targets if each.startswith("15.") and asked in ("15", each)}
    assert wanted == max({"15.12", *allowed}, key=order)


def _standing(**different: Any) -> DatabaseStanding:
    good: dict[str, Any] = {
        "cluster": "ils-dev",
        "version": "15.12",
        "status": "available",
        "window": "sun:05:00-sun:06:00",
        "pending": {"EngineVersion": "15.17"},
        "instances": {"ils-dev-1": ("available", "15.12")},
        "writers": 1,
    }
    return DatabaseStanding(**{**good, **different})


def test_nothing_speaks_against_a_database_in_service_where_only_its_version_waits() -> None:
    assert [*busy(_standing()), *waiting(_standing(), now=True)] == []
    assert list(busy(_standing(status="upgrading"))) == []


@pytest.mark.parametrize(("now", "urgency"), [(False, Urgency.WARNING), (True, Urgency.CRITICAL)])
def test_other_changes_that_wait_come_along_and_nobody_asked_for_that_now(now: bool, urgency: Urgency) -> None:
    (finding,) = waiting(_standing(pending={"EngineVersion": "15.17", "Port": 5433}), now=now)

    assert (finding.urgency, finding.found) == (urgency, "Port, which would come with it")


@pytest.mark.parametrize(
    ("different", "subject", "found"),
    [
        ({"writers": 0}, "database writer of ils-dev", "0 of 1 instances"),
        ({"status": "stopped"}, "database ils-dev", "stopped"),
        ({"instances": {"ils-dev-1": ("storage-full", "15.12")}}, "database ils-dev-1", "storage-full"),
    ],
)
def test_a_database_that_is_not_in_service_is_not_upgraded(different: dict[str, Any], subject: str, found: str) -> None:
    (finding,) = busy(_standing(**different))

    assert (finding.subject, finding.urgency, finding.found) == (subject, Urgency.CRITICAL, found)
