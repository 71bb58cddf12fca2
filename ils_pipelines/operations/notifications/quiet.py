"""Quiet hours: when what is not critical waits."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from ils_pipelines.settings.notifications import QuietHours


def quiet_until(hours: QuietHours, now: datetime) -> datetime | None:
    """When the quiet hours end in which `now` (aware) lies, in the zone of `now`; None outside of them."""
    if not hours.enabled:
        return None
    zone = ZoneInfo(hours.time_zone)
    local = now.astimezone(zone)
    start, end = time.fromisoformat(hours.start), time.fromisoformat(hours.end)
    clock = local.time()
    inside = start <= clock < end if start < end else clock >= start or clock < end
    if not inside:
        return None
    day = local.date() + timedelta(days=1) if clock >= end else local.date()
    return datetime.combine(day, end, zone).astimezone(now.tzinfo)
