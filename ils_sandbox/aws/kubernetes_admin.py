"""The Kubernetes stand-in, told which clusters and nodes exist."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ils_sandbox.aws.responses import AwsError

SECONDS_TO_ANSWER = 10.0


@dataclass(frozen=True)
class KubernetesAdmin:
    """Client of the stand-in's admin API. What it cannot do fails the AWS call that needed it."""

    endpoint: str
    """`https://127.0.0.1:<port>`"""
    ca_file: Path
    token_file: Path

    @cached_property
    def certificate_authority(self) -> str:
        """The authority that EKS describes for each cluster, PEM in base64."""
        return base64.b64encode(self.ca_file.read_bytes()).decode()

    def cluster_endpoint(self, cluster: str) -> str:
        return f"{self.endpoint}/clusters/{quote(cluster, safe='')}"

    def put_cluster(self, cluster: str, version: str) -> None:
        self._call("PUT", f"/_sandbox/clusters/{quote(cluster, safe='')}", {"version": version})

    def delete_cluster(self, cluster: str) -> None:
        self._call("DELETE", f"/_sandbox/clusters/{quote(cluster, safe='')}")

    def put_nodegroup(
        self, cluster: str, nodegroup: str, *, nodes: int, instance_type: str, labels: dict[str, str], release: str
    ) -> int:
        """How many nodes of another release are still being drained."""
        body = {"nodes": nodes, "instance_type": instance_type, "labels": labels, "release": release}
        answer = json.loads(self._call("PUT", self._nodegroup_path(cluster, nodegroup), body))
        return int(answer["draining"])

    def delete_nodegroup(self, cluster: str, nodegroup: str) -> None:
        self._call("DELETE", self._nodegroup_path(cluster, nodegroup))

    @staticmethod
    def _nodegroup_path(cluster: str, nodegroup: str) -> str:
        return f"/_sandbox/clusters/{quote(cluster, safe='')}/nodegroups/{quote(nodegroup, safe='')}"

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        address = urlsplit(self.endpoint)
        context = ssl.create_default_context(cafile=str(self.ca_file))
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=SECONDS_TO_ANSWER, context=context
        )
        try:
            headers = {"Authorization": f"Bearer {self.token_file.read_text().strip()}"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            message = f"The sandbox's Kubernetes server at {self.endpoint} did not answer {method} {path}: {error}"
            raise AwsError("ServerException", message) from error
        finally:
            connection.close()
        if response.status >= 400 and not (method == "DELETE" and response.status == 404):
            message = (
                f"The sandbox's Kubernetes server answered {response.status} to {method} {path}: "
                f"{content[:300].decode(errors='replace')}"
            )
            raise AwsError("ServerException", message)
        return content
