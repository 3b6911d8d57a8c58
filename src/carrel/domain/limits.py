"""Limits on workspaces; checked where the row is written."""

from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What may exist at once.

    Attributes:
        max_count: Open workspaces, over all projects.
        max_depth: Longest chain of parents; 0 allows no children.
        disk_threshold_gb: Gigabytes (10⁹ bytes) that must stay free where workspaces live.
    """

    max_count: int = 50
    max_depth: int = 10
    disk_threshold_gb: float = 10.0
