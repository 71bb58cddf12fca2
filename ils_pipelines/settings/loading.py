"""Finding and reading environment files. Imports neither Pulumi nor boto3: the command line and Dagster load this first.

Lasting environments are what people write into `environments/`; ephemeral ones are made from those by `ils up --from`, in a
folder of their own, and are read like the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from ils_pipelines.settings.diagnosis import diagnose, from_findings
from ils_pipelines.settings.environment import Environment, utc_today, warnings
from ils_pipelines.settings.errors import EnvironmentFileError, EnvironmentsDirectoryMissing, UnknownEnvironment
from ils_pipelines.settings.folders import (
    DIRECTORY_VARIABLE,
    environments_directory,
    ephemeral_directory,
    files_in,
)
from ils_pipelines.settings.problems import Problem
from ils_pipelines.settings.yaml_document import Document, read_document

__all__ = [
    "DIRECTORY_VARIABLE",
    "EnvironmentFileError",
    "EnvironmentsDirectoryMissing",
    "FileReport",
    "Problem",
    "UnknownEnvironment",
    "environment_file",
    "environment_names",
    "environments_directory",
    "ephemeral_names",
    "lasting_names",
    "load_environment",
    "read_environment",
    "validate_all",
]


@dataclass(frozen=True)
class FileReport:
    """What reading one file gave."""

    file: Path
    name: str
    environment: Environment | None
    """None when there are problems."""
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def environment_names() -> tuple[str, ...]:
    """Names of all environments: dev, staging and production first, other lasting ones, ephemeral ones last. Reads none."""
    return lasting_names() + ephemeral_names()


def lasting_names() -> tuple[str, ...]:
    """Names of the environments that people wrote down."""
    return tuple(file.stem for file in files_in(environments_directory()))


def ephemeral_names() -> tuple[str, ...]:
    """Names of those that were made for a time. A lasting one of the same name goes first."""
    lasting = set(lasting_names())
    return tuple(file.stem for file in files_in(ephemeral_directory()) if file.stem not in lasting)


def environment_file(name: str) -> Path:
    """The file of the environment of that name. Raises `UnknownEnvironment`."""
    directory = environments_directory()
    known = {file.stem: file for file in (*files_in(ephemeral_directory()), *files_in(directory))}
    if name not in known:
        names = environment_names()
        suggestion = next(iter(get_close_matches(name, names, n=1)), None)
        raise UnknownEnvironment(name, names, directory, suggestion)
    return known[name]


def load_environment(name: str) -> Environment:
    """The environment of that name. Raises `UnknownEnvironment` or `EnvironmentFileError`."""
    report = read_environment(environment_file(name))
    if report.environment is None:
        raise EnvironmentFileError(report.file, report.problems)
    return report.environment


def validate_all() -> tuple[FileReport, ...]:
    """A report for every file, good or bad, in the order of `environment_names`. Raises only for a missing directory."""
    suffixes = (".yaml", ".yml")
    files = (*files_in(environments_directory(), suffixes), *files_in(ephemeral_directory(), suffixes))
    return tuple(read_environment(file) for file in files)


def read_environment(file: Path, today: date | None = None) -> FileReport:
    """Read one file as it stands; never raises for what is in it."""
    today = today or utc_today()
    document = read_document(file)
    if document.data is None:
        return FileReport(file, file.stem, None, _naming(file) + document.problems, ())
    environment, found = diagnose(document.data, today, document.line)
    problems = _naming(file) + document.problems + found + _misnamed(file, document) + _misplaced(file, document)
    if environment is None or problems:
        return FileReport(file, file.stem, None, problems, ())
    return FileReport(file, file.stem, environment, (), from_findings(warnings(environment, today), document.line))


def _misnamed(file: Path, document: Document) -> tuple[Problem, ...]:
    name = (document.data or {}).get("name")
    if not isinstance(name, str) or name == file.stem:
        return ()
    remedy = f"Write name: {file.stem}, or rename the file to {name}.yaml."
    return (Problem("name", name, f"is not the name of the file {file.name}", remedy, line=document.line(("name",))),)


def _misplaced(file: Path, document: Document) -> tuple[Problem, ...]:
    """What is torn down by itself is only what was made to be: the two kinds never lie in one folder."""
    ephemeral = "ephemeral" in (document.data or {})
    inside = file.resolve().parent == ephemeral_directory()
    if ephemeral == inside:
        return ()
    if ephemeral:
        message = "belongs to files that `ils up NAME --from BASE --ttl TIME` writes"
        return (Problem("ephemeral", None, message, "Remove it.", line=document.line(("ephemeral",))),)
    remedy = f"Move it to {environments_directory()}, where the lasting environments are."
    return (Problem("ephemeral", None, "is missing in a file among those of ephemeral environments", remedy),)


def _naming(file: Path) -> tuple[Problem, ...]:
    if file.suffix == ".yaml":
        return ()
    return (Problem("", file.name, "would be overlooked: only .yaml files are environments", "Rename it to .yaml."),)
