"""Which Pulumi is used, and what is said when it is not there, or not as the environment wants it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ils_pipelines.engine.errors import EngineError
from ils_pipelines.engine.models import Stack
from ils_pipelines.engine.pulumi.cli import TOOLS_VARIABLE, find_pulumi, installation_root, require_pulumi
from ils_pipelines.engine.pulumi.installation import Installation
from ils_pipelines.settings.engine import PULUMI_VERSION, EngineSettings

ROOT = Path(__file__).resolve().parents[2]
STACK = Stack("ils-vpc", "dev", lambda: None)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of tools, and nothing on PATH."""
    monkeypatch.setenv(TOOLS_VARIABLE, str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def install(says: str, version: str = PULUMI_VERSION) -> Path:
    path = installation_root(version) / "bin" / "pulumi"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)
    return path


def test_the_release_that_the_tools_build_is_the_one_that_environments_get() -> None:
    module = (ROOT / "tools/pulumi/go.mod").read_text()
    match = re.search(r"github.com/pulumi/pulumi/pkg/v3 v(\S+)", module)
    assert match is not None
    assert match[1] == PULUMI_VERSION


def test_without_pulumi_the_remedy_is_named(tools: Path) -> None:
    assert find_pulumi(PULUMI_VERSION) is None
    with pytest.raises(EngineError, match=r"found no pulumi.*ils doctor --install.*make tools"):
        require_pulumi(PULUMI_VERSION)


def test_another_release_is_refused(tools: Path) -> None:
    install("v3.1.0")
    with pytest.raises(EngineError, match=rf"expected Pulumi {PULUMI_VERSION}, found 3\.1\.0"):
        require_pulumi(PULUMI_VERSION)


def test_the_pinned_release_is_used(tools: Path) -> None:
    path = install("v3.99.0", "3.99.0")
    assert require_pulumi("3.99.0") == path


def test_another_provider_than_the_pinned_one_is_refused(tools: Path) -> None:
    install("v3.98.0", "3.98.0")
    settings = EngineSettings(backend=f"file://{tools}/state", pulumi_version="3.98.0", aws_provider_version="1.2.3")
    with pytest.raises(EngineError, match=r"expected Pulumi's AWS provider 1\.2\.3"):
        Installation(settings, {}).command()


def test_a_passphrase_must_be_given(tools: Path) -> None:
    settings = EngineSettings(backend=f"file://{tools}/state")
    with pytest.raises(EngineError, match="expected the passphrase"):
        Installation(settings, {}).environment()
    given = Installation(settings.model_copy(update={"passphrase_file": "/run/secret"}), {}).environment()
    assert given["PULUMI_CONFIG_PASSPHRASE_FILE"] == "/run/secret"


def test_secrets_under_another_key_than_the_environment_names_are_refused(tools: Path) -> None:
    settings = EngineSettings(backend=f"file://{tools}/state", secrets_provider="awskms://alias/new")
    deployment = {"deployment": {"secrets_providers": {"type": "cloud", "state": {"url": "awskms://alias/old"}}}}
    with pytest.raises(EngineError, match=r"encrypted by awskms://alias/old.*change-secrets-provider"):
        Installation(settings, {}).check_secrets_provider(STACK, deployment)
