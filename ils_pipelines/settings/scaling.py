"""How many pods and nodes there are, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from ils_pipelines.settings.problems import Finding
from ils_pipelines.settings.rules import rule
from ils_pipelines.settings.section import Flag, Section, refuse, text

_FRIDAY = 5
_DAYS_TO_A_WORKDAY = 4
"""Monday before work, its Sunday and Saturday, and Friday."""
Replicas = Annotated[int, Field(strict=True, ge=1, le=1000)]
Percent = Annotated[int, Field(strict=True, ge=1, le=100)]


class Autoscaling(Section):
    """A HorizontalPodAutoscaler, which then owns the number of pods."""

    enabled: Flag = Field(default=False, description="Whether the number of pods follows the load.")
    min_replicas: Replicas = Field(default=3, description="Fewest pods.")
    max_replicas: Replicas = Field(default=10, description="Most pods.")
    cpu_percent: Percent = Field(default=70, description="CPU to aim at, in percent of what pods ask for.")
    memory_percent: Percent = Field(default=80, description="Memory to aim at, likewise.")
    scale_down_seconds: Annotated[int, Field(strict=True, ge=0, le=3600)] = Field(
        default=300, description="Seconds that load has to stay low before pods go: a lull must not cost the next rush."
    )
    scale_up_seconds: Annotated[int, Field(strict=True, ge=0, le=3600)] = Field(
        default=0, description="Seconds that load has to stay high before pods come."
    )


@rule(Autoscaling, "min_replicas", "max_replicas")
def _bounds_in_order(autoscaling: Autoscaling, _today: date) -> Iterator[Finding]:
    if autoscaling.min_replicas > autoscaling.max_replicas:
        yield Finding(
            ("min_replicas",),
            autoscaling.min_replicas,
            f"is more than max_replicas ({autoscaling.max_replicas})",
            "Lower it, or raise max_replicas.",
        )


def _known_zone(name: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise refuse("is not a time zone", 'Write a name of the IANA database, for example "Europe/Berlin".') from None
    return name


Clock = Annotated[str, text(r"([01]\d|2[0-3]):[0-5]\d", "is not a time of day", 'Write it as "07:00", in quotes.')]

TimeZone = Annotated[str, AfterValidator(_known_zone)]


class OfficeHours(Section):
    """When an environment is needed. Outside, its pods are scaled to none, and its nodes to what is set here."""

    enabled: Flag = Field(default=False, description="Whether to scale down outside of these hours.")
    start: Clock = Field(default="07:00", description="When work begins, Monday to Friday.")
    end: Clock = Field(default="19:00", description="When work ends.")
    time_zone: TimeZone = Field(default="UTC", description="Time zone of both, from the IANA database.")
    nodes_outside: Annotated[int, Field(strict=True, ge=0, le=100)] = Field(
        default=0, description="Nodes of each group outside of these hours."
    )

    def latest(self, clock: str, now: datetime) -> datetime:
        """When it was this time of a workday last, `start` or `end`."""
        from zoneinfo import ZoneInfo

        zone = ZoneInfo(self.time_zone)
        days = (now.astimezone(zone).date() - timedelta(days=back) for back in range(_DAYS_TO_A_WORKDAY))
        moments = (
            datetime.combine(day, time.fromisoformat(clock), zone) for day in days if day.isoweekday() <= _FRIDAY
        )
        return next(moment for moment in moments if moment <= now)


@rule(OfficeHours, "start", "end")
def _begins_before_it_ends(hours: OfficeHours, _today: date) -> Iterator[Finding]:
    if hours.start >= hours.end:
        yield Finding(("end",), hours.end, f"is not after start ({hours.start})", "Office hours are within one day.")
