"""A drill's evidence for people: one HTML page that needs nothing else, and plots of the timeline and of the trend."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.drill.models import Brief, Evidence, StepStatus, Verdict
from ils_pipelines.operations.drill.scenario import RECIPES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEMPLATES = Path(__file__).with_name("templates")
_GOOD, _BAD, _QUIET = "#2e7d32", "#c62828", "#607d8b"
_MOST_DRILLS = 60


def page(evidence: Evidence, history: Sequence[Brief]) -> str:
    """The HTML page; `history` holds earlier drills of the environment, oldest first."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("drill.html").render(
        evidence=evidence,
        says=RECIPES[evidence.scenario].says,
        failed=[each for each in evidence.checks if not each.passed],
        passed=[each for each in evidence.checks if each.passed],
        measures=(("RTO", evidence.rto), ("RPO", evidence.rpo)),
        timeline=_inline(timeline_png(evidence)),
        trend=_inline(trend_png(history)) if history else "",
        duration=duration,
    )


def duration(seconds: float | None) -> str:
    """For people: 42 s, 12 min 5 s, 3 h 20 min."""
    if seconds is None:
        return "not measured"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def timeline_png(evidence: Evidence) -> bytes:
    """A bar for each step, from the beginning of the drill."""
    figure = _figure(0.9 + 0.28 * len(evidence.steps))
    axes = figure.subplots()
    for row, step in enumerate(evidence.steps):
        begin = (step.started - evidence.started).total_seconds()
        color = _GOOD if step.status is StepStatus.DONE else _BAD
        axes.barh(row, max(step.seconds, 0.01), left=begin, color=color)
    axes.set_yticks(range(len(evidence.steps)), [step.name for step in evidence.steps], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("seconds from the beginning")
    return _png(figure)


def trend_png(history: Sequence[Brief]) -> bytes:
    """RTO and RPO of drill after drill, each with its target."""
    shown = history[-_MOST_DRILLS:]
    figure = _figure(4.2)
    both = figure.subplots(2, 1, sharex=True)
    for axes, name in zip(both, ("rto", "rpo"), strict=True):
        values = [(number, getattr(brief, f"{name}_seconds"), brief.passed) for number, brief in enumerate(shown)]
        measured = [(number, value, passed) for number, value, passed in values if value is not None]
        targets = [getattr(brief, f"{name}_target_seconds") for brief in shown]
        axes.plot([number for number, _, _ in measured], [value for _, value, _ in measured], color=_QUIET)
        axes.scatter(
            [number for number, _, _ in measured],
            [value for _, value, _ in measured],
            c=[_GOOD if passed else _BAD for _, _, passed in measured],
            zorder=3,
        )
        axes.step(range(len(shown)), targets, color=_BAD, linestyle="--", where="mid", label="target")
        axes.set_ylabel(f"{name.upper()}, s")
        axes.set_yscale("symlog")
        axes.legend(loc="upper right", fontsize=8)
    both[-1].set_xticks(
        range(len(shown)),
        [f"{brief.started:%m-%d}\n{brief.scenario.value}" for brief in shown],
        fontsize=6,
        rotation=45,
    )
    return _png(figure)


def summary_markdown(evidence: Evidence) -> str:
    """For Dagster's page of a run."""
    lines = [
        f"**{'passed' if evidence.passed else 'failed'}**: {RECIPES[evidence.scenario].says}",
        "",
        "| | found | target | |",
        "| --- | --- | --- | --- |",
    ]
    for name, measure in (("RTO", evidence.rto), ("RPO", evidence.rpo)):
        target = duration(measure.target_seconds)
        lines.append(f"| {name} | {duration(measure.seconds)} | {target} | {measure.verdict.value} |")
    lines += ["", *(f"* {cause}" for cause in evidence.causes)]
    lines += [f"* not restored: {each}" for each in evidence.not_restored]
    return "\n".join(lines)


def markdown_image(png: bytes, title: str) -> str:
    return f"![{title}]({_inline(png)})"


def worst(*verdicts: Verdict) -> Verdict:
    return next((each for each in (Verdict.BREACHED, Verdict.NOT_MEASURED) if each in verdicts), Verdict.MET)


def _figure(height: float) -> Figure:
    # Not through pyplot, which keeps figures in a global that threads would share.
    from matplotlib.figure import Figure

    return Figure(figsize=(9, height), layout="constrained")


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def _inline(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
