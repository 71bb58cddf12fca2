"""Backup and maintenance windows, which AWS refuses when they overlap."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ils_pipelines.settings.problems import Finding

_DAY = timedelta(days=1)
_WEEK = 7 * _DAY
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHORTEST = timedelta(minutes=30)

Span = tuple[timedelta, timedelta]


def clash(weekly_field: str, weekly: str, daily_field: str, daily: str) -> Iterator[Finding]:
    """Windows that are too short or overlap; texts as the fields' types accept them."""
    week_start, week_end = _weekly(weekly)
    day_start, day_end = _daily(daily)
    for field, text, start, end in (
        (weekly_field, weekly, week_start, week_end),
        (daily_field, daily, day_start, day_end),
    ):
        if end - start < _SHORTEST:
            yield Finding(
                (field,), text, "is shorter than the 30 minutes AWS asks for", "Move its end, for example by one hour."
            )
    # The daily window of every day of this week and of the days beside it, against the week that may wrap.
    for day in range(-1, 9):
        start, end = day_start + day * _DAY, day_end + day * _DAY
        if start < week_end and week_start < end:
            yield Finding(
                (weekly_field,),
                weekly,
                f"overlaps {daily_field} ({daily})",
                "Move one of the two: AWS refuses them together.",
            )
            return


def next_opening(weekly: str, after: datetime) -> datetime:
    """When the window opens next; `after` itself while it is open. UTC. `weekly` as the fields' types accept it."""
    midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - after.weekday() * _DAY
    start, end = _weekly(weekly)
    # The one of last week may wrap into this one.
    for week in (-1, 0, 1):
        opens, closes = monday + week * _WEEK + start, monday + week * _WEEK + end
        if after < closes:
            return max(opens, after)
    raise AssertionError("a window of every week opens within one")


def opening_cron(weekly: str, ahead: timedelta = timedelta(0)) -> str:
    """When the window opens, or so long before, as cron has it. `weekly` as the fields' types accept it."""
    minutes = int((_weekly(weekly)[0] - ahead) % _WEEK / timedelta(minutes=1))
    days, clock = divmod(minutes, 24 * 60)
    # The week of cron begins on Sunday.
    return f"{clock % 60} {clock // 60} * * {(days + 1) % 7}"


def _clock(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _daily(text: str) -> Span:
    start, end = (_clock(part) for part in text.split("-"))
    return start, end if end > start else end + _DAY


def _weekly(text: str) -> Span:
    moments = []
    for part in text.split("-"):
        day, clock = part.split(":", 1)
        moments.append(_DAYS.index(day) * _DAY + _clock(clock))
    start, end = moments
    return start, end if end > start else end + _WEEK
