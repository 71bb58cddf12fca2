"""Which days are out of the ordinary, and which only look so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.operations.costs.anomalies import anomalies
from ils_pipelines.operations.costs.models import Anomaly, Spend

SETTLED = date(2026, 6, 18)
"""A Thursday."""


def _series(amount: Callable[[int, date], float | str], days: int = 80, usage: str = "Bytes") -> list[Spend]:
    """`amount` of how many days before the last settled one it is, and of the day."""
    found = []
    for age in range(days):
        day = SETTLED - timedelta(days=age)
        found.append(Spend(day, "EC2 - Other", usage, Decimal(str(amount(age, day)))))
    return found


def _weekly(_age: int, day: date) -> float:
    return 10 if day.weekday() < 5 else 2


def test_a_day_that_costs_many_times_as_much_is_found_with_what_is_usual() -> None:
    [found] = anomalies(_series(lambda age, _: 60 if age == 2 else 10), SETTLED)

    assert found == Anomaly(SETTLED - timedelta(days=2), "EC2 - Other", "Bytes", Decimal(60), Decimal(10))
    assert found.extra == 50


@pytest.mark.parametrize(
    "amount",
    [
        lambda age, _: 10,
        _weekly,
        lambda age, day: _weekly(age, day) * (1 + 0.3 * ((day.toordinal() * 7919) % 101 - 50) / 50),
        lambda age, _: 20 - age / 8,
        lambda age, _: 60 if age == 9 else 10,
        lambda age, _: 0.9 if age == 1 else 0.01,
        lambda age, day: 120 if day.day == 15 else 1,
        lambda age, _: 14 if age == 0 else 10,
        lambda age, _: 0 if age == 0 else 10,
    ],
    ids=["steady", "weekends", "noise", "growth", "long ago", "cents", "monthly", "a little more", "less"],
)
def test_what_is_usual_is_no_anomaly(amount: Callable[[int, date], float]) -> None:
    assert anomalies(_series(amount), SETTLED) == ()


def test_a_weekend_is_compared_with_weekends() -> None:
    """Nine on a Sunday is what working days cost."""
    sunday = SETTLED - timedelta(days=4)

    [found] = anomalies(_series(lambda age, day: 9 if day == sunday else _weekly(age, day)), SETTLED)

    assert (found.day, found.usual) == (sunday, 2)


def test_days_that_are_not_settled_are_not_judged() -> None:
    spends = [*_series(_weekly), Spend(SETTLED + timedelta(days=1), "EC2 - Other", "Bytes", Decimal(500))]

    assert anomalies(spends, SETTLED) == ()


def test_restated_days_are_judged_anew_by_what_is_known_now() -> None:
    first = _series(lambda age, _: 60 if age == 3 else 10)
    restated = _series(lambda age, _: 11 if age == 3 else 10)

    assert len(anomalies(first, SETTLED)) == 1
    assert anomalies(restated, SETTLED) == ()


def test_what_is_new_is_an_anomaly_once_there_is_something_to_compare_with() -> None:
    new = _series(lambda *_: 25, days=2, usage="New")

    found = anomalies([*_series(_weekly), *new], SETTLED)

    assert {(each.usage_type, each.usual) for each in found} == {("New", 0)}
    assert anomalies(new[:1], SETTLED) == ()


def test_one_bad_day_does_not_hide_the_next() -> None:
    found = anomalies(_series(lambda age, _: {1: 80, 5: 60}.get(age, 10)), SETTLED)

    assert [each.amount for each in found] == [80, 60]


@given(
    st.lists(st.decimals(min_value=0, max_value=10_000, places=2), min_size=1, max_size=80),
    st.decimals(min_value="1.5", max_value=50, places=2),
)
def test_no_amounts_break_it_and_the_currency_does_not_matter_beyond_the_smallest(
    amounts: list[Decimal], rate: Decimal
) -> None:
    days = [Spend(SETTLED - timedelta(days=age), "s", "u", amount) for age, amount in enumerate(amounts)]

    found = anomalies(days, SETTLED)
    dearer = anomalies([Spend(each.day, "s", "u", each.amount * rate) for each in days], SETTLED)

    assert all(each.amount > each.usual for each in found)
    assert {each.day for each in found} <= {each.day for each in dearer}
