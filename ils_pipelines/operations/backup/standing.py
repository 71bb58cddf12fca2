"""How an environment stands with its backups: four questions, each answered by what is in the bucket.

What is not known counts for nothing: a set that nobody verified is not verified, one that no drill restored not restorable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from ils_pipelines.operations.backup.manifest import SetStatus
from ils_pipelines.operations.backup.overview import SetOverview
from ils_pipelines.operations.backup.set_id import SetId

if TYPE_CHECKING:
    from ils_pipelines.settings.backup import Backup


class Answer(StrEnum):
    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Standing:
    """One question, answered."""

    answer: Answer
    reason: str
    since: timedelta | None = None
    """How old what answers it is."""

    @property
    def good(self) -> bool:
        return self.answer is Answer.GOOD


def age(sets: Sequence[SetOverview], settings: Backup, now: datetime) -> Standing:
    """Whether the newest complete set is young enough. `sets` are an environment's, newest first, here and below."""
    complete = [each for each in sets if each.status is SetStatus.COMPLETE]
    if not complete:
        return Standing(Answer.BAD, "there is no complete set")
    old = now - complete[0].id.moment
    limit = timedelta(hours=settings.max_age_hours)
    reason = f"the newest complete set, {complete[0].id.name}, is {words(old)} old; {words(limit)} are allowed"
    return Standing(Answer.GOOD if old <= limit else Answer.BAD, reason, old)


def completeness(found: SetOverview | None, set_id: SetId) -> Standing:
    """Whether a set has all of its pieces; None for one that there is not."""
    if found is None or (found.manifest is None and not found.problem):
        return Standing(Answer.BAD, f"the set {set_id.name} was not taken, or not finished")
    if found.manifest is None:
        return Standing(Answer.UNKNOWN, found.problem)
    if found.manifest.failures:
        missing = "; ".join(f"{each.name}: {each.reason}" for each in found.manifest.failures)
        return Standing(Answer.BAD, f"{len(found.manifest.failures)} pieces are missing: {missing}")
    return Standing(Answer.GOOD, f"{len(found.manifest.pieces)} pieces")


def signature(found: SetOverview | None, set_id: SetId) -> Standing:
    """Whether a set's manifest is signed, and the last look at it found everything as it was made."""
    if found is None or (found.manifest is None and not found.problem):
        return Standing(Answer.UNKNOWN, f"the set {set_id.name} has no manifest")
    if found.problem:
        return Standing(Answer.BAD, found.problem)
    looked = found.verification
    if looked is None:
        return Standing(Answer.UNKNOWN, "the manifest is signed; nobody looked at the pieces since")
    if found.verified is None:
        answer = Answer.UNKNOWN if looked.undecided else Answer.BAD
        wrong = "; ".join(f"{each.piece} is {each.verdict}: {', '.join(each.problems)}" for each in looked.wrong)
        return Standing(answer, wrong or "what was verified is another manifest of this set: verify it again")
    return Standing(Answer.GOOD, f"signed, and every piece was found sound at {looked.at:%Y-%m-%d %H:%M} UTC")


def restorable(sets: Sequence[SetOverview], settings: Backup, now: datetime) -> Standing:
    """Whether a drill restored a set lately, and what it restored was right."""
    drills = [each.restorability for each in sets if each.restorability is not None]
    if not drills:
        return Standing(Answer.UNKNOWN, "no drill has restored a set yet")
    passed = [each for each in drills if each.passed]
    if not passed:
        return Standing(Answer.BAD, "every drill that restored a set failed")
    last = max(passed, key=lambda each: each.at)
    old, limit = now - last.at, timedelta(days=settings.restorable_days)
    reason = f"{last.set} was restored by drill {last.drill}, {words(old)} ago; {words(limit)} are allowed"
    return Standing(Answer.GOOD if old <= limit else Answer.BAD, reason, old)


def words(duration: timedelta) -> str:
    """`3 days`, `26 hours`, `4 minutes`."""
    seconds = max(duration.total_seconds(), 0)
    for unit, length, least in (("days", 86400, 3), ("hours", 3600, 2)):
        if seconds >= length * least:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 60:.0f} minutes"
