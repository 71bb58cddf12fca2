"""The Pulumi that an environment names: checked before anything runs, and logged."""

from __future__ import annotations

import importlib.metadata
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ils_pipelines.engine.errors import EngineError
from ils_pipelines.engine.models import Stack
from ils_pipelines.engine.pulumi.cli import Command, require_pulumi
from ils_pipelines.settings.engine import EngineSettings

PASSPHRASE = "passphrase"  # noqa: S105 the name of a kind of secrets provider
_PASSPHRASE_VARIABLES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
_PROVIDER_PACKAGE = "pulumi_aws"

logger = logging.getLogger(__name__)


def pulumi_url(backend: str) -> str:
    """The backend's URL as Pulumi gets it.

    In a folder Pulumi would write a file of attributes beside each file, of which it reads nothing but whether it is whole;
    being killed while it writes one made the state beside it unreadable.
    """
    return f"{backend}?metadata=skip" if backend.startswith("file:") else backend


class Installation:
    """Command line, versions, state and secrets, as the settings want them."""

    def __init__(self, settings: EngineSettings, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._environment = dict(environment)
        self._path: Path | None = None

    def backend(self) -> str:
        """Raises EngineError when the environment names none."""
        if self._settings.backend is None:
            raise EngineError("expected a place where Pulumi keeps its state under engine.backend, found none.")
        return self._settings.backend

    def command(self) -> Command:
        """A command for one operation. The first time, everything is checked; raises EngineError for what is not there."""
        if self._path is None:
            path = require_pulumi(self._settings.pulumi_version)
            provider = self._check_provider()
            self._prepare_folder()
            logger.info(
                "Pulumi %s at %s, AWS provider %s, state in %s, secrets by %s",
                self._settings.pulumi_version,
                path,
                provider,
                self.backend(),
                self._settings.secrets_provider,
            )
            self._path = path
        return Command(self._path, self._settings.pulumi_version)

    def environment(self) -> dict[str, str]:
        """Variables for Pulumi, above those of this process."""
        variables = {
            **self._environment,
            "PULUMI_BACKEND_URL": pulumi_url(self.backend()),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # Every operation has a folder of its own: what encrypts the secrets is read from the state.
            "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        }
        if self._settings.passphrase_file:
            variables["PULUMI_CONFIG_PASSPHRASE_FILE"] = self._settings.passphrase_file
        known = {**os.environ, **variables}
        if self._settings.secrets_provider == PASSPHRASE and not any(name in known for name in _PASSPHRASE_VARIABLES):
            raise EngineError(
                "expected the passphrase of the state's secrets, found none. Name its file under engine.passphrase_file, or "
                "set PULUMI_CONFIG_PASSPHRASE; better, have a KMS key encrypt them: engine.secrets_provider."
            )
        return variables

    def check_secrets_provider(self, stack: Stack, deployment: Mapping[str, Any] | None) -> None:
        """Raise EngineError when the stack's secrets are encrypted by something else than the environment says."""
        found = ((deployment or {}).get("deployment") or {}).get("secrets_providers") or {}
        if not found:
            return
        actual = (found.get("state") or {}).get("url") or found.get("type")
        if actual != self._settings.secrets_provider:
            raise EngineError(
                f"the secrets of {stack} are encrypted by {actual}, but engine.secrets_provider says "
                f"{self._settings.secrets_provider}. Put the former back, or move the stack: pulumi stack "
                f"change-secrets-provider {self._settings.secrets_provider!r}"
            )

    def _check_provider(self) -> str:
        found = importlib.metadata.version(_PROVIDER_PACKAGE)
        wanted = self._settings.aws_provider_version
        if wanted not in {None, found}:
            raise EngineError(
                f"expected Pulumi's AWS provider {wanted}, found {found}. Install the code that is locked to the expected "
                "one, or name the other under engine.aws_provider_version, after a look at what a preview says."
            )
        return found

    def _prepare_folder(self) -> None:
        """Pulumi makes no folder for its state."""
        parts = urlsplit(self.backend())
        if parts.scheme == "file":
            Path(parts.path).mkdir(mode=0o700, parents=True, exist_ok=True)
