"""What differs between a resource's state and what its program wants.

The state is the provider's own outputs: every input that was given is among them. A property that AWS fills in by
itself is no difference when the program does not give it; any other that is taken out of the program is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pulumi.provider.experimental.provider import PropertyDiffKind

from ils_sandbox.provider.fields import Field, Kind, flag_of, number_of, text_of
from ils_sandbox.provider.policies import meaning
from ils_sandbox.provider.values import UNKNOWN


class How(Enum):
    ADD = "ADD"
    DELETE = "DELETE"
    UPDATE = "UPDATE"


Step = str | int
Path = tuple[Step, ...]


@dataclass(frozen=True)
class Difference:
    path: Path
    how: How
    replace: bool

    @property
    def top(self) -> str:
        """The name of the property that it is in."""
        return str(self.path[0])

    @property
    def kind(self) -> PropertyDiffKind:
        return PropertyDiffKind[self.how.value + ("_REPLACE" if self.replace else "")]

    def __str__(self) -> str:
        return render(self.path)


def render(path: Path) -> str:
    """A property path as Pulumi writes it: `tags.Name`, `ingress[0].fromPort`, `labels["a.b/c"]`."""
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        elif step.replace("_", "a").replace("-", "a").isalnum():
            shown += f".{step}" if shown else step
        else:
            shown += '["' + step.replace("\\", "\\\\").replace('"', '\\"') + '"]'
    return shown


def differences(
    fields: Iterable[Field],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    parents: Path = (),
    *,
    replace: bool = False,
) -> Iterator[Difference]:
    """Every difference between two sets of properties, in the order of the table."""
    for field in fields:
        path = (*parents, field.name)
        yield from _field(field, path, old.get(field.name), new.get(field.name), replace or field.replace)


def same(field: Field, old: Any, new: Any) -> bool:
    """Whether `new`, in a program, asks for what `old` is."""
    return next(_field(field, (field.name,), old, new, replace=False), None) is None


def _field(field: Field, path: Path, old: Any, new: Any, replace: bool) -> Iterator[Difference]:
    if new is UNKNOWN:
        yield Difference(path, How.ADD if _nothing(field, old) else How.UPDATE, replace)
        return
    if new is None:
        if field.computed:
            return
        if field.default is None:
            if not _nothing(field, old):
                yield Difference(path, How.DELETE, replace)
            return
        new = field.default
    if old is None:
        old = field.default
    if _nothing(field, old):
        if _nothing(field, new):
            return
        if field.kind is not Kind.BLOCK or not old:
            yield Difference(path, How.ADD, replace)
            return
    yield from _CONTENTS.get(field.kind, _scalar)(field, path, old, new, replace)


def _scalar(field: Field, path: Path, old: Any, new: Any, replace: bool) -> Iterator[Difference]:
    if not _equal_scalars(field, old, new):
        yield Difference(path, How.UPDATE, replace)


def _map(_field: Field, path: Path, old: Any, new: Any, replace: bool) -> Iterator[Difference]:
    for key in sorted(old.keys() | new.keys()):
        step = (*path, key)
        if key not in new:
            yield Difference(step, How.DELETE, replace)
        elif key not in old:
            yield Difference(step, How.ADD, replace)
        elif new[key] is UNKNOWN or text_of(old[key]) != text_of(new[key]):
            yield Difference(step, How.UPDATE, replace)


def _block(field: Field, path: Path, old: Any, new: Any, replace: bool) -> Iterator[Difference]:
    yield from differences(field.fields, old, new, path, replace=replace)


def _list(field: Field, path: Path, old: Any, new: Any, replace: bool) -> Iterator[Difference]:
    for index in range(max(len(old), len(new))):
        step = (*path, index)
        if index >= len(new):
            yield Difference(step, How.DELETE, replace)
        elif index >= len(old):
            yield Difference(step, How.ADD, replace)
        elif new[index] is UNKNOWN:
            yield Difference(step, How.UPDATE, replace)
        elif field.fields:
            yield from differences(field.fields, old[index], new[index], step, replace=replace)
        elif not _equal_scalars(field, old[index], new[index]):
            yield Difference(step, How.UPDATE, replace)


def _set(field: Field, path: Path, old: Any, new: Any, replace: bool) -> Iterator[Difference]:
    gone = list(range(len(old)))
    added: list[int] = []
    for index, item in enumerate(new):
        match = next((i for i in gone if _equal_items(field, old[i], item)), None)
        if match is None:
            added.append(index)
        else:
            gone.remove(match)
    for index in sorted({*gone, *added}):
        how = How.UPDATE if index in gone and index in added else How.DELETE if index in gone else How.ADD
        yield Difference((*path, index), how, replace)


_CONTENTS: Mapping[Kind, Callable[[Field, Path, Any, Any, bool], Iterator[Difference]]] = {
    Kind.MAP: _map,
    Kind.BLOCK: _block,
    Kind.LIST: _list,
    Kind.SET: _set,
}


def _equal_items(field: Field, old: Any, new: Any) -> bool:
    if new is UNKNOWN:
        return False
    if not field.fields:
        return _equal_scalars(field, old, new)
    return next(differences(field.fields, old, new), None) is None


def _equal_scalars(field: Field, old: Any, new: Any) -> bool:
    if _canonical(field, old) == _canonical(field, new):
        return True
    return field.accepts is not None and field.accepts(text_of(old), text_of(new))


def _canonical(field: Field, value: Any) -> Any:
    """Equal for values that AWS takes for the same."""
    if isinstance(value, dict | list):
        return value
    match field.kind:
        case Kind.NUMBER:
            try:
                return number_of(value)
            except ValueError:
                return value
        case Kind.FLAG:
            return flag_of(value)
        case Kind.JSON:
            return meaning(text_of(value))
        case _:
            shown = text_of(value)
            return field.canonical(shown) if field.canonical else shown


def _nothing(field: Field, value: Any) -> bool:
    """Whether leaving the property out says the same: AWS does not tell unset from empty, zero or off."""
    if value is None or value in ("", [], {}, ()):
        return True
    if field.kind is Kind.BLOCK and isinstance(value, Mapping):
        return all(f.default is None and _nothing(f, value.get(f.name)) for f in field.fields)
    if field.kind is Kind.FLAG:
        return not flag_of(value)
    return field.kind is Kind.NUMBER and _canonical(field, value) == 0


def covered(difference: Difference, ignored: Sequence[str]) -> bool:
    """Whether a path of `ignore_changes` covers the difference; `*` stands for any one step."""
    return any(_covers(parse(path), difference.path) for path in ignored)


def _covers(pattern: Path, path: Path) -> bool:
    return len(pattern) <= len(path) and all(p in ("*", s) for p, s in zip(pattern, path, strict=False))


def parse(path: str) -> Path:
    """The steps of a Pulumi property path. Raises ValueError when it is not one."""
    steps: list[Step] = []
    rest = path
    while rest:
        if rest.startswith('["'):
            end = _closing_quote(rest)
            steps.append(rest[2:end].replace('\\"', '"').replace("\\\\", "\\"))
            rest = rest[end + 2 :]
        elif rest.startswith("["):
            end = rest.index("]")
            inside = rest[1:end]
            steps.append(inside if inside == "*" else int(inside))
            rest = rest[end + 1 :]
        else:
            rest = rest.removeprefix(".")
            end = min((i for i in (rest.find("."), rest.find("[")) if i >= 0), default=len(rest))
            if not end:
                raise ValueError(f"{path!r} is not a property path")
            steps.append(rest[:end])
            rest = rest[end:]
    return tuple(steps)


def _closing_quote(rest: str) -> int:
    index = 2
    while rest[index] != '"':
        index += 2 if rest[index] == "\\" else 1
    return index
