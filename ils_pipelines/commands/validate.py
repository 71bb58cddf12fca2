"""`ils validate`: every problem of every environment file at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from ils_pipelines.commands.output import ExitCode, print_json
from ils_pipelines.settings.loading import FileReport, load_environment, validate_all
from ils_pipelines.settings.problems import Problem, shorten


def validate(names: Sequence[str], *, as_json: bool) -> ExitCode:
    """Check the files of these environments, or all of them. Raises `UnknownEnvironment`."""
    reports = validate_all()
    known = {report.name for report in reports}
    for name in names:
        if name not in known:
            load_environment(name)  # raises, with what it might have meant
    chosen = [report for report in reports if not names or report.name in names]
    valid = all(not report.problems for report in chosen)
    if as_json:
        print_json({"environments": [_entry(report) for report in chosen], "success": valid})
    else:
        for report in chosen:
            _print(report)
    return ExitCode.SUCCESS if valid else ExitCode.FAILED


def _print(report: FileReport) -> None:
    """Problems to standard error, the rest to standard output. Each problem is one line, which nothing wraps."""
    if report.problems:
        count = "1 problem" if len(report.problems) == 1 else f"{len(report.problems)} problems"
        sys.stderr.write(f"{report.file}: {count}\n" + "".join(f"  {problem}\n" for problem in report.problems))
    else:
        sys.stdout.write(f"{report.file}: valid\n")
    for warning in report.warnings:
        sys.stdout.write(f"  warning: {warning}\n")


def _entry(report: FileReport) -> dict[str, Any]:
    return {
        "environment": report.name,
        "file": str(report.file),
        "valid": not report.problems,
        "problems": [_problem(problem) for problem in report.problems],
        "warnings": [_problem(problem) for problem in report.warnings],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "path": problem.path,
        "line": problem.line,
        "value": _plain(problem.value),
        "message": problem.message,
        "remedy": problem.remedy,
    }


def _plain(value: Any) -> Any:
    """As it is, or as text where YAML has what JSON has not: a key that is a date, a number that is none."""
    try:
        json.dumps(value, allow_nan=False, default=str)
    except (TypeError, ValueError):
        return shorten(value)
    return value
