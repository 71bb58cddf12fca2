"""What the commands that look at an environment have in common. They start no run and do not need Dagster."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ils_pipelines.commands.output import ExitCode, console, print_json
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target

if TYPE_CHECKING:
    from rich.console import Console

URGENCY_STYLES = {
    Urgency.FINE: "green",
    Urgency.WARNING: "yellow",
    Urgency.UNKNOWN: "magenta",
    Urgency.CRITICAL: "red",
}


class Report(Protocol):
    """What every report of a scan says of itself."""

    @property
    def environment(self) -> str: ...
    @property
    def taken_at(self) -> datetime: ...
    @property
    def duration(self) -> timedelta: ...


R = TypeVar("R", bound=Report)


def scanned(
    environment: str,
    look: Callable[[Target], R],
    *,
    as_json: bool,
    entry: Callable[[R], dict[str, Any]],
    show: Callable[[Console, R], None],
    succeeded: Callable[[R], bool],
    family: JobFamily = JobFamily.READ_ONLY,
) -> ExitCode:
    """Look and show; with `as_json` one object of what every report has and of what `entry` gives. Raises an `IlsError`."""
    target = open_target(load_environment(environment), family)
    target.preflight()
    report = look(target)
    success = succeeded(report)
    if as_json:
        head = {
            "environment": report.environment,
            "taken_at": report.taken_at.isoformat(),
            "seconds": round(report.duration.total_seconds(), 3),
        }
        print_json({**head, **entry(report), "success": success})
    else:
        show(console(), report)
    return ExitCode.SUCCESS if success else ExitCode.FAILED


def print_finding(out: Console, finding: Finding) -> None:
    """A head, and below it what was expected, what was found and what to do; wrapped with the indent kept."""
    print_problem(
        out,
        (finding.urgency.value, URGENCY_STYLES[finding.urgency]),
        finding.subject,
        (finding.expected, finding.found, finding.remedy),
    )


def print_problem(out: Console, label: tuple[str, str], subject: str, said: tuple[str, str, str]) -> None:
    """`label` is a word and its style; `said` is what was expected, what was found, and the remedy."""
    from rich.padding import Padding
    from rich.text import Text

    expected, found, remedy = said
    out.print(Text.assemble((f"{label[0]:<11}", label[1]), (subject, "bold")))
    out.print(Padding(Text(f"expected {expected}, found {found}"), (0, 0, 0, 4)))
    out.print(Padding(Text(f"-> {remedy}", style="dim"), (0, 0, 0, 4)))
