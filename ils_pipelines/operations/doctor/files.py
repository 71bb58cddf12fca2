"""The environment files, and the versions that they ask for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ils_pipelines.operations.doctor.models import Diagnosis, Verdict, ok, warning
from ils_pipelines.settings.loading import FileReport
from ils_pipelines.settings.problems import Problem, shorten
from ils_pipelines.settings.versions import TABLE_DATE, TABLE_LASTS


def environment_file(report: FileReport) -> Iterator[Diagnosis]:
    """Every problem and warning of a file, versions that leave support included."""
    for each in report.problems:
        yield _diagnosis(report.name, Verdict.PROBLEM, each)
    for each in report.warnings:
        yield _diagnosis(report.name, Verdict.WARNING, each)
    if not report.problems and not report.warnings:
        yield ok(f"{report.name}: file", "valid", f"{report.file.name} is")


def _diagnosis(name: str, verdict: Verdict, found: Problem) -> Diagnosis:
    place = found.path or "the file"
    where = place if found.line is None else f"{place}, line {found.line}"
    value = f"{found.message}" if found.value is None else f"{shorten(found.value)}: {found.message}"
    return Diagnosis(f"{name}: file", verdict, f"{where} to be right", value, found.remedy)


def calendar(today: date) -> Iterator[Diagnosis]:
    """Whether the table by which versions are judged is young enough to believe."""
    expected = f"a table of versions younger than {TABLE_LASTS.days} days"
    age = (today - TABLE_DATE).days
    if today - TABLE_DATE > TABLE_LASTS:
        remedy = "Look up the support calendars of AWS and bring settings/versions.py up to date."
        yield warning("version calendar", expected, f"one of {TABLE_DATE}, {age} days old", remedy)
    else:
        yield ok("version calendar", expected, f"one of {TABLE_DATE}")
