"""Whoever is told of something is told where to read what to do."""

from __future__ import annotations

import re
from pathlib import Path

from ils_pipelines.definitions import defs
from ils_pipelines.defs.notifications import runbook_name
from ils_pipelines.operations.notifications.composing import runbook_of
from ils_pipelines.settings.notifications import Notifications

ROOT = Path(__file__).resolve().parents[2]


def test_every_check_and_a_failed_run_have_a_runbook() -> None:
    names = {runbook_name(key.name) for key in defs.resolve_asset_graph().asset_check_keys} | {"failed-run"}

    assert {name for name in names if not (ROOT / runbook_of(Notifications(), name)).is_file()} == set()


def test_a_runbook_names_no_command_that_there_is_not() -> None:
    from typer.main import get_command

    from ils_pipelines.cli import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    for page in (ROOT / "docs" / "runbooks").glob("*.md"):
        assert set(re.findall(r"`ils ([a-z-]+)", page.read_text())) <= set(commands), page.name
