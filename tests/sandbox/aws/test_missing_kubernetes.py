"""An AWS server whose Kubernetes server does not answer says so, and goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ils_sandbox.tls import ensure_certificates


def test_a_cluster_does_not_become_active_without_kubernetes(
    own_server: Any, make_network: Any, make_role: Any, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("secret-token")
    own_server.arguments = [
        "--kubernetes-endpoint", "https://127.0.0.1:9",
        "--kubernetes-ca", str(ensure_certificates(tmp_path / "tls").ca_file),
        "--kubernetes-token-file", str(token),
    ]  # fmt: skip
    own_server.start()
    network, role = make_network(own_server), make_role(own_server)
    eks = own_server.client("eks")
    eks.create_cluster(name="c", roleArn=role, resourcesVpcConfig={"subnetIds": list(network.subnets)})
    with pytest.raises(eks.exceptions.ServerException, match=r"https://127\.0\.0\.1:9"):
        eks.describe_cluster(name="c")
    assert "secret-token" not in own_server.log.read_text()
    with pytest.raises(ClientError):
        eks.describe_cluster(name="c")
    own_server.client("ec2").describe_vpcs()
