"""`python -m ils_sandbox.aws --port N --directory DIR`: the AWS server of the sandbox, on loopback only."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from ils_pipelines.errors import IlsError
from ils_sandbox.aws.data_plane import DataPlane
from ils_sandbox.aws.server import KubernetesAccess, serve


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ils_sandbox.aws", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--directory", type=Path, required=True, help="where the account's contents are kept")
    parser.add_argument("--kubernetes-endpoint", help="https://127.0.0.1:<port> of the Kubernetes stand-in")
    parser.add_argument("--kubernetes-ca", type=Path, help="its certificate authority, PEM")
    parser.add_argument("--kubernetes-token-file", type=Path, help="file with the token for its admin API")
    parser.add_argument("--data-endpoint", help="http://127.0.0.1:<port> of the data plane")
    parser.add_argument("--data-token-file", type=Path, help="file with the token for its control API")
    options = parser.parse_args(arguments)

    named = (options.kubernetes_endpoint, options.kubernetes_ca, options.kubernetes_token_file)
    if any(named) and not all(named):
        parser.error("--kubernetes-endpoint, --kubernetes-ca and --kubernetes-token-file belong together")
    kubernetes = KubernetesAccess(*named) if all(named) else None
    if bool(options.data_endpoint) != bool(options.data_token_file):
        parser.error("--data-endpoint and --data-token-file belong together")
    data = DataPlane(options.data_endpoint, options.data_token_file) if options.data_endpoint else None

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        serve(options.port, options.directory, kubernetes, data)
    except IlsError as error:
        logging.getLogger("ils_sandbox.aws").error("%s", error)  # noqa: TRY400 the message says it all
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
