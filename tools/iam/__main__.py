"""`make iam`: record the calls anew and write the policies; with `--no-record` from the recording that is there."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tools.iam.policies import policies
from tools.iam.recording import SCANS, declared, named, record
from tools.iam.trust import trusts

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "iam"
CALLS = Path(__file__).with_name("calls.json")


def generated() -> dict[str, str]:
    """The text of every policy file by its name, from the committed recording."""
    recorded = json.loads(CALLS.read_text())
    in_source = {family: named(family, recorded[family]) for family in SCANS}
    found = {f"{name}.json": text(policy) for name, policy in policies(recorded, declared(), in_source).items()}
    return found | {f"trust-{name}.json": text(policy) for name, policy in trusts().items()}


def text(document: Any) -> str:
    return json.dumps(document, indent=2) + "\n"


def main(arguments: list[str]) -> None:
    if "--no-record" not in arguments:
        CALLS.write_text(text(record()))
    files = generated()
    for old in {each.name for each in FOLDER.glob("*.json")} - set(files):
        (FOLDER / old).unlink()
    for name, content in files.items():
        (FOLDER / name).write_text(content)
        sys.stdout.write(f"{FOLDER / name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
