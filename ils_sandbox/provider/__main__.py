"""`python -m ils_sandbox.provider --endpoint URL --region REGION`: the provider as a Pulumi plugin.

Prints its port on the first line. Use it with `PULUMI_DEBUG_PROVIDERS=aws:<port>`; it ends on SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
from collections.abc import Mapping

from ils_sandbox.provider.aws import AwsProvider
from ils_sandbox.provider.errors import ProviderError
from ils_sandbox.provider.grpc_server import serve


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ils_sandbox.provider", description=__doc__)
    parser.add_argument("--endpoint", required=True, help="URL of the sandbox's AWS server, on this machine")
    parser.add_argument("--region", default="us-east-1", help="region of providers that name none")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; any free one if not given")
    parser.add_argument("--attached", action="store_true", help="end when standard input is closed")
    options = parser.parse_args(arguments)

    def configured(config: Mapping[str, str]) -> AwsProvider:
        return AwsProvider(options.endpoint, config.get("region") or options.region)

    try:
        configured({})
    except ProviderError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if options.attached:
        threading.Thread(target=_end_with_standard_input, daemon=True).start()
    asyncio.run(serve(configured, _announce, options.port))
    return 0


def _end_with_standard_input() -> None:
    while sys.stdin.read(1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _announce(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
