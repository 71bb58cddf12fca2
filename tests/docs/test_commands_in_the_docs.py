"""What the documents tell people to type."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from ils_pipelines.cli import app
from tests.docs.aws_command import refusals
from tests.docs.by_hand import filled
from tests.docs.commands import blocks_for_the_sandbox, commands
from tests.end_to_end.conftest import LocalSandbox

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "operations-guide.md"
OF_A_PERSON = {("configure", "sso"), ("sso", "login")}
"""Commands of the AWS CLI that ask something, in a browser."""
_ARN = "arn:aws:iam::123456789012:policy/one"
TYPED = {
    "START": "1767225600",
    "END": "1767225600",
    "TIME": "2026-01-01T00:00:00Z",
    "ACCOUNT_ID": "123456789012",
    "CERTIFICATE_ARN": _ARN,
    "PROVIDER_ARN": _ARN,
    "THUMBPRINT": "0" * 40,
    "$policy": _ARN,
    "$REGION": "us-east-1",
}
"""What stands for placeholders of which AWS takes not every text."""
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_and_option_exists(document: Path) -> None:
    program = typer.main.get_command(app)
    for said in (command for command in commands(document) if command.program == "ils"):
        command: Any = program
        words = list(said.words[1:])
        while hasattr(command, "commands") and words and not words[0].startswith("-"):
            named = [command.commands.get(name) for name in words.pop(0).split("|")]
            assert None not in named, said.text
            command = named[0]
        options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        for option in (each.split("=")[0] for word in words for each in word.strip("[]").split("/")):
            assert not option.startswith("--") or option in options | {"--help"}, said.text


def test_the_aws_cli_takes_every_command_of_its_own() -> None:
    said = [
        each
        for page in DOCUMENTS
        for each in commands(page)
        if each.program == "aws" and each.words[1:3] not in OF_A_PERSON
    ]
    answers = refusals([[filled(word, TYPED) for word in each.words[1:]] for each in said])

    assert {each.text.strip(): answer for each, answer in zip(said, answers, strict=True) if answer} == {}
    assert len(said) > 40


REFUSED = {
    "pigs fly": "Invalid choice",
    "iam make-role --role-name a": "Invalid choice",
    "iam create-role --role-name a": "required: --assume-role-policy-document",
    "eks list-access-entries --cluster-name a --namespace b": "Unknown options: --namespace",
    "eks update-nodegroup-config --cluster-name a --nodegroup-name b --scaling-config least=2": "least",
    "acm request-certificate --domain-name a --validation-method PHONE": "takes EMAIL, DNS",
}


def test_what_the_aws_cli_would_refuse_is_found() -> None:
    answers = refusals([line.split() for line in REFUSED])

    assert {line for (line, why), answer in zip(REFUSED.items(), answers, strict=True) if why not in answer} == set()


def test_every_variable_of_the_product_is_in_the_guide() -> None:
    said = GUIDE.read_text(encoding="utf-8")
    read = {
        name
        for folder in ("ils_pipelines", "ils_sandbox")
        for source in (ROOT / folder).rglob("*.py")
        for name in re.findall(r'"((?:ILS|DAGSTER|XDG)_[A-Z_]+)"', source.read_text(encoding="utf-8"))
    }
    deployment = (ROOT / "deploy" / "dagster.yaml").read_text(encoding="utf-8")
    read |= set(re.findall(r"env: ([A-Z_]+)", deployment))
    image = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    read |= set(re.findall(r"^(?:ENV )?\s+((?:ILS|DAGSTER|PG)[A-Z_]*)=", image, re.MULTILINE))

    assert {name for name in read if f"`{name}`" not in said} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8"))

    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_guide_works_from_the_top_to_the_bottom(tmp_path: Path) -> None:
    lines = [shlex.split(line)[1:] for body in blocks_for_the_sandbox(GUIDE) for line in body.splitlines()]
    sandbox = LocalSandbox(tmp_path)
    try:
        said = [sandbox.ils(*line).stdout for line in lines]
    finally:
        sandbox.ils("sandbox", "stop")

    assert len(lines) > 20
    made = r"^\s*(\w+) +(\d+) .*$|^(\d+) changes made"
    shown = re.findall(made, (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == re.findall(made, said[lines.index(["up", "dev"])], re.MULTILINE)
    assert len(shown) > 10
