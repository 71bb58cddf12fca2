"""A message as each kind of channel writes it."""

from __future__ import annotations

from typing import Any

from ils_pipelines.operations.findings import Urgency
from ils_pipelines.operations.notifications.models import Message, Said, Topic

LONGEST_SUBJECT = 100
"""That SNS takes."""
_MARKS = {
    Urgency.FINE: ":white_check_mark:",
    Urgency.WARNING: ":warning:",
    Urgency.UNKNOWN: ":grey_question:",
    Urgency.CRITICAL: ":rotating_light:",
}


def plain_text(message: Message) -> str:
    """For mail and the like."""
    lines = [message.title, ""]
    for said in message.said:
        lines += _lines(said, message)
    if message.more:
        lines.append(f"… and {message.more} more.")
    return "\n".join([*lines, "", *_foot(message)])


def subject(message: Message) -> str:
    """One line of ASCII, as SNS has it."""
    line = message.title.encode("ascii", "replace").decode()
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 3] + "..."


def slack(message: Message) -> dict[str, Any]:
    """Text that Slack formats: its three special characters are escaped, so that nothing in it becomes a link."""
    mark = _MARKS[Urgency.FINE if message.topic is Topic.OVER else message.urgency]
    lines = [f"{mark} *{_escaped(message.title)}*"]
    for said in message.said:
        head, *rest = _lines(said, message)
        lines += [f"*{_escaped(head)}*", *(f"> {_escaped(line.strip())}" for line in rest)]
    if message.more:
        lines.append(f"… and {message.more} more.")
    return {"text": "\n".join([*lines, *(_escaped(line) for line in _foot(message))])}


def document(message: Message) -> dict[str, Any]:
    """For programs."""
    return {**message.model_dump(mode="json"), "title": message.title}


def _lines(said: Said, message: Message) -> list[str]:
    if message.topic is Topic.OVER:
        return [f"{said.subject} (was {said.urgency})"]
    head = f"{said.urgency}: {said.subject}"
    return [head, f"    expected {said.expected}, found {said.found}", f"    -> {said.remedy}"]


def _foot(message: Message) -> list[str]:
    run = [f"Run: {message.run_id}"] if message.run_id else []
    return [f"Runbook: {message.runbook}", *run, f"Found: {message.at:%Y-%m-%d %H:%M} UTC"]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
