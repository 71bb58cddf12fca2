"""Commands of the AWS CLI, given to the CLI itself, which makes no call of them."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

NOWHERE = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "us-east-1"}


def refusals(commands: Sequence[Sequence[str]]) -> list[str]:
    """What the CLI has against each, without `aws` itself: an unknown service, operation, option or value, what is missing.

    Empty where it would make the call. Files that `file://` names are not read: they count as an empty JSON object.
    """
    words = [["{}" if word.startswith("file://") else word for word in command] for command in commands]
    # In a process of its own: within the CLI comes another botocore than this project's.
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(words),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=240,
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | NOWHERE,
    )
    found: list[str] = json.loads(done.stdout)
    return found


def main() -> None:
    from awscli.clidriver import create_clidriver
    from botocore.awsrequest import AWSResponse

    def no_call(params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        return AWSResponse(params["url"], 200, {}, None), {}

    said = []
    for command in json.load(sys.stdin):
        # A driver keeps the region of its last command.
        driver = create_clidriver()
        driver.session.register("provide-client-params", _refuse_unknown_values)
        driver.session.register("before-call", no_call)
        said.append(_told(driver, command))
    json.dump(said, sys.stdout)


def _told(driver: Any, command: list[str]) -> str:
    told = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(told):
        try:
            code = driver.main(command)
        except SystemExit as end:
            code = end.code
    return told.getvalue() or f"exit code {code}" if code else ""


def _refuse_unknown_values(params: dict[str, Any], model: Any, **_: Any) -> None:
    """The CLI leaves it to AWS to refuse what is none of a list of values."""
    if wrong := list(_unknown_values(model.input_shape, params)):
        raise ValueError("; ".join(wrong))


def _unknown_values(shape: Any, value: Any) -> Iterator[str]:
    if shape is not None and shape.type_name == "structure":
        for name, each in value.items():
            # What it has not, the CLI refuses.
            yield from _unknown_values(shape.members.get(name), each)
    elif shape is not None and shape.type_name == "list":
        for each in value:
            yield from _unknown_values(shape.member, each)
    elif (known := getattr(shape, "enum", None)) and value not in known:
        yield f"{shape.name} takes {', '.join(known)}, found {value}"


if __name__ == "__main__":
    main()
