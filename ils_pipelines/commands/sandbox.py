"""`ils sandbox …`: the sandbox's own command line, which is there when the extra is installed."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from ils_pipelines.targets.errors import TargetUnavailable

MODULE = "ils_sandbox.cli"


def run(arguments: Sequence[str]) -> None:
    """Hand over to the sandbox's command line. Ends the process, as a command line does."""
    try:
        # By name: the product works without the sandbox.
        app = importlib.import_module(MODULE).app
    except ModuleNotFoundError as missing:
        raise TargetUnavailable(
            f"the sandbox is not installed (no module {missing.name}). "
            "Install it with the extra: pip install 'ils-pipelines[sandbox]'."
        ) from missing
    app(list(arguments), prog_name="ils sandbox")
