"""What a layer's report looks like in Dagster: metadata of a materialization or observation, and its data version."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from dagster import DataVersion, MetadataValue

from ils_pipelines.engine.models import Change, Operation, Outputs, Plan
from ils_pipelines.provisioning.cost_report import cost_entry
from ils_pipelines.provisioning.leftovers import Leftover
from ils_pipelines.provisioning.progress import LayerReport
from ils_pipelines.release.errors import ReleaseFailed

MAX_ROWS = 400
"""Rows of a change table. Its text is kept in the event log, and a browser has to show it."""
MAX_CELL_CHARACTERS = 160

MetadataMapping = dict[str, MetadataValue]


def report_metadata(report: LayerReport) -> MetadataMapping:
    """The report as metadata. Secrets are masked: they are not in plans, and of outputs only `shown` is taken."""
    metadata: MetadataMapping = {
        "changes": MetadataValue.md(change_table(report.plan)),
        "plan_digest": MetadataValue.text(report.plan.digest),
        "duration_seconds": MetadataValue.float(round(report.duration.total_seconds(), 3)),
        "resources_changed": MetadataValue.int(len(report.plan.changes)),
        "resources_unchanged": MetadataValue.int(report.plan.unchanged),
    }
    metadata |= {
        f"resources_{operation}": MetadataValue.int(count)
        for operation, count in report.plan.counts.items()
        if operation != Operation.SAME
    }
    if report.cost is not None:
        metadata["monthly_cost"] = MetadataValue.float(float(report.cost.after))
        metadata["monthly_cost_delta"] = MetadataValue.float(float(report.cost.delta))
        metadata["monthly_cost_estimate"] = MetadataValue.json(cost_entry(report.cost))
    if report.outputs:
        metadata["outputs"] = MetadataValue.json(shown_outputs(report.outputs))
    return metadata


def failure_metadata(error: Exception) -> MetadataMapping:
    """What is known of a failed release beside its message: why its pods did not serve, and which release serves now."""
    if not isinstance(error, ReleaseFailed):
        return {}
    metadata: MetadataMapping = {
        "pods": MetadataValue.md("\n".join(f"* {reason}" for reason in error.reasons) or "none")
    }
    if error.log:
        metadata["last_log_lines"] = MetadataValue.md("```\n" + "\n".join(error.log) + "\n```")
    if error.rolled_back_to is not None:
        metadata["rolled_back_to"] = MetadataValue.int(error.rolled_back_to)
    return metadata


def shown_outputs(outputs: Outputs) -> dict[str, Any]:
    """Outputs by name, each secret one as a mask."""
    return {name: output.shown for name, output in sorted(outputs.items())}


def outputs_version(outputs: Outputs) -> DataVersion:
    """The data version of a layer: a digest of its outputs, so that it moves when what is built upon it has to.

    Values of secret outputs are left out (a digest of a short secret can be guessed); their names count.
    """
    canonical = json.dumps(shown_outputs(outputs), sort_keys=True, separators=(",", ":"), default=str)
    return DataVersion(hashlib.sha256(canonical.encode()).hexdigest())


def change_table(plan: Plan) -> str:
    """A markdown table with a row for each property that changes; a created or deleted resource has one row in all."""
    if plan.empty:
        return f"No change; {plan.unchanged} resources are as declared."
    changes = sorted(plan.changes, key=lambda change: (change.type, change.name))
    rows = [row for change in changes for row in _rows(change)]
    table = ["| operation | type | resource | property | from | to |", "| --- | --- | --- | --- | --- | --- |"]
    table += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows[:MAX_ROWS]]
    if len(rows) > MAX_ROWS:
        table.append(f"\n… and {len(rows) - MAX_ROWS} more rows.")
    return "\n".join(table)


def leftovers_table(leftovers: Sequence[Leftover]) -> str:
    """A markdown table of what a teardown left, what nobody meant to leave first."""
    if not leftovers:
        return "Nothing is left."
    rows = sorted(leftovers, key=lambda each: (bool(each.kept), each.arn))
    table = ["| service | resource | region | why |", "| --- | --- | --- | --- |"]
    for each in rows:
        cells = (each.service, each.name, each.region or "none", each.kept or "not known: look at it and delete it")
        table.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(table)


def _rows(change: Change) -> Iterator[tuple[str, ...]]:
    head = (str(change.operation), change.type, change.name)
    if change.operation in {Operation.CREATE, Operation.DELETE} or not change.diffs:
        yield (*head, "", "", "")
        return
    for diff in change.diffs:
        path = f"{diff.path} (forces replacement)" if diff.forces_replacement else diff.path
        yield (*head, path, _plain(diff.old), _plain(diff.new))


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _cell(text: str) -> str:
    shortened = text if len(text) <= MAX_CELL_CHARACTERS else text[: MAX_CELL_CHARACTERS - 1] + "…"
    return shortened.replace("|", "\\|").replace("\n", " ")
