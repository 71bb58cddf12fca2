"""`ils up`, `ils plan` and `ils down`: one of the Dagster jobs on one environment, run in this process and shown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from ils_pipelines.commands.approve import approve_to_apply
from ils_pipelines.commands.costs import print_costs, total_of
from ils_pipelines.commands.ephemeral import Lifetime, open_for_a_time
from ils_pipelines.commands.leftovers import leftover_entry, print_leftovers
from ils_pipelines.commands.output import ExitCode, console, exit_code_of, print_error, print_json
from ils_pipelines.commands.progress import ProgressDisplay
from ils_pipelines.commands.summary import (
    failed_entry,
    in_order,
    layer_entry,
    plan_digest,
    print_foresight,
    print_next_step,
    print_plans,
    print_summary,
)
from ils_pipelines.commands.versions import print_versions, version_entries
from ils_pipelines.engine.models import EventKind, Operation
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.cost_report import cost_entry
from ils_pipelines.provisioning.layers import TAKE_OVER_TAG
from ils_pipelines.provisioning.leftovers import Leftover
from ils_pipelines.provisioning.progress import (
    Action,
    LayerEvent,
    LayerFailed,
    LayerFinished,
    LayerReport,
    LeftoversFound,
    Progress,
)
from ils_pipelines.provisioning.teardown import check_teardown
from ils_pipelines.provisioning.versions import Verdict, verdicts
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target

JOBS: Mapping[Action, str] = {
    Action.UP: "provision_environment",
    Action.PREVIEW: "preview_environment",
    Action.DESTROY: "teardown_environment",
    Action.ROLLBACK: "roll_back_release",
    Action.SCALE: "scale_environment",
    Action.ROTATE: "rotate_secrets",
    Action.UPGRADE: "cluster_upgrade",
}
OPS: Mapping[Action, str] = {
    Action.DESTROY: "confirm_teardown",
    Action.ROLLBACK: "roll_back",
    Action.SCALE: "scale",
    Action.ROTATE: "rotate",
    Action.UPGRADE: "upgrade",
}
"""The step of a job that takes what was asked for."""
OTHER_OPS: Mapping[str, str] = {"database_upgrade": "upgrade_database"}
"""Of jobs that are not the usual one of their action."""


@dataclass
class _Collected:
    """What the run's layers said, for the end."""

    reports: list[LayerReport] = field(default_factory=list)
    failures: list[LayerFailed] = field(default_factory=list)
    leftovers: tuple[Leftover, ...] | None = None
    """Of a teardown; None where nobody looked."""
    versions: tuple[Verdict, ...] = ()
    """Of the environment that was planned."""
    changes: dict[Layer, Counter[Operation]] = field(default_factory=lambda: defaultdict(Counter))
    """Finished changes, which is all that is known of a layer that failed."""

    def __call__(self, progress: Progress) -> None:
        if isinstance(progress, LayerFinished):
            self.reports.append(progress.report)
        elif isinstance(progress, LayerFailed):
            self.failures.append(progress)
        elif isinstance(progress, LeftoversFound):
            self.leftovers = progress.leftovers
        elif isinstance(progress, LayerEvent) and progress.event.kind is EventKind.FINISHED and progress.event.change:
            self.changes[progress.layer][progress.event.change.operation] += 1

    def entries(self) -> list[dict[str, Any]]:
        """The layers of the JSON result."""
        failed = [failed_entry(failure, self.changes[failure.layer]) for failure in self.failures]
        return [layer_entry(report) for report in in_order(self.reports)] + failed


def run(
    action: Action,
    environment: str,
    *,
    as_json: bool,
    confirm: str = "",
    approve: str = "",
    lifetime: Lifetime | None = None,
    take_over: bool = False,
    asked: Mapping[str, Any] | None = None,
    job: str = "",
) -> ExitCode:
    """Do it and show it. With `as_json`, standard output gets one JSON object and nothing else, whatever happens.

    `lifetime` is for an up of an environment that is made for a time, `take_over` for one of an environment whose application
    somebody changed by hand. `asked` is the configuration of the job's step, where the action is more than its name. `job` is
    another job than the usual one of the action.
    """
    collected = _Collected()
    run_id: str | None = None
    problem: Exception | None = None
    code = ExitCode.SUCCESS
    try:
        # All that can be refused is refused before Dagster is loaded, which takes most of the time of a run without change.
        target = open_for_a_time(environment, lifetime) if lifetime else open_target(load_environment(environment))
        target.preflight()
        if action is Action.DESTROY:
            check_teardown(target, confirmed=confirm)
            asked = {"confirm": confirm}
        if approve:
            approve_to_apply(target, approve)
        config = {"ops": {OTHER_OPS.get(job) or OPS[action]: {"config": dict(asked)}}} if asked is not None else {}
        tags = {TAKE_OVER_TAG: "true"} if take_over else {}
        run_id, code = _run_job(job or JOBS[action], environment, collected, config, tags)
        if action is Action.PREVIEW and code is ExitCode.SUCCESS:
            collected.versions = verdicts(target)
    except IlsError as error:
        problem = error
        code = exit_code_of(error)
    if collected.failures:
        problem = collected.failures[0].error
        code = exit_code_of(problem)
    _report(action, environment, collected, run_id, problem, code, as_json=as_json)
    return code


def _run_job(
    job: str, environment: str, collected: _Collected, config: Mapping[str, Any], tags: Mapping[str, str]
) -> tuple[str, ExitCode]:
    with ExitStack() as stack:
        # Shown before Dagster is loaded, so that nobody wonders for a second whether anything happens.
        display = stack.enter_context(ProgressDisplay(console(stderr=True), environment))
        from ils_pipelines.defs.launch import run_job
        from ils_pipelines.instance import open_instance

        instance = stack.enter_context(open_instance())

        def listener(progress: Progress) -> None:
            collected(progress)
            display(progress)

        outcome = run_job(
            instance,
            job,
            environment,
            listener=listener,
            run_config=config,
            extra_tags=tags,
        )
    if outcome.interrupted:
        return outcome.run_id, ExitCode.INTERRUPTED
    return outcome.run_id, ExitCode.SUCCESS if outcome.success else ExitCode.FAILED


def _report(
    action: Action,
    environment: str,
    collected: _Collected,
    run_id: str | None,
    problem: Exception | None,
    code: ExitCode,
    *,
    as_json: bool,
) -> None:
    failures = collected.failures
    for message, layers in _by_message(failures).items():
        print_error(f"{', '.join(layers)}: {message}")
    if problem is not None and not failures:
        print_error(problem if isinstance(problem, IlsError) else str(problem))
    elif code is not ExitCode.SUCCESS and not failures:
        print_error(
            f"run {run_id} was interrupted; what was under way was finished and recorded, run it again to go on."
            if code is ExitCode.INTERRUPTED
            else f"run {run_id} failed outside of its layers; its log in the Dagster UI says why (ils ui)."
        )
    if as_json:
        document: dict[str, Any] = {
            "environment": environment,
            "layers": collected.entries(),
            "run_id": run_id,
            "success": code is ExitCode.SUCCESS,
        }
        if action is Action.PREVIEW and code is ExitCode.SUCCESS:
            document["digest"] = plan_digest(collected.reports)
            document["versions"] = version_entries(collected.versions)
            document["monthly_cost"] = cost_entry(total_of(collected.reports))
        if collected.leftovers is not None:
            document["leftovers"] = [leftover_entry(each) for each in collected.leftovers]
        if problem is not None:
            document["error"] = str(problem)
        print_json(document)
        return
    if collected.reports:
        out = console()
        if action is Action.PREVIEW:
            print_plans(out, collected.reports)
            print_foresight(out, collected.reports)
            print_costs(out, environment, collected.reports)
            print_versions(out, collected.versions)
        print_summary(out, environment, action, collected.reports, run_id)
        if action is Action.PREVIEW and code is ExitCode.SUCCESS:
            print_next_step(out, load_environment(environment), collected.reports)
    if collected.leftovers is not None:
        print_leftovers(console(), collected.leftovers)


def _by_message(failures: Sequence[LayerFailed]) -> dict[str, list[str]]:
    """Layers by what they failed of: what is wrong with the environment is wrong for each of them, and said once."""
    layers: dict[str, list[str]] = {}
    for failure in failures:
        layers.setdefault(failure.message, []).append(str(failure.layer))
    return layers
