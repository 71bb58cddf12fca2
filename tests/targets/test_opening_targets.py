"""Which target an environment gets, and what is said when it cannot have it."""

import subprocess
import sys

import pytest

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target
from ils_pipelines.targets.errors import TargetUnavailable
from ils_pipelines.targets.sessions import AccessKey, Clients


@pytest.fixture
def dev() -> Environment:
    return load_environment("dev")


def test_an_environment_of_the_sandbox_gets_the_sandbox(dev, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ILS_STATE_DIR", str(tmp_path))

    target = open_target(dev)

    assert target.name == "sandbox"
    assert target.environment is dev


def test_a_sandbox_that_is_down_is_said_to_be_down_with_the_remedy(dev, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ILS_STATE_DIR", str(tmp_path))

    with pytest.raises(TargetUnavailable, match=r"dev lives in the sandbox, which is down\. .*ils sandbox start"):
        open_target(dev).preflight()


def test_an_environment_of_an_account_gets_that_account(dev) -> None:
    account = dev.model_copy(update={"target": type(dev.target)("aws")})

    assert open_target(account).name == "aws"


def test_without_the_extra_the_error_names_it() -> None:
    """In a process of its own, in which the sandbox's package cannot be found."""
    code = """
import sys
from importlib.machinery import PathFinder

class NoSandbox(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.split(".")[0] == "ils_sandbox":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NoSandbox)
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target
from ils_pipelines.targets.errors import TargetUnavailable
try:
    open_target(load_environment("dev"))
except TargetUnavailable as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "not installed (no module ils_sandbox" in result.stdout
    assert "ils-pipelines[sandbox]" in result.stdout


def test_a_client_is_made_once_for_a_service_and_region() -> None:
    clients = Clients(region="us-east-1", endpoint="http://127.0.0.1:1", access_key=AccessKey("a", "b"))

    assert clients.client("ec2") is clients.client("ec2", region="us-east-1")
    assert clients.client("ec2") is not clients.client("ec2", region="us-west-2")


def test_clients_slow_down_when_aws_throttles() -> None:
    client = Clients(region="us-east-1", access_key=AccessKey("a", "b")).client("ec2")

    assert client.meta.config.retries == {"mode": "adaptive", "total_max_attempts": 8}


def test_a_secret_key_is_not_shown() -> None:
    assert "hush" not in repr(AccessKey("AKID", "hush"))
