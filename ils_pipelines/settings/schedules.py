"""When the looks at an environment run by themselves, where the usual times do not suit it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from ils_pipelines.settings.section import Section, refuse

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 6))
_PART = re.compile(r"(\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")
_REMEDY = 'Write five fields in UTC, in quotes, for example "30 5 * * 1-5" or "*/15 * * * *".'


def _cron(value: str) -> str:
    fields = value.split(" ")
    if len(fields) != len(_FIELDS):
        raise refuse(f"has {len(fields)} fields where cron has five", _REMEDY)
    for field, (name, least, most) in zip(fields, _FIELDS, strict=True):
        for part in field.split(","):
            if not _is_good(part, least, most):
                raise refuse(f"has {part!r} for the {name}, which goes from {least} to {most}", _REMEDY)
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


Cron = Annotated[str, AfterValidator(_cron)]


class Schedules(Section):
    """Cron expressions in UTC; None is the usual time, which keeps environments apart."""

    drift: Cron | None = Field(default=None, description="The look for drift; every morning by default.")
    health: Cron | None = Field(
        default=None, description="The look at its health; every quarter of an hour by default."
    )
    posture: Cron | None = Field(default=None, description="Its security controls; every morning by default.")
    certificates: Cron | None = Field(default=None, description="Its certificates; every morning by default.")
    costs: Cron | None = Field(default=None, description="Its costs; every afternoon by default.")
    monthly_costs: Cron | None = Field(default=None, description="The month before; on the 5th by default.")
