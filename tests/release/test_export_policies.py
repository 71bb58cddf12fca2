"""checkov's Kubernetes policies over what is exported: each holds, or its exception has a reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ils_pipelines.release.export.plain import plain_yaml
from ils_pipelines.release.manifests import manifests
from ils_pipelines.settings.loading import load_environment
from tests.release.test_exports import release

NAMES = ("dev", "staging", "production")
ACCEPTED = {
    "CKV_K8S_35": "The application reads its secrets from variables; they are in no manifest and no log.",
    "CKV_K8S_40": "User 1000 is the image's own; the node's users are out of reach without privileges and capabilities.",
}
"""Policies that do not hold, and why that is accepted."""

PACKAGES = Path(sys.prefix) / "checkov"
"""Where `make setup` puts it, apart from the packages of ours that it shares."""


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The policies that do not hold, by environment. All are looked at in one run: it takes seconds to start."""
    folder = tmp_path_factory.mktemp("exports")
    for name in NAMES:
        of = release(load_environment(name))
        (folder / f"{name}.yaml").write_text(plain_yaml(of, manifests(of)))
    options = ["--framework", "kubernetes", "--compact", "--quiet", "--skip-download", "-o", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "checkov.main", "-d", str(folder), *options],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
    )
    report = json.loads(done.stdout or "null")
    assert report, done.stderr
    assert report["summary"]["passed"] > 50 * len(NAMES)
    found: dict[str, set[str]] = {name: set() for name in NAMES}
    for each in report["results"]["failed_checks"]:
        found[Path(each["file_path"]).stem].add(each["check_id"])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_policy_holds_but_those_with_a_reason(failed: dict[str, set[str]], name: str) -> None:
    assert failed[name] == set(ACCEPTED)
