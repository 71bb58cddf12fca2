"""The policies of `deploy/iam` and Kubernetes' rules. `make iam`: from the calls of two lives of environments, recorded anew.
`--no-record`: from what is recorded. `--suite FOLDER`: what `pytest --record-calls=FOLDER` wrote there is kept, too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tools.iam.kubernetes_calls import Request
from tools.iam.policies import policies
from tools.iam.rbac import documents, listed, read
from tools.iam.recording import SCANS, record
from tools.iam.seen import READ_ONLY, Calls, Seen, listed_calls, seen_in, together
from tools.iam.sources import declared, named
from tools.iam.trust import trusts

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
FOLDER = DEPLOY / "iam"
RULES = DEPLOY / "kubernetes" / "families.yaml"
LIVES, SUITE = (Path(__file__).with_name("recorded") / name for name in ("lives", "suite"))
"""Two recordings: whole lives of environments, and what the tests called beside."""
_HEAD = """\
# What each family of jobs may do in an environment's cluster, for the Kubernetes groups that cluster.access of its file puts
# their AWS roles into (docs/production.md). Generated from the requests that the code really makes: make iam
"""


def generated() -> dict[str, str]:
    """The text of every policy file by its name, from the committed recordings."""
    recorded = recorded_calls()
    in_source = {family: named(family, recorded[family]) for family in SCANS}
    in_source[READ_ONLY] = named("posture", recorded[READ_ONLY])
    found = {f"{name}.json": text(policy) for name, policy in policies(recorded, declared(), in_source).items()}
    return found | {f"trust-{name}.json": text(policy) for name, policy in trusts().items()}


def rules() -> str:
    """The text of the file of Kubernetes' rules, likewise."""
    found = documents(recorded_requests())
    written = (yaml.safe_dump(each, sort_keys=False, default_flow_style=None, width=120) for each in found)
    return _HEAD + "".join(f"---\n{each}" for each in written)


def recorded_calls() -> dict[str, Calls]:
    """Operations of AWS by service, by family."""
    return together(*(json.loads(calls_file(folder).read_text()) for folder in (LIVES, SUITE)))


def recorded_requests() -> dict[str, set[Request]]:
    """Requests to Kubernetes by family."""
    found: dict[str, set[Request]] = {}
    for folder in (LIVES, SUITE):
        for family, requests in read(json.loads(requests_file(folder).read_text())).items():
            found.setdefault(family, set()).update(requests)
    return dict(sorted(found.items()))


def calls_file(folder: Path) -> Path:
    return folder / "calls.json"


def requests_file(folder: Path) -> Path:
    return folder / "requests.json"


def _keep(folder: Path, seen: Seen) -> None:
    calls_file(folder).write_text(text(listed_calls(seen)))
    requests_file(folder).write_text(text(listed(seen.kubernetes)))


def text(document: Any) -> str:
    return json.dumps(document, indent=2) + "\n"


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.iam", description=__doc__)
    parser.add_argument("--no-record", action="store_true")
    parser.add_argument("--suite", type=Path)
    asked = parser.parse_args(arguments)
    if asked.suite:
        _keep(SUITE, seen_in(asked.suite))
    elif not asked.no_record:
        _keep(LIVES, record())
    files = generated()
    for old in {each.name for each in FOLDER.glob("*.json")} - set(files):
        (FOLDER / old).unlink()
    for name, content in files.items():
        (FOLDER / name).write_text(content)
        sys.stdout.write(f"{FOLDER / name}\n")
    RULES.write_text(rules())
    sys.stdout.write(f"{RULES}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
