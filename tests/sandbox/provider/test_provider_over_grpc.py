"""The provider as a plugin process that a real engine attaches to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from ils_sandbox.provider.values import WIRE_UNKNOWN
from tests.sandbox.provider.bench import REGION, Surroundings

VPC = "aws:ec2/vpc:Vpc"
URN = f"urn:pulumi:dev::ils-vpc::{VPC}::over-grpc"
SECRET_SIGNATURE = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


@pytest.fixture(scope="module")
def plugin(endpoint: str) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    command = [sys.executable, "-m", "ils_sandbox.provider", "--endpoint", endpoint, "--region", REGION]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield provider_pb2_grpc.ResourceProviderStub(channel)
    finally:
        process.terminate()
        code = process.wait(timeout=20)
        if process.stdout is not None:
            process.stdout.close()
    assert code == 0


def struct(values: dict[str, object]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(values)
    return message


def checked(plugin: provider_pb2_grpc.ResourceProviderStub, urn: str, **inputs: object) -> struct_pb2.Struct:
    answer = plugin.Check(provider_pb2.CheckRequest(urn=urn, news=struct(inputs), randomSeed=b"seed"))
    assert list(answer.failures) == []
    return answer.inputs


def test_it_introduces_itself_as_the_provider_it_stands_for(plugin: provider_pb2_grpc.ResourceProviderStub) -> None:
    assert plugin.GetPluginInfo(empty_pb2.Empty()).version == "7.51.1"
    assert plugin.Handshake(provider_pb2.ProviderHandshakeRequest(engine_address="127.0.0.1:1")).accept_secrets
    answer = plugin.Configure(provider_pb2.ConfigureRequest(acceptSecrets=True))
    assert answer.acceptSecrets
    assert answer.supportsPreview


def test_a_resource_lives_its_life(plugin: provider_pb2_grpc.ResourceProviderStub, surroundings: Surroundings) -> None:
    inputs = checked(plugin, URN, cidrBlock="10.7.0.0/16")
    made = plugin.Create(provider_pb2.CreateRequest(urn=URN, properties=inputs, timeout=60))
    assert made.properties["cidrBlock"] == "10.7.0.0/16"
    assert surroundings.client("ec2").describe_vpcs(VpcIds=[made.id])["Vpcs"]

    edited = checked(plugin, URN, cidrBlock="10.7.0.0/16", tags={"Name": "x"})
    diff = plugin.Diff(provider_pb2.DiffRequest(urn=URN, id=made.id, olds=made.properties, news=edited))
    assert diff.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert dict(diff.detailedDiff)["tags"].kind == provider_pb2.PropertyDiff.ADD
    assert list(diff.replaces) == []

    update = provider_pb2.UpdateRequest(urn=URN, id=made.id, olds=made.properties, news=edited, timeout=60)
    updated = plugin.Update(update)
    assert updated.properties["tagsAll"]["Name"] == "x"
    read = plugin.Read(provider_pb2.ReadRequest(urn=URN, id=made.id, properties=updated.properties, inputs=edited))
    assert read.id == made.id
    assert read.inputs["tags"]["Name"] == "x"

    plugin.Delete(provider_pb2.DeleteRequest(urn=URN, id=made.id, properties=updated.properties, timeout=60))
    assert plugin.Read(provider_pb2.ReadRequest(urn=URN, id=made.id, properties=updated.properties)).id == ""


def test_unknowns_travel_both_ways(plugin: provider_pb2_grpc.ResourceProviderStub) -> None:
    urn = URN.replace(VPC, "aws:ec2/subnet:Subnet")
    inputs = checked(plugin, urn, vpcId=WIRE_UNKNOWN, cidrBlock="10.0.1.0/24")
    assert inputs["vpcId"] == WIRE_UNKNOWN
    preview = plugin.Create(provider_pb2.CreateRequest(urn=urn, properties=inputs, preview=True))
    assert preview.properties["arn"] == WIRE_UNKNOWN
    assert preview.properties["cidrBlock"] == "10.0.1.0/24"


def test_secrets_travel_as_secrets(plugin: provider_pb2_grpc.ResourceProviderStub) -> None:
    urn = URN.replace(VPC, "aws:secretsmanager/secretVersion:SecretVersion")
    inputs = checked(plugin, urn, secretId="s", secretString="hunter2")
    assert dict(inputs["secretString"]) == {**SECRET_SIGNATURE, "value": "hunter2"}


def test_problems_come_with_their_property(plugin: provider_pb2_grpc.ResourceProviderStub) -> None:
    answer = plugin.Check(provider_pb2.CheckRequest(urn=URN, news=struct({"cidr": "10.0.0.0/16"})))
    assert [failure.property for failure in answer.failures] == ["cidr"]


def test_a_refusal_is_a_message_without_a_traceback(plugin: provider_pb2_grpc.ResourceProviderStub) -> None:
    urn = URN.replace(VPC, "aws:ec2/subnet:Subnet")
    inputs = checked(plugin, urn, vpcId="vpc-nowhere", cidrBlock="10.0.1.0/24")
    with pytest.raises(grpc.RpcError) as refused:
        plugin.Create(provider_pb2.CreateRequest(urn=urn, properties=inputs, timeout=60))
    assert refused.value.details().startswith("ec2.create_subnet: InvalidVpcID.NotFound: ")
    assert "Traceback" not in refused.value.details()
    assert ".py" not in refused.value.details()


def test_what_was_made_but_failed_comes_with_its_id(
    plugin: provider_pb2_grpc.ResourceProviderStub, surroundings: Surroundings
) -> None:
    urn = f"{URN}-half"
    inputs = checked(plugin, urn, cidrBlock="10.8.0.0/16", enableDnsHostnames=True)
    fault = {"service": "ec2", "operation": "ModifyVpcAttribute", "error_code": "UnauthorizedOperation"}
    surroundings.sandbox("faults", "POST", {**fault, "status": 400, "times": 1, "after": 0})
    try:
        with pytest.raises(grpc.RpcError) as refused:
            plugin.Create(provider_pb2.CreateRequest(urn=urn, properties=inputs, timeout=60))
    finally:
        surroundings.sandbox("faults", "DELETE")
    (packed,) = [value for key, value in refused.value.trailing_metadata() if key == "grpc-status-details-bin"]
    failure = provider_pb2.ErrorResourceInitFailed()
    assert status_pb2.Status.FromString(packed).details[0].Unpack(failure)
    assert failure.id.startswith("vpc-")
    assert failure.properties["cidrBlock"] == "10.8.0.0/16"


def test_a_function_answers(plugin: provider_pb2_grpc.ResourceProviderStub) -> None:
    request = provider_pb2.InvokeRequest(tok="aws:index/getCallerIdentity:getCallerIdentity")
    assert getattr(plugin.Invoke(request), "return")["accountId"] == "123456789012"


def test_an_endpoint_elsewhere_ends_the_process_with_a_message() -> None:
    command = [sys.executable, "-m", "ils_sandbox.provider", "--endpoint", "https://ec2.amazonaws.com"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "only talks to this machine" in ended.stderr
    assert ended.stdout == ""
