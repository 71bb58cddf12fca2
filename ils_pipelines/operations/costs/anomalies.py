"""Days that cost far more than such days do. Medians, so that one bad day does not hide the next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

from ils_pipelines.operations.costs.models import ZERO, Anomaly, Spend

LOOKED_AT = timedelta(days=7)
"""Days that are judged at each look: AWS restates costs for some days, and each look reads all of them anew."""
HISTORY = timedelta(days=56)
FEWEST_ALIKE = 4
"""Days of the same kind, before all kinds are taken."""
SPREADS = Decimal(5)
"""How many times the usual spread is unusual."""
MAD_TO_DEVIATION = Decimal("1.4826")
"""Of normally distributed values, the median absolute deviation times this is the standard deviation."""
SHARE = Decimal("0.5")
"""What is less than half as much again is no anomaly, however steady it was."""
SMALLEST = Decimal(1)
"""A day's extra, in the currency: below nobody looks."""


def anomalies(spends: Iterable[Spend], settled: date) -> tuple[Anomaly, ...]:
    """Of the last days up to `settled`, the dearest first."""
    series: dict[tuple[str, str], dict[date, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for each in spends:
        series[each.service, each.usage_type][each.day] += each.amount
    first = min((day for days in series.values() for day in days), default=settled)
    found = [
        Anomaly(day, service, usage_type, amount, usual)
        for (service, usage_type), days in series.items()
        for day, amount, usual in _unusual(days, first, settled)
    ]
    return tuple(sorted(found, key=lambda each: -each.extra))


def _unusual(days: Mapping[date, Decimal], first: date, settled: date) -> Iterator[tuple[date, Decimal, Decimal]]:
    for age in range(LOOKED_AT.days):
        day = settled - timedelta(days=age)
        amount = days.get(day, ZERO)
        before = _before(days, day, first)
        if not before or amount < SMALLEST:
            continue
        alike = [value for when, value in before.items() if _kind(when) == _kind(day)]
        sample = alike if len(alike) >= FEWEST_ALIKE else list(before.values())
        usual = median(sample)
        spread = median(abs(value - usual) for value in sample) * MAD_TO_DEVIATION
        extra = amount - usual
        if extra > max(SPREADS * spread, SHARE * usual, SMALLEST) and not _comes_monthly(days, day, amount):
            yield day, amount, usual


def _before(days: Mapping[date, Decimal], day: date, first: date) -> dict[date, Decimal]:
    """Every day of the time before; one that is not told cost nothing."""
    start = max(day - HISTORY, first)
    return {when: days.get(when, ZERO) for when in (start + timedelta(days=n) for n in range((day - start).days))}


def _kind(day: date) -> bool:
    """Whether it is a working day."""
    return day.weekday() < 5


def _comes_monthly(days: Mapping[date, Decimal], day: date, amount: Decimal) -> bool:
    """Whether the same day of an earlier month cost about as much and stood out, too, as subscriptions do."""
    for when, value in days.items():
        if when < day and when.day == day.day and value * (1 + SHARE) >= amount:
            others = [each for other, each in days.items() if other != when and _kind(other) == _kind(when)]
            if not others or value > (1 + SHARE) * median(others):
                return True
    return False
