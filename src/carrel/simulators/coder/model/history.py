"""What the simulated deployment remembers, and what only the simulation knows."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from carrel.domain.records import dataclass


class Licence(StrEnum):
    """What was paid for."""

    PREMIUM = "premium"
    """Everything."""
    NONE = "none"
    """The premium program without a licence: it knows the features and refuses them."""
    AGPL = "agpl"
    """The free program: it has never heard of them."""


WEB = frozenset({"workspace_app", "port_forwarding"})
"""Connections whose end nobody records."""


@dataclass(slots=True)
class Link:
    """One connection to a workspace."""

    link_id: str
    workspace_id: str
    user_id: str
    kind: str
    opened_at: datetime
    closed_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of the audit log."""

    deed_id: str
    at: datetime
    user_id: str
    action: str
    resource_type: str
    resource_id: str
    resource: str
    organization_id: str
    status: int = 200
    fields: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Interruption:
    """A stop that hit a person or an AI agent at work: the truth that a policy is judged by.

    Attributes:
        at: When.
        workspace_id: Where.
        user_id: Whom.
        build_id: The build that did it.
        working: What they were at: `person` or `task`.
    """

    at: datetime
    workspace_id: str
    user_id: str
    build_id: str
    working: str
