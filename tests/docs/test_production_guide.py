"""docs/production.md says nothing that is not so: its commands exist with these options, its files are there and valid."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from ils_pipelines.cli import app
from ils_pipelines.settings.loading import environments_directory, read_environment
from tests.docs.commands import Command, blocks, commands

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "production.md"
COMMANDS = list(commands(GUIDE))


def of(*programs: str) -> list[Command]:
    return [each for each in COMMANDS if each.program in programs]


def ids(each: Command) -> str:
    return each.text[:80]


@pytest.mark.parametrize("command", of("ils"), ids=ids)
def test_a_command_of_ours_exists_with_these_options(command: Command) -> None:
    group: Any = typer.main.get_command(app)
    name, *arguments = command.words[1:]
    chosen = group.commands.get(name)
    assert chosen is not None, f"{command.text}: there is no command {name}"

    if arguments:  # else it is named in a sentence
        chosen.make_context(name, list(arguments))  # parses the command line as `ils` would, and runs nothing


@pytest.mark.parametrize("command", of("make"), ids=ids)
def test_a_make_target_exists(command: Command) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(command.words[1:]) <= targets


def test_the_guide_has_commands_of_every_kind() -> None:
    """So that a change of the document's form does not leave the tests above without anything to look at."""
    assert len(of("ils")) > 15
    assert len(of("aws")) > 15
    assert {each.words[1] for each in of("make")} == {"setup", "tools", "iam", "iam-suite"}
    others = {"mkdir", "echo", "python3", "basename", "curl", "grep", "kubectl"}
    assert {each.program for each in COMMANDS} <= {"ils", "make", "aws", *others}


def test_the_file_of_the_guide_is_valid(tmp_path: Path) -> None:
    [block] = blocks(GUIDE, "yaml")
    document = yaml.safe_load((environments_directory() / "production.yaml").read_text())
    for key, value in yaml.safe_load(block).items():
        document[key] = {**document[key], **value} if isinstance(document.get(key), dict) else value
    file = tmp_path / "production.yaml"
    file.write_text(yaml.safe_dump(document))

    assert read_environment(file).problems == ()


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the guide's own commands write, with its own values."""
    folder = tmp_path_factory.mktemp("policies")
    [exports] = [block for block in blocks(GUIDE, "sh") if "export ENVIRONMENT" in block]
    [writing] = [block for block in blocks(GUIDE, "sh") if "for file in deploy/iam" in block]
    script = f"set -e\n{exports}\nexport STATE_KEY_ID=11111111-2222-3333-4444-555555555555\n{writing}"
    done = subprocess.run(
        ["/bin/bash", "-c", script.replace("/tmp/ils-policies", str(folder))],
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_guides_commands_fill_in_every_policy(policies: Path) -> None:
    written = sorted(policies.glob("*.json"))

    assert {file.name for file in written} == {file.name for file in (ROOT / "deploy" / "iam").glob("*.json")}
    for file in written:
        json.loads(file.read_text())
        assert "${" not in file.read_text()
    assert "ils-production-*" in (policies / "provision-data.json").read_text()


def test_every_policy_is_in_the_guide(policies: Path) -> None:
    text = GUIDE.read_text()
    made = re.search(r"for file in (read-only-network .*); do", text)
    assert made is not None
    trusts = {f"trust-{name}" for name in ("people", "dagster")}

    assert {*made[1].split(), *trusts} == {file.stem for file in policies.glob("*.json")}
    assert all(f"{name}" in text for name in trusts)


def test_documents_that_the_guide_points_to_are_there() -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", GUIDE.read_text()):
        assert (GUIDE.parent / link).is_file(), link
