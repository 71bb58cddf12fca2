"""Commands of the AWS CLI as calls of AWS, by botocore's own models, which the CLI is made of.

The CLI itself pins another botocore than this project, so it is not among its packages. What is known here of its rules
is what the documents need: an option is the parameter's name with dashes; a list takes several words; a structure is JSON or
`key=value,...`; a flag is a boolean; `file://` reads a file; `--query` and `--output text` shape what is printed. Run as a
program this is `aws` for a test, against the endpoint that the environment names and no other.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jmespath
from botocore import xform_name
from botocore.exceptions import ClientError, UnknownServiceError
from botocore.session import Session, get_session
from botocore.validate import ParamValidator

GLOBAL_OPTIONS = {"region", "profile", "query", "output"}
"""Options of the AWS CLI itself."""
RENAMED = {("eks", "kubernetes-version"): "version"}
"""Options that the AWS CLI calls otherwise: --version is its own."""
FILE = "file://"


class NotACommand(ValueError):
    """What the AWS CLI would refuse."""


@dataclass(frozen=True)
class AwsCall:
    """One call, whose parameters are those of the API."""

    service: str
    operation: str
    parameters: dict[str, Any]
    options: dict[str, str]


def parse(words: Sequence[str], read: Callable[[str], str] = lambda name: Path(name).read_text()) -> AwsCall:
    """The call behind `aws SERVICE OPERATION --option …`. `read` is for what `file://` names.

    Raises `NotACommand` for a service, an operation, an option or a value that there is not, and for what is missing.
    """
    service, name, *arguments = words
    try:
        model = _session().get_service_model(service)
    except UnknownServiceError as error:
        raise NotACommand(f"AWS has no service {service}") from error
    operations = {xform_name(each, "-"): each for each in model.operation_names}
    if name not in operations:
        raise NotACommand(f"{service} has no operation {name}")
    shape = model.operation_model(operations[name]).input_shape
    members = {xform_name(each, "-"): each for each in shape.members} if shape is not None else {}
    parameters: dict[str, Any] = {}
    options: dict[str, str] = {}
    for option, values in _options(arguments):
        if option in GLOBAL_OPTIONS:
            options[option] = _single(option, values)
            continue
        known = members.get(RENAMED.get((service, option), option))
        if known is None:
            raise NotACommand(f"{service} {name} takes no --{option}")
        parameters[known] = _value(option, values, shape.members[known], read)
    if shape is not None and (problems := ParamValidator().validate(parameters, shape)).has_errors():
        raise NotACommand(f"{service} {name}: {problems.generate_report()}")
    return AwsCall(service, operations[name], parameters, options)


@cache
def _session() -> Session:
    return get_session()


def _options(arguments: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for word in arguments:
        if word.startswith("--"):
            found.append((word.removeprefix("--"), []))
        elif not found:
            raise NotACommand(f"{word} belongs to no option")
        else:
            found[-1][1].append(word)
    yield from found


def _single(option: str, values: Sequence[str]) -> str:
    if len(values) != 1:
        raise NotACommand(f"--{option} takes one value, found {len(values)}")
    return values[0]


def _value(option: str, values: list[str], shape: Any, read: Callable[[str], str]) -> Any:
    """What the words after an option mean, as the parameter's shape has it."""
    if shape.type_name == "boolean":
        if values:
            raise NotACommand(f"--{option} takes no value")
        return True
    if len(values) == 1 and values[0].startswith(FILE):
        values = [read(values[0].removeprefix(FILE))]
    if shape.type_name == "list" and not (values and values[0].startswith("[")):
        return [_value(option, [each], shape.member, read) for each in values]
    text = _single(option, values)
    if shape.type_name in {"list", "structure", "map"}:
        return json.loads(text) if text.startswith(("{", "[")) else _shorthand(option, text, shape)
    if shape.type_name in {"integer", "long"}:
        return int(text)
    if (enum := getattr(shape, "enum", None)) and text not in enum:
        raise NotACommand(f"--{option} takes {', '.join(enum)}, found {text}")
    return text


def _shorthand(option: str, text: str, shape: Any) -> dict[str, Any]:
    pairs = dict(pair.split("=", 1) for pair in text.split(","))
    if shape.type_name == "map":
        return dict(pairs)
    if unknown := pairs.keys() - shape.members.keys():
        raise NotACommand(f"--{option} has no {', '.join(sorted(unknown))}")
    return {key: _value(f"{option} {key}", [each], shape.members[key], str) for key, each in pairs.items()}


def run(call: AwsCall, endpoint: str, region: str) -> str:
    """What the CLI would print. Raises botocore's ClientError."""
    client = _session().create_client(
        call.service,
        region_name=call.options.get("region", region),
        endpoint_url=endpoint,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
    )
    answer = getattr(client, xform_name(call.operation))(**call.parameters)
    del answer["ResponseMetadata"]
    if "query" in call.options:
        answer = jmespath.search(call.options["query"], answer)
    if call.options.get("output") == "text" and not isinstance(answer, dict):
        return "\t".join(str(each) for each in (answer if isinstance(answer, list) else [answer]))
    return json.dumps(answer, default=str, indent=2)


def main() -> int:
    try:
        sys.stdout.write(run(parse(sys.argv[1:]), os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_REGION"]) + "\n")
    except (NotACommand, ClientError) as error:
        sys.stderr.write(f"aws: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
