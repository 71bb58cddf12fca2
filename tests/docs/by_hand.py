"""What the documents have people type by hand, as scripts that a shell runs against a sandbox."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ils_sandbox.data.postgres.programs import install_programs
from tests.docs.commands import BLOCK, INLINE

PROGRAMS = ("kubectl", "aws", "helm", "psql")
"""Whose lines are run. A script has one of them; what else stands in it is run along."""
ANYBODY = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_DEFAULT_REGION": "us-east-1"}
"""What the AWS CLI asks for; the sandbox lets everybody in."""
_BY_HAND = re.compile(rf"(?:^|[|(;]) *(?:{'|'.join(PROGRAMS)}) ", re.MULTILINE)


Values = Mapping[str, str | Callable[[], str]]
"""What a document's placeholders stand for; a function is asked for each script anew."""

_ELSEWHERE = re.compile(r"^ *(?:ils|make|docker|curl|cp|\.venv/bin/ils) ", re.MULTILINE)
"""A block of these alone is run by other tests, or reaches beyond this machine."""


@dataclass(frozen=True)
class NotHere:
    """Lines that cannot be run here, and why."""

    starts: str
    """How they begin, as the document has them."""
    why: str
    says: str = ""
    """What is printed where they are run all the same: when they are not refused any more, the row is not needed.
    Empty where nobody tries: what reaches beyond this machine, or waits for a person."""


@dataclass
class Shell:
    """A shell in a folder of its own, with the programs of this project."""

    folder: Path
    env: dict[str, str]
    exports: list[str] = field(default_factory=list)
    """Lines that hold for what comes after, as in the shell of whoever reads the document."""

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        text = "\n".join(("set -euo pipefail", *self.exports, script))
        self.exports += [line for line in script.splitlines() if line.startswith("export ")]
        return subprocess.run(
            ["/bin/bash", "-c", text],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=240,
        )


def shell(folder: Path, env: Mapping[str, str], endpoint: str, root: Path) -> Shell:
    """One whose `aws` asks the sandbox, in a folder that has `deploy` and `environments` as a clone does."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    install_programs(programs)
    own = Path(sys.executable).parent
    for name in ("ils", "kubectl"):
        (programs / name).symlink_to(own / name)
    # The variable AWS_ENDPOINT_URL is not enough: version 1 of the CLI has a name of its own for RDS in us-east-1.
    aws = programs / "aws"
    aws.write_text(f'#!/bin/sh\nexec {own / "aws"} --endpoint-url {endpoint} "$@"\n')
    aws.chmod(0o755)
    work = folder / "work"
    work.mkdir()
    _copy_without_lists(root / "deploy", work / "deploy")
    path = f"{programs}{os.pathsep}{env['PATH']}"
    return Shell(work, {**env, **ANYBODY, "PATH": path})


def _copy_without_lists(deploy: Path, copy: Path) -> None:
    """Each object by itself: kubectl holds a `List` against a description that servers give as Protobuf alone, which is not
    spoken here.
    """
    shutil.copytree(deploy, copy)
    for file in copy.glob("kubernetes/*.yaml"):
        documents = list(yaml.safe_load_all(file.read_text()))
        file.write_text(yaml.safe_dump_all([one for each in documents for one in each.get("items", [each])]))


def scripts(document: Path) -> Iterator[str]:
    """What a person copies at once, in the document's order: a block, the commands of a cell, a command in a sentence."""
    text = document.read_text(encoding="utf-8")
    end = 0
    for block in BLOCK.finditer(text):
        yield from _in_prose(text[end : block.start()])
        language, marked, body = block.groups()
        said = textwrap.dedent(body).replace("\\\n", " ")
        if language == "sh" and not marked and (_BY_HAND.search(said) or not _ELSEWHERE.search(said)):
            yield said
        end = block.end()
    yield from _in_prose(text[end:])


def _in_prose(text: str) -> Iterator[str]:
    rows = [line for line in text.splitlines() if line.startswith("|")]
    for cell in (cell for row in rows for cell in row.split(" | ")):
        said = "\n".join(INLINE.findall(cell))
        if _BY_HAND.search(said):
            yield said
    sentences = "\n".join(line for line in text.splitlines() if not line.startswith("|"))
    for command in INLINE.findall(sentences):
        if _BY_HAND.search(command):
            yield " ".join(command.split())


def filled(script: str, values: Values) -> str:
    """With these in the places of the document's own words."""
    for name, value in values.items():
        text = value if isinstance(value, str) else value()
        script = re.sub(rf"(?<![A-Za-z0-9_$]){re.escape(name)}(?![A-Za-z0-9_])", lambda _, text=text: text, script)
    return script


@dataclass
class Outcome:
    """What became of a document's scripts."""

    failed: list[str] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    """Beginnings of lines that were not run."""
    not_refused: set[str] = field(default_factory=set)
    """Those of them that would have done, for all that their rows say."""
    ran: int = 0


def run_all(document: Path, around: Shell, values: Values, rows: tuple[NotHere, ...]) -> Outcome:
    """Run every script of the document but for the lines of `rows`, which are tried each by itself."""
    outcome = Outcome()
    for script in scripts(document):
        kept: list[str] = []
        for line in script.splitlines():
            row = next((row for row in rows if line.strip().startswith(row.starts)), None)
            if row is None:
                kept.append(line)
                continue
            outcome.left_out.add(row.starts)
            if row.says:
                tried = around.run(filled(line, values))
                if tried.returncode == 0 or row.says not in tried.stdout:
                    outcome.not_refused.add(f"{line}: {tried.stdout}")
        if not any(line.strip() for line in kept):
            continue
        done = around.run(filled("\n".join(kept), values))
        outcome.ran += 1
        if done.returncode != 0:
            outcome.failed.append(f"{script}\n{done.stdout}")
    return outcome
