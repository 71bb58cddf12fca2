"""Every log of approvals: a file of this machine, and a bucket of an emulated S3."""

from __future__ import annotations

import fcntl
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ils_pipelines.provisioning.approval_bucket import S3ApprovalLog
from ils_pipelines.provisioning.approval_log import ApprovalLog, FileApprovalLog
from ils_sandbox.state import SandboxState
from tests.end_to_end.conftest import LocalSandbox
from tests.support.aws_inventory import client

Open = Callable[[], ApprovalLog]
"""Opens the log as another process or machine would."""


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    local = LocalSandbox(tmp_path_factory.mktemp("approvals"))
    with (tmp_path_factory.getbasetemp().parent / "sandbox-start.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        local.ils("sandbox", "start", "--no-kubernetes")
    state = SandboxState.load(local.directory)
    assert state is not None
    yield client(state.aws.endpoint, "s3")
    local.ils("sandbox", "stop")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"approvals-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(params=["file", "s3", "s3 with a prefix"])
def open_log(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    if request.param == "file":
        return lambda: FileApprovalLog(tmp_path / "state")
    s3, bucket = request.getfixturevalue("s3"), request.getfixturevalue("bucket")
    prefix = "some/where" if "prefix" in request.param else ""
    return lambda: S3ApprovalLog(s3, bucket, prefix)


@pytest.fixture
def log(open_log: Open) -> ApprovalLog:
    return open_log()
