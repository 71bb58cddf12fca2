"""Which sets are kept: what always holds, and what the numbers say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.operations.backup.manifest import SetStatus
from ils_pipelines.operations.backup.retention import UNDER_WAY, SetState, reasons_to_keep
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.settings.backup import Retention

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@st.composite
def states(draw: st.DrawFn) -> list[SetState]:
    hours = draw(st.sets(st.integers(0, 24 * 500), max_size=60))
    found = []
    for each in hours:
        status = draw(st.sampled_from(SetStatus))
        known = status is not SetStatus.UNFINISHED
        found.append(
            SetState(
                SetId("dev", NOW - timedelta(hours=each)),
                status,
                verified=known and draw(st.booleans()),
                restorable=known and draw(st.booleans()),
            )
        )
    return found


RETENTIONS = st.builds(Retention, daily=st.integers(1, 40), weekly=st.integers(0, 20), monthly=st.integers(0, 20))


def newest(found: list[SetState]) -> SetId | None:
    return max((each.id for each in found), default=None)


@given(states(), RETENTIONS)
def test_the_newest_good_ones_are_never_deleted(found: list[SetState], retention: Retention) -> None:
    kept = reasons_to_keep(found, retention, NOW)
    for chosen in (
        [each for each in found if each.verified],
        [each for each in found if each.restorable],
        [each for each in found if each.status is SetStatus.COMPLETE],
        found,
    ):
        last = newest(chosen)
        assert last is None or last in kept


@given(states(), RETENTIONS)
def test_what_may_still_be_finished_is_never_deleted(found: list[SetState], retention: Retention) -> None:
    kept = reasons_to_keep(found, retention, NOW)
    young = {each.id for each in found if each.status is SetStatus.UNFINISHED and NOW - each.id.moment < UNDER_WAY}
    assert young <= set(kept)


@given(states(), RETENTIONS)
def test_no_more_are_kept_than_the_numbers_and_the_good_ones_ask_for(
    found: list[SetState], retention: Retention
) -> None:
    kept = reasons_to_keep(found, retention, NOW)
    under_way = sum("may still be finished" in reasons for reasons in kept.values())
    assert len(kept) - under_way <= retention.daily + retention.weekly + retention.monthly + 4
    assert set(kept) <= {each.id for each in found}


@given(states(), RETENTIONS)
def test_pruning_twice_deletes_nothing_more(found: list[SetState], retention: Retention) -> None:
    kept = reasons_to_keep(found, retention, NOW)
    left = [each for each in found if each.id in kept]
    assert set(reasons_to_keep(left, retention, NOW)) == set(kept)


@given(states(), RETENTIONS, RETENTIONS)
def test_asking_for_more_never_deletes_more(found: list[SetState], one: Retention, other: Retention) -> None:
    both = Retention(
        daily=max(one.daily, other.daily),
        weekly=max(one.weekly, other.weekly),
        monthly=max(one.monthly, other.monthly),
    )
    assert set(reasons_to_keep(found, one, NOW)) <= set(reasons_to_keep(found, both, NOW))


def nightly(days: int, status: SetStatus = SetStatus.COMPLETE) -> SetState:
    return SetState(SetId.nightly("dev", (NOW - timedelta(days=days)).date()), status)


def test_of_a_year_of_nights_those_of_days_weeks_and_months_stay() -> None:
    kept = reasons_to_keep([nightly(day) for day in range(365)], Retention(daily=3, weekly=2, monthly=2), NOW)

    assert [f"{each.moment:%m-%d}" for each in sorted(kept)] == ["10-31", "11-22", "11-23", "11-24", "11-25"]


def test_a_complete_set_stands_for_its_day_before_a_later_partial_one() -> None:
    complete = SetState(SetId("dev", NOW - timedelta(days=3, hours=2)), SetStatus.COMPLETE)
    partial = SetState(SetId("dev", NOW - timedelta(days=3)), SetStatus.PARTIAL)
    kept = reasons_to_keep([complete, partial, nightly(0)], Retention(daily=7), NOW)

    assert complete.id in kept
    assert partial.id not in kept
