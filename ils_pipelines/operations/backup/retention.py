"""Which sets are kept. Decides over names and states alone, touches nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ils_pipelines.operations.backup.manifest import SetStatus
from ils_pipelines.operations.backup.set_id import SetId

if TYPE_CHECKING:
    from ils_pipelines.settings.backup import Retention

UNDER_WAY = timedelta(days=2)
"""An unfinished set that is younger may still be finished."""


@dataclass(frozen=True)
class SetState:
    """What decides whether a set is kept."""

    id: SetId
    status: SetStatus
    verified: bool = False
    """The last look at it found everything sound."""
    restorable: bool = False
    """A drill restored it, and what was restored was right."""


def reasons_to_keep(states: Iterable[SetState], retention: Retention, now: datetime) -> Mapping[SetId, tuple[str, ...]]:
    """The sets that are kept, each with its reasons; all others may go.

    Of every day, week and month that counts, the newest complete set is kept, or the newest partial one where there is no
    complete one. Whatever the numbers say, the newest set, the newest complete, the newest verified and the newest restorable
    one are kept: deleting backups must never leave somebody without one that is known to be good.
    """
    newest_first = sorted(states, key=lambda each: each.id, reverse=True)
    kept: dict[SetId, list[str]] = {}

    def keep(state: SetState | None, reason: str) -> None:
        if state is not None:
            kept.setdefault(state.id, []).append(reason)

    for what, count, period in (
        ("day", retention.daily, _day),
        ("week", retention.weekly, _week),
        ("month", retention.monthly, _month),
    ):
        for name, state in _newest_of_each(newest_first, period, count):
            keep(state, f"newest of the {what} {name}")
    keep(_first(newest_first, lambda _state: True), "newest")
    keep(_first(newest_first, lambda state: state.status is SetStatus.COMPLETE), "newest complete")
    keep(_first(newest_first, lambda state: state.verified), "newest verified")
    keep(_first(newest_first, lambda state: state.restorable), "newest restorable")
    for state in newest_first:
        if state.status is SetStatus.UNFINISHED and now - state.id.moment < UNDER_WAY:
            keep(state, "may still be finished")
    return {set_id: tuple(reasons) for set_id, reasons in kept.items()}


def _newest_of_each(
    newest_first: list[SetState], period: Callable[[SetId], str], count: int
) -> list[tuple[str, SetState]]:
    best: dict[str, SetState] = {}
    for state in newest_first:
        if state.status is SetStatus.UNFINISHED:
            continue
        name = period(state.id)
        known = best.get(name)
        if known is None or (known.status is SetStatus.PARTIAL and state.status is SetStatus.COMPLETE):
            best[name] = state
    return list(best.items())[:count]


def _first(newest_first: list[SetState], holds: Callable[[SetState], bool]) -> SetState | None:
    return next((state for state in newest_first if holds(state)), None)


def _day(set_id: SetId) -> str:
    return f"{set_id.moment:%Y-%m-%d}"


def _week(set_id: SetId) -> str:
    return f"{set_id.moment:%G-W%V}"


def _month(set_id: SetId) -> str:
    return f"{set_id.moment:%Y-%m}"
