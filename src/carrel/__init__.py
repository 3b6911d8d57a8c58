"""Carrel: workspaces for developers and coding agents, isolated, fast, and never lost."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carrel.api import DatabaseService, WorkspaceManagerService
    from carrel.domain.results import CommitInfo, MergeResult, WorkspaceChanges, WorkspaceInfo
    from carrel.errors import CarrelError

__version__ = "0.1.0"

__all__ = [
    "CarrelError",
    "CommitInfo",
    "DatabaseService",
    "MergeResult",
    "WorkspaceChanges",
    "WorkspaceInfo",
    "WorkspaceManagerService",
    "__version__",
]

_HOMES = {
    "CarrelError": "carrel.errors",
    "CommitInfo": "carrel.domain.results",
    "DatabaseService": "carrel.api",
    "MergeResult": "carrel.domain.results",
    "WorkspaceChanges": "carrel.domain.results",
    "WorkspaceInfo": "carrel.domain.results",
    "WorkspaceManagerService": "carrel.api",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for; importing `carrel` stays cheap."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'carrel' has no attribute {name!r}")
    return getattr(import_module(home), name)
