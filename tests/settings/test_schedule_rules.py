"""When looks run: which cron expressions a file may have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from dagster._core.definitions.schedule_definition import is_valid_cron_schedule
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ils_pipelines.defs.scans import Scan
from ils_pipelines.settings.diagnosis import diagnose
from ils_pipelines.settings.environment import warnings
from ils_pipelines.settings.loading import FileReport
from ils_pipelines.settings.schedules import Schedules, times_a_day
from ils_pipelines.settings.tiers import Tier

Read = Callable[..., FileReport]


@pytest.mark.parametrize("cron", ["0 5 * * *", "*/15 * * * *", "30 5 * * 1-5", "0,30 6-18/2 1,15 * 0"])
def test_what_dagster_takes_is_accepted(read: Read, cron: str) -> None:
    assert read({"schedules": {"drift": cron}}).problems == ()
    assert is_valid_cron_schedule(cron)


@pytest.mark.parametrize(
    "cron", ["", "0 5 * *", "60 5 * * *", "0 5 0 * *", "5-1 * * * *", "*/0 * * * *", "@daily", "a * * * *"]
)
def test_anything_else_is_refused_with_an_example(read: Read, cron: str) -> None:
    [problem] = read({"schedules": {"drift": cron}}).problems

    assert problem.path == "schedules.drift"
    assert "five fields" in problem.remedy


@pytest.mark.parametrize("days", ["31 2", "30,31 2", "30-31 2", "31 4,6,9,11", "31 2/9"])
def test_a_day_that_none_of_its_months_has_is_refused(read: Read, days: str) -> None:
    """Dagster refuses some of these, and then loads nothing; others it accepts, and they never come."""
    [problem] = read({"schedules": {"drift": f"0 5 {days} *"}}).problems

    assert (problem.path, "never comes" in problem.message) == ("schedules.drift", True)


@pytest.mark.parametrize("days", ["29 2", "31 2,3", "*/30 2", "31 */2"])
def test_a_day_that_one_of_its_months_may_have_is_accepted(read: Read, days: str) -> None:
    assert read({"schedules": {"drift": f"0 5 {days} *"}}).problems == ()


_NUMBER = st.integers(0, 60).map(str)
_FIELD = st.one_of(
    st.just("*"), _NUMBER, st.tuples(_NUMBER, _NUMBER).map("-".join), st.tuples(st.just("*"), _NUMBER).map("/".join)
)


@given(st.lists(_FIELD, min_size=5, max_size=5).map(" ".join))
def test_whatever_is_accepted_dagster_takes_too(cron: str) -> None:
    """One that it does not take would keep the whole code location from loading."""
    try:
        Schedules(drift=cron)
    except ValidationError:
        return
    assert is_valid_cron_schedule(cron)
    assert times_a_day(cron) > 0


def test_every_scan_can_be_moved() -> None:
    from ils_pipelines.defs import certificates, costs, drift, health, posture

    modules = (certificates, costs, drift, health, posture)
    names = {each.name for module in modules for each in vars(module).values() if isinstance(each, Scan)}

    others = {"backup", "backup_checks", "drill", "in_sandbox", "node_refresh", "database_upgrade"}
    assert names | others == set(Schedules.model_fields)


@pytest.mark.parametrize(
    ("cron", "approved", "problems"),
    [
        ("0 3 * * 0", True, ["schedules.database_upgrade"]),
        ("0 3 * * 0", False, []),
        ("never", True, []),
        (None, True, []),
    ],
)
def test_what_a_person_has_to_confirm_is_not_scheduled(
    read: Read, cron: str | None, approved: bool, problems: list[str]
) -> None:
    file = {"requires_approval": approved, "schedules": {"database_upgrade": cron}}
    assert [each.path for each in read(file).problems] == problems


@pytest.mark.parametrize(
    ("cron", "times"), [("30 4 * * *", 1), ("*/15 * * * *", 96), ("0,30 6-18/6 * * *", 6), ("50/5 1 * * 1", 2)]
)
def test_a_day_has_as_many_runs_as_the_first_two_fields_say(cron: str, times: int) -> None:
    assert times_a_day(cron) == times


def test_production_without_backups_is_warned_of() -> None:
    environment = diagnose({"name": "p", "schedules": {"backup": "never"}}, date(2026, 11, 23))[0]
    assert environment is not None
    bare = environment.model_copy(update={"tier": Tier.PRODUCTION})

    assert ("schedules", "backup") in [found.location for found in warnings(bare)]
    assert ("schedules", "backup") not in [found.location for found in warnings(environment)]
