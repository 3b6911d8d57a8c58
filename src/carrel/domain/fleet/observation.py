"""An observation: what was seen of a fleet, when, and how completely."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from carrel.domain.fleet.deployment import Deployment
from carrel.domain.fleet.people import Group, Organization, QuietHours, User
from carrel.domain.fleet.templates import Template
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be seen.

    Attributes:
        what: `workspaces`, `templates`, `users`, `groups`, `organizations`, `quiet_hours`,
            `connections` or `tasks`.
        why: One sentence.
        cure: What would let us see it.
    """

    what: str
    why: str
    cure: str = ""

    @property
    def told(self) -> str:
        """What it is, and why."""
        return f"{self.what}: {self.why}"


@dataclass(frozen=True, slots=True)
class Observation:
    """A fleet at a moment.

    Attributes:
        at: When it was seen: the moment the reading began, UTC.
        deployment: Where.
        workspaces: All that could be seen, dormant ones too; by organization, owner, name.
        templates: By id.
        users: By id.
        groups: By id.
        organizations: By id.
        default_quiet_hours: The deployment's, where licensed and seen.
        gaps: What could not be seen; empty means complete.
    """

    at: datetime
    deployment: Deployment
    workspaces: tuple[FleetWorkspace, ...]
    templates: Mapping[str, Template] = field(default_factory=dict[str, Template])
    users: Mapping[str, User] = field(default_factory=dict[str, User])
    groups: Mapping[str, Group] = field(default_factory=dict[str, Group])
    organizations: Mapping[str, Organization] = field(default_factory=dict[str, Organization])
    default_quiet_hours: QuietHours | None = None
    gaps: tuple[Gap, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything was seen."""
        return not self.gaps

    def lacks(self, *what: str) -> Gap | None:
        """Return the first gap in any of these, or None."""
        return next((gap for gap in self.gaps if gap.what in what), None)
