"""What is asked of the settings of backup sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.settings.test_production_rules import GOOD

Paths = Callable[..., list[str]]


@pytest.mark.parametrize("hours", [1, 24])
def test_a_nightly_set_must_be_allowed_to_grow_a_day_old(problem_paths: Paths, hours: int) -> None:
    assert problem_paths({"backup": {"max_age_hours": hours}}) == ["backup.max_age_hours"]


def test_production_keeps_the_sets_of_a_week(problem_paths: Paths) -> None:
    few: dict[str, Any] = {"backup": {"retention": {"daily": 6}}}

    assert problem_paths(few) == []
    assert problem_paths(GOOD | few) == ["backup.retention.daily"]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"retention": {"daily": 0}}, "backup.retention.daily"),
        ({"retention": {"weekly": -1}}, "backup.retention.weekly"),
        ({"image": "ils/pipelines:latest"}, "backup.image"),
        ({"memory": "much"}, "backup.memory"),
        ({"parallel": 0}, "backup.parallel"),
    ],
)
def test_what_makes_no_sense_is_refused(problem_paths: Paths, value: dict[str, Any], path: str) -> None:
    assert problem_paths({"backup": value}) == [path]
