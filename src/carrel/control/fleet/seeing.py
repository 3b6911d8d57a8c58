"""Errors of looking at one thing of a fleet that say nothing of the others."""

from carrel.errors import FailedError

UNSEEN = frozenset({"fleet_forbidden", "fleet_answer_unknown", "fleet_not_offered"})
"""A whole deployment that does not answer, or a refused token, is another matter."""


def unseen(error: FailedError) -> str:
    """Say in one paragraph why something can't be seen now."""
    return f"It can't be seen now: {error.what} {error.why}".strip()
