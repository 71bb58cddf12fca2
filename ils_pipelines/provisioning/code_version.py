"""What decides the changes that a plan names: this package's code and the environment's file.

A plan says which resources are created, not with which properties: those follow from the code and the file. An approval
of a plan is therefore one of both, too.
"""

from __future__ import annotations

import hashlib
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ils_pipelines.settings.loading import UnknownEnvironment, environment_file

DISTRIBUTION = "ils-pipelines"
DECIDING = ("settings", "stacks", "release", "engine", "provisioning", "targets")
"""The packages whose code decides what is done. A new command or report leaves an approval as it is."""
SHOWN_DIGITS = 12
_PACKAGE = Path(__file__).resolve().parents[1]
_GIT_SECONDS = 10


class CodeVersion(BaseModel):
    """The code and the file that a plan was made from. Two are the same when their hashes are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    package: str
    """Version of the distribution."""
    commit: str | None
    """Of the checkout that the code is in; None where it is in none. A record for people: `sources` is what counts."""
    sources: str
    """SHA-256, in hex, over the code that decides what is done, so that uncommitted changes count as well."""
    environment_file: str
    """SHA-256, in hex, over the environment's file."""

    def differences(self, now: CodeVersion) -> tuple[str, ...]:
        """What is different in `now`, each in words; empty when an approval under `self` is good under `now`."""
        found = []
        if self.environment_file != now.environment_file:
            found.append(
                f"the environment's file changed ({self.environment_file[:SHOWN_DIGITS]} was approved, it is "
                f"{now.environment_file[:SHOWN_DIGITS]} now)"
            )
        if self.sources != now.sources:
            found.append(f"the code changed ({self.name} was approved, it is {now.name} now)")
        return tuple(found)

    @property
    def name(self) -> str:
        """For people: version, commit and the hash of the sources, shortened."""
        commit = f", commit {self.commit[:SHOWN_DIGITS]}" if self.commit else ""
        return f"{self.package}{commit}, sources {self.sources[:SHOWN_DIGITS]}"


def code_version(environment: str) -> CodeVersion:
    """The code of this installation and the file of that environment as they are now."""
    return CodeVersion(
        package=_package_version(),
        commit=_commit(),
        sources=_sources(),
        environment_file=environment_file_hash(environment),
    )


def environment_file_hash(environment: str) -> str:
    """SHA-256, in hex; empty for an environment that was made without a file."""
    try:
        return hashlib.sha256(environment_file(environment).read_bytes()).hexdigest()
    except UnknownEnvironment:
        return ""


def _sources() -> str:
    """Read anew each time: a process that lives long, as Dagster's does, must not vouch for files that changed since."""
    digest = hashlib.sha256()
    for package in DECIDING:
        for file in sorted((_PACKAGE / package).rglob("*.py")):
            content = file.read_bytes()
            digest.update(f"{file.relative_to(_PACKAGE)} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()


@cache
def _package_version() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str | None:
    checkout = _PACKAGE.parent
    if not (checkout / ".git").exists():
        return None
    command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_GIT_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.strip()
