"""When looks, backups, drills and maintenance of an environment run by themselves, where the usual times do not suit it."""

from __future__ import annotations

import re
from calendar import monthrange
from typing import Annotated

from pydantic import AfterValidator, Field

from ils_pipelines.settings.section import Flag, Section, refuse

NEVER = "never"
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 6))
_PART = re.compile(r"(\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")
_LEAP_YEAR = 2028
_REMEDY = 'Write five fields in UTC, in quotes, for example "30 5 * * 1-5" or "*/15 * * * *"; never turns it off.'


def _cron(value: str) -> str:
    if value == NEVER:
        return value
    fields = value.split(" ")
    if len(fields) != len(_FIELDS):
        raise refuse(f"has {len(fields)} fields where cron has five", _REMEDY)
    for field, (name, least, most) in zip(fields, _FIELDS, strict=True):
        for part in field.split(","):
            if not _is_good(part, least, most):
                raise refuse(f"has {part!r} for the {name}, which goes from {least} to {most}", _REMEDY)
    if not _comes(fields[2], fields[3]):
        raise refuse("never comes: no month that it names has a day that it names", _REMEDY)
    return value


def _is_good(part: str, least: int, most: int) -> bool:
    found = _PART.fullmatch(part)
    if found is None:
        return False
    _, first, last, step = found.groups()
    numbers = [int(each) for each in (first, last) if each is not None]
    return (
        all(least <= each <= most for each in numbers)
        and numbers == sorted(numbers)
        and (step is None or int(step) > 0)
    )


def _comes(day: str, month: str) -> bool:
    """Whether one of the months has one of the days, were it in a leap year; whatever the day of the week says besides."""
    _, _, (_, *days), (_, *months), _ = _FIELDS
    longest = max(monthrange(_LEAP_YEAR, each)[1] for each in _all_numbers(month, *months))
    return min(_all_numbers(day, *days)) <= longest


Cron = Annotated[str, AfterValidator(_cron)]


def times_a_day(cron: str) -> int:
    """How often it comes on a day on which it comes."""
    minutes, hours = (
        _all_numbers(field, least, most) for field, (_, least, most) in zip(cron.split(" ")[:2], _FIELDS, strict=False)
    )
    return len(minutes) * len(hours)


def _all_numbers(field: str, least: int, most: int) -> set[int]:
    return {number for part in field.split(",") for number in _numbers(part, least, most)}


def _numbers(part: str, least: int, most: int) -> range:
    span, _, step = part.partition("/")
    first, _, last = span.partition("-")
    if span == "*":
        return range(least, most + 1, int(step or 1))
    # As in cron, a number with a step goes on from there.
    return range(int(first), int(last or (most if step else first)) + 1, int(step or 1))


class Schedules(Section):
    """Cron expressions in UTC, or never; None is the usual time, which keeps environments apart."""

    in_sandbox: Flag = Field(
        default=False,
        description="Whether all these run for an environment of the sandbox, too, which may be down at night.",
    )
    backup: Cron | None = Field(default=None, description="The backup set; every night at 04:30 by default.")
    backup_checks: Cron | None = Field(
        default=None, description="The look at its backups; every morning and evening by default."
    )
    drill: Cron | None = Field(
        default=None,
        description="A DR drill; on Sundays for tier staging, on the 1st for production, never for development by default.",
    )
    drift: Cron | None = Field(default=None, description="The look for drift; every morning by default.")
    health: Cron | None = Field(default=None, description="The look at its health; every hour by default.")
    posture: Cron | None = Field(default=None, description="Its security controls; every morning by default.")
    certificates: Cron | None = Field(default=None, description="Its certificates; every morning by default.")
    costs: Cron | None = Field(default=None, description="Its costs; every afternoon by default.")
    monthly_costs: Cron | None = Field(default=None, description="The month before; on the 5th by default.")
    node_refresh: Cron | None = Field(
        default=None,
        description="Another image for nodes whose own is old; when database.maintenance_window opens by default, never for "
        "tier production.",
    )
    database_upgrade: Cron | None = Field(
        default=None,
        description="The newest minor version for the database, which RDS brings in its maintenance window; two hours before "
        "that by default, never for tier production nor where requires_approval is on.",
    )
