"""`ils drill` and `ils drills`: rehearsing a loss, and what rehearsals found. Needs no Dagster."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from ils_pipelines.commands.output import ExitCode, console, print_json
from ils_pipelines.operations.drill.choose import Wanted
from ils_pipelines.operations.drill.conduct import Conducted, conduct, drills_of
from ils_pipelines.operations.drill.run import Asked
from ils_pipelines.operations.drill.scenario import RECIPES, scenario_of
from ils_pipelines.reporting.drill import duration
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target

if TYPE_CHECKING:
    from ils_pipelines.operations.drill.models import Brief, Measure


def drill(environment: str, *, scenario: str, set_name: str, any_set: bool, as_json: bool) -> ExitCode:
    """Rehearse, and show what was found. Succeeds only when the drill passed. Raises an `IlsError`."""
    asked = Asked(scenario_of(scenario), Wanted(set_name, any_set))
    target = open_target(load_environment(environment), JobFamily.DRILL)
    target.preflight()
    began = time.monotonic()

    def on_step(name: str, what: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:7.1f} s  {name}: {what}\n")

    done = conduct(target, asked, on_step=on_step)
    if as_json:
        print_json({**done.evidence.model_dump(mode="json"), "evidence": done.place, "success": done.evidence.passed})
    else:
        _print(done)
    return ExitCode.SUCCESS if done.evidence.passed else ExitCode.FAILED


def drills(environment: str, *, as_json: bool) -> ExitCode:
    """Show the drills that there is evidence of, the newest first."""
    target = open_target(load_environment(environment), JobFamily.DRILL)
    target.preflight()
    found = drills_of(target)[::-1]
    if as_json:
        entries: list[dict[str, Any]] = [brief.model_dump(mode="json") for brief in found]
        print_json({"environment": environment, "drills": entries, "success": True})
        return ExitCode.SUCCESS
    _print_list(environment, found)
    return ExitCode.SUCCESS


def _print(done: Conducted) -> None:
    from rich.text import Text

    out, evidence = console(), done.evidence
    verdict = Text("passed", style="green") if evidence.passed else Text("failed", style="red")
    out.print(Text.assemble(f"drill {evidence.drill} of {evidence.environment} ({evidence.scenario.value}): ", verdict))
    out.print(Text(RECIPES[evidence.scenario].says, style="dim"))
    out.print(f"backup set {evidence.set or 'none'}, manifest {evidence.manifest_sha256[:16] or 'not verified'}")
    for name, measure in (("RTO", evidence.rto), ("RPO", evidence.rpo)):
        out.print(_measure(name, measure))
    failed = sum(not each.passed for each in evidence.checks)
    out.print(f"{len(evidence.checks) - failed} checks passed, {failed} failed; {len(evidence.leftovers)} left over")
    for each in evidence.not_restored:
        out.print(Text(f"not restored: {each}", style="yellow"))
    for cause in evidence.causes:
        out.print(Text(f"-> {cause}", style="red"))
    out.print(f"evidence: {done.place}", soft_wrap=True)


def _measure(name: str, measure: Measure) -> str:
    return f"{name} {duration(measure.seconds)} of {duration(measure.target_seconds)}: {measure.verdict.value}"


def _print_list(environment: str, found: tuple[Brief, ...]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    out = console()
    if not found:
        out.print(f"no drill of {environment} yet. Run one: ils drill {environment}")
        return
    table = Table(title=f"drills of {environment}", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for head in ("when (UTC)", "drill", "scenario", "set", "", "RTO", "RPO", "why"):
        table.add_column(head, overflow="fold")
    for brief in found:
        table.add_row(
            f"{brief.started:%Y-%m-%d %H:%M}",
            brief.drill,
            brief.scenario.value,
            brief.set,
            Text("passed", style="green") if brief.passed else Text("failed", style="red"),
            duration(brief.rto_seconds),
            duration(brief.rpo_seconds),
            Text(brief.cause),
        )
    out.print(table)
