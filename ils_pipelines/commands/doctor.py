"""`ils doctor`: what is wrong with this machine, the environment files and the accounts, and how to put it right."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ils_pipelines.commands.output import ExitCode, console, print_json
from ils_pipelines.operations.doctor.examine import examine
from ils_pipelines.operations.doctor.models import Diagnosis, Verdict
from ils_pipelines.operations.doctor.pulumi import install_pulumi
from ils_pipelines.settings.engine import PULUMI_VERSION
from ils_pipelines.settings.loading import FileReport, load_environment, validate_all

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.PROBLEM: "red"}


def doctor(environment: str | None, *, install: bool, as_json: bool) -> ExitCode:
    """Look and show. Succeeds when there is no problem; warnings are none. Raises an `IlsError`."""
    reports = _reports(environment)
    if install:
        for version in _wanted(reports):
            sys.stderr.write(f"Pulumi {version}: {install_pulumi(version)}\n")
    out = console()
    found = []
    for diagnosis in examine(reports):
        found.append(diagnosis)
        if not as_json:
            _print(out, diagnosis)
    healthy = all(each.verdict is not Verdict.PROBLEM for each in found)
    if as_json:
        print_json({"findings": [_entry(each) for each in found], "success": healthy})
    else:
        counts = Counter(each.verdict for each in found)
        out.print(", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict]))
    return ExitCode.SUCCESS if healthy else ExitCode.FAILED


def _reports(environment: str | None) -> Sequence[FileReport]:
    """The files that are looked at. Raises `UnknownEnvironment`."""
    reports = validate_all()
    if environment is None:
        return reports
    chosen = [report for report in reports if report.name == environment]
    if not chosen:
        load_environment(environment)  # raises, with what it might have meant
    return chosen


def _wanted(reports: Sequence[FileReport]) -> Sequence[str]:
    """The releases of Pulumi that the files ask for; the one of this code where none is valid."""
    wanted = dict.fromkeys(each.environment.engine.pulumi_version for each in reports if each.environment is not None)
    return tuple(wanted) or (PULUMI_VERSION,)


def _print(out: Console, diagnosis: Diagnosis) -> None:
    from rich.padding import Padding
    from rich.text import Text

    style = _STYLES[diagnosis.verdict]
    line = Text.assemble((f"{diagnosis.verdict.value:<8} ", style), (diagnosis.subject, "bold"))
    if diagnosis.verdict is Verdict.OK:
        out.print(Text.assemble(line, f"  {diagnosis.found}"))
        return
    out.print(line)
    out.print(Padding(Text(f"expected {diagnosis.expected}, found {diagnosis.found}"), (0, 0, 0, 9)))
    out.print(Padding(Text(f"-> {diagnosis.remedy}", style="dim"), (0, 0, 0, 9)))


def _entry(diagnosis: Diagnosis) -> dict[str, str]:
    return {
        "subject": diagnosis.subject,
        "verdict": diagnosis.verdict.value,
        "expected": diagnosis.expected,
        "found": diagnosis.found,
        "remedy": diagnosis.remedy,
    }
