"""How disaster recovery is rehearsed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from ils_pipelines.settings.diagnosis import diagnose
from ils_pipelines.settings.environment import warnings

Paths = Callable[..., list[str]]


def test_what_is_live_cannot_be_let_into_what_was_restored(problem_paths: Paths) -> None:
    inside = {"drills": {"verify_from": ["10.9.0.0/16", "10.0.128.0/17"]}}
    assert problem_paths(inside) == ["drills.verify_from[1]"]


@pytest.mark.parametrize("column", ["orders", "ils.orders", "ils.orders.placed_at; drop table ils.orders"])
def test_the_newest_row_is_told_by_a_column(problem_paths: Paths, column: str) -> None:
    assert problem_paths({"drills": {"newest_row": [column]}}) == ["drills.newest_row[0]"]


@pytest.mark.parametrize(
    ("cron", "warned"), [(None, True), ("0 3,15 * * *", True), ("*/30 * * * *", False), ("never", False)]
)
def test_a_target_that_backup_sets_cannot_reach_is_warned_of(cron: str | None, warned: bool) -> None:
    file = {"name": "dev", "drills": {"rpo_minutes": 60}, "schedules": {"backup": cron}}
    environment = diagnose(file, date(2026, 11, 23))[0]
    assert environment is not None
    assert (("drills", "rpo_minutes") in [found.location for found in warnings(environment)]) is warned
