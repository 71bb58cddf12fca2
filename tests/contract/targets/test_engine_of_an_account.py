"""An AWS target's engine: the real Pulumi, its state in S3 and its secrets under a KMS key, both in the sandbox."""

from __future__ import annotations

import json

import pulumi
import pytest

from ils_pipelines.engine.models import Stack
from ils_pipelines.engine.pulumi.cli import require_pulumi
from ils_pipelines.errors import IlsError
from ils_pipelines.operations.bootstrap import bootstrap
from ils_pipelines.settings.engine import PULUMI_VERSION, EngineSettings
from ils_pipelines.settings.tiers import TargetKind
from ils_pipelines.targets.aws import AwsTarget
from tests.contract.targets.conftest import Place, environment_of

pytestmark = [pytest.mark.real_engine, pytest.mark.slow]

BUCKET = "ils-pulumi-state"
KEY = "awskms://alias/ils-pulumi?region=us-east-1&awssdk=v2"
SECRET = "a-secret-that-nobody-reads"


@pytest.fixture
def target(logged_in: None, place: Place) -> AwsTarget:
    try:
        require_pulumi(PULUMI_VERSION)
    except IlsError as missing:
        pytest.skip(str(missing))
    # The sandbox answers below one address, so that the bucket stands in the path instead of in the name of the host.
    backend = f"s3://{BUCKET}?region=us-east-1&awssdk=v2&use_path_style=true"
    settings = EngineSettings(backend=backend, secrets_provider=KEY)
    made = AwsTarget(environment_of(TargetKind.AWS).model_copy(update={"engine": settings}))
    list(bootstrap(made))
    # moto overlooks the condition of "nothing without TLS", and would refuse everything.
    place.client("s3").delete_bucket_policy(Bucket=BUCKET)
    return made


def program() -> None:
    pulumi.export("plain", "seen")
    pulumi.export("hidden", pulumi.Output.secret(SECRET))


def test_state_is_kept_in_the_bucket_and_its_secrets_under_the_key(target: AwsTarget, place: Place) -> None:
    engine = target.engine()
    stack = Stack("ils-vpc", "dev", program)
    assert engine.outputs(stack) is None

    engine.up(stack)

    outputs = engine.outputs(stack)
    assert outputs is not None
    assert (outputs["plain"].value, outputs["hidden"].value, outputs["hidden"].secret) == ("seen", SECRET, True)
    key = ".pulumi/stacks/ils-vpc/dev.json"
    state = place.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    assert "seen" in state
    assert SECRET not in state
    provider = json.loads(state)["checkpoint"]["latest"]["secrets_providers"]
    assert (provider["type"], provider["state"]["url"].startswith("awskms://alias/ils-pulumi")) == ("cloud", True)
    assert engine.lock_holder(stack) is None
