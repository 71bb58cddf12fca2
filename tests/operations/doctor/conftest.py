"""A machine that is ready for an environment in an account: the account's servers are the sandbox's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from ils_pipelines.operations.bootstrap import bootstrap
from ils_pipelines.operations.doctor.examine import examine
from ils_pipelines.operations.doctor.models import Diagnosis, Verdict
from ils_pipelines.settings.engine import PULUMI_VERSION
from ils_pipelines.settings.loading import environments_directory, load_environment, validate_all
from ils_pipelines.targets.aws import AwsTarget
from tests.end_to_end.conftest import LocalSandbox

ILS = Path(sys.executable).with_name("ils")
REGION = "us-east-1"
ACCOUNT = "123456789012"
BUCKET = "ils-pulumi-state"
ALIAS = "alias/ils-pulumi"
Edit = Callable[[dict[str, Any]], Any]


@dataclass
class Account:
    """What stands in for AWS."""

    endpoint: str
    sandbox: LocalSandbox
    ready: bool = False
    """Whether state bucket and key are as bootstrapping leaves them: since then nobody asked for a client."""

    def client(self, service: str) -> Any:
        self.ready = False
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )

    def empty(self) -> None:
        """No state bucket and no key."""
        self.sandbox.control("faults", method="DELETE")
        kms = self.client("kms")
        if any(each["AliasName"] == ALIAS for each in kms.list_aliases()["Aliases"]):
            kms.delete_alias(AliasName=ALIAS)
        s3 = self.client("s3")
        if any(each["Name"] == BUCKET for each in s3.list_buckets()["Buckets"]):
            s3.delete_bucket_tagging(Bucket=BUCKET)  # moto would give them to the next bucket of this name
            s3.delete_bucket(Bucket=BUCKET)


class Machine:
    """A shell with environment files, variables and programs of its own."""

    def __init__(self, root: Path, account: Account) -> None:
        self.root = root
        self.account = account
        self.environments = root / "environments"
        self.environments.mkdir()
        self.programs = root / "bin"
        self.programs.mkdir()
        self.variables = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "ILS_", "PULUMI_"))},
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "ILS_ENVIRONMENTS_DIR": str(self.environments),
            "ILS_STATE_DIR": str(root / "state"),
            "ILS_TOOLS_DIR": str(root / "tools"),
            "AWS_ENDPOINT_URL": account.endpoint,
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "an-example",
            "AWS_CONFIG_FILE": str(root / "aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(root / "aws-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "ILS_DATA_AUTHORITIES": str(root / "authorities.pem"),
        }
        (root / "authorities.pem").touch()
        self.variables.pop("DAGSTER_HOME", None)
        self.program("pulumi", f"echo v{PULUMI_VERSION}")
        self.program("kubectl", """echo '{"clientVersion": {"gitVersion": "v1.35.2"}}'""")
        self.file()

    def program(self, name: str, line: str) -> None:
        """A program of that name which does one thing."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def file(self, edit: Edit = lambda _document: None) -> None:
        """Write dev.yaml, which lives in the account, with something changed."""
        document = yaml.safe_load((environments_directory() / "dev.yaml").read_text())
        document["target"] = "aws"
        document["aws"]["account_id"] = ACCOUNT
        document["load_balancer"]["zone"] = "example.com"
        document["engine"] = {
            "backend": f"s3://{BUCKET}?region={REGION}&awssdk=v2",
            "secrets_provider": f"awskms://{ALIAS}?region={REGION}",
        }
        edit(document)
        (self.environments / "dev.yaml").write_text(yaml.safe_dump(document))

    def ils(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(ILS), *arguments], env=self.variables, text=True, capture_output=True, timeout=120, check=False
        )

    @contextmanager
    def at_it(self) -> Iterator[None]:
        """This process in the place of a program that is run on the machine."""
        with pytest.MonkeyPatch.context() as variables:
            for name in tuple(os.environ):
                variables.delenv(name)
            for name, value in self.variables.items():
                variables.setenv(name, value)
            yield

    def findings(self, name: str = "dev") -> list[Diagnosis]:
        """What is found, ok or not."""
        with self.at_it():
            return list(examine([report for report in validate_all() if report.name == name]))

    def wrong(self) -> list[Diagnosis]:
        return [each for each in self.findings() if each.verdict is not Verdict.OK]


@pytest.fixture(scope="session")
def _account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    sandbox = LocalSandbox(tmp_path_factory.mktemp("account"))
    sandbox.ils("sandbox", "start", "--no-kubernetes")
    endpoint = sandbox.endpoints["aws"]
    yield Account(endpoint, sandbox)
    sandbox.ils("sandbox", "stop")


@pytest.fixture
def account(_account: Account) -> Account:
    """An account without state bucket and key."""
    _account.empty()
    return _account


@pytest.fixture
def machine(account: Account, tmp_path: Path) -> Machine:
    """A machine in front of an empty account."""
    return Machine(tmp_path, account)


@pytest.fixture
def ready(_account: Account, tmp_path: Path) -> Machine:
    """A machine on which nothing is wrong. It only looks into the account, which whoever changes asks for a client of."""
    machine = Machine(tmp_path, _account)
    if _account.ready:
        _account.sandbox.control("faults", method="DELETE")
        return machine
    _account.empty()
    with machine.at_it():
        steps = list(bootstrap(AwsTarget(load_environment("dev"))))
        assert all(step.changed for step in steps), steps
    _account.ready = True
    return machine
