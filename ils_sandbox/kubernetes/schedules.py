"""Cron schedules: when one is next due, and when it was due last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = dict(zip(_MONTH_NAMES, range(1, 13), strict=True))
_DAYS = dict(zip(["sun", "mon", "tue", "wed", "thu", "fri", "sat"], range(7), strict=True))
# Name, first and last value, names of values.
_FIELDS: tuple[tuple[str, int, int, Mapping[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_MOST_DAYS = 366 * 8
"""A schedule that is not due within eight years (29 February may be so far away) never is."""


@dataclass(frozen=True)
class Schedule:
    """A schedule in the five fields of cron. Times are those of a time zone's clocks."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either_day: bool
    """Both days are restricted: a day that meets one of them will do."""

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Raises ValueError with the field that cannot be read."""
        fields = _MACROS.get(text.strip(), text).split()
        if len(fields) != len(_FIELDS):
            raise ValueError(f"expected exactly 5 fields, found {len(fields)}: [{text}]")
        parsed = [_values(field, *kind) for field, kind in zip(fields, _FIELDS, strict=True)]
        minutes, hours, days, months, weekdays = parsed
        either = not fields[2].startswith("*") and not fields[4].startswith("*")
        return cls(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), either)

    def after(self, moment: datetime, zone: tzinfo) -> datetime | None:
        """The first time after `moment` that it is due; None when it never is again."""
        start = moment.astimezone(zone).replace(second=0, microsecond=0) + timedelta(minutes=1)
        for offset in range(_MOST_DAYS):
            day = start.date() + timedelta(days=offset)
            if day.month not in self.months or not self._on(day.day, day.isoweekday() % 7):
                continue
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    due = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                    if due >= start and _exists(due):
                        return due
        return None

    def last(self, earliest: datetime, now: datetime, zone: tzinfo) -> datetime | None:
        """The last time after `earliest` that it was due by `now`."""
        due, found = self.after(earliest, zone), None
        while due is not None and due <= now:
            found = due
            due = self.after(due, zone)
        return found

    def _on(self, day: int, weekday: int) -> bool:
        by_day, by_weekday = day in self.days, weekday in self.weekdays
        return by_day or by_weekday if self.either_day else by_day and by_weekday


def _exists(due: datetime) -> bool:
    """False for a time that the clocks skip when summer time begins."""
    stamp = due.timestamp()
    return datetime.fromtimestamp(stamp, due.tzinfo).hour == due.hour


def _values(text: str, name: str, first: int, last: int, names: Mapping[str, int]) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        if low in ("*", "?"):
            begin, end = first, last
        else:
            begin = _value(low, name, names)
            end = _value(high, name, names) if high else (last if step else begin)
        stride = int(step) if step.isdigit() else (0 if step else 1)
        if not (first <= begin <= end <= last) or stride < 1:
            raise ValueError(f"{name} is from {first} to {last}, found {part!r}")
        values.update(range(begin, end + 1, stride))
    return frozenset(values)


def _value(text: str, name: str, names: Mapping[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not text.isdigit():
        raise ValueError(f"{name} cannot be {text!r}")
    return int(text)
