"""Environment files in a directory of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from ils_pipelines.settings.loading import FileReport, read_environment

TODAY = date(2026, 11, 23)
"""The day on which all tests take place, so that no support date changes their outcome."""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory of environment files that the settings look at."""
    directory = tmp_path / "environments"
    directory.mkdir()
    monkeypatch.setenv("ILS_ENVIRONMENTS_DIR", str(directory))
    return directory


Read = Callable[..., FileReport]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a file of the given sections (or the given text), named after its `name`, as of `today`."""

    def read(sections: Mapping[str, Any] | str, today: date = TODAY) -> FileReport:
        if isinstance(sections, str):
            text, name = sections, "dev"
        else:
            full = {"name": "dev", **sections}
            text, name = yaml.safe_dump(full), str(full["name"])
        file = tmp_path / f"{name}.yaml"
        file.write_text(text)
        return read_environment(file, today)

    return read


@pytest.fixture
def problem_paths(read: Read) -> Callable[..., list[str]]:
    """The places of all problems of a file with the given sections."""
    return lambda sections, today=TODAY: [problem.path for problem in read(sections, today).problems]
