"""`make iam`: record the calls anew and write the policies and Kubernetes' rules; `--no-record`: from the recording."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from tools.iam.policies import policies
from tools.iam.rbac import documents, listed, read
from tools.iam.recording import SCANS, calls_of, declared, named, record
from tools.iam.trust import trusts

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
FOLDER = DEPLOY / "iam"
RULES = DEPLOY / "kubernetes" / "families.yaml"
CALLS = Path(__file__).with_name("calls.json")
REQUESTS = Path(__file__).with_name("requests.json")
_HEAD = """\
# What each family of jobs may do in an environment's cluster, for the Kubernetes groups that cluster.access of its file puts
# their AWS roles into (docs/production.md). Generated from the requests that the code really makes: make iam
"""


def generated() -> dict[str, str]:
    """The text of every policy file by its name, from the committed recording."""
    recorded = json.loads(CALLS.read_text())
    in_source = {family: named(family, recorded[family]) for family in SCANS}
    found = {f"{name}.json": text(policy) for name, policy in policies(recorded, declared(), in_source).items()}
    return found | {f"trust-{name}.json": text(policy) for name, policy in trusts().items()}


def rules() -> str:
    """The text of the file of Kubernetes' rules, likewise."""
    found = documents(read(json.loads(REQUESTS.read_text())))
    written = (yaml.safe_dump(each, sort_keys=False, default_flow_style=None, width=120) for each in found)
    return _HEAD + "".join(f"---\n{each}" for each in written)


def text(document: Any) -> str:
    return json.dumps(document, indent=2) + "\n"


def main(arguments: list[str]) -> None:
    if "--no-record" not in arguments:
        seen = record()
        CALLS.write_text(text(calls_of(seen)))
        REQUESTS.write_text(text(listed(seen.kubernetes)))
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
