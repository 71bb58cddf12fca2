"""Pulumi's command line: whether the release that an environment's file asks for is there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from ils_pipelines.engine.pulumi.cli import find_pulumi, installation_root, tools_directory, version_of
from ils_pipelines.errors import IlsError
from ils_pipelines.operations.doctor.models import Diagnosis, ok, problem

SUBJECT = "pulumi"


class PulumiNotInstalled(IlsError):
    """Pulumi's installer did not succeed."""


def pulumi(version: str) -> Iterator[Diagnosis]:
    """Whether Pulumi is there, in that release and no other: what it plans is what was tested."""
    path = find_pulumi(version)
    remedy = "Install it: ils doctor --install (Pulumi's own installer), or build it: make tools"
    if path is None:
        found = f"none, neither in {tools_directory()} nor on PATH"
        yield problem(SUBJECT, f"Pulumi {version}", found, remedy)
        return
    try:
        found = version_of(path)
    except (OSError, subprocess.SubprocessError) as error:
        yield problem(SUBJECT, f"Pulumi {version}", f"{path} does not run ({error})", remedy)
        return
    if found != version:
        other = f"{remedy}. Or name {found or 'the other'} as engine.pulumi_version."
        yield problem(SUBJECT, f"Pulumi {version}", f"{found or 'an unknown release'} at {path}", other)
    else:
        yield ok(SUBJECT, f"Pulumi {version}", str(path))


def install_pulumi(version: str) -> Path:
    """Install that release into this user's cache, unless it is there. Raises `PulumiNotInstalled`."""
    from pulumi.automation import PulumiCommand
    from semver import VersionInfo

    root = installation_root(version)
    try:
        PulumiCommand.install(root=str(root), version=VersionInfo.parse(version))
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        output = getattr(error, "output", None)
        said = output.decode(errors="replace").strip().splitlines()[-1] if output else str(error)
        raise PulumiNotInstalled(
            f"expected Pulumi's installer (https://get.pulumi.com) to install {version} into {root}, found that it failed: "
            f"{said}. Check the network and HTTPS_PROXY, or build it where Go is present: make tools"
        ) from error
    return root / "bin" / "pulumi"
