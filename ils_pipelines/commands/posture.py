"""`ils posture`: the security controls against the live environment. Starts no run and does not need Dagster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ils_pipelines.commands.output import ExitCode
from ils_pipelines.commands.scanning import scanned
from ils_pipelines.operations.posture.markdown import words
from ils_pipelines.operations.posture.models import Finding, Report, Result, Severity, Verdict
from ils_pipelines.operations.posture.report import posture as evaluate
from ils_pipelines.settings.loading import environment_names

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_STYLES = {
    Verdict.FAILED: "red",
    Verdict.UNKNOWN: "yellow",
    Verdict.WAIVED: "cyan",
    Verdict.PASSED: "green",
    Verdict.NOT_APPLICABLE: "dim",
}
_WORST_FIRST = {severity: -position for position, severity in enumerate(Severity)}


def posture(environment: str, *, as_json: bool) -> ExitCode:
    """Evaluate and show. Fails when a control fails that no waiver covers. Raises an `IlsError`."""
    return scanned(
        environment,
        lambda target: evaluate(target, others=environment_names()),
        as_json=as_json,
        entry=_entry,
        show=_print,
        succeeded=lambda report: not report.counts[Verdict.FAILED],
    )


def _print(out: Console, report: Report) -> None:
    """What asks for attention, the worst first; then the counts. Lines are wrapped by the console, with a hanging indent."""
    shown = sorted(report.results, key=lambda result: _WORST_FIRST[result.control.severity])
    for result in shown:
        if result.verdict is Verdict.FAILED:
            _print_head(out, result)
            for finding in result.findings:
                _line(out, f"{finding.resource}: expected {finding.expected}, found {finding.found}", 4)
            _line(out, f"-> {result.control.remedy}", 4, "dim")
    for result in shown:
        if result.verdict is Verdict.UNKNOWN:
            _print_head(out, result)
            _line(out, result.reason, 4)
    for result in shown:
        for accepted in result.waived:
            if result.verdict is Verdict.WAIVED and accepted is result.waived[0]:
                _print_head(out, result)
            _line(out, f"{accepted.finding.resource}: accepted until {accepted.waiver.expires}", 4)
            _line(out, accepted.waiver.reason, 6, "dim")
    for problem in report.waiver_problems:
        _line(out, f"waiver of {problem.waiver.control} ({problem.waiver.resource}): {problem.reason}", 0, "yellow")
    out.print(_counts(report))


def _print_head(out: Console, result: Result) -> None:
    from rich.text import Text

    control = result.control
    ids = f"  {control.references}" if control.references else ""
    head = Text.assemble(
        (f"{words(result.verdict):<8}", _STYLES[result.verdict]), f"{control.severity:<9}", (control.id, "bold"), ids
    )
    out.print(head)
    _line(out, control.title, 4, "dim")


def _line(out: Console, text: str, indent: int, style: str = "") -> None:
    from rich.padding import Padding
    from rich.text import Text

    out.print(Padding(Text(text, style=style), (0, 0, 0, indent)))


def _counts(report: Report) -> Text:
    from rich.text import Text

    counts = Text(
        f"{len(report.results)} controls on {report.environment} in {report.duration.total_seconds():.1f} s: "
    )
    parts = [
        Text(f"{count} {words(verdict)}", style=_STYLES[verdict]) for verdict, count in report.counts.items() if count
    ]
    return counts + Text(", ").join(parts)


def _entry(report: Report) -> dict[str, Any]:
    return {
        "counts": {verdict.value: count for verdict, count in report.counts.items()},
        "controls": [_control_entry(result) for result in report.results],
        "waivers_to_look_at": [
            {"control": each.waiver.control.value, "resource": each.waiver.resource, "reason": each.reason}
            for each in report.waiver_problems
        ],
    }


def _control_entry(result: Result) -> dict[str, Any]:
    control = result.control
    return {
        "control": control.id.value,
        "row": control.number,
        "title": control.title,
        "severity": control.severity.value,
        "layer": control.layer,
        "checkov": list(control.checkov),
        "fsbp": list(control.fsbp),
        "verdict": result.verdict.value,
        "reason": result.reason,
        "resources": list(result.resources),
        "findings": [_finding_entry(finding) for finding in result.findings],
        "waived": [
            {
                **_finding_entry(each.finding),
                "reason": each.waiver.reason,
                "expires": each.waiver.expires.isoformat(),
            }
            for each in result.waived
        ],
    }


def _finding_entry(finding: Finding) -> dict[str, str]:
    return {
        "resource": finding.resource,
        "expected": finding.expected,
        "found": finding.found,
        "remedy": finding.remedy,
    }
