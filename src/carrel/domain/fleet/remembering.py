"""What is remembered of how a fleet was: recorded observations, running time, bills."""

from datetime import datetime

from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """One recorded observation, as it is stored.

    Attributes:
        at: Of which moment.
        alone: Whether it stands alone; else it says what differs from the one before.
        body: The document, compressed.
    """

    at: datetime
    alone: bool
    body: bytes


@dataclass(frozen=True, slots=True)
class Ran:
    """For how long a workspace has run in a month.

    Attributes:
        month: When the month began.
        workspace_id: The backend's id.
        workspace: `owner/name`.
        owner: The owner's username.
        template: The template's name.
        seconds: For how long.
    """

    month: datetime
    workspace_id: str
    workspace: str
    owner: str
    template: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Billed:
    """What a provider has billed for a month, for one workspace or for what belongs to none.

    Attributes:
        month: When the month began.
        account: Whose bill: provider and account.
        workspace: `owner/name`, or empty.
        owner: A user's name, or empty.
        template: A template's name, or empty.
        cost: How much.
        currency: Of what.
    """

    month: datetime
    account: str
    workspace: str
    owner: str
    template: str
    cost: float
    currency: str
