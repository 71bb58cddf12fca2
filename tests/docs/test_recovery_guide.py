"""docs/recovery.md says nothing that is not so: its commands exist with these options, its scenarios are those there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from ils_pipelines.cli import app
from ils_pipelines.operations.drill.scenario import Scenario
from ils_pipelines.settings.drills import Drills
from tests.docs.commands import Command, commands

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "recovery.md"


@pytest.mark.parametrize("command", list(commands(GUIDE)), ids=lambda each: each.text[:80])
def test_a_command_exists_with_these_options(command: Command) -> None:
    known = typer.main.get_command(app)
    words = command.text.partition("#")[0].split()
    assert words[0] == "ils"
    found = known.commands[words[1]]  # type: ignore[attr-defined]
    options = {name for parameter in found.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_every_scenario_is_told() -> None:
    assert re.findall(r"^\| `([a-z-]+)` \|", GUIDE.read_text(), re.MULTILINE) == [
        scenario.value for scenario in Scenario
    ]


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"`drills\.([a-z_]+)`", GUIDE.read_text()))
    assert named <= set(Drills.model_fields)
