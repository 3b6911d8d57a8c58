"""A project: a repository that workspaces are made from."""

from datetime import datetime
from enum import StrEnum

from carrel.domain.records import dataclass


class SourceKind(StrEnum):
    """Where a project's repository lives, and so where merges land."""

    PATH = "path"
    """A repository on this machine; merges land in it."""
    URL = "url"
    """A remote; merges land in the store, and at the remote when pushed."""


@dataclass(frozen=True, slots=True)
class Project:
    """A registered repository.

    Attributes:
        project_id: Short stable id, such as `p-k3v9x0`.
        name: Unique without regard to case.
        kind: Path or URL.
        source: Absolute path of the repository, or its URL without any credential.
        home: Absolute folder that holds the stores and layers (`base.git`, `vault.git`, …).
        default_branch: The branch that workspaces start from when none is named.
        created_at: UTC.
    """

    project_id: str
    name: str
    kind: SourceKind
    source: str
    home: str
    default_branch: str
    created_at: datetime
