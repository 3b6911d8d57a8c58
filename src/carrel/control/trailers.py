"""Trailers in checkpoint messages: enough to write a lost database row again."""

import re

_TRAILERS = re.compile(
    r"\n\nCarrel-Workspace: \S+\nCarrel-Reason: (?P<reason>\S+)"
    r"(?:\nCarrel-Iteration: (?P<iteration>\d+))?\s*\Z"
)


def with_trailers(message: str, workspace_id: str, iteration: int | None, reason: str) -> str:
    """Return `message` as it is stored in a checkpoint's commit."""
    lines = [f"Carrel-Workspace: {workspace_id}", f"Carrel-Reason: {reason}"]
    if iteration is not None:
        lines.append(f"Carrel-Iteration: {iteration}")
    return message.rstrip() + "\n\n" + "\n".join(lines) + "\n"


def split_trailers(stored: str) -> tuple[str, int | None, str]:
    """Return message, iteration and reason of a stored message; the reason may be empty."""
    found = _TRAILERS.search(stored)
    if found is None:
        return stored.strip(), None, ""
    number = found["iteration"]
    return stored[: found.start()], int(number) if number else None, found["reason"]
