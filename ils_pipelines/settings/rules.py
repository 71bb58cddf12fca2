"""Rules that look at more than one field.

They stand beside the sections instead of inside pydantic's validators, because pydantic stops at the first one and skips
them all once a field is bad; here every rule runs whose fields could be read, so that a person sees every problem at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from ils_pipelines.settings.problems import Finding, Location
from ils_pipelines.settings.section import Section

S = TypeVar("S", bound=Section)
Check = Callable[[S, date], Iterable[Finding]]


@dataclass(frozen=True)
class Rule:
    """A check of one kind of section, and the fields of that section it reads, each a location relative to it."""

    reads: tuple[Location, ...]
    check: Check[Any]


_RULES: dict[type[Section], list[Rule]] = {}


def rule(section: type[S], *reads: str) -> Callable[[Check[S]], Check[S]]:
    """Register a check of `section`. `reads` names the fields it looks at, dots for nested ones."""

    def register(check: Check[S]) -> Check[S]:
        locations: tuple[Location, ...] = tuple(tuple(read.split(".")) for read in reads)
        _RULES.setdefault(section, []).append(Rule(locations, check))
        return check

    return register


def rules_of(section: type[Section]) -> tuple[Rule, ...]:
    """The rules registered for a kind of section."""
    return tuple(_RULES.get(section, ()))


def findings(section: Section, today: date, unreadable: frozenset[Location] = frozenset()) -> Iterator[Finding]:
    """What all rules find in a section and in all sections inside it, with locations from the outermost one.

    A rule that reads an `unreadable` place is skipped: what stands there now is not what the file says.
    """
    for location, inner in _sections(section, ()):
        for known in rules_of(type(inner)):
            if any(_overlap((*location, *read), bad) for read in known.reads for bad in unreadable):
                continue
            for found in known.check(inner, today):
                yield Finding(
                    (*location, *found.location), found.value, found.message, found.remedy, severity=found.severity
                )


def _sections(value: Any, location: Location) -> Iterator[tuple[Location, Section]]:
    if isinstance(value, Section):
        yield location, value
        for name in type(value).model_fields:
            yield from _sections(getattr(value, name), (*location, name))
    elif isinstance(value, tuple):
        for index, element in enumerate(value):
            yield from _sections(element, (*location, index))


def _overlap(one: Location, other: Location) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def repeated(keys: Iterable[Hashable]) -> Iterator[int]:
    """The place in the list of each that was there before."""
    seen: set[Hashable] = set()
    for index, key in enumerate(keys):
        if key in seen:
            yield index
        seen.add(key)
