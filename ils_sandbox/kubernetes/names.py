"""Causes why an object is invalid, and the forms that names, labels and keys have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ils_sandbox.kubernetes.statuses import Cause

Causes = Iterator[Cause]

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
DNS_LABEL = re.compile(rf"^{_LABEL}$")
DNS_SUBDOMAIN = re.compile(rf"^{_LABEL}(\.{_LABEL})*$")
QUALIFIED_NAME = re.compile(r"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$")
LABEL_VALUE = re.compile(r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")
DATA_KEY = re.compile(r"^[-._a-zA-Z0-9]+$")
PATH_NAME = re.compile(r"^(?!\.{1,2}$)[^/%]+$")
"""Names of roles and their bindings may have colons and capitals."""
SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
NAME_PART_TEXT = "name part must consist of alphanumeric characters, '-', '_' or '.'"


def required(path: str) -> Cause:
    return Cause(path, "FieldValueRequired", "Required value")


def duplicate(path: str, shown: str) -> Cause:
    return Cause(path, "FieldValueDuplicate", f"Duplicate value: {shown}")


def wrong(path: str, value: Any, why: str) -> Cause:
    shown = f'"{value}"' if isinstance(value, str) else value
    return Cause(path, "FieldValueInvalid", f"Invalid value: {shown}: {why}")


def check_labels(labels: Mapping[str, str], path: str) -> Causes:
    for key, value in labels.items():
        if not is_qualified(key):
            yield wrong(path, key, NAME_PART_TEXT)
        if len(value) > 63:
            yield wrong(path, value, "must be no more than 63 bytes")
        elif not LABEL_VALUE.match(value):
            yield wrong(
                path,
                value,
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
                "start and end with an alphanumeric character",
            )


def is_qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    valid = len(name) <= 63 and bool(QUALIFIED_NAME.match(name))
    return valid and (not slash or bool(DNS_SUBDOMAIN.match(prefix.lower())))
