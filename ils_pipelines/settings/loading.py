"""Finding and reading environment files. Imports neither Pulumi nor boto3: the command line and Dagster load this first."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from ils_pipelines.settings.diagnosis import diagnose, from_findings
from ils_pipelines.settings.environment import Environment, utc_today, warnings
from ils_pipelines.settings.errors import EnvironmentFileError, EnvironmentsDirectoryMissing, UnknownEnvironment
from ils_pipelines.settings.problems import Problem
from ils_pipelines.settings.yaml_document import Document, read_document

__all__ = [
    "EnvironmentFileError",
    "EnvironmentsDirectoryMissing",
    "FileReport",
    "Problem",
    "UnknownEnvironment",
    "environment_names",
    "environments_directory",
    "load_environment",
    "read_environment",
    "validate_all",
]

DIRECTORY_VARIABLE = "ILS_ENVIRONMENTS_DIR"
_SHIPPED_ORDER = {"dev": 0, "staging": 1, "production": 2}


@dataclass(frozen=True)
class FileReport:
    """What reading one file gave."""

    file: Path
    name: str
    environment: Environment | None
    """None when there are problems."""
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def environments_directory() -> Path:
    """Where the environment files are.

    `ILS_ENVIRONMENTS_DIR`; else the nearest `environments/` with YAML files at or above the working directory; else the
    one beside this package. Raises `EnvironmentsDirectoryMissing`.
    """
    named = os.environ.get(DIRECTORY_VARIABLE)
    if named:
        directory = Path(named).expanduser().absolute()
        if not directory.is_dir():
            raise EnvironmentsDirectoryMissing(directory)
        return directory
    here = Path.cwd()
    shipped = Path(__file__).resolve().parents[2] / "environments"
    for candidate in (*(place / "environments" for place in (here, *here.parents)), shipped):
        if candidate.is_dir() and _files(candidate):
            return candidate
    raise EnvironmentsDirectoryMissing(here / "environments")


def environment_names() -> tuple[str, ...]:
    """Names of the environments: dev, staging and production first, the others by name. Reads no file."""
    return tuple(file.stem for file in _files(environments_directory()))


def load_environment(name: str) -> Environment:
    """The environment of that name. Raises `UnknownEnvironment` or `EnvironmentFileError`."""
    directory = environments_directory()
    known = tuple(file.stem for file in _files(directory))
    if name not in known:
        suggestion = next(iter(get_close_matches(name, known, n=1)), None)
        raise UnknownEnvironment(name, known, directory, suggestion)
    report = read_environment(directory / f"{name}.yaml")
    if report.environment is None:
        raise EnvironmentFileError(report.file, report.problems)
    return report.environment


def validate_all() -> tuple[FileReport, ...]:
    """A report for every file, good or bad, in the order of `environment_names`. Raises only for a missing directory."""
    return tuple(read_environment(file) for file in _files(environments_directory(), suffixes=(".yaml", ".yml")))


def read_environment(file: Path, today: date | None = None) -> FileReport:
    """Read one file as it stands; never raises for what is in it."""
    today = today or utc_today()
    document = read_document(file)
    if document.data is None:
        return FileReport(file, file.stem, None, _naming(file) + document.problems, ())
    environment, found = diagnose(document.data, today, document.line)
    problems = _naming(file) + document.problems + found + _misnamed(file, document)
    if environment is None or problems:
        return FileReport(file, file.stem, None, problems, ())
    return FileReport(file, file.stem, environment, (), from_findings(warnings(environment, today), document.line))


def _misnamed(file: Path, document: Document) -> tuple[Problem, ...]:
    name = (document.data or {}).get("name")
    if not isinstance(name, str) or name == file.stem:
        return ()
    remedy = f"Write name: {file.stem}, or rename the file to {name}.yaml."
    return (Problem("name", name, f"is not the name of the file {file.name}", remedy, line=document.line(("name",))),)


def _naming(file: Path) -> tuple[Problem, ...]:
    if file.suffix == ".yaml":
        return ()
    return (Problem("", file.name, "would be overlooked: only .yaml files are environments", "Rename it to .yaml."),)


def _files(directory: Path, suffixes: tuple[str, ...] = (".yaml",)) -> list[Path]:
    files = [file for file in directory.iterdir() if file.suffix in suffixes and file.name[0] not in "._"]
    return sorted(files, key=lambda file: (_SHIPPED_ORDER.get(file.stem, len(_SHIPPED_ORDER)), file.name))
