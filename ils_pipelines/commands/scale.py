"""`ils scale`: how many pods and nodes there are, until the environment is changed next."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ils_pipelines.commands.output import ExitCode, exit_code_of, print_error, print_json
from ils_pipelines.commands.run import run
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.progress import Action
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target


def scale(
    environment: str,
    *,
    replicas: int | None,
    fewest: int | None,
    most: int | None,
    nodes: Sequence[str],
    restore: bool,
    as_json: bool,
) -> ExitCode:
    """Check, then run the job and show what it did."""
    from ils_pipelines.operations.scaling.models import Scaling, as_in_file, parse_nodes
    from ils_pipelines.operations.scaling.scale import Scaler

    try:
        # What is refused is refused before Dagster is loaded.
        target = open_target(load_environment(environment))
        target.preflight()
        asked = Scaling(replicas, fewest, most, parse_nodes(nodes))
        Scaler.of(target, as_in_file(target.environment) if restore else asked).check()
    except IlsError as refused:
        print_error(refused)
        if as_json:
            print_json({"environment": environment, "error": str(refused), "success": False})
        return exit_code_of(refused)
    config = {"replicas": replicas, "min": fewest, "max": most, "nodes": list(nodes), "restore": restore}
    given = {name: value for name, value in config.items() if value is not None}
    code = run(Action.SCALE, environment, as_json=as_json, asked=given)
    if code is ExitCode.SUCCESS and not as_json and not restore:
        sys.stdout.write(f"this holds until {environment} is changed next: what lasts is in its file\n")
    return code
