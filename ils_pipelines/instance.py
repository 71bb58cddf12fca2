"""Where the local Dagster instance lives, and opening it. One instance for the terminal, the UI and the daemon."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ils_pipelines.errors import IlsError
from ils_pipelines.settings.folders import HOME_VARIABLE, dagster_home, environments_directory

if TYPE_CHECKING:
    from dagster import DagsterInstance

CONFIGURATION = "dagster.yaml"
WORKSPACE = "workspace.yaml"

# What steps print goes to the terminal of whoever runs them. Dagster's own capture would turn the terminal's output into
# files and print those through four more processes.
_COMPUTE_LOGS_OF_A_TERMINAL = {
    "module": "dagster._core.storage.noop_compute_log_manager",
    "class": "NoOpComputeLogManager",
    "config": {},
}


class ConfigurationMissing(IlsError):
    """A file that Dagster needs is in none of the places where it may be."""

    def __init__(self, name: str, looked_in: tuple[Path, ...]) -> None:
        folders = " or ".join(str(folder) for folder in looked_in)
        super().__init__(f"expected {name} in {folders}, found none. Restore it from the repository.")


def project_file(name: str) -> Path:
    """`dagster.yaml` or `workspace.yaml`: beside the environments directory, else in the checkout of this code."""
    folders = (environments_directory().resolve().parent, Path(__file__).resolve().parents[1])
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise ConfigurationMissing(name, folders)


def prepare_home() -> Path:
    """The folder of the instance, made if it is not there, with its configuration.

    `DAGSTER_HOME` says which; without it, `dagster` in the state folder, whose configuration is the project's. The variable
    is set for this process and those it starts.
    """
    home = dagster_home()
    named = bool(os.environ.get(HOME_VARIABLE))
    home.mkdir(parents=True, exist_ok=True)
    if not (named and (home / CONFIGURATION).exists()):
        _link(home / CONFIGURATION, project_file(CONFIGURATION))
    os.environ[HOME_VARIABLE] = str(home)
    return home


def _link(link: Path, file: Path) -> None:
    """Make `link` stand for `file`, whatever stood there before; a copy where there are no links."""
    if link.is_symlink() and link.resolve() == file:
        return
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(file)
    except OSError:
        shutil.copyfile(file, link)


def open_instance() -> DagsterInstance:
    """The persistent instance, for runs of this process. Close it after use (it is a context manager)."""
    home = prepare_home()
    from dagster import DagsterInstance
    from dagster._core.instance import InstanceRef

    return DagsterInstance.from_ref(
        InstanceRef.from_dir(str(home), overrides={"compute_logs": _COMPUTE_LOGS_OF_A_TERMINAL})
    )
