"""The provider as a process that a real Pulumi attaches to, for as long as this process lives."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any, Self

from ils_sandbox.provider.aws import AwsProvider
from ils_sandbox.provider.values import property_value

STOP_TIMEOUT_SECONDS = 60


class ProviderProcess:
    """It has a session of its own, so that an interrupt of this one does not reach it: calls under way are finished. It ends
    with this process, however this process ends, as its standard input is then closed."""

    def __init__(self, endpoint: str, region: str) -> None:
        command = [
            sys.executable,
            "-m",
            "ils_sandbox.provider",
            "--endpoint",
            endpoint,
            "--region",
            region,
            "--attached",
        ]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        if self._process.stdout is None:
            raise AssertionError("the process was started with a pipe")
        self.port = int(self._process.stdout.readline())

    @property
    def environment(self) -> dict[str, str]:
        """What Pulumi must be told to attach to it."""
        return {"PULUMI_DEBUG_PROVIDERS": f"aws:{self.port}"}

    def stop(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(STOP_TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class SandboxFinder:
    """Asks the sandbox's provider what an interrupted create made (`ils_pipelines.engine.pulumi.adoption.Finder`)."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._endpoint = endpoint
        self._region = region

    def find(
        self, urn: str, inputs: Mapping[str, Any], known_ids: frozenset[str], provider: Mapping[str, Any]
    ) -> str | None:
        return asyncio.run(self._provider(provider).find(urn, _properties(inputs), known_ids))

    def resume(
        self,
        urn: str,
        id_: str,
        inputs: Mapping[str, Any],
        provider: Mapping[str, Any],
        cancel: threading.Event,  # noqa: ARG002 it takes no time here
    ) -> None:
        asyncio.run(self._provider(provider).resume(urn, id_, _properties(inputs)))

    def _provider(self, config: Mapping[str, Any]) -> AwsProvider:
        return AwsProvider(self._endpoint, config.get("region") or self._region)


def _properties(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: property_value(value) for name, value in inputs.items()}
