"""The calls of one `ils` command, recorded and made again by a bare script.

`python -m benchmarks.recorded record FILE up dev` runs `ils up dev` and writes every call to AWS and to Kubernetes that it
made to FILE. `python -m benchmarks.recorded replay FILE ENDPOINT IDS` makes the same calls, in the order in which they were
begun, with nothing but boto3 and the Kubernetes client. Ids that AWS gave in the recording are exchanged for those that it
gives now, which IDS keeps for the replay of a later command.
"""

from __future__ import annotations

import json
import sys
import threading
from http import HTTPStatus
from pathlib import Path
from typing import Any

CLUSTER = "ils-dev"
REGION = "us-east-1"


def record(file: Path, arguments: list[str]) -> None:
    from botocore.client import BaseClient
    from kubernetes.client import ApiClient

    calls: list[dict[str, Any]] = []
    lock = threading.Lock()
    plain_call = BaseClient._make_api_call

    def recording_call(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
        entry = {
            "service": self.meta.service_model.service_name,
            "region": self.meta.region_name,
            "operation": operation,
            "parameters": parameters,
        }
        with lock:
            calls.append(entry)
        try:
            entry["response"] = plain_call(self, operation, parameters)
        except Exception as error:
            entry["error"] = type(error).__name__
            raise
        return entry["response"]

    plain_request = ApiClient.call_api

    def recording_request(self: Any, path: str, method: str, **arguments: Any) -> Any:
        with lock:
            calls.append({"path": path, "method": method, "arguments": arguments})
        return plain_request(self, path, method, **arguments)

    BaseClient._make_api_call = recording_call
    ApiClient.call_api = recording_request
    from ils_pipelines.cli import app

    try:
        app(arguments, standalone_mode=False)
    finally:
        file.write_text(json.dumps(calls, default=str))


def replay(file: Path, endpoint: str, ids: Path) -> None:
    import boto3
    from botocore.exceptions import ClientError

    clients: dict[tuple[str, str], Any] = {}
    cluster: Any = None
    now: dict[str, str] = json.loads(ids.read_text()) if ids.exists() else {}
    for call in json.loads(file.read_text()):
        if "path" in call:
            cluster = cluster or _kubernetes(endpoint)
            _request(cluster, call, now)
            continue
        key = (call["service"], call["region"])
        if key not in clients:
            clients[key] = boto3.client(
                key[0],
                region_name=key[1],
                endpoint_url=endpoint,
                aws_access_key_id="sandbox",
                aws_secret_access_key="sandbox",  # noqa: S106 what the sandbox takes
            )
        try:
            response = clients[key]._make_api_call(call["operation"], _exchange(call["parameters"], now))
        except ClientError:
            if "error" not in call:
                raise
            continue
        _learn(call.get("response"), json.loads(json.dumps(response, default=str)), now)
    ids.write_text(json.dumps(now))


def _kubernetes(endpoint: str) -> Any:
    """A client for the cluster of `dev`."""
    import boto3

    from ils_pipelines.targets.eks import api_client, bearer_token, cluster_access

    session = boto3.Session(aws_access_key_id="sandbox", aws_secret_access_key="sandbox", region_name=REGION)  # noqa: S106
    access = cluster_access(session.client("eks", endpoint_url=endpoint), CLUSTER)
    sts = session.client("sts", endpoint_url=endpoint)
    return api_client(access, lambda: bearer_token(sts, CLUSTER))


def _request(cluster: Any, call: dict[str, Any], now: dict[str, str]) -> None:
    from kubernetes.client.exceptions import ApiException

    arguments = {key: _exchange(value, now) for key, value in call["arguments"].items()}
    # JSON has no tuples, and the client takes these as nothing else.
    arguments["query_params"] = [tuple(pair) for pair in arguments["query_params"]]
    arguments["_request_timeout"] = tuple(arguments["_request_timeout"])
    try:
        cluster.call_api(call["path"], call["method"], **arguments)
    except ApiException as refused:
        if refused.status != HTTPStatus.NOT_FOUND:  # a look whether something is there
            raise


def _exchange(value: Any, now: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _exchange(item, now) for key, item in value.items()}
    if isinstance(value, list):
        return [_exchange(item, now) for item in value]
    return now.get(value, value) if isinstance(value, str) else value


def _learn(then: Any, current: Any, now: dict[str, str]) -> None:
    if isinstance(then, dict) and isinstance(current, dict):
        for key in then.keys() & current.keys() - {"ResponseMetadata"}:
            _learn(then[key], current[key], now)
    elif isinstance(then, list) and isinstance(current, list):
        for before, after in zip(then, current, strict=False):
            _learn(before, after, now)
    elif isinstance(then, str) and isinstance(current, str) and then != current:
        now[then] = current


if __name__ == "__main__":
    if sys.argv[1] == "record":
        record(Path(sys.argv[2]), sys.argv[3:])
    else:
        replay(Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
