"""Backup and maintenance windows must leave each other alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.settings.diagnosis import diagnose
from ils_pipelines.settings.windows import next_opening, opening_cron

Paths = Callable[..., list[str]]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK = 7 * 24 * 60


@pytest.mark.parametrize(
    ("backup", "maintenance"),
    [
        ("03:00-04:00", "sun:03:30-sun:04:30"),
        ("03:00-04:00", "sun:02:00-sun:05:00"),
        ("23:30-00:30", "mon:00:00-mon:01:00"),
        ("03:00-04:00", "sun:23:00-mon:03:30"),
        ("00:00-00:30", "sun:23:30-mon:00:30"),
    ],
    ids=["partly", "wholly", "backup over midnight", "maintenance over midnight", "over the end of the week"],
)
def test_overlapping_windows_are_refused(problem_paths: Paths, backup: str, maintenance: str) -> None:
    database = {"backup_window": backup, "maintenance_window": maintenance}
    assert problem_paths({"database": database}) == ["database.maintenance_window"]


def test_windows_that_touch_are_accepted(problem_paths: Paths) -> None:
    database = {"backup_window": "03:00-04:00", "maintenance_window": "sun:04:00-sun:05:00"}
    assert problem_paths({"database": database}) == []


@pytest.mark.parametrize("field", ["backup_window", "maintenance_window"])
def test_a_window_shorter_than_half_an_hour_is_refused(problem_paths: Paths, field: str) -> None:
    short = {"backup_window": "03:00-03:29", "maintenance_window": "sun:05:00-sun:05:29"}
    assert problem_paths({"database": {field: short[field]}}) == [f"database.{field}"]


def test_the_cache_has_the_same_rule(problem_paths: Paths) -> None:
    cache = {"snapshot_window": "03:00-04:00", "maintenance_window": "sun:03:30-sun:04:30"}
    assert problem_paths({"cache": cache}) == ["cache.maintenance_window"]


def clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


@given(st.integers(0, 1439), st.integers(30, 600), st.integers(0, WEEK - 1), st.integers(30, 600))
def test_exactly_the_windows_that_share_a_minute_are_refused(
    daily: int, daily_length: int, weekly: int, weekly_length: int
) -> None:
    end = weekly + weekly_length
    database = {
        "backup_window": f"{clock(daily)}-{clock(daily + daily_length)}",
        "maintenance_window": (f"{DAYS[weekly // 1440]}:{clock(weekly)}-{DAYS[end % WEEK // 1440]}:{clock(end)}"),
    }
    backup_minutes = {(daily + offset) % 1440 for offset in range(daily_length)}
    shared = any((weekly + offset) % 1440 in backup_minutes for offset in range(weekly_length))
    _, problems = diagnose({"name": "dev", "database": database}, date(2026, 11, 23))
    assert [problem.path for problem in problems] == (["database.maintenance_window"] if shared else [])


@given(
    day=st.sampled_from(DAYS),
    minute=st.integers(0, 24 * 60 - 1),
    length=st.integers(30, 24 * 60),
    now=st.integers(0, 2 * WEEK).map(lambda minutes: datetime(2026, 12, 20, tzinfo=UTC) + timedelta(minutes=minutes)),
)
def test_a_window_opens_within_a_week_on_its_day_or_is_open_now(
    day: str, minute: int, length: int, now: datetime
) -> None:
    end = (DAYS.index(day) * 24 * 60 + minute + length) % WEEK
    closes = f"{DAYS[end // (24 * 60)]}:{end // 60 % 24:02}:{end % 60:02}"

    opens = next_opening(f"{day}:{minute // 60:02}:{minute % 60:02}-{closes}", now)

    assert timedelta(0) <= opens - now < timedelta(days=7)
    into = (opens - timedelta(minutes=minute)).weekday() == DAYS.index(day)
    assert into if opens > now else _is_within(now, DAYS.index(day) * 24 * 60 + minute, length)


def _is_within(now: datetime, start: int, length: int) -> bool:
    """Whether the moment is within a window that starts at that minute of the week."""
    minutes = now.weekday() * 24 * 60 + now.hour * 60 + now.minute
    return (minutes - start) % WEEK < length


@pytest.mark.parametrize(
    ("window", "ahead", "cron"),
    [
        ("sun:05:00-sun:06:00", 0, "0 5 * * 0"),
        ("sat:23:30-sun:00:30", 0, "30 23 * * 6"),
        ("mon:01:15-mon:02:15", 2, "15 23 * * 0"),
        ("sun:00:00-sun:01:00", 1, "0 23 * * 6"),
    ],
)
def test_cron_comes_when_a_window_opens_or_so_long_before(window: str, ahead: int, cron: str) -> None:
    assert opening_cron(window, timedelta(hours=ahead)) == cron
