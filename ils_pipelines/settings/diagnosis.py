"""Everything that is wrong with the data of one environment file, in a person's words.

Pydantic reports the fields; the rules over several fields need a whole environment. So that both are reported at once, what
cannot be read is taken out (or replaced by its example) and remembered, and the rules run on what is left.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ils_pipelines.settings.environment import RULES_BROKEN, Environment
from ils_pipelines.settings.problems import Finding, Location, Problem, dotted
from ils_pipelines.settings.section import Section

LineOf = Callable[[Location], int | None]
_MOST_ROUNDS = 20

# What to write instead, by pydantic's type of error; `{…}` are its context.
_REMEDIES: Mapping[str, str] = {
    "int_type": "Write a whole number, without quotes.",
    "bool_type": "Write true or false, without quotes.",
    "string_type": "Put the value in quotes.",
    "greater_than_equal": "Use {ge} or more.",
    "less_than_equal": "Use {le} or less.",
    "too_short": "List at least {min_length}.",
    "too_long": "List at most {max_length}.",
    "string_too_short": "Write at least {min_length} characters.",
    "tuple_type": "Write a list: [a, b].",
    "dict_type": "Write a mapping of keys to values.",
    "model_type": "Write a mapping of keys to values.",
    "enum": "Use one of {expected}.",
    "literal_error": "Use one of {expected}.",
    "date_type": "Write a date: 2027-06-30.",
    "date_from_datetime_parsing": "Write a date: 2027-06-30.",
    "date_parsing": "Write a date: 2027-06-30.",
}


def diagnose(
    data: Mapping[str, Any], today: date, line: LineOf = lambda _location: None
) -> tuple[Environment | None, tuple[Problem, ...]]:
    """The environment, or every reason why `data` is none. `line` tells where in the file a place is."""
    problems: list[Problem] = []
    unreadable: set[Location] = set()
    draft: dict[str, Any] = copy.deepcopy(dict(data))
    for _ in range(_MOST_ROUNDS):
        try:
            environment = Environment.model_validate(
                draft, context={"today": today, "unreadable": frozenset(unreadable)}
            )
        except ValidationError as error:
            details = _causes(error.errors(include_url=False))
            broken = [
                found for detail in details if detail["type"] == RULES_BROKEN for found in detail["ctx"]["findings"]
            ]
            if broken:
                problems += from_findings(broken, line)
                break
            problems += [_from_detail(detail, line) for detail in details if not _known(detail, unreadable)]
            for detail in details:
                _take_out(draft, detail, unreadable)
        else:
            return (None if problems else environment), tuple(problems)
    return None, tuple(problems)


def _causes(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without the lists that pydantic calls too short only because it did not count their bad elements."""
    places = [detail["loc"] for detail in details]
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(len(place) > len(detail["loc"]) and place[: len(detail["loc"])] == detail["loc"] for place in places)
    ]


def _known(detail: ErrorDetails, unreadable: set[Location]) -> bool:
    """Whether an error only follows from something taken out before."""
    location = detail["loc"]
    return any(location[: len(bad)] == bad or bad[: len(location)] == location for bad in unreadable)


def from_findings(findings: Iterable[Finding], line: LineOf) -> tuple[Problem, ...]:
    """Findings of a whole environment as problems of its file."""
    return tuple(
        Problem(dotted(f.location), f.value, f.message, f.remedy, f.severity, line(f.location)) for f in findings
    )


def _from_detail(detail: ErrorDetails, line: LineOf) -> Problem:
    location = _location(detail)
    context = detail.get("ctx", {})
    value: Any = detail["input"]
    match detail["type"]:
        case "extra_forbidden" | "invalid_key":
            message, remedy = "is not a key that is known here", _known_keys_remedy(location)
        case "missing":
            value = None
            message, remedy = "is missing", f"Add it, for example: {location[-1]}: {_example(location)}"
        case "refused":
            message, remedy = context["reason"], context["remedy"]
        case other:
            message = detail["msg"].removeprefix("Input ").removeprefix("Value ")
            remedy = _REMEDIES.get(other, "See the description of this field.").format_map(context)
    return Problem(dotted(location), value, message, remedy, line=line(location))


def _location(detail: ErrorDetails) -> Location:
    """Where an error is; for a bad key of a mapping, the place of that key."""
    return tuple(step for step in detail["loc"] if step != "[key]")


def _known_keys_remedy(location: Location) -> str:
    section = _section_at(location[:-1])
    known = [] if section is None else list(section.model_fields)
    guess = _closest(location)
    return f"Did you mean {guess!r}?" if guess else f"Remove it; known here: {', '.join(known)}."


def _closest(location: Location) -> str | None:
    section = _section_at(location[:-1])
    if section is None:
        return None
    return next(iter(get_close_matches(str(location[-1]), section.model_fields, n=1, cutoff=0.6)), None)


def _example(location: Location) -> Any:
    section = _section_at(location[:-1])
    examples = [] if section is None else section.model_fields[str(location[-1])].examples or []
    return examples[0] if examples else "…"


def _take_out(draft: dict[str, Any], detail: ErrorDetails, unreadable: set[Location]) -> None:
    """Make the draft readable where `detail` says that it is not, and remember what can no longer be trusted."""
    location = _location(detail)
    if not location:
        draft.clear()
        return
    holder = _holder(draft, location)
    last = location[-1]
    if isinstance(holder, list) or (holder is None and len(location) > 1):
        # One bad element: the list as a whole says something else without it.
        _take_out(draft, {**detail, "loc": location[:-1]}, unreadable)
        return
    if not isinstance(holder, dict):
        return
    if detail["type"] == "invalid_key":
        # A date or nothing at all, which the place has as text. All there are go: each has a problem of its own.
        for key in [key for key in holder if not isinstance(key, str)]:
            del holder[key]
        return
    if detail["type"] == "extra_forbidden":
        holder.pop(last, None)
        meant = _closest(location)
        if meant is not None:
            unreadable.add((*location[:-1], meant))
        return
    unreadable.add(location)
    section = _section_at(location[:-1])
    field = None if section is None else section.model_fields.get(str(last))
    if field is not None and field.is_required():
        holder[last] = copy.deepcopy((field.examples or [None])[0])
    else:
        holder.pop(last, None)


def _holder(draft: Any, location: Location) -> Any:
    for step in location[:-1]:
        try:
            draft = draft[step]
        except (KeyError, IndexError, TypeError):
            return None
    return draft


def _section_at(location: Location) -> type[Section] | None:
    """The kind of section that stands at a place, whatever the file has there."""
    kind: Any = Environment
    for step in location:
        if isinstance(step, int):
            continue
        field = kind.model_fields.get(step) if _is_section(kind) else None
        kind = None if field is None else next(_sections_in(field.annotation), None)
    return kind if _is_section(kind) else None


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _sections_in(annotation: Any) -> Any:
    if _is_section(annotation):
        yield annotation
    for argument in get_args(annotation):
        yield from _sections_in(argument)
