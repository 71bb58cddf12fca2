"""The AWS calls of one `ils` command, recorded and made again by a bare boto3 script.

`python -m benchmarks.recorded record FILE up dev` runs `ils up dev` and writes every AWS call that it made to FILE.
`python -m benchmarks.recorded replay FILE ENDPOINT IDS` makes the same calls, in the order in which they were begun, with
nothing but boto3. Ids that AWS gave in the recording are exchanged for those that it gives now, which IDS keeps for the
replay of a later command.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any


def record(file: Path, arguments: list[str]) -> None:
    from botocore.client import BaseClient

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

    BaseClient._make_api_call = recording_call
    from ils_pipelines.cli import app

    try:
        app(arguments, standalone_mode=False)
    finally:
        file.write_text(json.dumps(calls, default=str))


def replay(file: Path, endpoint: str, ids: Path) -> None:
    import boto3
    from botocore.exceptions import ClientError

    clients: dict[tuple[str, str], Any] = {}
    now: dict[str, str] = json.loads(ids.read_text()) if ids.exists() else {}
    for call in json.loads(file.read_text()):
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
