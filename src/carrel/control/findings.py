"""What a reconciliation finds."""

from collections.abc import Callable

from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference, and its one cure.

    Attributes:
        kind: Stable name, such as `half_created`.
        subject: Workspace, folder or project.
        what: One sentence.
        cure: What is done about it.
        applied: It was done.
        detail: Why it was not, if it was tried.
    """

    kind: str
    subject: str
    what: str
    cure: str
    applied: bool = False
    detail: str = ""


Step = tuple[Finding, Callable[[], object]]
"""A finding, and what cures it."""
