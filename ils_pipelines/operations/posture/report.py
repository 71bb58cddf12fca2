"""Evaluating the controls against one live environment."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, cast

from ils_pipelines.operations.live import ApiUnavailable, Live
from ils_pipelines.operations.posture import evaluators
from ils_pipelines.operations.posture.controls import CONTROLS
from ils_pipelines.operations.posture.models import (
    Control,
    Finding,
    Observation,
    Report,
    Result,
    Verdict,
    WaivedFinding,
    WaiverProblem,
)

if TYPE_CHECKING:
    from ils_pipelines.settings.posture import PostureWaiver
    from ils_pipelines.targets.protocol import Target

Evaluator = Callable[[Live], Iterator[Observation]]

THREADS = 12
"""Controls evaluated at once: each waits for AWS, and AWS throttles more."""


def posture(
    target: Target,
    *,
    others: Iterable[str] = (),
    controls: tuple[Control, ...] = CONTROLS,
    now: datetime | None = None,
) -> Report:
    """Evaluate `controls` against the environment of `target`. Reads only.

    `others` are the names of the environments that may share the account. Raises nothing for what a control needs and
    cannot learn: its verdict is then `unknown`.
    """
    started = time.monotonic()
    taken_at = now or datetime.now(UTC)
    live = Live(target, frozenset(others) - {target.environment.name})
    waivers = target.environment.posture_waivers
    with ThreadPoolExecutor(THREADS, thread_name_prefix="posture") as pool:
        results = tuple(pool.map(lambda control: _evaluate(control, live, waivers, taken_at.date()), controls))
    return Report(
        environment=target.environment.name,
        taken_at=taken_at,
        duration=timedelta(seconds=time.monotonic() - started),
        results=results,
        waiver_problems=tuple(_waiver_problems(waivers, results, taken_at.date())),
    )


def evaluator_of(control: Control) -> Evaluator:
    """The function that looks for a control. Raises AttributeError or ImportError for a name that is none."""
    module, _, function = control.evaluator.partition(".")
    return cast(Evaluator, getattr(importlib.import_module(f"{evaluators.__name__}.{module}"), function))


def _evaluate(control: Control, live: Live, waivers: tuple[PostureWaiver, ...], today: date) -> Result:
    seen: list[Observation] = []
    unknown = ""
    try:
        # One by one, so that what was found before a call failed is kept.
        for observation in evaluator_of(control)(live):
            seen.append(observation)  # noqa: PERF402
    except ApiUnavailable as unavailable:
        unknown = str(unavailable)
    except Exception as error:  # noqa: BLE001 an answer we do not understand is no proof, and the other controls go on
        unknown = f"the answer could not be understood ({type(error).__name__}: {error})"
    findings = [
        Finding(control, each.resource, each.expected, each.found, control.remedy) for each in seen if not each.holds
    ]
    waived = [(finding, _waiver_of(finding, waivers, today)) for finding in findings]
    left = tuple(finding for finding, waiver in waived if waiver is None)
    accepted = tuple(WaivedFinding(finding, waiver) for finding, waiver in waived if waiver is not None)
    verdict = _verdict(seen, left, accepted, unknown)
    return Result(
        control=control,
        verdict=verdict,
        resources=tuple(dict.fromkeys(each.resource for each in seen)),
        findings=left,
        waived=accepted,
        reason=f"the environment has {control.absent}" if verdict is Verdict.NOT_APPLICABLE else unknown,
    )


def _verdict(
    seen: list[Observation], findings: tuple[Finding, ...], waived: tuple[WaivedFinding, ...], unknown: str
) -> Verdict:
    if findings:
        return Verdict.FAILED
    if unknown:
        return Verdict.UNKNOWN
    if waived:
        return Verdict.WAIVED
    return Verdict.PASSED if seen else Verdict.NOT_APPLICABLE


def _waiver_of(finding: Finding, waivers: tuple[PostureWaiver, ...], today: date) -> PostureWaiver | None:
    for waiver in waivers:
        if waiver.covers(finding.control.id, finding.resource) and waiver.holds(today):
            return waiver
    return None


def _waiver_problems(
    waivers: tuple[PostureWaiver, ...], results: tuple[Result, ...], today: date
) -> Iterator[WaiverProblem]:
    by_control = {result.control.id: result for result in results}
    for waiver in waivers:
        result = by_control.get(waiver.control)
        if result is None:
            continue  # only some controls were asked for
        if not waiver.holds(today):
            yield WaiverProblem(
                waiver, f"expired on {waiver.expires}: it no longer counts. Decide on it anew or remove it"
            )
        elif result.verdict in {Verdict.PASSED, Verdict.FAILED, Verdict.WAIVED} and not any(
            accepted.waiver == waiver for accepted in result.waived
        ):
            yield WaiverProblem(waiver, "covers nothing that was found. Remove it")
