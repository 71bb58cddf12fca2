"""From what a drill saw to what it says: the two times, and every reason why it failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ils_pipelines.operations.drill.models import Check, Measure, Verdict
from ils_pipelines.operations.drill.scenario import DatabaseSource, Recipe
from ils_pipelines.operations.drill.session import Session

_MINUTE = 60.0


def rto_of(session: Session, serving: str) -> Measure:
    """From noticing the loss until what was restored took the application's reads and writes, verified."""
    drills = session.target.environment.drills
    served = session.timeline.finished(serving)
    good = served is not None and all(each.passed for each in session.checks)
    return Measure(
        seconds=(served - session.detected).total_seconds() if served is not None and good else None,
        target_seconds=drills.rto_minutes * _MINUTE,
        basis="from noticing the loss until the restored data were verified and served",
    )


def rpo_of(session: Session) -> Measure:
    """From the newest row that came back, never from the age of a job."""
    drills = session.target.environment.drills
    newest = session.newest_restored
    if session.recipe.database is DatabaseSource.MOMENT:
        target, lost, basis = drills.point_in_time_rpo_minutes, session.damaged, "until the damage"
    elif session.newest_live is not None:
        target, lost, basis = drills.rpo_minutes, session.newest_live, "until the newest row that is live"
    else:
        target, lost, basis = drills.rpo_minutes, session.detected, "until the loss was noticed"
    seconds = None if newest is None or lost is None else max(0.0, (lost - newest).total_seconds())
    return Measure(
        seconds=seconds, target_seconds=target * _MINUTE, basis=f"from the newest row that came back {basis}"
    )


def causes_of(
    errors: Sequence[str],
    checks: Sequence[Check],
    rto: Measure,
    rpo: Measure,
    leftovers: Iterable[str],
    live_changes: Iterable[str],
    recipe: Recipe,
) -> tuple[str, ...]:
    """Each in words. None: the drill passed."""
    causes = [*errors]
    causes += [str(each) for each in checks if not each.passed and str(each) not in "; ".join(errors)]
    if not errors and not checks:
        causes.append("nothing was verified")
    if rto.verdict is Verdict.BREACHED:
        causes.append(f"RTO breached: {rto.seconds:.0f} s, target {rto.target_seconds:.0f} s")
    if rpo.verdict is Verdict.BREACHED:
        causes.append(f"RPO breached: {rpo.seconds:.0f} s, target {rpo.target_seconds:.0f} s")
    if recipe.database is not None and not errors and rpo.verdict is Verdict.NOT_MEASURED:
        causes.append("RPO not measured: no column of drills.newest_row has a row in the restored database")
    causes += [f"left over: {each}" for each in leftovers]
    causes += [f"what is live changed meanwhile: {each}" for each in live_changes]
    return tuple(causes)
