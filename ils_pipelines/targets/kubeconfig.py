"""Access to an environment's cluster for programs that take a kubeconfig: kubectl, Helm, dagster-k8s.

The file holds no secret: for each token they run `ils eks-token`, which signs one with the credentials that the
environment's file names.
"""

from __future__ import annotations

import base64
import os
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ils_pipelines.targets.eks import ACCEPTED_FOR, ClusterAccess

if TYPE_CHECKING:
    from collections.abc import Mapping

EXEC_API_VERSION = "client.authentication.k8s.io/v1"
CONSOLE_SCRIPT = "ils"


@dataclass(frozen=True)
class TokenCommand:
    """What is run for a token, and the variables it needs beside those of the program that runs it."""

    command: str
    arguments: tuple[str, ...]
    variables: Mapping[str, str]


def token_command(environment: str, cluster: str, variables: Mapping[str, str]) -> TokenCommand:
    """`ils eks-token` of this installation, by its full path: whoever runs it may have another PATH."""
    script = Path(sysconfig.get_path("scripts")) / CONSOLE_SCRIPT
    arguments = ("eks-token", cluster, "--environment", environment)
    if script.is_file():
        return TokenCommand(str(script), arguments, variables)
    start = "from ils_pipelines.cli import main; main()"
    return TokenCommand(sys.executable, ("-c", start, *arguments), variables)


def kubeconfig(access: ClusterAccess, token: TokenCommand, *, namespace: str) -> dict[str, Any]:
    """The kubeconfig of one cluster, whose only context is named after it."""
    name = access.name
    authority = base64.b64encode(access.certificate_authority.encode()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": access.endpoint, "certificate-authority-data": authority}},
        ],
        "users": [
            {
                "name": name,
                "user": {
                    "exec": {
                        "apiVersion": EXEC_API_VERSION,
                        "command": token.command,
                        "args": list(token.arguments),
                        "env": [{"name": key, "value": value} for key, value in sorted(token.variables.items())],
                        "interactiveMode": "Never",
                        "provideClusterInfo": False,
                    }
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}],
        "current-context": name,
    }


def exec_credential(token: str, now: datetime | None = None) -> dict[str, Any]:
    """What an exec plugin prints. The program that asked keeps the token until then."""
    until = (now or datetime.now(UTC)) + ACCEPTED_FOR
    return {
        "apiVersion": EXEC_API_VERSION,
        "kind": "ExecCredential",
        "spec": {},
        "status": {"token": token, "expirationTimestamp": until.strftime("%Y-%m-%dT%H:%M:%SZ")},
    }


def write_kubeconfig(file: Path, document: Mapping[str, Any]) -> None:
    """Replace `file`, which only its owner may read: kubectl warns of anything else. Raises OSError."""
    import yaml

    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            yaml.safe_dump(dict(document), stream, sort_keys=False)
        Path(temporary).replace(file)
    finally:
        Path(temporary).unlink(missing_ok=True)
