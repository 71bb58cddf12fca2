"""A drill with everything that belongs to it: run, written down, told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ils_pipelines.operations.backup.bucket import SetBucket
from ils_pipelines.operations.backup.places import find_places
from ils_pipelines.operations.drill.evidence import briefs, keep
from ils_pipelines.operations.drill.models import Brief, Evidence, brief_of
from ils_pipelines.operations.drill.run import Asked, run_drill
from ils_pipelines.operations.drill.timeline import OnStep, ignore_steps

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target


@dataclass(frozen=True)
class Conducted:
    """A drill and where its evidence is."""

    evidence: Evidence
    history: tuple[Brief, ...]
    """All drills of the environment, this one last."""
    place: str


def conduct(target: Target, asked: Asked, *, on_step: OnStep = ignore_steps) -> Conducted:
    """Raises what `run_drill` raises, and `NoBackupPlace` when the evidence cannot be written."""
    from ils_pipelines.reporting.drill import page

    evidence = run_drill(target, asked, on_step=on_step)
    bucket = SetBucket(target, find_places(target).here)
    history = (*briefs(bucket), brief_of(evidence))
    place = keep(bucket, evidence, page(evidence, history))
    return Conducted(evidence, history, place)


def drills_of(target: Target) -> tuple[Brief, ...]:
    """The drills that there is evidence of, oldest first."""
    return briefs(SetBucket(target, find_places(target).here))
