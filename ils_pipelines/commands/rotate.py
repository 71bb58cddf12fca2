"""`ils rotate`: other secrets for the database and the cache."""

from __future__ import annotations

from collections.abc import Sequence

from ils_pipelines.commands.output import ExitCode
from ils_pipelines.commands.run import run
from ils_pipelines.operations.rotation.models import What
from ils_pipelines.provisioning.progress import Action


def rotate(environment: str, *, what: Sequence[What], as_json: bool) -> ExitCode:
    """Run the job and show what it did."""
    return run(Action.ROTATE, environment, as_json=as_json, asked={"what": [str(each) for each in what or tuple(What)]})
