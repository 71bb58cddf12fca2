"""`ils kubeconfig`: access to an environment's cluster for kubectl, Helm and dagster-k8s."""

from __future__ import annotations

import sys
from pathlib import Path

from ils_pipelines.commands.output import ExitCode, print_json
from ils_pipelines.errors import IlsError
from ils_pipelines.settings.folders import DIRECTORY_VARIABLE, STATE_VARIABLE, environments_directory, state_directory
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.targets import open_target
from ils_pipelines.targets.eks import cluster_access
from ils_pipelines.targets.kubeconfig import kubeconfig as document_of
from ils_pipelines.targets.kubeconfig import token_command, write_kubeconfig


class KubeconfigNotWritten(IlsError):
    """The file cannot be written."""


def kubeconfig(environment: str, *, file: Path | None, as_json: bool) -> ExitCode:
    """Write it and print where. Raises an `IlsError`."""
    target = open_target(load_environment(environment))
    target.preflight()
    access = cluster_access(target.client("eks"), Naming.of(target.environment, Layer.CLUSTER).name())
    command = token_command(
        environment,
        access.name,
        # Whoever runs the command may be in another folder.
        {DIRECTORY_VARIABLE: str(environments_directory().resolve()), STATE_VARIABLE: str(state_directory())},
    )
    written = (file or state_directory() / "kubeconfigs" / f"{environment}.yaml").expanduser().resolve()
    try:
        write_kubeconfig(written, document_of(access, command, namespace=target.environment.app.namespace))
    except OSError as error:
        raise KubeconfigNotWritten(
            f"expected to write {written}, which cannot be done: {error.strerror}. Name another place with --file."
        ) from error
    if as_json:
        print_json({"environment": environment, "cluster": access.name, "file": str(written), "success": True})
    else:
        sys.stdout.write(f"{written}\n")
        sys.stderr.write(f"use it with: export KUBECONFIG={written}\n")
    return ExitCode.SUCCESS
