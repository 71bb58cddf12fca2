"""Rules over backup sets and the place where they are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from ils_pipelines.settings.drills import DAY_MINUTES
from ils_pipelines.settings.problems import Finding, Severity
from ils_pipelines.settings.schedules import NEVER, times_a_day
from ils_pipelines.settings.tiers import Tier

if TYPE_CHECKING:
    from ils_pipelines.settings.environment import Environment

_SHORTEST_PRODUCTION_DAYS = 7
"""A week covers a mistake that is noticed only after the weekend."""
_HOURS_OF_A_NIGHT = 24


def _a_nightly_set_is_young_enough(environment: Environment, _today: date) -> Iterator[Finding]:
    if environment.backup.max_age_hours <= _HOURS_OF_A_NIGHT:
        yield Finding(
            ("backup", "max_age_hours"),
            environment.backup.max_age_hours,
            "is over before the next nightly set is done",
            "Use 26 or more: a day, and the time that a set takes.",
        )


def _production_keeps_sets(environment: Environment, _today: date) -> Iterator[Finding]:
    retention = environment.backup.retention
    if environment.tier is Tier.PRODUCTION and retention.daily < _SHORTEST_PRODUCTION_DAYS:
        yield Finding(
            ("backup", "retention", "daily"),
            retention.daily,
            "is less than a week, in which a mistake may go unnoticed",
            f"Use {_SHORTEST_PRODUCTION_DAYS} or more in production.",
        )


def _sets_can_be_deleted(environment: Environment, _today: date) -> Iterator[Finding]:
    retention, lock_days = environment.backup.retention, environment.backup_vault.lock_days
    if lock_days > retention.daily:
        yield Finding(
            ("backup_vault", "lock_days"),
            lock_days,
            f"is more than the {retention.daily} days of backup.retention.daily: sets that are no longer wanted stay, and "
            "cost, until their lock ends",
            "Use as many days or fewer, or keep more daily sets.",
            severity=Severity.WARNING,
        )


def _drills_can_reach(environment: Environment, _today: date) -> Iterator[Finding]:
    cron, asked = environment.schedules.backup, environment.drills.rpo_minutes
    times = 0 if cron == NEVER else times_a_day(cron) if cron else 1
    if times and asked * times < DAY_MINUTES:
        yield Finding(
            ("drills", "rpo_minutes"),
            asked,
            f"is less than the time between two backup sets, of which a day has {times}: drills will not reach it",
            f"Use {DAY_MINUTES // times} or more, or take sets more often (schedules.backup); point_in_time_rpo_minutes is "
            "for recovery to a moment.",
            severity=Severity.WARNING,
        )


def _production_is_backed_up(environment: Environment, _today: date) -> Iterator[Finding]:
    if environment.tier is Tier.PRODUCTION and environment.schedules.backup == NEVER:
        yield Finding(
            ("schedules", "backup"),
            NEVER,
            "leaves production without backup sets, but for those that somebody takes",
            'Leave it out, or write a time: "30 4 * * *".',
            severity=Severity.WARNING,
        )


BACKUP_RULES: tuple[tuple[tuple[str, ...], Callable[[Environment, date], Iterator[Finding]]], ...] = (
    (("backup.max_age_hours",), _a_nightly_set_is_young_enough),
    (("tier", "backup.retention.daily"), _production_keeps_sets),
    (("backup_vault.lock_days", "backup.retention.daily"), _sets_can_be_deleted),
    (("drills.rpo_minutes", "schedules.backup"), _drills_can_reach),
    (("tier", "schedules.backup"), _production_is_backed_up),
)
