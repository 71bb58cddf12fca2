"""Dagster's own chart, made fit to be rendered without the web. No package has it: who wants these tests fetches it once."""

from __future__ import annotations

import json
import os
import re
import shutil
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
VALUES = ROOT / "deploy" / "helm" / "values.yaml"
_KUBERNETES = "v1.35.0-local"
"""Of the schemas that stand in for those that older releases of the chart look up on the web."""


def chart(folder: Path) -> Path:
    """A copy of the chart that can be rendered without the web. Skips where there is no chart.

    The release that is pinned, or else the newest that is there.
    """
    found = _found()
    if found is None:
        pytest.skip(
            f"no chart of Dagster: helm pull dagster/dagster --version {version('dagster')} --untar, and move the folder to "
            f"{_folder() / 'dagster-VERSION'}, or name it in ILS_DAGSTER_CHART"
        )
    copy = folder / "chart"
    shutil.copytree(found, copy)
    _without_what_is_off(copy)
    _with_schemas_of_this_machine(copy, folder)
    return copy


def _folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "ils-pipelines" / "charts"


def _found() -> Path | None:
    if named := os.environ.get("ILS_DAGSTER_CHART"):
        assert (Path(named) / "Chart.yaml").is_file(), f"ILS_DAGSTER_CHART is no folder of a chart: {named}"
        return Path(named)
    there = [each.parent for each in _folder().glob("dagster-*/Chart.yaml")]
    pinned = _folder() / f"dagster-{version('dagster')}"
    return pinned if pinned in there else max(there, key=_release, default=None)


def _release(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", folder.name))


def _without_what_is_off(copy: Path) -> None:
    """helm wants every dependency in the folder, those that the values turn off, too. A source tree does not have them."""
    described = yaml.safe_load((copy / "Chart.yaml").read_text())
    there = {each.name.partition("-1")[0] for each in (copy / "charts").iterdir()}
    described["dependencies"] = [each for each in described["dependencies"] if each["name"] in there]
    (copy / "Chart.yaml").write_text(yaml.safe_dump(described))
    (copy / "Chart.lock").unlink(missing_ok=True)


def _with_schemas_of_this_machine(copy: Path, folder: Path) -> None:
    """Releases before 1.12 hold values against Kubernetes' schemas on the web; kubernetes-validate brings the same."""
    schemas = files("kubernetes_validate") / "kubernetes-json-schema" / _KUBERNETES / "_definitions.json"
    known = json.loads(schemas.read_text().replace("#/$defs/", "#/definitions/"))
    local = folder / "definitions.json"
    local.write_text(json.dumps({"definitions": known["$defs"]}))
    for schema in copy.rglob("values.schema.json"):
        said = re.sub(r'https://[^"#]+/_definitions\.json', local.as_uri(), schema.read_text())
        schema.write_text(said)


def objects(rendered: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(rendered) if each]
