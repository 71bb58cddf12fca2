"""When a certificate asks for attention, by how long it lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.operations.certificates.lifetime import (
    LONGEST_CRITICAL,
    LONGEST_WARNING,
    critical_before,
    urgency_of_end,
    warning_before,
    words,
)
from ils_pipelines.operations.findings import Urgency

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LIVES = st.timedeltas(min_value=timedelta(hours=1), max_value=timedelta(days=40_000))


@pytest.mark.parametrize(
    ("life", "warning", "critical"),
    [(6, 1.0, 0.3), (90, 15.0, 4.5), (198, 33.0, 9.9), (398, 66.3, 19.9), (14_600, 90.0, 30.0)],
)
def test_warnings_come_later_for_shorter_lives(life: int, warning: float, critical: float) -> None:
    lifetime = timedelta(days=life)

    assert round(warning_before(lifetime) / timedelta(days=1), 1) == warning
    assert round(critical_before(lifetime) / timedelta(days=1), 1) == critical


def test_what_acm_renews_in_time_is_never_warned_of() -> None:
    assert warning_before(timedelta(days=198)) < timedelta(days=45)


@given(LIVES)
def test_a_warning_comes_before_it_is_critical_and_neither_at_the_begin(life: timedelta) -> None:
    assert timedelta(0) < critical_before(life) < warning_before(life) < life
    assert warning_before(life) <= LONGEST_WARNING
    assert critical_before(life) <= LONGEST_CRITICAL


@given(LIVES, st.floats(min_value=0, max_value=1.2), st.floats(min_value=0, max_value=1.2))
def test_time_never_makes_a_certificate_less_urgent(life: timedelta, one: float, other: float) -> None:
    order = [Urgency.FINE, Urgency.WARNING, Urgency.CRITICAL]
    earlier, later = sorted((one, other))

    before, after = (urgency_of_end(NOW, NOW + life, NOW + life * part) for part in (earlier, later))

    assert order.index(before) <= order.index(after)


@given(LIVES, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=1000)))
def test_what_has_ended_is_critical_however_long_it_lived(life: timedelta, since: timedelta) -> None:
    assert urgency_of_end(NOW - life - since, NOW - since, NOW) is Urgency.CRITICAL


def test_hours_are_told_where_days_say_too_little() -> None:
    assert words(NOW + timedelta(hours=30), NOW) == "ends 2026-06-02, in 30 hours"
    assert words(NOW + timedelta(days=30), NOW) == "ends 2026-07-01, in 30 days"
    assert words(NOW - timedelta(hours=2), NOW) == "ended 2026-05-31 22:00 UTC, 2 hours ago"
