"""What the simulated workspaces are made from."""

from dataclasses import field
from datetime import datetime

from carrel.domain.fleet.templates import Template
from carrel.domain.records import dataclass


@dataclass(slots=True)
class Blueprint:
    """A template: its rules, and what a simulation needs besides.

    Attributes:
        rules: What decides when its workspaces stop.
        display_name: For people to read.
        created_at: Since when.
        updated_at: Its last change.
        version_name: Name of the active version.
        older_versions: Ids of former versions.
        daily_credits: What a running workspace counts a day.
        start_seconds: How long a start takes, about.
        stop_seconds: How long a stop takes, about.
        prebuilds: How many workspaces wait in its pool.
        ai: Its workspaces work for AI tasks.
        require_active: Starting takes the active version.
        allow_cancel: Users may cancel jobs of their workspaces.
        autostart_days: Weekdays on which an autostart is allowed.
        deprecation: Why nobody should use it; empty: it is current.
        importing: The active version is not ready yet.
    """

    rules: Template
    display_name: str
    created_at: datetime
    updated_at: datetime
    version_name: str = "steady_otter1"
    older_versions: list[str] = field(default_factory=list[str])
    daily_credits: int = 10
    start_seconds: int = 90
    stop_seconds: int = 30
    prebuilds: int = 0
    ai: bool = False
    require_active: bool = False
    allow_cancel: bool = True
    autostart_days: frozenset[int] = frozenset(range(7))
    deprecation: str = ""
    importing: bool = False
