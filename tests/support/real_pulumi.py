"""Whether the real Pulumi is there."""

from __future__ import annotations

import pytest

from ils_pipelines.engine.errors import EngineError
from ils_pipelines.engine.pulumi.cli import require_pulumi
from ils_pipelines.settings.engine import PULUMI_VERSION


def needs_pulumi() -> None:
    """Skip the test where the real Pulumi is not installed."""
    try:
        require_pulumi(PULUMI_VERSION)
    except EngineError as missing:
        pytest.skip(str(missing))
