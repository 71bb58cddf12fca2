"""Where the files of environments are, and everything local that belongs to them."""

from __future__ import annotations

import os
from pathlib import Path

from ils_pipelines.settings.errors import EnvironmentsDirectoryMissing

DIRECTORY_VARIABLE = "ILS_ENVIRONMENTS_DIR"
STATE_VARIABLE = "ILS_STATE_DIR"
EPHEMERAL_VARIABLE = "ILS_EPHEMERAL_DIR"
HOME_VARIABLE = "DAGSTER_HOME"
SUFFIX = ".yaml"
_SHIPPED_ORDER = {"dev": 0, "staging": 1, "production": 2}


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
        if candidate.is_dir() and files_in(candidate):
            return candidate
    raise EnvironmentsDirectoryMissing(here / "environments")


def state_directory() -> Path:
    """The folder of everything local: `ILS_STATE_DIR`, else `.ils` beside the environments directory."""
    named = os.environ.get(STATE_VARIABLE)
    if named:
        return Path(named).expanduser().resolve()
    return environments_directory().resolve().parent / ".ils"


def dagster_home() -> Path:
    """The folder of the Dagster instance: `DAGSTER_HOME`, else `dagster` in the state folder. Need not be there."""
    named = os.environ.get(HOME_VARIABLE)
    return Path(named).expanduser().resolve() if named else state_directory() / "dagster"


def ephemeral_directory() -> Path:
    """Where the files of ephemeral environments are written: `ILS_EPHEMERAL_DIR`, else `environments` in the state folder.

    Need not be there. Where Dagster runs on more than one machine, it has to be a folder that all of them share.
    """
    named = os.environ.get(EPHEMERAL_VARIABLE)
    if named:
        return Path(named).expanduser().resolve()
    return state_directory() / "environments"


def files_in(directory: Path, suffixes: tuple[str, ...] = (SUFFIX,)) -> list[Path]:
    """The environment files in a folder: dev, staging and production first, the others by name. None if it is not there."""
    if not directory.is_dir():
        return []
    files = [file for file in directory.iterdir() if file.suffix in suffixes and file.name[0] not in "._"]
    return sorted(files, key=lambda file: (_SHIPPED_ORDER.get(file.stem, len(_SHIPPED_ORDER)), file.name))
