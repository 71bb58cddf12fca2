"""What an interrupt does to a command of Pulumi, which a script stands for that says when it is interrupted."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pulumi.automation.errors import CommandError

from ils_pipelines.engine.pulumi.cli import Command

SCRIPT = """#!/bin/sh
trap 'echo interrupted >> "$0.said"; exit 130' INT
echo "$2 began" >> "$0.said"
while [ "$2" = up ] && [ -e "$0.said" ]; do sleep 0.02; done
echo '{}'
"""


@pytest.fixture
def pulumi(tmp_path: Path) -> Path:
    path = tmp_path / "pulumi"
    path.write_text(SCRIPT)
    path.chmod(0o755)
    return path


def said(pulumi: Path) -> str:
    told = Path(f"{pulumi}.said")
    return told.read_text() if told.exists() else ""


def test_an_operation_under_way_hears_of_the_first_interrupt_alone(pulumi: Path, tmp_path: Path) -> None:
    command = Command(pulumi, "3.0.0")
    failures: list[BaseException] = []

    def up() -> None:
        try:
            command.run(["up"], str(tmp_path), {})
        except CommandError as error:
            failures.append(error)

    running = threading.Thread(target=up)
    running.start()
    while "began" not in said(pulumi):
        running.join(0.01)
    command.interrupt()
    command.interrupt()
    running.join(30)

    assert not running.is_alive()
    assert said(pulumi) == "up began\ninterrupted\n"
    assert len(failures) == 1


def test_what_was_interrupted_before_it_began_does_not_begin(pulumi: Path, tmp_path: Path) -> None:
    command = Command(pulumi, "3.0.0")
    command.interrupt()
    with pytest.raises(CommandError, match="before it began"):
        command.run(["up"], str(tmp_path), {})
    assert said(pulumi) == ""


def test_what_an_operation_did_can_be_read_after_an_interrupt_that_came_as_it_ended(
    pulumi: Path, tmp_path: Path
) -> None:
    command = Command(pulumi, "3.0.0")
    command.interrupt()
    assert command.run(["stack", "export"], str(tmp_path), {}).stdout == "{}\n"
    assert said(pulumi) == "stack began\n"
