"""Keep-alive leases: somebody says that a workspace must go on, why, and until when."""

from datetime import datetime

from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """A workspace is kept running until a moment.

    Attributes:
        keep_id: Its id.
        workspace_id: What it keeps.
        by: Who asked.
        reason: Why, in their words.
        at: Since when.
        until: Until when.
    """

    keep_id: str
    workspace_id: str
    by: str
    reason: str
    at: datetime
    until: datetime
