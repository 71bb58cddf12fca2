"""Kubernetes quantities (`250m`, `1.5Gi`): their value and the form in which an API server gives them back."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

_FORM = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)?)$")
_BINARY = {suffix: Decimal(2) ** (10 * power) for power, suffix in enumerate(("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}


def parse(text: str | float) -> Decimal:
    """The value of a quantity, in its base unit (cores, bytes). Raises ValueError."""
    match = _FORM.match(str(text))
    if match is None:
        raise ValueError(f"{text!r} is not a quantity")
    number, exponent, suffix = match.groups()
    value = Decimal(number)
    if exponent:
        return value.scaleb(int(exponent[1:]))
    suffix = suffix or ""
    return value * _BINARY[suffix] if suffix in _BINARY else value.scaleb(_DECIMAL[suffix])


def canonical(text: str | float) -> str:
    """The form in which an API server stores it: the largest unit that leaves an integer. Raises ValueError.

    Where no binary unit does, it is a decimal one: 312.5Ki is 320k (as a real server of 1.35 answers).
    """
    value = parse(text)
    suffix = str(text).lstrip("+-0123456789.")
    if suffix in _BINARY and suffix and value == value.to_integral_value() and abs(value) >= 1024:
        for unit in reversed(_BINARY):
            if unit and value % _BINARY[unit] == 0:
                return f"{int(value / _BINARY[unit])}{unit}"
    nano = value.scaleb(9).to_integral_value(ROUND_CEILING)
    if nano == 0:
        return "0"
    exponent = -9
    while exponent < 18 and nano % 1000 == 0:
        nano /= 1000
        exponent += 3
    if suffix[:1] in ("e", "E") and suffix != "E":
        return f"{int(nano)}{suffix[0]}{exponent}" if exponent else f"{int(nano)}"
    return f"{int(nano)}{_SUFFIX[exponent]}"
