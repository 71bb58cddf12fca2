"""The real Pulumi for environments in the sandbox, as for those in an AWS account, attached to the sandbox's provider."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ils_pipelines.engine.errors import EngineError
from ils_pipelines.engine.pulumi import PulumiEngine
from ils_pipelines.settings.engine import EngineSettings
from ils_sandbox.engine.secrets import open_crypter
from ils_sandbox.provider.process import ProviderProcess, SandboxFinder


def real_engine(stacks: Path, settings: EngineSettings, config: Mapping[str, str], endpoint: str) -> PulumiEngine:
    """Pulumi with its state in a folder beside the checkpoints, its secrets under the same passphrase as theirs."""
    folder = stacks / "pulumi"
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    region = config["aws:region"]
    own = {"backend": f"file://{folder / 'state'}", "secrets_provider": "passphrase", "passphrase_file": None}
    return PulumiEngine(
        settings.model_copy(update=own),
        config=config,
        environment={**_provider(endpoint, region).environment, "PULUMI_CONFIG_PASSPHRASE": _passphrase(stacks)},
        home=home,
        finder=SandboxFinder(endpoint, region),
    )


@cache
def _provider(endpoint: str, region: str) -> ProviderProcess:
    """One for this process, with which it ends."""
    return ProviderProcess(endpoint, region)


def _passphrase(stacks: Path) -> str:
    key = stacks / "key.json"
    open_crypter(key)  # made at first use
    passphrase = json.loads(key.read_text()).get("passphrase")
    if not isinstance(passphrase, str):
        raise EngineError(f"the key file {key} has no passphrase; start over with `ils sandbox reset`.")
    return passphrase
