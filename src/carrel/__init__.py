"""Carrel: workspaces for developers and coding agents, isolated, fast, and never lost."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carrel.api.autostop import AutoStopAgent
    from carrel.api.controller import WorkspaceController
    from carrel.api.enterprise import EnterpriseQuietHours
    from carrel.api.prune import PruneWorkspacesAgent
    from carrel.api.quiet_hours import QuietHoursAgent
    from carrel.api.results import RunResults, ScheduledStop, TTLReport, WorkspaceStanding
    from carrel.api.ttl_monitor import TTLMonitorAgent
    from carrel.api.workspaces import DatabaseService, WorkspaceManagerService
    from carrel.control.fleet.pruning import PruneFilters
    from carrel.domain.results import CommitInfo, MergeResult, WorkspaceChanges, WorkspaceInfo
    from carrel.errors import CarrelError

__version__ = "0.1.0"

__all__ = [
    "AutoStopAgent",
    "CarrelError",
    "CommitInfo",
    "DatabaseService",
    "EnterpriseQuietHours",
    "MergeResult",
    "PruneFilters",
    "PruneWorkspacesAgent",
    "QuietHoursAgent",
    "RunResults",
    "ScheduledStop",
    "TTLMonitorAgent",
    "TTLReport",
    "WorkspaceChanges",
    "WorkspaceController",
    "WorkspaceInfo",
    "WorkspaceManagerService",
    "WorkspaceStanding",
    "__version__",
]

_HOMES = {
    "AutoStopAgent": "carrel.api.autostop",
    "CarrelError": "carrel.errors",
    "CommitInfo": "carrel.domain.results",
    "DatabaseService": "carrel.api.workspaces",
    "EnterpriseQuietHours": "carrel.api.enterprise",
    "MergeResult": "carrel.domain.results",
    "PruneFilters": "carrel.control.fleet.pruning",
    "PruneWorkspacesAgent": "carrel.api.prune",
    "QuietHoursAgent": "carrel.api.quiet_hours",
    "RunResults": "carrel.api.results",
    "ScheduledStop": "carrel.api.results",
    "TTLMonitorAgent": "carrel.api.ttl_monitor",
    "TTLReport": "carrel.api.results",
    "WorkspaceChanges": "carrel.domain.results",
    "WorkspaceController": "carrel.api.controller",
    "WorkspaceInfo": "carrel.domain.results",
    "WorkspaceManagerService": "carrel.api.workspaces",
    "WorkspaceStanding": "carrel.api.results",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for; importing `carrel` stays cheap."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'carrel' has no attribute {name!r}")
    return getattr(import_module(home), name)
