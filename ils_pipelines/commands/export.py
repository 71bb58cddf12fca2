"""`ils export`: what is released, as files. Starts no run and does not need Dagster."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ils_pipelines.commands.output import ExitCode
from ils_pipelines.engine.models import UNKNOWN
from ils_pipelines.errors import IlsError
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target

if TYPE_CHECKING:
    from ils_pipelines.release.settings import Release


class CannotExport(IlsError):
    """What was asked for cannot be written."""


def export(environment: str, *, form: str, output: Path | None) -> ExitCode:
    """Write it and say where. Raises an `IlsError`."""
    from ils_pipelines.provisioning.release import ReleaseLayer

    if form in _VALUES:
        return _VALUES[form](environment, output)
    write = _FORMS.get(form)
    if write is None:
        raise CannotExport(f"expected --format {', '.join((*_FORMS, *_VALUES))}, found {form!r}.")
    target = open_target(load_environment(environment))
    target.preflight()
    release = ReleaseLayer(target).described()
    write(release, output)
    unknown = [name for name, value in release.config.items() if value == UNKNOWN]
    if unknown:
        sys.stderr.write(
            f"{', '.join(unknown)} of {environment} are not known before the layers below exist: {UNKNOWN} stands there\n"
        )
    return ExitCode.SUCCESS


def _yaml(release: Release, output: Path | None) -> None:
    from ils_pipelines.release import validation
    from ils_pipelines.release.export.plain import plain_yaml
    from ils_pipelines.release.manifests import manifests

    objects = manifests(release)
    validation.check(release.environment, objects, release.kubernetes_version)
    _write(plain_yaml(release, objects), output)


def _autoscaler(environment: str, output: Path | None) -> ExitCode:
    from ils_pipelines.release.export.node_autoscaler import autoscaler_values

    settings = load_environment(environment)
    if not settings.cluster.autoscaler.enabled:
        raise CannotExport(
            f"cluster.autoscaler.enabled is off in {environment}: its nodes are people's to scale, ils scale {environment}."
        )
    _write(autoscaler_values(settings), output)
    return ExitCode.SUCCESS


def _dagster(environment: str, output: Path | None) -> ExitCode:
    import yaml

    from ils_pipelines.instance import project_file
    from ils_pipelines.provisioning.layers import layer_work
    from ils_pipelines.release.export.dagster_chart import dagster_values
    from ils_pipelines.release.settings import DatabaseEndpoint

    settings = load_environment(environment)
    if settings.dagster is None:
        raise CannotExport(
            f"expected `dagster` in the file of {environment}, found none: Dagster does not run in its cluster. "
            "deploy/platform.yaml is the file of an environment where it does."
        )
    target = open_target(settings)
    target.preflight()
    database = layer_work(target, Layer.DATABASE).outputs()
    if database is None:
        raise CannotExport(
            f"expected layer database of {environment}, found nothing of it. Provision it: ils up {environment}"
        )
    found = DatabaseEndpoint(database["endpoint"].value, int(database["port"].value), database["database_name"].value)
    shipped = yaml.safe_load(project_file("deploy/helm/values.yaml").read_text(encoding="utf-8"))
    _write(dagster_values(settings, settings.dagster, found, shipped), output)
    return ExitCode.SUCCESS


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    output.write_text(text, encoding="utf-8")
    sys.stderr.write(f"wrote {output}\n")


def _helm(release: Release, output: Path | None) -> None:
    from ils_pipelines.release.export.helm import write_chart

    if output is None:
        raise CannotExport("expected a folder for the Helm chart, found none. Name one: --output charts/ils")
    for file in write_chart(release, output):
        sys.stderr.write(f"wrote {file}\n")


_VALUES: Mapping[str, Callable[[str, Path | None], ExitCode]] = {"cluster-autoscaler": _autoscaler, "dagster": _dagster}
"""Values of charts that are not ours."""
_FORMS: Mapping[str, Callable[[Release, Path | None], None]] = {"yaml": _yaml, "helm": _helm}
